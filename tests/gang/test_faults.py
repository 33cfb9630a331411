"""What goes wrong under gang scheduling: crashes, lost strobes, deadlocks, faulty plugins."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

import vmpp
from vmpp.hooks import hookimpl
from vmpp.machine.plugins import Plugins, Source
from vmpp.machine.state import State
from vmpp_pct import Gang

from .sharing import Run, Task, running, strobers

MS = 10**9
Share = Callable[..., Run]

COMPUTES = "compute({})\n"
WAITS = "comm.recv(source=(rank + 1) % comm.size)\n"


def test_jobs_that_wait_for_ever_are_found_out_at_once(share: Share) -> None:
    run = share([Task("compute(0.0035)\n" + WAITS, 2)] * 2, "gang:1ms")
    assert [result.status for result in run.results] == [1, 1]
    for result in run.results:
        assert "deadlock after" in (result.failure or "")
        assert "rank 0 in Intracomm.recv(" in (result.failure or "")
    # No later than at the next strobe, although strobes could go on for ever.
    assert max(run.ends) < 8.1 * MS
    assert not run.still_due


def test_one_that_waits_for_ever_is_found_out_when_the_other_has_ended(share: Share) -> None:
    run = share([Task(WAITS, 2), Task(COMPUTES.format(0.010), 2)], "gang:1ms")
    assert [result.status for result in run.results] == [1, 0]
    assert run.ends[1] < 22 * MS
    assert "deadlock" in (run.results[0].failure or "")


def test_jobs_may_wait_for_each_other(share: Share) -> None:
    """One job serves the other, on the same nodes; neither is in a deadlock meanwhile."""
    serves = """
    import os
    file = os.path.join(os.path.dirname(__file__), "port")
    port = MPI.Open_port()
    if rank == 0:
        open(file, "w").write(port)
    between = comm.Accept(port)
    for _ in range(5):
        between.send(between.recv(source=rank) + 1, dest=rank)
    between.Disconnect()
    """
    asks = """
    import os
    file = os.path.join(os.path.dirname(__file__), "port")
    while not os.path.exists(file) or not open(file).read():
        time.sleep(0.0002)
    between = comm.Connect(open(file).read())
    number = 0
    for _ in range(5):
        between.send(number, dest=rank)
        number = between.recv(source=rank)
    print(number)
    between.Disconnect()
    """
    run = share([Task(serves, 2), Task(asks, 2)], "gang:1ms")
    assert [(result.status, result.failure) for result in run.results] == [(0, None)] * 2
    assert run.results[1].stdout == b"5\n5\n"


def test_a_crash_cuts_the_tree_and_those_below_it_are_strobed_all_the_same(share: Share) -> None:
    """Rank 1 of seven passes strobes on to ranks 3 and 4; its job goes on without it."""
    seen: list[list[int]] = []

    def watch(machine: Any) -> None:
        def look(_: object) -> None:
            seen.append([running(machine, node) for node in (3, 4)])

        for turn in range(30, 38):
            machine.engine.at(turn * MS + MS // 2, look)

    run = share(
        [Task(COMPUTES.format(0.030), 7, keep_going=True)] * 2,
        "gang:1ms",
        nodes=7,
        watch=watch,
        faults=["node 1 crash at 5ms"],
    )
    assert [result.status for result in run.results] == [0, 0]
    assert seen == [[1, 1], [2, 2]] * 4


def test_the_next_strobe_makes_good_for_one_that_is_lost(share: Share) -> None:
    seen: list[list[int]] = []

    def watch(machine: Any) -> None:
        def look(_: object) -> None:
            seen.append([running(machine, node) for node in (0, 1)])

        for turn in range(4, 10):
            machine.engine.at(turn * MS + MS // 2, look)

    share(
        [Task(COMPUTES.format(0.010), 2)] * 2,
        "gang:1ms",
        nodes=2,
        watch=watch,
        faults=["drop 100% from 0 to 1 between 5.5ms and 6.5ms"],
    )
    # Node 1 has not heard that the sixth quantum began, and keeps to the row before it.
    assert seen == [[1, 1], [2, 2], [1, 2], [2, 2], [1, 1], [2, 2]]


def test_a_job_that_is_killed_leaves_the_machine_to_the_other(share: Share) -> None:
    def watch(machine: Any) -> None:
        machine.engine.at(5 * MS, lambda _: machine.launcher.signal(1, 9))

    run = share([Task(COMPUTES.format(1), 2), Task(COMPUTES.format(0.010), 2)], watch=watch)
    assert [result.status for result in run.results] == [137, 0]
    assert run.ends[1] < 14 * MS
    assert not run.still_due


async def test_time_stands_still_while_both_jobs_wait_for_somebody_to_type(tmp_path: Path) -> None:
    asks = b"""
import vmpp
answer = input("yes? ")
vmpp.compute(0.010)
print(answer)
"""
    pipes = [os.pipe() for _ in range(2)]
    sources = [open(reader, "rb", buffering=0) for reader, _ in pipes]  # noqa: SIM115
    state = State.ephemeral(user="me")
    async with vmpp.boot(state=state, nodes=1, policies={"pct": "gang:1ms"}) as machine:
        session = await machine.console()
        await session.files.write("asks.py", asks)
        jobs = [await session.launch("asks.py", 1, stdin=source, nodes=[0]) for source in sources]
        with trio.fail_after(60):
            while not any(each.rests for each in strobers(machine)):
                await trio.sleep(0.001)
            still = machine.engine.now
            await trio.sleep(0.05)
            assert machine.engine.now == still
            for _, writer in pipes:
                os.write(writer, b"of course\n")
            results = [await session.wait(job) for job in jobs]
        assert [result.stdout for result in results] == [b"yes? of course\n"] * 2
        assert not any(each.rests or each.due for each in strobers(machine))
    for source, (_, writer) in zip(sources, pipes, strict=True):
        source.close()
        os.close(writer)


class Lopsided:
    """A coordinator that answers nonsense."""

    quantum = MS

    def choose(self, rows: Sequence[int], turn: int) -> int:
        return len(rows)


class Raising:
    quantum = MS

    def choose(self, rows: Sequence[int], turn: int) -> int:
        raise KeyError("rows")


class Timeless:
    quantum = 0

    def choose(self, rows: Sequence[int], turn: int) -> int:
        return 0


@pytest.mark.parametrize(
    ("coordinator", "complaint"),
    [
        (Lopsided, "Lopsided.choose returned 2 for 2 rows; it returns the place of one of them"),
        (Raising, "Raising.choose raised KeyError: 'rows'"),
        (Timeless, "Timeless.quantum is 0; it is a whole number of picoseconds, from 1 on"),
    ],
)
def test_a_coordinator_that_breaks_its_rules_ends_its_jobs_and_is_named(
    share: Share, coordinator: type, complaint: str
) -> None:
    class Odd(Gang):
        @staticmethod
        def coordinator() -> Any:
            return coordinator()

    class Plugin:
        __name__ = "odd"

        @hookimpl
        def vmpp_policies(self) -> dict[str, type]:
            return {"odd": Odd}

    plugins = Plugins.installed()
    plugins.register(Plugin(), Source("odd", "odd", "none", ""))
    run = share([Task(COMPUTES.format(0.005), 2)] * 2, "odd", plugins=plugins)
    assert [result.status for result in run.results] == [70, 70]
    assert all((result.failure or "").endswith(complaint) for result in run.results)
