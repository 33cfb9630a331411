"""csend, crecv, crecvx and csendrecv."""

from __future__ import annotations

import pytest

EXCHANGE = """
    import numpy as np
    if me == 0:
        csend(10, {sent}, {count}, 1, 0)
    else:
        got = {into}
        crecv(10, got, {room})
        come, gone = (memoryview(each).cast("B")[:{count}] for each in (got, {sent}))
        assert bytes(come) == bytes(gone)
        assert infocount() == {count}
"""


@pytest.mark.parametrize(
    ("sent", "into", "count", "room"),
    [
        ("b'abc'", "bytearray(3)", 3, 3),
        ("b'abc'", "bytearray(10)", 3, 10),
        ("b'abcdef'", "bytearray(3)", 3, 3),
        ("np.arange(6.0)", "np.zeros(6)", 48, 48),
        ("np.arange(6).reshape(2, 3)", "np.zeros((2, 3), 'i8')", 48, 48),
        ("np.arange(6, dtype='>i4')", "np.zeros(6, '>i4')", 24, 24),
        ("memoryview(bytearray(b'xyz'))", "memoryview(bytearray(3))", 3, 3),
    ],
)
def test_a_message_arrives(run, sent, into, count, room):
    run(EXCHANGE.format(sent=sent, into=into, count=count, room=room))


@pytest.mark.parametrize("count", [1, 8191, 8192, 8193, 100_000, 1_000_000, 5_000_000])
@pytest.mark.parametrize("late", [False, True])
def test_of_any_length_whoever_comes_first(run, count, late):
    run(
        f"""
        import time
        sent = bytes(range(251)) * ({count} // 251 + 1)
        if me == 0:
            if not {late}: time.sleep(1)
            csend(1, sent, {count}, 1, 0)
        else:
            if {late}: time.sleep(1)
            got = bytearray({count})
            crecv(1, got, {count})
            assert got == sent[:{count}]
            assert (infotype(), infocount(), infonode(), infoptype()) == (1, {count}, 0, 0)
        """
    )


def test_no_bytes_need_no_buffer(run):
    run(
        """
        csend(3, None, 0, 1 - me, 0)
        crecv(3, None, 0)
        assert (infocount(), infonode()) == (0, 1 - me)
        """
    )


def test_the_sender_may_use_its_buffer_at_once(run):
    run(
        """
        import time
        buffer = bytearray(b"first")
        if me == 0:
            csend(1, buffer, 5, 1, 0)
            buffer[:] = b"later"
        else:
            time.sleep(1)
            crecv(1, buffer, 5)
            assert buffer == b"first"
        """
    )


def test_a_send_does_not_wait_for_its_receiver(run):
    run(
        """
        import time
        if me == 0:
            csend(1, bytes(500_000), 500_000, 1, 0)
            assert dclock() < 0.5
        else:
            time.sleep(1)
            crecv(1, bytearray(500_000), 500_000)
        """
    )


@pytest.mark.parametrize("kind", ["int8", "uint16", "int32", "int64"])
def test_numbers_may_be_those_of_numpy(run, kind):
    run(
        f"""
        from numpy import {kind} as number
        for type in (7, 99):
            csend(number(type), b"text", number(4), number(me), number(0))
            room = bytearray(4)
            crecv(number(type), room, number(4))
            assert room == b"text" and infotype() == type and infonode() == me
        """
    )


def test_a_process_can_send_to_itself(run):
    run("csend(1, b'me', 2, me, 0); b = bytearray(2); crecv(1, b, 2); assert b == b'me'", 1)


def test_node_minus_one_means_all_others(run):
    run(
        """
        if me == 1:
            csend(5, b"all", 3, -1, 0)
            assert iprobe(-1) == 0
        else:
            got = bytearray(3)
            crecv(5, got, 3)
            assert got == b"all" and infonode() == 1
        """,
        4,
    )


def test_messages_of_two_processes_keep_their_order(run):
    run(
        """
        import time
        sizes = [8, 20_000, 0, 9000, 3_000_000, 100, 1, 8193]
        if me == 0:
            for number, size in enumerate(sizes):
                csend(number % 3, bytes([number]) * size, size, 1, 0)
        else:
            time.sleep(1)
            got = bytearray(3_000_000)
            for number, size in enumerate(sizes):
                crecv(-1, got, len(got))
                assert (infotype(), infocount()) == (number % 3, size)
                assert got[:size] == bytes([number]) * size
        """
    )


class TestExtendedReceives:
    def test_they_choose_among_senders_and_tell_of_the_message(self, run):
        run(
            """
            if me:
                csend(10 + me, bytes([me]), 1, 0, 0)
            else:
                for node in (3, 1, 2):
                    got, info = bytearray(1), [0] * 8
                    crecvx(-1, got, 1, node, -1, info)
                    assert info == [10 + node, 1, node, 0, 0, 0, 0, 0]
                    assert got[0] == node
            """,
            4,
        )

    def test_the_array_of_the_system_is_for_the_calls_that_tell_of_the_last(self, run):
        run(
            """
            import numpy as np
            csend(1, b"x", 1, me, 0)
            csend(2, b"yz", 2, me, 0)
            csend(3, None, 0, me, 0)
            crecv(1, bytearray(1), 1)
            crecvx(2, bytearray(2), 2, -1, -1, np.zeros(8, "i8"))
            assert (infotype(), infocount()) == (1, 1)
            crecvx(3, None, 0, me, 0, msginfo)
            assert (infotype(), infocount()) == (3, 0) == tuple(msginfo[:2])
            assert len(msginfo) == 8 and list(msginfo) == [3, 0, 0, 0, 0, 0, 0, 0]
            """,
            1,
        )

    def test_they_choose_by_the_senders_process_type(self, run):
        run(
            """
            setptype(me)
            if me:
                csend(1, bytes([me]), 1, 0, 0)
            else:
                got = bytearray(1)
                for ptype in (2, 1):
                    crecvx(1, got, 1, -1, ptype, msginfo)
                    assert (got[0], infoptype(), infonode()) == (ptype, ptype, ptype)
            """,
            3,
            ptype="-1",
        )

    def test_before_any_message_there_is_nothing_to_tell(self, run):
        run("assert infotype() == infocount() == infonode() == infoptype() == infopid() == -1", 1)


class TestSendsWithReceives:
    def test_both_are_done_and_the_length_is_told(self, run):
        run(
            """
            got = bytearray(10)
            length = csendrecv(me, bytes(me + 1), me + 1, 1 - me, 0, 1 - me, got, 10)
            assert length == infocount() == 2 - me
            assert infotype() == infonode() == 1 - me
            """
        )

    def test_long_ones_do_not_wait_for_each_other(self, run):
        run(
            """
            size = 3_000_000
            got = bytearray(size)
            assert csendrecv(1, bytes([me]) * size, size, 1 - me, 0, 1, got, size) == size
            assert got == bytes([1 - me]) * size
            """
        )


def test_a_message_that_is_too_long_is_an_error(run):
    run(
        """
        import time
        for size in (9, 9000, 2_000_000):
            for late in (0, 1):
                if me == 0:
                    time.sleep(1 - late)
                    csend(1, bytes(size), size, 1, 0)
                    csend(2, None, 0, 1, 0)
                else:
                    time.sleep(late)
                    assert _crecv(1, bytearray(8), 8) == -1 and errno == EQMSGLONG
                    # It is gone, and nothing waits for it.
                    crecv(-1, None, 0)
                    assert infotype() == 2
                csend(3, None, 0, 1 - me, 0)
                crecv(3, None, 0)
        """
    )
