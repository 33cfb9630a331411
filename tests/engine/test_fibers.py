"""Fibers park in the middle of a call, and know whose they are."""

from __future__ import annotations

import threading

import pytest
from greenlet import greenlet

from vmpp.engine import Engine, Fiber, current_fiber, current_process


def test_a_fiber_parks_and_an_event_resumes_it() -> None:
    engine = Engine()
    seen: list[tuple[str, int]] = []

    def body() -> None:
        seen.append(("begins", engine.now))
        engine.after(5, lambda _: fiber.switch())
        engine.hub.switch()
        seen.append(("resumed", engine.now))

    fiber = Fiber(body, engine.hub)
    engine.at(2, lambda _: fiber.switch())
    engine.run()
    assert seen == [("begins", 2), ("resumed", 7)]
    assert fiber.dead


def test_the_running_fiber_knows_its_process() -> None:
    engine = Engine()
    seen: list[object] = []
    process = object()

    def body() -> None:
        seen.append(current_process())
        seen.append(current_fiber())

    fiber = Fiber(body, engine.hub, process)  # type: ignore[arg-type]
    engine.at(0, lambda _: fiber.switch())
    engine.run()
    assert seen == [process, fiber]
    assert current_process() is None
    assert current_fiber() is None


def test_a_greenlet_that_a_program_makes_belongs_to_its_process() -> None:
    engine = Engine()
    seen: list[object] = []
    process = object()

    def inner() -> None:
        seen.append(current_process())

    def body() -> None:
        greenlet(lambda: greenlet(inner).switch()).switch()

    fiber = Fiber(body, engine.hub, process)  # type: ignore[arg-type]
    engine.at(0, lambda _: fiber.switch())
    engine.run()
    assert seen == [process]


def test_a_plain_greenlet_of_the_host_belongs_to_no_process() -> None:
    seen: list[object] = []
    greenlet(lambda: seen.append(current_process())).switch()
    assert seen == [None]


def test_other_threads_have_no_process() -> None:
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(current_process()))
    thread.start()
    thread.join()
    assert seen == [None]


def test_what_a_fiber_raises_comes_out_of_the_event_that_resumed_it() -> None:
    engine = Engine()

    def body() -> None:
        raise LookupError("lost")

    fiber = Fiber(body, engine.hub)
    engine.at(0, lambda _: fiber.switch())
    with pytest.raises(LookupError, match="lost"):
        engine.run()


def test_fibers_return_to_whoever_runs_the_engine_now() -> None:
    engine = Engine()
    seen: list[str] = []

    def body() -> None:
        seen.append("before")
        engine.hub.switch()
        seen.append("after")

    fiber = Fiber(body, engine.hub)
    engine.at(0, lambda _: fiber.switch())
    engine.at(1, lambda _: fiber.switch())
    greenlet(lambda: engine.step(1)).switch()
    assert seen == ["before"]
    engine.run()
    assert seen == ["before", "after"]
