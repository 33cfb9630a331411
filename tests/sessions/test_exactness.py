"""What an exact session does begins at instants that depend on nothing of the host."""

from __future__ import annotations

from collections.abc import Sequence
from signal import SIGTERM
from typing import Any

import trio

from vmpp.engine import MICROSECOND, MILLISECOND
from vmpp.machine.session import LoginError

BUSY = b"""
import time
from mpi4py import MPI
comm = MPI.COMM_WORLD
for step in range(40):
    comm.sendrecv(step, dest=(comm.rank + 1) % comm.size, source=(comm.rank - 1) % comm.size)
    print(comm.rank, step, f"{time.time():.9f}")
    time.sleep(37e-6)
"""
SHORT = b"""
from mpi4py import MPI
print("hello from", MPI.COMM_WORLD.rank, f"{MPI.Wtime():.9f}")
"""


async def script(booting: Any, delays: Sequence[float]) -> tuple[list[Any], str]:
    """Run a session while a job runs in the background, the host taking its time in between."""
    told: list[Any] = []
    pauses = iter(list(delays) * 20)
    async with booting(nodes=8, seed=7) as machine:
        alice = await machine.console(exact=True)

        async def step(what: str, value: object) -> None:
            told.append((what, alice.now, value))
            await trio.sleep(next(pauses))

        await step("in", alice.user.name)
        root = await alice.become("root")
        await root.add_user("bob", "tuna")
        await step("added", [each.user for each in await root.who()])
        await alice.files.write("busy.py", BUSY)
        busy = await alice.launch("busy.py", 4)
        await step("launched", busy.id)
        for _ in range(3):
            await alice.sleep(50 * MICROSECOND)
            await step("slept", bytes(busy.stdout))
        await alice.files.write("short.py", SHORT)
        short = await alice.launch("short.py", 2)
        await step("second", bytes(busy.stdout))
        await step("jobs", await alice.jobs())
        await step("nodes", await alice.nodes())
        result = await alice.wait(short)
        await step("ended", (result.status, result.stdout))
        third = await alice.launch("busy.py", 8)
        await step("queued", [(job.id, job.state, job.reason) for job in await alice.jobs()])
        await alice.signal(third.id, SIGTERM)
        await step("cancelled", (await alice.wait(third)).status)
        try:
            await machine.log_in("bob", "salmon", exact=True)
        except LoginError as error:
            await step("refused", str(error))
        bob = await machine.log_in("bob", "tuna", exact=True)
        await step("bob", bob.failures)
        await bob.log_out()
        await alice.sleep(MILLISECOND)
        result = await alice.wait(busy)
        await step("all", (result.status, result.stdout))
        await step("history", await alice.history())
        await step("log", await root.log())
        return told, machine.trace.digest()


async def test_however_slow_the_host_is_everything_happens_at_the_same_times(
    booting: Any,
) -> None:
    prompt = await script(booting, [0])
    slow = await script(booting, [0.02, 0, 0.05, 0.003])
    for one, other in zip(prompt[0], slow[0], strict=True):
        assert one == other
    assert prompt[1] == slow[1]
    times = [time for _, time, _ in prompt[0]]
    assert times == sorted(times)


async def test_time_passes_for_a_session_that_is_not_exact(
    booting: Any,
) -> None:
    async with booting() as machine:
        alice = await machine.console()
        await alice.files.write("busy.py", BUSY)
        busy = await alice.launch("busy.py", 4)
        with trio.fail_after(30):
            await busy.wait()
        assert busy.record.status == 0


async def test_time_stands_still_while_no_exact_session_waits(
    booting: Any,
) -> None:
    async with booting() as machine:
        alice = await machine.console(exact=True)
        await alice.files.write("busy.py", BUSY)
        busy = await alice.launch("busy.py", 4)
        before = machine.engine.now
        await trio.sleep(0.05)
        assert machine.engine.now == before
        root = await alice.become("root")
        await root.log_out()
        after = machine.engine.now
        await trio.sleep(0.05)
        assert machine.engine.now == after
        assert not busy.record.done.is_set()
        alice.exact = False
        with trio.fail_after(30):
            await busy.wait()
        assert machine.engine.now > after
        alice.exact = True
        now = machine.engine.now
        await alice.sleep(5)
        assert machine.engine.now == now + 5


async def test_beside_an_exact_session_others_are_exact_unless_told_otherwise(
    booting: Any,
) -> None:
    async with booting() as machine:
        assert not (await machine.console()).exact
        assert (await machine.console(exact=True)).exact
        root = await machine.console("root")
        assert root.exact
        await root.add_user("bob", "tuna")
        assert (await machine.log_in("bob", "tuna")).exact


async def test_a_wait_that_is_given_up_leaves_time_standing_still(booting: Any) -> None:
    async with booting() as machine:
        alice = await machine.console(exact=True)
        with trio.move_on_after(0):
            await alice.sleep(MILLISECOND)
        now = machine.engine.now
        await trio.sleep(0.02)
        assert machine.engine.now == now
        assert [each.user for each in await alice.who()] == ["alice"]
