"""Flow control: nothing is lost, and whoever has no memory at a receiver waits for it."""

from __future__ import annotations

import pytest

TINY = {"mbf": "4 KiB", "mea": "1 KiB"}


def test_a_sender_without_memory_waits_until_something_is_received(run):
    run(
        """
        import time
        if me == 0:
            for number in range(100):
                csend(1, bytes([number]) * 8, 8, 1, 0)
                if number == 5:
                    assert dclock() < 1
            assert 1 < dclock() < 1.1
        else:
            time.sleep(1)
            got = bytearray(8)
            for number in range(100):
                crecv(1, got, 8)
                assert got == bytes([number]) * 8
        """,
        **TINY,
    )


@pytest.mark.parametrize("size", [0, 8, 100, 400, 5000, 20_000])
@pytest.mark.parametrize(
    "memory",
    [
        TINY,
        {"mbf": "1 KiB"},
        {"gth": "1 B", **TINY},
        {"pkt": "64 B"},
        {"mbf": "64 KB", "noc": "1"},
    ],
)
def test_everything_arrives_in_order_from_everybody(run, size, memory):
    run(
        f"""
        import random
        size, stream = {size}, random.Random(me)
        if me:
            for number in range(20):
                csend(number % 4, bytes([number]) * size, size, 0, 0)
        else:
            left = {{node: list(range(20)) for node in range(1, n)}}
            got = bytearray(size)
            for _ in range(20 * (n - 1)):
                node = stream.choice(sorted(left))
                number = left[node].pop(0)
                if not left[node]: del left[node]
                info = [0] * 8
                crecvx(-1, got, size, node, -1, info)
                assert info == [number % 4, size, node, 0, 0, 0, 0, 0]
                assert got == bytes([number]) * size
            assert iprobe(-1) == 0
        """,
        4,
        **memory,
    )


def test_types_may_be_received_in_any_order_that_memory_allows(run):
    run(
        """
        if me == 0:
            mids = [isend(kind, bytes([kind]) * 900, 900, 1, 0) for kind in range(5)]
            for mid in mids:
                msgwait(mid)
        else:
            got = bytearray(900)
            for kind in (4, 2, 0, 3, 1):
                crecv(kind, got, 900)
                assert got == bytes([kind]) * 900
        """,
        **TINY,
    )


def test_sends_that_wait_for_memory_go_while_the_program_waits_for_something_else(run):
    run(
        """
        if me == 0:
            mids = [isend(1, bytes(8), 8, 1, 0) for _ in range(200)]
            crecv(2, None, 0)
            for mid in mids:
                assert msgdone(mid) == 1
        else:
            for _ in range(200):
                crecv(1, bytearray(8), 8)
            csend(2, None, 0, 0, 0)
        """,
        **TINY,
    )


def test_receives_that_are_posted_give_memory_back_before_they_are_asked_for(run):
    run(
        """
        if me == 0:
            crecv(9, None, 0)
            for number in range(200):
                csend(1, bytes([number]), 1, 1, 0)
        else:
            buffers = [bytearray(1) for _ in range(200)]
            mids = [irecv(1, buffer, 1) for buffer in buffers]
            csend(9, None, 0, 0, 0)
            msgwait(mids[-1])
            assert [b[0] for b in buffers] == list(range(200))
        """,
        **TINY,
    )


def test_what_did_not_fit_its_receive_takes_no_memory_for_ever(run):
    run(
        """
        if me == 0:
            for _ in range(50):
                csend(1, bytes(100), 100, 1, 0)
                crecv(2, None, 0)
        else:
            for _ in range(50):
                assert _crecv(1, bytearray(8), 8) == -1 and errno == EQMSGLONG
                csend(2, None, 0, 0, 0)
        """,
        **TINY,
    )


def test_two_can_send_to_each_other_before_they_receive(run):
    run(
        """
        import random
        for step in range(40):
            size = random.Random(step).choice([0, 1000, 300_000, 500_000, 900_000])
            csend(step, bytes([step]) * size, size, 1 - me, 0)
            got = bytearray(size)
            crecv(step, got, size)
            assert got == bytes([step]) * size
        """,
        mea="1 MiB",
    )


def test_one_that_begins_late_has_its_messages_and_hears_who_waits_for_memory(run):
    run(
        """
        from nx import *
        from mpi4py import MPI
        import time
        got = bytearray(300)
        if MPI.COMM_WORLD.rank == 0:
            for number in range(30):
                csend(number % 3, bytes([number]) * 300, 300, 1, 0)
            assert dclock() > 1
        else:
            time.sleep(1)
            for number in range(30):
                crecv(-1, got, 300)
                assert got == bytes([number]) * 300 and infotype() == number % 3
        """,
        begin="",
        **TINY,
    )


def test_senders_that_are_expected_get_more_once_they_are_known(run):
    """Of 64 processes one sends, and with -noc gets a quarter of the memory, not a 64th."""
    program = """
        import time
        if me == 1:
            csend(0, None, 0, 0, 0)
            crecv(2, None, 0)
            sent = 0
            while dclock() < 1:
                mid = isend(1, bytes(36), 36, 0, 0)
                if not msgdone(mid):
                    break
                sent += 1
            print(sent)
            msgwait(mid)
        elif me == 0:
            crecv(0, None, 0)
            csend(2, None, 0, 1, 0)
            time.sleep(2)
            crecv(-1, bytearray(36), 36)
            while iprobe(1):
                crecv(-1, bytearray(36), 36)
    """
    without = run(program, 64, mbf="64 KB")
    known = run(program, 64, mbf="64 KB", noc="2")
    assert int(without.stdout) < 12
    assert int(known.stdout) > 120


def test_a_message_beyond_the_threshold_asks(run):
    """Below the send threshold a long message waits for its receiver."""
    program = """
        import time
        if me == 0:
            csend(1, bytes(20_000), 20_000, 1, 0)
            csend(1, bytes(20_000), 20_000, 1, 0)
            print(dclock() > 1)
        else:
            time.sleep(1)
            crecv(1, bytearray(20_000), 20_000)
            crecv(1, bytearray(20_000), 20_000)
    """
    assert run(program, mea="64 KiB").stdout == b"False\n"
    assert run(program, mea="64 KiB", sth="50 KB").stdout == b"True\n"
    assert run(program, mea="64 KiB", sct="10 KB").stdout == b"True\n"


def test_more_than_there_is_may_be_promised_and_then_it_is_an_error(run):
    result = run(
        """
        import time
        if me:
            for _ in range(100):
                csend(1, bytes(100), 100, 0, 0)
        else:
            time.sleep(1)
            crecv(2, None, 0)
        """,
        8,
        fails=True,
        mbf="4 KiB",
        mea="64 KiB",
        rlx="true",
    )
    assert result.status == 1
    assert b"nx: crecv: Not enough memory: messages that nobody expected fill" in result.stderr


def test_a_global_operation_that_has_lost_messages_says_so(run):
    result = run(
        """
        if me:
            for number in range(30):
                csend(number, bytes(1000), 1000, 0, 0)
        gsync()
        """,
        3,
        fails=True,
        mbf="4 KiB",
        mea="64 KiB",
        rlx="true",
    )
    assert b"nx: gsync: Not enough memory: messages that nobody expected fill" in result.stderr
