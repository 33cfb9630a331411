"""The engine runs in slices beside other Trio tasks, and leaves nothing when it is cancelled."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
import trio.testing

import vmpp.engine.host
from vmpp.engine import Engine, Fiber
from vmpp.engine.bridge import Bridge
from vmpp.engine.host import advance
from vmpp.engine.queue import NEVER
from vmpp.engine.watchdog import Watchdog


class Machine:
    """An engine with its bridge, advanced by a Trio task."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.bridge = Bridge(self.engine)
        self.watchdog = Watchdog(60.0)
        self.slices = 0
        self.idle: Callable[[], bool] = lambda: False

    async def advance(self) -> None:
        await advance(
            self.engine, self.bridge, self.watchdog, between=self._between, idle=self.idle
        )

    def _between(self) -> None:
        self.slices += 1


async def test_other_tasks_get_on_while_events_never_end() -> None:
    machine = Machine()

    def again(_: object) -> None:
        machine.engine.after(1, again)

    machine.engine.at(0, again)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(machine.advance)
        times = []
        # This task is always ready, and events never end: both get on.
        while machine.slices < 3:
            await trio.lowlevel.checkpoint()
            times.append(machine.engine.now)
        nursery.cancel_scope.cancel()
    assert times == sorted(times)
    assert len(set(times)) >= 3
    assert len(times) > machine.slices


async def test_other_tasks_get_on_when_every_event_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine()
    host = 0.0

    def slow(_: object) -> None:
        nonlocal host
        host += 1.0

    monkeypatch.setattr(vmpp.engine.host.time, "monotonic", lambda: host)
    for when in range(1000):
        machine.engine.at(when, slow)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(machine.advance)
        while machine.engine.peek() < NEVER:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert machine.slices > 700


async def test_an_idle_engine_waits_for_something_new() -> None:
    machine = Machine()
    seen: list[int] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(machine.advance)
        await trio.testing.wait_all_tasks_blocked()
        machine.engine.at(3, seen.append, 3)
        await trio.testing.wait_all_tasks_blocked()
        assert seen == []
        machine.bridge.wake()
        await trio.testing.wait_all_tasks_blocked()
        assert seen == [3]
        nursery.cancel_scope.cancel()


async def test_whoever_watches_for_idleness_may_go_on() -> None:
    machine = Machine()
    seen: list[int] = []

    def idle() -> bool:
        if machine.engine.now >= 3:
            return False
        machine.engine.after(1, lambda _: seen.append(machine.engine.now))
        return True

    machine.idle = idle
    async with trio.open_nursery() as nursery:
        nursery.start_soon(machine.advance)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert seen == [1, 2, 3]


async def test_nothing_is_idle_while_a_request_is_open() -> None:
    machine = Machine()
    asked: list[int] = []

    def idle() -> bool:
        asked.append(machine.engine.now)
        return False

    machine.idle = idle
    ticket = machine.bridge.open(10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(machine.advance)
        await trio.testing.wait_all_tasks_blocked()
        assert asked == []
        machine.bridge.close(ticket, lambda _: None, None)
        await trio.testing.wait_all_tasks_blocked()
        assert asked == [10]
        nursery.cancel_scope.cancel()


async def test_a_failing_event_comes_out_of_the_task() -> None:
    machine = Machine()
    machine.engine.at(0, lambda _: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        await machine.advance()
    assert not machine.watchdog.fiber_runs


async def test_cancellation_between_slices_keeps_events_and_fibers_as_they_are() -> None:
    machine = Machine()
    engine = machine.engine
    seen: list[int] = []

    def body() -> None:
        for _ in range(3):
            engine.after(10, lambda _: fiber.switch())
            engine.hub.switch()
            seen.append(engine.now)

    fiber = Fiber(body, engine.hub)
    engine.at(0, lambda _: fiber.switch())
    ticket = machine.bridge.open(20)
    with trio.move_on_after(0):
        await machine.advance()
    assert seen in ([], [10])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(machine.advance)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert seen == [10]
    machine.bridge.close(ticket, lambda _: None, None)
    engine.run()
    assert seen == [10, 20, 30]
    assert fiber.dead
