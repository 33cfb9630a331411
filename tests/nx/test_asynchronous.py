"""Message ids: isend, irecv, isendrecv, and the calls that ask by an id."""

from __future__ import annotations

import pytest


def test_a_receive_that_is_posted_is_done_when_its_message_has_come(run):
    run(
        """
        import time
        got = bytearray(4)
        if me == 0:
            mid = irecv(1, got, 4)
            assert mid > 0
            assert msgdone(mid) == 0
            msgwait(mid)
            assert got == b"late" and (infotype(), infocount(), infonode()) == (1, 4, 1)
            assert _msgwait(mid) == -1 and errno == EQMID
        else:
            time.sleep(1)
            csend(1, b"late", 4, 0, 0)
        """
    )


def test_a_program_can_poll_for_it(run):
    run(
        """
        import time
        if me == 0:
            mid = irecv(1, bytearray(4), 4)
            looks = 0
            while not msgdone(mid):
                looks += 1
            assert looks > 1 and infocount() == 2
            assert _msgdone(mid) == -1 and errno == EQMID
        else:
            time.sleep(1e-5)
            csend(1, b"ab", 2, 0, 0)
        """
    )


@pytest.mark.parametrize("size", [8, 100_000, 4_000_000])
def test_the_buffer_of_a_send_is_free_when_it_is_done(run, size):
    run(
        f"""
        import time
        size = {size}
        if me == 0:
            sent = bytearray(b"a" * size)
            mid = isend(1, sent, size, 1, 0)
            if {size} > 1 << 20:
                assert msgdone(mid) == 0 and dclock() < 1
            msgwait(mid)
            sent[:] = b"b" * size
        else:
            time.sleep(1)
            got = bytearray(size)
            crecv(1, got, size)
            assert got == b"a" * size
        """
    )


def test_receives_take_messages_in_the_order_in_which_they_were_posted(run):
    run(
        """
        import time
        if me == 0:
            time.sleep(1)
            for number in range(100):
                csend(number % 2, bytes([number]), 1, 1, 0)
        else:
            buffers = [bytearray(1) for _ in range(100)]
            mids = [irecv(-1 if i % 3 else -2**31 | 3, b, 1) for i, b in enumerate(buffers)]
            for mid in reversed(mids):
                msgwait(mid)
            assert [b[0] for b in buffers] == list(range(100))
        """
    )


def test_extended_ones_choose_and_tell_when_they_are_done(run):
    run(
        """
        if me:
            csend(me, bytes([me]), 1, 0, 0)
        else:
            buffers, infos = [bytearray(1) for _ in range(n)], [[0] * 8 for _ in range(n)]
            mids = [irecvx(-1, buffers[i], 1, i, 0, infos[i]) for i in (2, 1)]
            for mid in mids:
                msgwait(mid)
            assert [b[0] for b in buffers] == [0, 1, 2]
            assert [info[:4] for info in infos] == [[0] * 4, [1, 1, 1, 0], [2, 1, 2, 0]]
            assert infotype() == -1
        """,
        3,
    )


def test_a_send_and_a_receive_have_one_id(run):
    run(
        """
        size = 2_000_000
        got = bytearray(size)
        mid = isendrecv(me, bytes([me]) * size, size, 1 - me, 0, 1 - me, got, size)
        msgwait(mid)
        assert got == bytes([1 - me]) * size and (infotype(), infocount()) == (1 - me, size)
        """
    )


class TestMerging:
    def test_one_id_stands_for_all(self, run):
        run(
            """
            import time
            if me == 0:
                mid = -1
                buffers = [bytearray(1) for _ in range(5)]
                for kind, buffer in enumerate(buffers):
                    mid = msgmerge(mid, irecv(kind, buffer, 1))
                mid = msgmerge(mid, isend(7, b"x", 1, 1, 0))
                while not msgdone(mid):
                    pass
                assert [b[0] for b in buffers] == list(range(5))
                assert _msgdone(mid) == -1 and errno == EQMID
            else:
                time.sleep(1e-4)
                for kind in reversed(range(5)):
                    csend(kind, bytes([kind]), 1, 0, 0)
                crecv(7, bytearray(1), 1)
            """
        )

    def test_nothing_merges_into_nothing(self, run):
        run(
            """
            assert msgmerge(-1, -1) == -1
            msgwait(-1)
            mid = irecv(1, None, 0)
            assert msgmerge(mid, -1) == mid == msgmerge(mid, mid)
            assert _msgmerge(mid, 77) == -1 and errno == EQMID
            msgcancel(mid)
            """,
            1,
        )


class TestCancelling:
    def test_a_receive_takes_no_message_any_more(self, run):
        run(
            """
            got = bytearray(1)
            mid = irecv(1, got, 1)
            msgcancel(mid)
            csend(1, b"x", 1, me, 0)
            assert _msgwait(mid) == -1 and errno == EQMID
            crecv(1, bytearray(1), 1)
            assert got == bytes(1)
            """,
            1,
        )

    def test_one_that_has_its_message_is_just_released(self, run):
        run(
            """
            got = bytearray(1)
            csend(1, b"x", 1, me, 0)
            cprobe(1)
            mid = irecv(1, got, 1)
            msgcancel(mid)
            assert got == b"x" and iprobe(-1) == 0
            """,
            1,
        )

    def test_a_send_leaves_its_buffer_and_can_still_be_received(self, run):
        run(
            """
            size = 3_000_000
            if me == 0:
                sent = bytearray(b"a" * size)
                mid = isend(1, sent, size, 1, 0)
                msgcancel(mid)
                sent[:] = b"b" * size
                csend(2, None, 0, 1, 0)
                mid = isend(3, sent, size, 1, 0)
                msgwait(mid)
            else:
                got = bytearray(size)
                crecv(2, None, 0)
                crecv(1, got, size)
                assert got == b"a" * size
                crecv(3, got, size)
                assert got == b"b" * size
            """
        )

    def test_a_send_that_waits_for_memory_is_taken_back(self, run):
        run(
            """
            import time
            if me == 0:
                mids = [isend(kind, bytes(8), 8, 1, 0) for kind in range(100)]
                for mid in mids[50:]:
                    msgcancel(mid)
                csend(200, None, 0, 1, 0)
            else:
                time.sleep(1)
                for kind in range(50):
                    crecv(-1, bytearray(8), 8)
                    assert infotype() == kind
                crecv(-1, None, 0)
                assert infotype() == 200
            """,
            mbf="4 KiB",
            mea="1 KiB",
        )


def test_what_is_ignored_goes_on_and_gives_its_id_back(run):
    run(
        """
        import time
        if me == 0:
            got = bytearray(1)
            mid = irecv(1, got, 1)
            msgignore(mid)
            assert _msgdone(mid) == -1 and errno == EQMID
            csend(2, None, 0, 1, 0)
            crecv(3, None, 0)
            assert got == b"x"
            # There are two ids, and both are free by now.
            assert len({irecv(9, None, 0), irecv(9, None, 0)}) == 2
        else:
            crecv(2, None, 0)
            csend(1, b"x", 1, 0, 0)
            csend(3, None, 0, 0, 0)
        """,
        ids="2",
    )


class TestTheNumberOfIds:
    def test_it_is_limited(self, run):
        run(
            """
            mids = [irecv(1, None, 0) for _ in range(5)]
            assert len(set(mids)) == 5
            assert _irecv(1, None, 0) == -1 and errno == EQNOMID
            assert _isend(1, None, 0, me, 0) == -1 and errno == EQNOMID
            csend(1, None, 0, me, 0)
            msgwait(mids[0])
            assert irecv(1, None, 0) == mids[0]
            """,
            1,
            ids="5",
        )

    def test_sends_that_are_done_at_once_have_one_until_they_are_asked_for(self, run):
        run(
            """
            mids = [isend(1, b"x", 1, me, 0) for _ in range(5)]
            assert _isend(1, b"x", 1, me, 0) == -1 and errno == EQNOMID
            assert msgdone(mids[3]) == 1
            isend(1, b"x", 1, me, 0)
            """,
            1,
            ids="5",
        )

    def test_so_is_that_of_posted_receives(self, run):
        run(
            """
            mids = [irecv(1, None, 0) for _ in range(8 - 1)]
            assert _irecv(1, None, 0) == -1 and errno == EQNOMID
            # What has failed has taken nothing.
            msgcancel(mids.pop())
            mids.append(irecv(1, None, 0))
            """,
            1,
            match_list="8",
        )


def test_an_error_in_a_message_shows_when_it_is_asked_for(run):
    run(
        """
        mid = irecv(1, bytearray(4), 4)
        csend(1, bytes(5), 5, me, 0)
        assert _msgwait(mid) == -1 and errno == EQMSGLONG
        assert _msgwait(mid) == -1 and errno == EQMID
        """,
        1,
    )


class TestFlushing:
    def test_it_throws_away_what_has_arrived_and_is_selected(self, run):
        run(
            """
            if me:
                for size in (1, 2_000_000):
                    mid = isend(me, bytes(size), size, 0, 0)
                csend(9, None, 0, 0, 0)
                msgwait(mid) if me == 1 else None
            else:
                for _ in range(2):
                    crecv(9, None, 0)
                flushmsg(-1, 1, -1)
                assert iprobe(1) == 0 and iprobe(2) == 1
                flushmsg(2, -1, 0)
                assert iprobe(-1) == 0
                assert _flushmsg(1, 99, 0) == -1 and errno == EQNODE
            """,
            3,
        )
