"""Whose time the kernel's work takes: times by hand, on a machine in round numbers (us)."""

from __future__ import annotations

import pytest

from tests.cpumode.conftest import CLOCK_READ, MODES

SEND, RECEIVE, INTERRUPT, HAND_OVER, WIRE = 10.0, 20.0, 3.0, 7.0, 1000.0

INTERRUPTED = """
    if rank == {victim}:
        begin = clock()
        vmpp.compute(0.1)
        print(round(clock() - begin, 3))
    if rank == {sender}:
        for _ in range(5):
            comm.Isend(b"", dest={target})
    if rank == {target}:
        vmpp.compute(0.2)
        for _ in range(5):
            comm.Recv(bytearray(0), source={sender})
"""


@pytest.mark.parametrize(
    ("mode", "each"),
    [
        ("heater", INTERRUPT + RECEIVE),
        ("message-coprocessor", 0),
        ("compute-coprocessor", INTERRUPT + RECEIVE),
    ],
)
def test_an_arrival_interrupts_what_its_receiver_computes_unless_the_kernel_is_elsewhere(
    printed, mode, each
) -> None:
    (elapsed,) = printed(mode, 2, INTERRUPTED.format(victim=1, sender=0, target=1))
    assert float(elapsed) == pytest.approx(100_000 + 5 * each + CLOCK_READ)


class TestVirtualNode:
    """Ranks 0 and 1 are on the first node, with the kernel on the CPU of rank 0."""

    def test_what_is_for_the_second_rank_interrupts_the_first(self, printed) -> None:
        (elapsed,) = printed("virtual-node", 4, INTERRUPTED.format(victim=0, sender=2, target=1))
        each = INTERRUPT + RECEIVE + HAND_OVER
        assert float(elapsed) == pytest.approx(100_000 + 5 * each + CLOCK_READ)

    def test_the_second_rank_is_not_interrupted_itself(self, printed) -> None:
        (elapsed,) = printed("virtual-node", 4, INTERRUPTED.format(victim=1, sender=2, target=1))
        assert float(elapsed) == pytest.approx(100_000 + CLOCK_READ)

    def test_what_the_second_rank_sends_interrupts_the_first(self, printed) -> None:
        (elapsed,) = printed("virtual-node", 4, INTERRUPTED.format(victim=0, sender=1, target=2))
        assert float(elapsed) == pytest.approx(100_000 + 5 * (INTERRUPT + SEND) + CLOCK_READ)

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            # A trap, a copy of 500 bytes, and the way to the other CPU.
            (0, SEND + 0.5 + RECEIVE + HAND_OVER),
            # The way to the other CPU, which is interrupted, and then the same.
            (1, HAND_OVER + INTERRUPT + SEND + 0.5 + RECEIVE),
        ],
    )
    def test_between_ranks_of_a_node_the_kernel_copies(self, printed, source, expected) -> None:
        elapsed = taken(printed("virtual-node", 2, one_way(source, 500)))
        assert elapsed == pytest.approx(expected + CLOCK_READ)

    def test_messages_between_ranks_of_a_node_keep_their_order(self, printed) -> None:
        lines = printed(
            "virtual-node", 2,
            """
            if rank == 0:
                for number, length in enumerate((5000, 0, 3000, 1)):
                    comm.Isend(bytes([number]) * length, dest=1, tag=number)
                vmpp.compute(0.01)
            else:
                status = MPI.Status()
                for _ in range(4):
                    comm.Recv(bytearray(5000), source=0, tag=MPI.ANY_TAG, status=status)
                    print(status.tag, status.Get_count(MPI.BYTE))
            """,
        )  # fmt: skip
        assert lines == ["0 5000", "1 0", "2 3000", "3 1"]


def one_way(source: int, length: int, count: int = 1) -> str:
    """Return a program that tells when messages set out, and when all are there; they are awaited.

    All clocks are one.
    """
    return f"""
        if rank == {source}:
            vmpp.compute(0.2)
            now = clock()
            for _ in range({count}):
                comm.Isend(bytes({length}), dest={1 - source})
            vmpp.compute(0.1)
        elif rank == {1 - source}:
            requests = [comm.Irecv(bytearray({length}), source={source}) for _ in range({count})]
            MPI.Request.Waitall(requests)
            now = clock()
        print(now)
    """


def taken(lines: list[str]) -> float:
    begin, end = sorted(map(float, lines))
    return end - begin


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("heater", SEND + WIRE + 0.5 + INTERRUPT + RECEIVE),
        ("message-coprocessor", HAND_OVER + SEND + WIRE + 0.5 + RECEIVE + HAND_OVER),
        ("compute-coprocessor", SEND + WIRE + 0.5 + INTERRUPT + RECEIVE),
    ],
)
def test_a_message_from_node_to_node(printed, mode, expected) -> None:
    elapsed = taken(printed(mode, 2, one_way(0, 500)))
    assert elapsed == pytest.approx(expected + CLOCK_READ)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("heater", SEND), ("message-coprocessor", HAND_OVER), ("compute-coprocessor", SEND)],
)
def test_a_send_costs_the_program_a_trap_or_a_hand_over(printed, mode, expected) -> None:
    (elapsed,) = printed(
        mode, 2,
        """
        if rank == 0:
            begin = clock()
            comm.Isend(b"x", dest=1)
            print(round(clock() - begin, 3))
        else:
            comm.Recv(bytearray(1), source=0)
        """,
    )  # fmt: skip
    assert float(elapsed) == pytest.approx(expected + CLOCK_READ)


def test_a_coprocessor_sends_one_message_after_the_other(printed) -> None:
    """Ten hand-overs of 7 us come faster than sends of 10 us are done."""
    elapsed = taken(printed("message-coprocessor", 2, one_way(0, 0, count=10)))
    # To take one in, and tell of it, takes longer still: the others wait for that.
    assert elapsed == pytest.approx(
        HAND_OVER + SEND + WIRE + 10 * (RECEIVE + HAND_OVER) + CLOCK_READ
    )


@pytest.mark.parametrize("machine_name", ["default", "paragon", "asci-red"])
def test_latency_is_lower_without_the_coprocessor(printed, machine_name) -> None:
    """As on ASCI Red, where Cougar has the lower latency without the co-processor."""
    latency = {}
    for mode in ("heater", "message-coprocessor"):
        latency[mode] = taken(printed(mode, 2, one_way(0, 8), machine=machine_name))
    assert latency["heater"] < latency["message-coprocessor"] < 1.2 * latency["heater"]


@pytest.mark.parametrize("mode", MODES)
def test_runs_repeat(run, mode) -> None:
    program = """
        import numpy as np
        a = np.full(2000, float(rank))
        for _ in range(3):
            comm.Allreduce(MPI.IN_PLACE, a)
            comm.Sendrecv(bytes(20000), dest=(rank + 1) % 5, recvbuf=bytearray(20000))
        print(a[0])
    """
    first, second = run(mode, 5, program), run(mode, 5, program)
    assert first.status == 0
    assert (first.digest, first.virtual_time) == (second.digest, second.virtual_time)
    assert len(set(first.stdout.splitlines())) == 1
