"""Jobs that share nodes under a multitasking policy, on whole machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

import vmpp
from vmpp.hooks import hookimpl
from vmpp.kernel import Process
from vmpp.machine.plugins import Plugins, Source
from vmpp.pct import POLICY_FAULT
from vmpp_pct import RoundRobin

Shared = Callable[..., list[vmpp.Result]]

WORK = """
for _ in range(5):
    vmpp.compute(1e-3)
print(rank, "is done")
"""
PINGPONG = """
buffer = bytearray(8)
for turn in range(20):
    vmpp.compute(20e-6)
    if rank == 0:
        comm.Send(buffer, dest=1)
        comm.Recv(buffer, source=1)
    else:
        comm.Recv(buffer, source=0)
        comm.Send(buffer, dest=0)
print(rank, "is done")
"""
WINDOWS = """
import numpy
memory = numpy.zeros(comm.size, "i8")
window = MPI.Win.Create(memory, comm=comm)
window.Fence()
for target in range(comm.size):
    for _ in range(10):
        window.Lock(target)
        window.Accumulate(numpy.full(comm.size, rank + 1), target)
        window.Unlock(target)
        vmpp.compute(5e-6)
window.Fence()
print(memory.tolist())
"""
THREADS = """
import threading
done = []
def body(name):
    for turn in range(5):
        vmpp.compute(50e-6)
        time.sleep(20e-6)
    done.append(name)
threads = [threading.Thread(target=body, args=(name,)) for name in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(done))
"""
SIGNALS = """
caught = []
signal.signal(signal.SIGUSR1, lambda number, frame: caught.append(number))
vmpp.compute(3e-3)
print(len(caught), "caught")
"""
POLICIES = ["rr:100us", "rr:7us", "priority:50us", "priority:50us:1ms"]


@pytest.mark.parametrize("policy", POLICIES)
def test_programs_do_what_they_do_alone(shared: Shared, policy: str) -> None:
    programs = [PINGPONG, WORK, WINDOWS, THREADS]
    alone = [shared(text)[0] for text in programs]
    together = shared(*programs, policy=policy, priorities=[0, 1, 0, 2])
    for one, other in zip(alone, together, strict=True):
        assert sorted(other.stdout.splitlines()) == sorted(one.stdout.splitlines())
        assert (other.status, other.failure) == (0, None)
        assert other.virtual_time > one.virtual_time


def test_runs_repeat(shared: Shared) -> None:
    programs = [PINGPONG, WORK, WINDOWS, THREADS]
    first, second = (shared(*programs, policy="rr:9us") for _ in range(2))
    assert [each.digest for each in first] == [each.digest for each in second]
    assert [each.virtual_time for each in first] == [each.virtual_time for each in second]


def test_two_that_compute_take_twice_as_long_and_the_switches(shared: Shared) -> None:
    first, second = shared(WORK, WORK, policy="rr:1ms")
    for result in (first, second):
        assert 9e-3 < result.virtual_time < 10.2e-3
        assert result.stdout == b"0 is done\n1 is done\n"


def test_the_more_urgent_job_runs_as_if_it_were_alone(shared: Shared) -> None:
    (alone,) = shared(WORK)
    first, urgent = shared(WORK, WORK, policy="priority:1ms", priorities=[0, 3])
    assert urgent.virtual_time == pytest.approx(alone.virtual_time, rel=0.01)
    assert first.virtual_time == pytest.approx(2 * alone.virtual_time, rel=0.01)


def test_a_signal_reaches_a_process_that_computes_in_slices(shared: Shared) -> None:
    def meanwhile(machine: Any, jobs: list[Any]) -> None:
        def signal(_: object) -> None:
            machine.launcher.signal(jobs[0].id, 10)

        for when in (1_000_000_000, 1_550_000_000, 2_300_000_000):
            machine.engine.at(when, signal)

    first, second = shared(SIGNALS, WORK, policy="rr:100us", meanwhile=meanwhile)
    assert first.stdout == b"3 caught\n" * 2
    assert second.stdout == b"0 is done\n1 is done\n"
    assert first.virtual_time == pytest.approx(6e-3, rel=0.05)


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("raise ValueError('no')", 1),
        ("sys.exit(7)", 7),
        ("import os; os.abort()", 134),
        ("comm.Abort(5)", 5),
        ("MPI.COMM_SELF.recv(source=0)", 1),
    ],
)
def test_however_a_job_ends_its_neighbour_goes_on(shared: Shared, end: str, status: int) -> None:
    ends = f"vmpp.compute(1.5e-3)\n{end}"
    first, second = shared(ends, WORK, policy="rr:100us")
    assert (first.status, second.status, second.failure) == (status, 0, None)
    assert second.stdout == b"0 is done\n1 is done\n"
    assert 6e-3 < second.virtual_time < 7e-3


def test_what_processes_do_is_told_of_each(shared: Shared) -> None:
    seen: list[list[str]] = []

    def meanwhile(machine: Any, jobs: list[Any]) -> None:
        def look(_: object) -> None:
            (node, *_rest) = machine.nodes()
            seen.append(sorted(str(process.activity) for process in node.processes))

        machine.engine.at(3_000_000_000, look)

    shared(WORK, WORK, "time.sleep(0.01)", policy="rr:100us", meanwhile=meanwhile)
    assert seen == [["compute", "ready", "waiting"]]


class Plugin:
    """Scheduling policies of strangers."""

    def __init__(self, **policies: Any) -> None:
        self._policies = policies

    @hookimpl
    def vmpp_policies(self) -> dict[str, Any]:
        return self._policies


def plugins_and(**policies: Any) -> Plugins:
    found = Plugins.installed()
    found.register(Plugin(**policies), Source("stranger", "stranger", "none", ""))
    found.check()
    return found


def test_a_policy_that_lets_the_cpu_idle_for_ever_is_found_out(shared: Shared) -> None:
    class Lazy(RoundRobin):
        def choose(self, ready: Sequence[Process], now: int) -> int | None:
            return 0 if len(ready) > 1 else None

    # The first has company until it ends.
    first, second = shared(WORK, WORK, policy="lazy", plugins=plugins_and(lazy=Lazy))
    assert (first.status, second.status) == (0, POLICY_FAULT)
    assert str(second.failure).endswith(
        "choose() returned None for 1 that are ready, and nothing else will ever happen"
    )


def test_a_policy_that_fails_in_the_middle_names_itself(shared: Shared) -> None:
    class Weary(RoundRobin):
        asked = 0

        def until(self, process: Process, now: int) -> int | None:
            self.asked += 1
            if self.asked > 20:
                raise RuntimeError("I am tired")
            return super().until(process, now)

    results = shared(WORK, WORK, policy="weary:100us", plugins=plugins_and(weary=Weary))
    assert [result.status for result in results] == [POLICY_FAULT] * 2
    assert all(
        "scheduling policy weary:100us of node 0: until() raised RuntimeError: I am tired ("
        in str(result.failure)
        for result in results
    )
