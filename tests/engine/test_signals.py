"""Signals: what fibers wait for, with timeouts and with exceptions thrown in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import Engine, Fiber, Signal


class Cancelled(BaseException):
    """What the tests throw into a parked fiber."""


def waiter(
    engine: Engine, signal: Signal, seen: list[object], name: str, timeout: int | None = None
) -> Fiber:
    """Start a fiber that waits once and notes what became of it and when."""

    def body() -> None:
        try:
            seen.append((name, signal.wait(timeout), engine.now))
        except Cancelled:
            seen.append((name, "cancelled", engine.now))

    fiber = Fiber(body, engine.hub)
    engine.at(engine.now, lambda _: fiber.switch())
    return fiber


def test_waiters_are_resumed_in_their_order_at_the_instant_of_setting() -> None:
    engine = Engine()
    signal, seen = Signal(engine), []
    for name in "abc":
        waiter(engine, signal, seen, name)
    engine.at(7, lambda _: signal.set())
    engine.at(7, seen.append, "between")
    engine.run()
    assert seen == ["between", ("a", True, 7), ("b", True, 7), ("c", True, 7)]


def test_a_set_signal_blocks_nobody_until_it_is_cleared() -> None:
    engine = Engine()
    signal, seen = Signal(engine), []
    signal.set()
    waiter(engine, signal, seen, "a")
    engine.run()
    assert seen == [("a", True, 0)]
    signal.clear()
    waiter(engine, signal, seen, "b")
    engine.run()
    assert len(seen) == 1
    signal.set()
    engine.run()
    assert seen[1] == ("b", True, 0)


def test_a_timeout_ends_a_wait() -> None:
    engine = Engine()
    signal, seen = Signal(engine), []
    waiter(engine, signal, seen, "a", 5)
    engine.at(6, lambda _: signal.set())
    engine.run()
    assert seen == [("a", False, 5)]


def test_a_timeout_of_a_wait_that_is_over_says_nothing() -> None:
    engine = Engine()
    signal, seen = Signal(engine), []

    def body() -> None:
        seen.append((signal.wait(10), engine.now))
        signal.clear()
        seen.append((signal.wait(100), engine.now))

    fiber = Fiber(body, engine.hub)
    engine.at(0, lambda _: fiber.switch())
    engine.at(3, lambda _: signal.set())
    engine.run()
    assert seen == [(True, 3), (False, 103)]


def test_setting_and_timeout_at_one_instant_are_decided_by_their_order() -> None:
    engine = Engine()
    signal, seen = Signal(engine), []
    engine.at(5, lambda _: signal.set())
    waiter(engine, signal, seen, "set first", 5)
    other = Signal(engine)
    waiter(engine, other, seen, "timeout first", 5)
    engine.at(4, lambda _: engine.at(5, lambda _: other.set()))
    engine.run()
    assert sorted(seen) == [("set first", True, 5), ("timeout first", False, 5)]


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=5),
    st.integers(0, 5),
    st.dictionaries(st.integers(0, 4), st.integers(0, 6)),
)
def test_a_wait_ends_once_whatever_comes_first(
    timeouts: list[int], set_at: int, cancelled_at: dict[int, int]
) -> None:
    """Setting, timeouts and cancellations at any moment, often the same one."""
    engine = Engine()
    signal, seen = Signal(engine), []
    fibers = [
        waiter(engine, signal, seen, f"{number}", timeout + 1)
        for number, timeout in enumerate(timeouts)
    ]

    def cancel(number: int) -> None:
        if not fibers[number].dead:
            fibers[number].throw(Cancelled)

    for number, when in cancelled_at.items():
        if number < len(fibers):
            engine.at(when + 1, cancel, number)
    engine.at(set_at, lambda _: signal.set())
    engine.run()
    assert sorted(name for name, *_ in seen) == [f"{n}" for n in range(len(fibers))]
    assert all(fiber.dead for fiber in fibers)
    for name, how, when in seen:
        number = int(name)
        if how is True:
            assert when == set_at <= timeouts[number] + 1
        elif how is False:
            assert when == timeouts[number] + 1 <= set_at
        else:
            assert when == cancelled_at[number] + 1
    assert signal._waiters == []


def test_a_cancelled_waiter_is_not_resumed_by_what_was_scheduled_for_it() -> None:
    engine = Engine()
    signal, seen = Signal(engine), []

    def body() -> None:
        try:
            signal.wait()
        except Cancelled:
            other = Signal(engine)
            seen.append(other.wait(50))

    fiber = Fiber(body, engine.hub)
    engine.at(0, lambda _: fiber.switch())

    def set_and_cancel(_: object) -> None:
        signal.set()
        fiber.throw(Cancelled)

    engine.at(1, set_and_cancel)
    engine.run()
    assert seen == [False]
    assert engine.now == 51
