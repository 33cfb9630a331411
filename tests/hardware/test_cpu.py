"""A CPU's work is made longer by interrupts, and can be stopped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import Engine
from vmpp.hardware import Cpu


def test_work_ends_when_it_is_due() -> None:
    engine, seen = Engine(), []
    cpu = Cpu(engine)
    cpu.work(0, 10, lambda name: seen.append((name, engine.now, cpu.busy)), "done")
    assert cpu.busy
    engine.run()
    assert seen == [("done", 10, False)]


@given(st.integers(1, 20), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=8))
def test_every_interrupt_before_the_end_stretches_the_work(
    length: int, interrupts: list[tuple[int, int]]
) -> None:
    engine, ends = Engine(), []
    cpu = Cpu(engine)
    cpu.work(0, length, lambda _: ends.append(engine.now), None)
    expected = length
    for when, duration in sorted(interrupts):
        # Work that ends at an instant has been scheduled before the interrupts of that instant,
        # unless an earlier one has stretched it.
        engine.at(when, cpu.interrupt, duration)
    stretched = False
    for when, duration in sorted(interrupts):
        if when < expected or (when == expected and stretched):
            expected += duration
            stretched = stretched or duration > 0
    engine.run()
    assert ends == [expected]


def test_an_idle_cpu_takes_no_notice_of_interrupts() -> None:
    engine, ends = Engine(), []
    cpu = Cpu(engine)
    cpu.interrupt(100)
    cpu.work(0, 10, lambda _: ends.append(engine.now), None)
    engine.run()
    assert ends == [10]


def test_a_cpu_does_one_thing_at_a_time() -> None:
    cpu = Cpu(Engine())
    cpu.work(0, 10, print, None)
    with pytest.raises(RuntimeError, match="working already"):
        cpu.work(0, 20, print, None)


def test_stopped_work_tells_what_was_left_and_never_ends() -> None:
    engine, ends, left = Engine(), [], []
    cpu = Cpu(engine)
    cpu.work(0, 10, ends.append, "first")
    engine.at(4, cpu.interrupt, 3)
    engine.at(6, lambda _: left.append(cpu.stop()))
    engine.at(6, lambda _: cpu.work(6, 2, ends.append, "second"))
    engine.run()
    assert left == [7]
    assert ends == ["second"]
    assert cpu.stop() == 0


def test_one_piece_of_work_may_begin_the_next() -> None:
    engine, ends = Engine(), []
    cpu = Cpu(engine)

    def again(_: object) -> None:
        ends.append(engine.now)
        if len(ends) < 3:
            cpu.work(engine.now, 5, again, None)

    cpu.work(0, 5, again, None)
    engine.run()
    assert ends == [5, 10, 15]


def test_work_in_the_virtual_past_is_refused_and_leaves_the_cpu_free() -> None:
    engine = Engine()
    engine.at(5, lambda _: None)
    engine.run()
    cpu = Cpu(engine)
    with pytest.raises(ValueError, match="it is 5 ps already"):
        cpu.work(0, 4, print, None)
    assert not cpu.busy
