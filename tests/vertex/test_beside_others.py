"""Vertex beside MPI, in threads, with two ranks on a node, and where jobs share nodes."""

from __future__ import annotations

import pytest

RING = """
    node, _, _, dim = whoami()
    size = {size}
    buf = bytearray(8)
    for turn in range(3):
        if node == 0:
            nwrite(bytes([turn] * 8), 8, 1 % size, turn)
        length, source, type = nread(buf, 8, -1, turn)
        assert (length, source, type) == (8, (node - 1) % size, turn)
        if node:
            nwrite(buf, 8, (node + 1) % size, turn)
        assert bytes(buf) == bytes([turn] * 8)
    assert isum(node) == size * (size - 1) // 2
    if node == 0:
        print("round")
"""


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"policies": {"mode": "virtual-node"}},
        {"policies": {"mode": "message-coprocessor"}},
        {"policies": {"pct": "rr:10us"}},
        {"policies": {"timing": "wormhole"}},
        {"machine": "ncube2"},
        {"machine": "paragon"},
    ],
)
@pytest.mark.parametrize("size", [1, 6])
def test_a_ring_goes_round_on_any_machine(run, size, options):
    result = run(RING.format(size=size), size, **options)
    assert result.failure is None
    assert result.stdout == b"round\n"


def test_a_program_may_use_mpi_and_vertex_by_turns(run):
    result = run(
        """
        from mpi4py import MPI

        comm = MPI.COMM_WORLD
        node, *_ = whoami()
        assert node == comm.rank
        other = 1 - node
        request = comm.irecv(source=other)
        nwrite(b"vertex", 6, other, 3)
        comm.send("mpi", dest=other)
        assert isum(1) == comm.allreduce(1) == 2
        buf = bytearray(6)
        assert nread(buf, 6, other, 3) == (6, other, 3)
        print(bytes(buf).decode(), request.wait())
        """,
        2,
    )
    assert result.stdout == b"vertex mpi\nvertex mpi\n"


def test_threads_wait_each_for_its_own_message(run):
    result = run(
        """
        import threading

        node, *_ = whoami()
        found = []

        def waits(type):
            buf = bytearray(1)
            nread(buf, 1, -1, type)
            found.append((type, bytes(buf)))

        if node == 0:
            threads = [threading.Thread(target=waits, args=(type,)) for type in (1, 2, 3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            print(found)
        else:
            for type in (3, 1, 2):
                nwrite(b"%d" % type, 1, 0, type)
        """,
        2,
    )
    assert result.stdout == b"[(3, b'3'), (1, b'1'), (2, b'2')]\n"


def test_a_run_repeats_to_the_picosecond(run):
    digests = {run(RING.format(size=6), 6).digest for _ in range(2)}
    assert len(digests) == 1


def test_who_reads_from_a_crashed_node_is_ended_with_its_job(run):
    result = run(
        """
        node, *_ = whoami()
        nread(bytearray(1), 1, 1 - node, -1)
        """,
        2,
        faults=["node 1 crash at 1 ms"],
    )
    assert result.status != 0
    assert "node 1 (default-n00001) crashed" in result.failure
