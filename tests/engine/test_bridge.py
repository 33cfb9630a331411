"""Answers from the host never arrive in the virtual past, and the host's order never shows."""

from __future__ import annotations

import random

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import Engine
from vmpp.engine.bridge import Bridge
from vmpp.engine.host import advance
from vmpp.engine.queue import NEVER
from vmpp.engine.watchdog import Watchdog


def test_time_stops_short_of_the_deadline_of_an_open_request() -> None:
    engine = Engine()
    bridge = Bridge(engine)
    seen: list[str] = []
    for when in (9, 10, 11):
        engine.at(when, seen.append, f"{when}")
    ticket = bridge.open(10)
    engine.run()
    assert seen == ["9"]
    bridge.close(ticket, seen.append, "answer")
    engine.run()
    assert seen == ["9", "10", "answer", "11"]


def test_the_place_of_a_reply_is_that_of_its_request() -> None:
    engine = Engine()
    bridge = Bridge(engine)
    seen: list[str] = []
    engine.at(5, seen.append, "before")
    first, second = bridge.open(5), bridge.open(5)
    engine.at(5, seen.append, "after")
    bridge.close(second, seen.append, "second")
    engine.run()
    assert seen == []
    bridge.close(first, seen.append, "first")
    engine.run()
    assert seen == ["before", "first", "second", "after"]


def test_a_request_is_answered_once() -> None:
    bridge = Bridge(Engine())
    ticket = bridge.open(1)
    bridge.close(ticket, print, None)
    with pytest.raises(ValueError, match="has been answered"):
        bridge.close(ticket, print, None)


def test_a_deadline_in_the_virtual_past_is_refused() -> None:
    engine = Engine()
    bridge = Bridge(engine)
    engine.at(7, lambda _: None)
    engine.run()
    with pytest.raises(ValueError, match="it is 7 ps already"):
        bridge.open(6)
    assert bridge.open_requests == 0
    bridge.open(7)


@given(st.permutations(range(6)), st.lists(st.integers(0, 4), min_size=6, max_size=6))
def test_the_horizon_is_the_earliest_deadline_that_is_open(
    order: list[int], deadlines: list[int]
) -> None:
    engine = Engine()
    bridge = Bridge(engine)
    tickets = [bridge.open(deadline) for deadline in deadlines]
    still = set(order)
    for number in order:
        assert engine.horizon == min(deadlines[other] for other in still)
        bridge.close(tickets[number], lambda _: None, None)
        still.remove(number)
    assert engine.horizon == NEVER
    assert bridge.open_requests == 0
    assert bridge._heap == []


async def served(host: random.Random, *, clients: int = 5, requests: int = 4) -> list[object]:
    """Have a few clients ask servers which take what time of the host they like."""
    engine = Engine()
    bridge = Bridge(engine)
    trace: list[object] = []
    pending: list[tuple[object, int, int]] = []
    news = trio.lowlevel.ParkingLot()
    drawn = random.Random(1)

    def ask(client: int) -> None:
        trace.append((engine.now, "asks", client))
        pending.append((bridge.open(engine.now + drawn.choice([3, 5, 10])), client, engine.now))
        news.unpark_all()

    def answered(client: int) -> None:
        trace.append((engine.now, "answered", client))
        left[client] -= 1
        if left[client]:
            engine.after(drawn.choice([0, 1, 5]), ask, client)

    async def answer(ticket: object, client: int) -> None:
        for _ in range(host.randrange(4)):
            await trio.lowlevel.checkpoint()
        await trio.sleep(host.choice([0, 0.1, 1, 7]))
        bridge.close(ticket, answered, client)  # type: ignore[arg-type]

    async def serve() -> None:
        async with trio.open_nursery() as tasks:
            while True:
                host.shuffle(pending)
                while pending:
                    ticket, client, _ = pending.pop()
                    tasks.start_soon(answer, ticket, client)
                await news.park()

    left = [requests] * clients
    for client in range(clients):
        engine.at(client % 2, ask, client)
    for when in range(0, 100, 3):
        engine.at(when, lambda _: trace.append((engine.now, "tick")))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        nursery.start_soon(_advance, engine, bridge)
        while any(left):
            await trio.sleep(1)
        nursery.cancel_scope.cancel()
    return trace


async def _advance(engine: Engine, bridge: Bridge) -> None:
    await advance(engine, bridge, Watchdog(60), between=lambda: None, idle=lambda: False)


async def test_the_order_of_the_hosts_tasks_never_shows(
    autojump_clock: trio.testing.MockClock,
) -> None:
    first = await served(random.Random(0))
    times = [entry[0] for entry in first]  # type: ignore[index]
    assert times == sorted(times)
    for seed in range(1, 12):
        assert await served(random.Random(seed)) == first
