"""Programs may use several message libraries at once: none takes what is another's."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import vmpp

PREAMBLE = """\
import am
import numpy as np
from mpi4py import MPI
from nx import *
from vertex import *

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
right, left = (rank + 1) % size, (rank - 1) % size
rng = np.random.default_rng(rank)
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., vmpp.Result]:
    """Return what runs a program that has all libraries, and ends well."""

    def start(text: str, nprocs: int = 4, **options: Any) -> vmpp.Result:
        path = tmp_path / "program.py"
        path.write_text(PREAMBLE + dedent(text))
        result = vmpp.run(path, nprocs=nprocs, **options)
        assert (result.status, result.failure, result.stderr) == (0, None, b"")
        return result

    return start


def test_all_know_the_same_nodes(run: Any) -> None:
    run(
        """
        node, process, host, dimension = whoami()
        assert rank == mynode() == node
        assert size == numnodes() == 1 << dimension
        """,
        8,
    )


@pytest.mark.parametrize("coll", [{}, {"allreduce": "ring"}])
@pytest.mark.parametrize("nprocs", [2, 8])
def test_global_sums_have_the_same_bits(run: Any, nprocs: int, coll: Any) -> None:
    run(
        """
        for length in (1, 5, 1000):
            mine = rng.standard_normal(length)
            total, one, other, work = mine.copy(), mine.copy(), mine.copy(), np.empty(length)
            comm.Allreduce(MPI.IN_PLACE, total)
            gdsum(one, length, work)
            dsumn(other, length, -1, 3, -1)
            assert total.tobytes() == one.tobytes() == other.tobytes()
        """,
        nprocs,
        coll=coll,
    )


@pytest.mark.parametrize("length", [1, 100_000])
def test_a_global_sum_leaves_messages_of_mpi_alone(run: Any, length: int) -> None:
    """Short messages that nobody has received yet, and long ones that wait for their receiver."""
    run(
        f"""
        early, late = np.empty({length}), np.empty({length})
        data = np.full({length}, 1.0 * rank)
        requests = [comm.Irecv(early, left, 1)]
        requests += [comm.Isend(data, right, tag) for tag in (2, 1)]
        x = np.array([1.0 + rank])
        gdsum(x, 1, np.empty(1))
        assert x[0] == size * (size + 1) / 2 == dsum(1.0 + rank, -1, 1, -1)
        gsync()
        requests.append(comm.Irecv(late, left, 2))
        MPI.Request.Waitall(requests)
        assert (early == left).all() and (late == left).all()
        """
    )


def test_messages_of_one_number_are_told_apart_by_their_libraries(run: Any) -> None:
    run(
        """
        for kind, data in ((7, b"mpi"), (7, b"nx"), (7, b"vertex")):
            if data == b"mpi":
                comm.Send([data, MPI.BYTE], right, kind)
            elif data == b"nx":
                csend(kind, data, len(data), right, myptype())
            else:
                nwrite(data, len(data), right, kind)
        comm.Barrier()
        got = bytearray(10)
        assert nread(got, 10, left, 7)[0] == 6 and got[:6] == b"vertex"
        crecv(-1, got, 10)
        assert infocount() == 2 and got[:2] == b"nx" and infonode() == left
        status = MPI.Status()
        comm.Recv([got, MPI.BYTE], MPI.ANY_SOURCE, MPI.ANY_TAG, status)
        assert status.Get_count(MPI.BYTE) == 3 and got[:3] == b"mpi"
        assert not comm.Iprobe() and iprobe(-1) == 0
        """
    )


def test_a_handler_of_nx_runs_while_the_program_waits_in_mpi(run: Any) -> None:
    run(
        """
        heard = []
        box = np.zeros(1, int)
        if rank == 1:
            hrecv(5, box, 8, lambda type, count, node, ptype: heard.append((int(box[0]), node)))
        comm.Barrier()
        if rank == 0:
            csend(5, np.array([42]), 8, 1, myptype())
            gsync()
            comm.Send(np.array([1]), 1)
        elif rank == 1:
            gsync()
            comm.Recv(np.empty(1, int), 0)
            assert heard == [(42, 0)]
        else:
            gsync()
        """
    )


@pytest.mark.parametrize(
    ("wait", "let_go"),
    [
        ("comm.Recv(np.empty(1), 0, 3)", "[comm.Send(np.zeros(1), peer, 3) for peer in others]"),
        ("crecv(3, np.empty(1), 8)", "csend(3, np.zeros(1), 8, -1, myptype())"),
        ("nread(np.empty(1), 8, 0, 3)", "[nwrite(np.zeros(1), 8, peer, 3) for peer in others]"),
        ("comm.Barrier()", "comm.Barrier()"),
        ("gsync()", "gsync()"),
        ("dsum(1.0, -1, 1, -1)", "dsum(1.0, -1, 1, -1)"),
    ],
)
def test_active_messages_are_handled_while_the_program_waits(
    run: Any, wait: str, let_go: str
) -> None:
    """Rank 0 lets the others go only when the requests that it has sent them are handled."""
    run(
        f"""
        @am.handler
        def double(token, number):
            am.result(token, 2 * number)

        counter = am.expose(8)
        am.barrier()
        others = range(1, size)
        if rank == 0:
            for peer in others:
                assert am.request(peer, double, 21).wait() == (42,)
                assert am.fetch_add(peer, counter, 0, 5) == 0
            {let_go}
        else:
            {wait}
            assert counter.memory[0] == 5
        """
    )


@pytest.mark.parametrize("order", [*permutations(("mpi", "nx", "vertex"))], ids="-".join)
def test_each_goes_on_when_others_have_ended(run: Any, order: tuple[str, ...]) -> None:
    """MPI is finalized, and the others have nothing to end but the program."""
    last = {
        "mpi": "comm.Barrier(); request.Wait(); MPI.Finalize()",
        "nx": "gsync(); flushmsg(-1, -1, -1)",
        "vertex": "assert dsum(1.0, -1, 1, -1) == size",
    }
    text = "request = comm.Isend(np.zeros(1), right); comm.Recv(np.empty(1), left)\n"
    run(text + "\n".join(last[each] for each in order))


def test_programs_end_with_messages_under_way_in_every_library(run: Any) -> None:
    run(
        """
        comm.Isend(np.zeros(10_000), right)
        isend(3, np.zeros(10_000), 80_000, right, myptype())
        irecv(4, np.zeros(1), 8)
        nwrite(np.zeros(100), 800, right, 3)
        """
    )


def test_runs_repeat(run: Any) -> None:
    text = """
        x = rng.standard_normal(3)
        request = comm.Ibarrier()
        gdsum(x, 3, np.empty(3))
        nwrite(x, 24, right, 1)
        nread(x, 24, -1, -1)
        request.Wait()
        print(x)
        """
    first, second = run(text), run(text)
    assert (first.digest, first.stdout) == (second.digest, second.stdout)


def test_a_deadlock_between_libraries_says_where_each_waits(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        PREAMBLE
        + dedent(
            """
            if rank == 0:
                comm.Recv(np.empty(1), 1, 7)
            elif rank == 1:
                crecv(7, np.empty(1), 8)
            else:
                nread(np.empty(1), 8, -1, 7)
            """
        )
    )
    result = vmpp.run(program, nprocs=4)
    assert result.status != 0
    report = f"{result.failure}{result.stderr.decode()}"
    for call in ("comm.Recv(np.empty(1), 1, 7)", "crecv(7,", "nread(np.empty(1)"):
        assert call in report
