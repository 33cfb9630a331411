"""The checker: what it finds, what it says of it, and what it leaves as it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import vmpp

PREAMBLE = """\
import numpy as np
from mpi4py import MPI
comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
left, right = (rank - 1) % size, (rank + 1) % size
"""

Run = Callable[..., Any]


@pytest.fixture
def check(tmp_path: Path) -> Run:
    """Return what runs a program under the checker and returns its result."""

    def run(text: str, nprocs: int = 3, tools: tuple[str, ...] = ("check",)) -> Any:
        path = tmp_path / "program.py"
        path.write_text(PREAMBLE + dedent(text))
        return vmpp.run(path, nprocs=nprocs, tools=tools)

    return run


def findings(result: Any) -> list[str]:
    """Return the headlines of what was found."""
    (report,) = result.reports
    return re.findall(r"^vmpp: check: (rank.*)", report.text, re.MULTILINE)


def lines_of(result: Any) -> list[str]:
    """Return the source lines that a report names."""
    (report,) = result.reports
    return re.findall(r'File "[^"]+", line \d+\n\s+(.*)', report.text)


# -- nothing to be found -------------------------------------------------------------------------

CORRECT = """
dup = comm.Dup()
data = np.full(5, float(rank))
got = np.zeros(5)
request = comm.Isend(data, right, 1)
comm.Recv(got, left, 1)
request.Wait()
dup.Send([data, 3, MPI.DOUBLE], right, 2)
dup.Recv(got, left, 2)
assert comm.sendrecv({"a": rank}, right, source=left) == {"a": left}
pair = [comm.Send_init(data, right, 3), comm.Recv_init(got, left, 3)]
for turn in range(3):
    MPI.Prequest.Startall(pair)
    MPI.Request.Waitall(pair)
for request in pair:
    request.Free()
total = np.zeros(5)
comm.Allreduce(data, total)
comm.Reduce(MPI.IN_PLACE if rank == 1 else data, total if rank == 1 else None, MPI.MAX, root=1)
blocks = np.zeros(5 * size)
comm.Gather(data, blocks if rank == 0 else None)
comm.Scatter(blocks if rank == 2 else None, got, root=2)
counts = np.arange(size) + 1
comm.Gatherv(data[: rank + 1], [blocks, counts] if rank == 0 else None)
comm.Scatterv([blocks, counts] if rank == 0 else None, got[: rank + 1])
comm.Allgatherv(data[: rank + 1], [blocks, counts])
comm.Alltoallv([np.zeros(size * (rank + 1)), [rank + 1] * size], [blocks, counts])
assert comm.bcast(rank if rank == 1 else None, root=1) == 1
half = comm.Split(rank % 2)
half.Barrier()
half.Free()
again = comm.Split(rank % 2)
again.barrier()
again.Free()
comm.Send([data, MPI.BYTE], right, 4)
comm.Recv(got, left, 4)
column = MPI.DOUBLE.Create_vector(4, 1, 5).Commit()
grid = np.zeros((4, 5))
comm.Sendrecv([grid, 1, column], right, 7, np.zeros(4), left, 7)
MPI.Request.Waitall([comm.Iallreduce(data, total), comm.Ibarrier(), comm.Ibcast(data)])
again = comm.Bcast_init(data)
again.Start()
again.Wait()
again.Free()
comm.Reduce_scatter(np.ones(size), np.zeros(1))
comm.Ireduce_scatter(np.ones(size), np.zeros(1)).Wait()
if size > 1:
    comm.send([], right, 5)
    comm.mprobe(left, 5).recv()
    request = comm.Isend(np.zeros(10_000), right, 6)
    message = MPI.Message.Probe(comm, left, 6)
    message.Recv(np.zeros(10_000))
    request.Wait()
dup.Free()
"""


@pytest.mark.parametrize("nprocs", [1, 3, 4])
def test_a_correct_program_has_no_findings(check: Run, nprocs: int) -> None:
    if nprocs == 1:
        text = CORRECT.replace("== 1", "== 0").replace("root=1", "root=0").replace("rank == 1", "1")
        text = text.replace("root=2", "root=0").replace("rank == 2", "rank == 0")
    else:
        text = CORRECT
    result = check(text, nprocs)
    assert result.status == 0, result.failure
    assert result.reports[0].text == "vmpp: check: nothing found"
    assert result.reports[0].findings == 0


def test_watching_changes_neither_the_digest_nor_the_times(check: Run) -> None:
    plain = check(CORRECT, tools=())
    watched = check(CORRECT, tools=("check", "profile"))
    assert plain.reports == ()
    assert watched.digest == plain.digest
    assert watched.virtual_time == plain.virtual_time


# -- collectives ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "difference"),
    [
        ("comm.bcast(1) if rank else comm.reduce(1)", "bcast and reduce"),
        ("comm.Barrier() if rank else comm.barrier()", "Barrier and barrier"),
        ("comm.bcast(1, root=0 if rank else 1)", "root 0 and root 1"),
        (
            "comm.Allreduce(np.zeros(2), np.zeros(2), MPI.SUM if rank else MPI.MAX)",
            "operation SUM and operation MAX",
        ),
        (
            "comm.Bcast(np.zeros(2 if rank else 3))",
            "2 x f8 and 3 x f8",
        ),
        (
            "comm.Allreduce(*2 * [np.zeros(2, 'i8' if rank else 'f8')])",
            "2 x i8 and 2 x f8",
        ),
        (
            "comm.Gather(np.zeros(2 if rank == 2 else 3), np.zeros(9))",
            "2 elements are sent where 3 are expected",
        ),
        (
            "comm.Gatherv(np.zeros(2), [np.zeros(9), [2, 2, 3]])",
            "2 elements are sent where 3 are expected",
        ),
        (
            "comm.Scatter(np.zeros(9), np.zeros(3, 'i8' if rank == 1 else 'f8'))",
            "f8 is sent where i8 is expected",
        ),
    ],
)  # fmt: skip
def test_collective_calls_that_do_not_agree_are_shown_with_both_lines(
    check: Run, call: str, difference: str
) -> None:
    # What becomes of such a call in MPI is undefined: it may raise, wait for ever, or go well.
    result = check(f"try:\n    {call}\nexcept (MPI.Exception, ValueError):\n    pass\n")
    assert any("do not match: " in line and difference in line for line in findings(result))
    assert lines_of(result)[:2] == [call, call]


def test_a_collective_that_some_ended_without_is_shown(check: Run) -> None:
    result = check("dup = comm.Dup()\nif rank != 1:\n    dup.Barrier()\n")
    assert "ranks 0, 2 in" in result.failure
    assert "rank 0: a collective call is never made by rank 1" in findings(result)
    assert "dup.Barrier()" in lines_of(result)


def test_a_collective_that_some_do_not_call_is_told_from_the_next_one(check: Run) -> None:
    result = check("if rank:\n    comm.bcast(1, root=1)\ncomm.barrier()\n")
    assert any("barrier and bcast" in line or "bcast and barrier" in line
               for line in findings(result))  # fmt: skip
    assert {"comm.bcast(1, root=1)", "comm.barrier()"} <= set(lines_of(result))


def test_communicators_do_not_get_mixed_up(check: Run) -> None:
    result = check(
        """
        one, two = comm.Dup(), comm.Dup()
        one.barrier()
        two.bcast(1)
        half = comm.Split(rank % 2)
        half.barrier() if rank % 2 else half.bcast(1)
        for each in (one, two, half):
            each.Free()
        """,
        nprocs=4,
    )
    assert findings(result) == []


# -- messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4, 4000])
@pytest.mark.parametrize(
    "receive",
    [
        "comm.Recv(into, 0)",
        "comm.Irecv(into, 0).Wait()",
        "comm.Barrier(); comm.Recv(into, 0)",
        "comm.Mprobe(0).Recv(into)",
        "comm.Recv(into, 0, status=MPI.Status())",
        "request = comm.Recv_init(into, 0); request.Start(); request.Wait(); request.Free()",
    ],
)
@pytest.mark.parametrize("send", ["comm.Send(data, 1)", "comm.Isend(data, 1).Wait()"])
def test_a_message_received_as_another_type_is_shown_with_both_lines(
    check: Run, send: str, receive: str, size: int
) -> None:
    if "Barrier" in receive:
        if size > 1000:
            pytest.skip("a long Send would wait for its receive")
        send += "; comm.Barrier()"
    result = check(
        f"""
        if rank == 0:
            data = np.zeros({size})
            {send}
        else:
            into = np.zeros({size}, "i8")
            {receive}
        """,
        nprocs=2,
    )
    (headline,) = findings(result)
    assert headline.endswith(
        "a message is received as what it is not: f8 is sent where i8 is expected"
    )
    assert len(lines_of(result)) == 2


def test_an_object_received_into_a_buffer_is_shown(check: Run) -> None:
    result = check(
        """
        if rank == 0:
            comm.send(1.0, 1)
        else:
            comm.Recv(np.zeros(100), 0)
        """,
        nprocs=2,
    )
    (headline,) = findings(result)
    assert "a pickled object is sent where f8 is expected" in headline


def test_derived_datatypes_are_compared_by_what_they_are_made_of(check: Run) -> None:
    result = check(
        """
        mixed = MPI.Datatype.Create_struct([2, 3], [0, 16], [MPI.INT, MPI.DOUBLE]).Commit()
        data = np.zeros(5)
        if rank == 0:
            comm.Send([data, 1, mixed], 1)
            comm.Send([data, 1, mixed], 1)
        else:
            comm.Recv([data, 1, mixed], 0)
            comm.Recv(data, 0)
        """,
        nprocs=2,
    )
    (headline,) = findings(result)
    assert headline.endswith("i4 is sent where f8 is expected")
    assert "2 x i4, 3 x f8" in result.reports[0].text


def test_messages_that_nobody_receives_are_shown_once_for_all_ranks(check: Run) -> None:
    result = check("comm.Send(np.zeros(1), right, tag=9)\ncomm.isend('x', right, tag=8).wait()\n")
    assert findings(result) == ["ranks 0-2: a message is never received"] * 2
    assert lines_of(result) == [
        "comm.Send(np.zeros(1), right, tag=9)",
        "comm.isend('x', right, tag=8).wait()",
    ]
    assert "tag=9" in result.reports[0].text


@pytest.mark.parametrize(
    "receive", ["comm.Recv(into, 0)", "comm.Irecv(into, 0, 3).Wait()", "comm.Recv(into)"]
)
@pytest.mark.parametrize("late", [0, 1])
def test_a_message_that_was_too_long_is_not_one_that_nobody_receives(
    check: Run, receive: str, late: int
) -> None:
    result = check(
        f"""
        import time
        if rank == 0:
            time.sleep(1 - {late})
            comm.Send(np.zeros(4), 1, 3)
        else:
            into = np.zeros(2)
            time.sleep({late})
            try:
                {receive}
            except MPI.Exception as error:
                assert error.Get_error_class() == MPI.ERR_TRUNCATE
            else:
                raise AssertionError
        """,
        nprocs=2,
    )
    assert result.status == 0
    assert findings(result) == []


# -- what is left behind -------------------------------------------------------------------------


def test_requests_that_are_never_completed_are_shown(check: Run) -> None:
    result = check(
        """
        requests = [comm.Irecv(np.zeros(1), left, 3) for _ in range(100)]
        requests += [comm.Isend(np.zeros(1), right, 3)]
        requests[0].Wait()
        again = comm.Send_init(np.zeros(1), right, 4)
        """
    )
    assert sorted(findings(result)) == [
        "ranks 0-2: a persistent request is never freed",
        "ranks 0-2: a request is never completed",
        "ranks 0-2: a request is never completed",
    ]


def test_communicators_that_are_never_freed_are_shown(check: Run) -> None:
    result = check("dup = comm.Dup()\ncart = dup.Create_cart([size])\ncart.Free()\n")
    assert findings(result) == ["ranks 0-2: a communicator is never freed"]
    assert lines_of(result) == ["dup = comm.Dup()"]


def test_windows_and_files_that_are_never_given_back_are_shown(check: Run, tmp_path: Path) -> None:
    result = check(
        f"""
        window = MPI.Win.Allocate(8, comm=comm)
        MPI.Win.Create(np.zeros(1), comm=comm).Free()
        file = MPI.File.Open(comm, {str(tmp_path / "data")!r}, MPI.MODE_CREATE | MPI.MODE_RDWR)
        request = file.Iwrite_at(0, np.zeros(1))
        MPI.File.Open(comm, {str(tmp_path / "data")!r}).Close()
        """
    )
    assert sorted(findings(result)) == [
        "ranks 0-2: a file is never closed",
        "ranks 0-2: a request is never completed",
        "ranks 0-2: a window is never freed",
    ]


def test_different_calls_on_a_file_are_found(check: Run) -> None:
    result = check("""
        info = MPI.Info.Create({"romio_cb_write": "disable", "romio_cb_read": "disable"})
        file = MPI.File.Open(comm, "/dev/null", MPI.MODE_RDWR, info)
        file.Write_all(b"x") if rank else file.Read_all(bytearray(1))
        file.Set_info(info)
    """)
    assert findings(result) == [
        "rank 0: collective calls on file '/dev/null' do not match: Read_all and Write_all",
        "ranks 0-2: a file is never closed",
    ]


# -- how it is asked for -------------------------------------------------------------------------


def test_a_tool_that_does_not_exist_is_refused(check: Run) -> None:
    with pytest.raises(vmpp.VmppError, match=r"no tool 'chek'; did you mean 'check'\?"):
        check("", tools=("chek",))


def test_the_methods_of_mpi_are_as_they_were_when_no_job_is_watched(check: Run) -> None:
    from vmpp_mpi import MPI

    def methods() -> dict[str, object]:
        return {name: vars(cls)[name] for cls in MPI.Comm.__mro__ for name in vars(cls)}

    before = methods()
    check("comm.Barrier()")
    assert methods() == before


def test_a_deadlock_is_reported_as_without_the_checker(check: Run) -> None:
    plain = check("comm.Recv(np.zeros(1), left)", tools=())
    watched = check("comm.Recv(np.zeros(1), left)")
    assert watched.failure == plain.failure
    assert "Recv" in plain.failure
