"""Programs that go on when nodes crash: errors in place of waits, and communicators made anew."""

from __future__ import annotations

import pytest

import vmpp

CRASH = 0.5
"""When the nodes crash, in seconds; 10 ms later everybody is told."""

BEGIN = f"""
import time

def error_of(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except MPI.Exception as error:
        return error.Get_error_class()
    return MPI.SUCCESS

FAILED, PENDING, REVOKED = MPI.ERR_PROC_FAILED, MPI.ERR_PROC_FAILED_PENDING, MPI.ERR_REVOKED

def after():
    time.sleep({CRASH} + 0.1 - MPI.Wtime())
"""


@pytest.fixture
def survive(program):
    """Run a program on so many ranks, of which some are lost; return what each rank prints."""

    def run(size, lost, text, **options):
        path = program(BEGIN + text.replace("\n    ", "\n"))
        faults = [f"node {node} crash at {CRASH} s" for node in lost]
        result = vmpp.run(path, nprocs=size, faults=faults, keep_going=True, **options)
        assert (result.failure, result.stderr) == (None, b"")
        assert result.status == 0
        assert [rank for rank, status in enumerate(result.statuses) if status == 137] == lost
        lines = result.stdout.decode().splitlines()
        return sorted(lines)

    return run


def everybody(size, lost, words):
    return sorted(f"{rank}: {words}" for rank in range(size) if rank not in lost)


@pytest.mark.parametrize(("size", "lost"), [(2, [1]), (5, [0]), (9, [2, 3])])
def test_waits_for_a_lost_rank_end_with_an_error(survive, size, lost):
    lines = survive(
        size,
        lost,
        """
    import numpy as np
    lost = LOST
    them = lost[0]
    long = np.zeros(100_000)
    waits = [
        lambda: comm.Recv(long, them),
        lambda: comm.recv(source=them),
        lambda: comm.Probe(them),
        lambda: comm.Mprobe(them),
        lambda: comm.Irecv(long, them).Wait(),
        lambda: comm.irecv(source=them).wait(),
        lambda: comm.Send(long, them),
        lambda: comm.Ssend(long[:1], them),
        lambda: comm.Isend(long, them).Wait(),
        lambda: comm.Barrier(),
        lambda: comm.Ibarrier().Wait(),
        lambda: comm.allreduce(1),
        lambda: comm.recv(),
        lambda: MPI.Request.Waitall([comm.irecv(source=them)]),
        lambda: MPI.Request.Waitany([comm.irecv(source=them)]),
    ]
    # Whatever it waits for at the time, and all the others afterwards.
    first = waits[rank % len(waits)]
    kinds = {error_of(first)}
    when = MPI.Wtime()
    kinds |= {error_of(wait) for wait in waits}
    assert kinds <= {FAILED, MPI.ERR_IN_STATUS}, kinds
    assert error_of(comm.send, 1, them) == FAILED
    assert not comm.Is_revoked()
    print(f"{rank}: {when:.2f}")
    """.replace("LOST", str(lost)),
    )
    assert lines == everybody(size, lost, "0.51")


def test_one_wait_of_each_kind_when_it_happens(survive):
    lines = survive(
        16,
        [15],
        """
    import numpy as np
    long = np.zeros(100_000)
    reply = comm.irecv(source=15)
    kinds = [
        lambda: comm.Recv(long, 15),
        lambda: comm.Recv(long, 15, status=MPI.Status()),
        lambda: comm.recv(source=15),
        lambda: comm.Probe(15),
        lambda: comm.Mprobe(15),
        lambda: reply.wait(),
        lambda: comm.Send(long, 15),
        lambda: comm.Ssend(long[:1], 15),
        lambda: comm.Isend(long, 15).Wait(),
        lambda: comm.Barrier(),
        lambda: comm.Ibarrier().Wait(),
        lambda: comm.allreduce(1),
        lambda: comm.Recv(long, MPI.ANY_SOURCE, 99),
        lambda: comm.Dup(),
        lambda: comm.Split(rank),
    ]
    if rank == 15:
        time.sleep(10)
    assert error_of(kinds[rank]) == FAILED
    print(f"{rank}: {MPI.Wtime():.2f}")
    """,
    )
    assert lines == everybody(16, [15], "0.51")


def test_what_has_nothing_to_do_with_it_goes_on(survive):
    lines = survive(
        4,
        [3],
        """
    three = comm.Split(rank == 3)
    if rank == 3:
        comm.send("before", 0)
        time.sleep(10)
    if rank == 0:
        while MPI.Wtime() < 0.6:
            time.sleep(0.05)
            three.Iprobe()
        for other in (1, 2):
            comm.send("late", other)
        # What it had sent is there still.
        assert comm.recv(source=3) == "before"
        assert error_of(comm.recv, source=3) == FAILED
    else:
        assert comm.recv(source=0) == "late"
    assert three.allreduce(1) == 3
    three.Dup().Free()
    print(f"{rank}: well")
    """,
    )
    assert lines == everybody(4, [3], "well")


def test_receives_from_anybody_wait_until_failures_are_acknowledged(survive):
    lines = survive(
        3,
        [2],
        """
    if rank == 0:
        request = comm.irecv(source=MPI.ANY_SOURCE)
        assert error_of(request.Wait) == PENDING
        assert error_of(request.Test) == PENDING
        assert request
        assert error_of(comm.recv) == FAILED
        assert error_of(comm.Probe) == FAILED
        group = comm.Get_failed()
        assert group.Translate_ranks(None, comm.group) == [2]
        assert comm.Ack_failed(0) == 0
        assert error_of(request.Wait) == PENDING
        assert comm.Ack_failed() == 1
        assert comm.Ack_failed(0) == 1
        comm.send("go", 1)
        assert request.wait() == "from 1"
        assert comm.recv() == "again"
        assert error_of(comm.recv, source=2) == FAILED
        assert error_of(comm.barrier) == FAILED
    elif rank == 1:
        assert comm.recv(source=0) == "go"
        comm.send("from 1", 0)
        comm.send("again", 0)
    else:
        time.sleep(10)
    print(f"{rank}: well")
    """,
    )
    assert lines == everybody(3, [2], "well")


def test_an_error_handler_is_told_once(survive):
    lines = survive(
        2,
        [1],
        """
    told = []
    comm.Set_errhandler(MPI.Comm.Create_errhandler(lambda comm, code: told.append(code)))
    if rank == 1:
        time.sleep(10)
    for call in (comm.barrier, comm.Ibarrier().Wait, lambda: comm.recv(source=1)):
        assert error_of(call) == FAILED
        assert told == [FAILED]
        told.clear()
    print(f"{rank}: well")
    """,
    )
    assert lines == everybody(2, [1], "well")


@pytest.mark.parametrize("size", [1, 2, 3, 8, 13])
def test_revoking_ends_whatever_others_wait_for(survive, size):
    lines = survive(
        size,
        [],
        """
    again = comm.Dup()
    if rank == 0:
        time.sleep(0.2)
        again.Revoke()
        again.Revoke()
    elif rank % 3 == 0:
        assert error_of(again.recv, source=0) == REVOKED
    elif rank % 3 == 1:
        assert error_of(again.barrier) == REVOKED
    else:
        assert error_of(again.irecv(source=MPI.ANY_SOURCE).wait) == REVOKED
    if rank:
        assert f"{MPI.Wtime():.2f}" == "0.20"
    assert again.Is_revoked()
    nothing = lambda: again.Recv([None, 0], MPI.PROC_NULL)
    for call in (again.barrier, again.Dup, lambda: again.send(1, 0), nothing):
        assert error_of(call) == REVOKED
    assert comm.allreduce(1) == comm.size
    assert again.Agree(3 if rank else 1) == 1
    assert again.Shrink().allreduce(1) == comm.size
    again.Free()
    print(f"{rank}: well")
    """,
    )
    assert lines == everybody(size, [], "well")


def test_revoking_between_two_groups(survive):
    lines = survive(
        5,
        [],
        """
    below = rank < 2
    inter = comm.Split(below).Create_intercomm(0, comm, 2 if below else 0)
    if rank == 4:
        time.sleep(0.1)
        inter.Revoke()
    assert error_of(inter.barrier) == REVOKED
    assert inter.Agree(7) == 7
    again = inter.Shrink()
    assert again.Compare(inter) == MPI.CONGRUENT
    assert again.allreduce(1) == again.remote_size
    print(f"{rank}: well")
    """,
    )
    assert lines == everybody(5, [], "well")


@pytest.mark.parametrize(
    ("size", "lost"), [(2, [0]), (2, [1]), (5, [0, 4]), (8, [0, 1, 2]), (13, [12]), (16, [3, 7])]
)
def test_a_program_repairs_its_communicator_and_goes_on(survive, size, lost):
    lines = survive(
        size,
        lost,
        """
    world = comm
    steps = 0
    anew = False
    while steps < 40:
        try:
            if anew:
                steps, anew = world.allreduce(steps, op=MPI.MIN), False
            world.allreduce(steps)
            time.sleep(0.02)
            steps += 1
        except MPI.Exception as error:
            assert error.Get_error_class() in (FAILED, REVOKED)
            world.Revoke()
            world, anew = world.Shrink(), True
    print(f"{rank}: {world.size} {world.rank}")
    """,
    )
    left = [rank for rank in range(size) if rank not in lost]
    assert lines == sorted(f"{rank}: {len(left)} {new}" for new, rank in enumerate(left))


def test_agreeing_says_whether_all_know_of_the_failures(survive):
    lines = survive(
        4,
        [1],
        """
    if rank == 1:
        time.sleep(10)
    after()
    if rank == 0:
        comm.Ack_failed()
    assert error_of(comm.Agree, 1) == FAILED
    flag = bytearray(b"\\3\\0\\0\\0" if rank else b"\\1\\0\\0\\0")
    assert error_of(comm.Iagree(flag).Wait) == FAILED
    assert flag[0] == 1
    comm.Ack_failed()
    assert comm.Agree(0b111 if rank else 0b101) == 0b101
    assert comm.Agree(-1) == -1
    flag = bytearray(b"\\7\\0\\0\\0")
    comm.Iagree(flag).Wait()
    assert flag[0] == 7
    print(f"{rank}: well")
    """,
    )
    assert lines == everybody(4, [1], "well")


@pytest.mark.parametrize("lost", [[0], [1], [0, 1], [0, 1, 2, 3]])
def test_nodes_that_crash_during_the_call(survive, lost):
    # They never come to it, or are the ones that lead it.
    lines = survive(
        6,
        lost,
        f"""
    if rank in {lost} and rank % 2:
        time.sleep(10)
    if rank == 5:
        time.sleep(0.7)
    small, request = comm.Ishrink()
    request.Wait()
    assert small.size == 6 - {len(lost)}
    assert small.allreduce(rank) == sum(set(range(6)) - set({lost}))
    print(f"{{rank}}: well")
    """,
    )
    assert lines == everybody(6, lost, "well")


def test_two_groups_shrink(survive):
    lines = survive(
        6,
        [1, 5],
        """
    below = rank < 3
    inter = comm.Split(below).Create_intercomm(0, comm, 3 if below else 0)
    if rank in (1, 5):
        time.sleep(10)
    assert error_of(inter.barrier) == FAILED
    after()
    again = inter.Shrink()
    assert (again.size, again.remote_size, again.is_inter) == (2, 2, True)
    assert again.allreduce(1) == 2
    whole = again.Merge(not below)
    assert whole.allgather(rank) == [0, 2, 3, 4]
    print(f"{rank}: well")
    """,
    )
    assert lines == everybody(6, [1, 5], "well")


def test_runs_repeat(program):
    path = program(
        BEGIN
        + """
world = comm
for _ in range(3):
    if error_of(world.barrier):
        world.Revoke()
        world = world.Shrink()
    time.sleep(0.3)
print(rank, world.size)
"""
    )
    results = [
        vmpp.run(path, nprocs=7, faults=["node 0 crash at 0.4 s"], keep_going=True)
        for _ in range(2)
    ]
    assert results[0].digest == results[1].digest
    assert results[0].status == 0


def test_a_group_that_makes_a_communicator_learns_of_a_loss(survive):
    lines = survive(5, [2], """
    if rank == 2:
        time.sleep(10)
    everybody, others = comm.group, comm.group.Excl([2])
    assert error_of(comm.Create_group, everybody) == FAILED
    assert error_of(MPI.Intracomm.Create_from_group, everybody) == FAILED
    assert comm.Create_group(others).allreduce(1) == 4
    print(f"{rank}: well")
    """)  # fmt: skip
    assert lines == everybody(5, [2], "well")


def test_a_connected_job_learns_of_a_loss(program):
    path = program(
        BEGIN
        + """
import sys
parent = MPI.Comm.Get_parent()
if not parent:
    children = MPI.COMM_SELF.Spawn(sys.executable, [__file__], 2)
    assert error_of(children.recv, source=1) == FAILED
    assert error_of(children.barrier) == FAILED
    left = children.Shrink()
    assert left.remote_size == 1
    assert left.recv() == "alive"
    print("parent")
else:
    if parent.rank == 1:
        time.sleep(10)
    assert error_of(parent.barrier) == FAILED
    parent.Shrink().send("alive", 0)
    print("child")
"""
    )
    # Where the second child is, a run tells in which it does not crash.
    places = program(
        """
import sys
if not MPI.Comm.Get_parent():
    MPI.COMM_SELF.Spawn(sys.executable, [__file__], 2)
elif rank == 1:
    print(MPI.Get_processor_name())
""",
        "places.py",
    )
    node = int(vmpp.run(places, nprocs=1, universe=3).stdout.decode().rsplit("n", 1)[1])
    faults = [f"node {node} crash at 0.5 s"]
    result = vmpp.run(path, nprocs=1, universe=3, faults=faults, keep_going=True)
    assert (result.failure, result.stdout) == (None, b"child\nparent\n")
