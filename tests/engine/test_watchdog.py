"""The watchdog ends whoever keeps the processor, and nobody else."""

from __future__ import annotations

import threading
from itertools import count

import pytest
import trio

from vmpp.engine import Engine, Fiber
from vmpp.engine.bridge import Bridge
from vmpp.engine.host import advance
from vmpp.engine.watchdog import Overrun, Watchdog


def spin() -> None:
    """Compute without end."""
    for _ in count():
        pass


def burn(seconds: float) -> None:
    """Use so much CPU time."""
    import time

    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


async def run(engine: Engine, watchdog: Watchdog) -> None:
    """Run *engine* until nothing is left."""
    async with trio.open_nursery() as nursery:

        def idle() -> bool:
            nursery.cancel_scope.cancel()
            return False

        with watchdog.watching():
            await advance(engine, Bridge(engine), watchdog, between=lambda: None, idle=idle)


async def test_an_endless_loop_is_ended_where_it_stands() -> None:
    engine = Engine()
    seen: list[str] = []

    def body() -> None:
        try:
            spin()
        except Overrun as overrun:
            trace = overrun.__traceback__
            while trace is not None:
                seen.append(trace.tb_frame.f_code.co_name)
                trace = trace.tb_next

    fiber = Fiber(body, engine.hub)
    engine.at(0, lambda _: fiber.switch())
    engine.at(1, lambda _: seen.append("others get on"))
    await run(engine, Watchdog(0.1))
    assert seen == ["body", "spin", "others get on"]


async def test_no_thread_is_left() -> None:
    before = threading.enumerate()
    watchdog = Watchdog(0.1)

    def fail() -> None:
        with watchdog.watching():
            assert len(threading.enumerate()) == len(before) + 1
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert threading.enumerate() == before


def test_the_host_is_not_watched() -> None:
    watchdog = Watchdog(0.05)
    with watchdog.watching():
        burn(0.3)


async def test_programs_that_let_each_other_on_may_take_long_in_all() -> None:
    engine = Engine()
    turns = 40

    def body() -> None:
        for _ in range(turns):
            burn(0.02)
            engine.after(1, lambda _: fiber.switch())
            engine.hub.switch()

    fiber = Fiber(body, engine.hub)
    engine.at(0, lambda _: fiber.switch())
    await run(engine, Watchdog(0.2))
    assert fiber.dead
    assert engine.now == turns


async def test_events_of_one_instant_are_progress_too() -> None:
    engine = Engine()
    for _ in range(20):
        engine.at(0, lambda _: burn(0.03))
    await run(engine, Watchdog(0.2))
    assert engine.peek() > 0


async def test_a_hurried_watchdog_has_little_patience() -> None:
    engine = Engine()
    watchdog = Watchdog(3600)
    seen: list[type] = []

    def body() -> None:
        watchdog.hurry()
        try:
            spin()
        except Overrun:
            seen.append(Overrun)

    fiber = Fiber(body, engine.hub)
    engine.at(0, lambda _: fiber.switch())
    await run(engine, watchdog)
    assert seen == [Overrun]


async def test_a_program_that_catches_everything_is_parked() -> None:
    engine = Engine()
    caught: list[type] = []

    def body() -> None:
        while True:
            try:
                spin()
            except BaseException as error:
                caught.append(type(error))

    fiber = Fiber(body, engine.hub)
    engine.at(0, lambda _: fiber.switch())
    engine.at(1, lambda _: caught.append(int))
    await run(engine, Watchdog(0.05))
    assert caught == [Overrun] * Watchdog.CAUGHT + [int]
    assert not fiber.dead
