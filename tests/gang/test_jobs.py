"""Whatever jobs come and go: all get through, all time is accounted for, and nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vmpp

from .sharing import FREE, Run, Task

MS = 10**9
Share = Callable[..., Run]

COMPUTES = "compute({})"
STEPS = st.one_of(
    st.integers(1, 8).map(lambda tenths: COMPUTES.format(tenths / 10_000)),
    st.sampled_from(
        ["time.sleep(0.0007)", "comm.barrier()", "comm.sendrecv(rank, (rank + 1) % comm.size)"]
    ),
)
TASKS = st.builds(
    lambda steps, nodes: Task("\n".join(steps) + "\n", len(nodes), nodes),
    st.lists(STEPS, min_size=1, max_size=8),
    st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True),
)


def work_of(task: Task) -> int:
    """Return how much each rank computes, in picoseconds."""
    lines = [line for line in task.text.splitlines() if line.startswith("compute")]
    return sum(round(float(line[8:-1]) * 1e12) for line in lines)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tasks=st.lists(TASKS, min_size=1, max_size=5))
def test_all_get_through_and_every_picosecond_is_somewhere(share: Share, tasks: list[Task]) -> None:
    run = share(tasks, "tracing:gang:500us")
    assert [result.failure for result in run.results] == [None] * len(tasks)
    for task, result in zip(tasks, run.results, strict=True):
        assert [profile.node for profile in result.profiles] == list(task.nodes)
        for profile in result.profiles:
            parts = (profile.computing, profile.kernel, profile.blocked, profile.descheduled)
            assert sum(parts) == profile.elapsed
            # Libraries take next to no time on this machine.
            assert profile.computing == pytest.approx(work_of(task), abs=1_000_000)
    assert not run.still_due
    busiest = max(sum(work_of(task) for task in tasks if node in task.nodes) for node in range(4))
    assert max(run.ends) - min(run.starts) >= busiest


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    tasks=st.lists(TASKS, min_size=2, max_size=4),
    kills=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 60)), max_size=2),
    crash=st.none() | st.tuples(st.integers(0, 3), st.integers(1, 50)),
)
def test_kills_and_crashes_leave_nothing_behind(
    share: Share, tasks: list[Task], kills: list[tuple[int, int]], crash: tuple[int, int] | None
) -> None:
    def watch(machine: Any) -> None:
        def kill(job: int) -> None:
            if job in machine.launcher.records:
                machine.launcher.signal(job, 9)

        for job, tenths in kills:
            machine.engine.at(tenths * MS // 10, kill, job)

    faults = [] if crash is None else [f"node {crash[0]} crash at {crash[1] / 10}ms"]
    run = share(tasks, "gang:300us", watch=watch, faults=faults)
    for task, result in zip(tasks, run.results, strict=True):
        touched = crash is not None and crash[0] in task.nodes
        assert result.status in ({0, 137} if kills or touched else {0}), result.failure
    assert not run.still_due


def test_a_job_that_is_spawned_takes_turns_as_well(share: Share) -> None:
    spawns = """
    import os
    child = os.path.join(os.path.dirname(__file__), "child.py")
    if not MPI.Comm.Get_parent():
        with open(child, "w") as file:
            file.write(
                "from mpi4py import MPI\\nimport vmpp\\nvmpp.compute(0.004)\\n"
                "parent = MPI.Comm.Get_parent()\\nparent.send('done', 0)\\nparent.Disconnect()\\n"
            )
    between = MPI.COMM_SELF.Spawn(child)
    print(between.recv())
    between.Disconnect()
    """
    run = share([Task(spawns, 1), Task(COMPUTES.format(0.010) + "\n", 4)], "gang:500us")
    assert [result.failure for result in run.results] == [None, None]
    assert run.results[0].stdout == b"done\n"
    assert not run.still_due


@pytest.mark.parametrize("mode", ["message-coprocessor", "virtual-node"])
def test_other_cpu_modes_share_their_nodes_just_so(mode: str) -> None:
    result = vmpp.run(
        "quantum",
        ["--work", "0.01"],
        nprocs=4,
        copies=2,
        policies={"pct": "tracing:gang:1ms", "mode": mode},
    )
    assert result.failure is None
    for copy in result.copies:
        took = float(copy.stdout.split()[5])
        assert 0.018 < took < 0.022
        for profile in copy.profiles:
            parts = (profile.computing, profile.kernel, profile.blocked, profile.descheduled)
            assert sum(parts) == profile.elapsed


def test_runs_repeat_to_the_last_picosecond(share: Share) -> None:
    jittery = FREE.replace('strobe = "0 s"', 'strobe = "5 us"\nstrobe_jitter = "50 us"')
    tasks = [Task("for _ in range(8):\n    compute(0.0007)\n    comm.barrier()\n", 4)] * 2
    runs = [share(tasks, "gang:300us", machine=jittery) for _ in range(2)]
    assert runs[0].ends == runs[1].ends
    assert runs[0].results[1].digest == runs[1].results[1].digest
