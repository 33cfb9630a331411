"""A CPU with noise: work that the kernel interrupts, or that is stopped, loses nothing."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import Engine
from vmpp.hardware import Cpu, Noise, Periodic


def noise() -> Noise:
    sources = [Periodic(100, 13, 40), Periodic(37, 5, 3, jitter=20), Periodic(800, 90, 500)]
    return Noise([one for each in sources if (one := each.interruptions(0, Random(7)))])


def noisy(engine: Engine) -> Cpu:
    cpu = Cpu(engine)
    cpu.noise = noise()
    return cpu


@given(st.integers(0, 500), st.integers(1, 2000))
def test_work_ends_as_late_as_noise_makes_it(start: int, work: int) -> None:
    engine, ends = Engine(), []
    noisy(engine).work(start, work, lambda _: ends.append(engine.now), None)
    engine.run()
    assert ends == [noise().finish(start, work)]


@given(st.integers(500, 2000), st.lists(st.tuples(st.integers(0, 400), st.integers(1, 30))))
def test_interrupts_of_the_kernel_come_on_top(work: int, interrupts: list[tuple[int, int]]) -> None:
    engine, ends = Engine(), []
    cpu = noisy(engine)
    cpu.work(0, work, lambda _: ends.append(engine.now), None)
    for when, duration in interrupts:
        engine.at(when, cpu.interrupt, duration)
    engine.run()
    assert ends == [noise().finish(0, work + sum(duration for _, duration in interrupts))]


@given(
    st.integers(1, 1500),
    st.lists(st.tuples(st.integers(1, 300), st.integers(0, 300)), max_size=6),
)
def test_work_that_is_stopped_goes_on_with_what_is_left(
    work: int, turns: list[tuple[int, int]]
) -> None:
    engine, ends, expected, now = Engine(), [], work, 0
    cpu = noisy(engine)

    def compute(left: int) -> None:
        cpu.work(engine.now, left, lambda _: ends.append(engine.now), None)

    def stop(pause: int) -> None:
        if cpu.busy:
            engine.at(engine.now + pause, compute, cpu.stop())

    compute(work)
    for computing, pause in turns:
        if noise().finish(now, expected) > now + computing:
            engine.at(now + computing, stop, pause)
            expected -= noise().idle(now, now + computing)
            now += computing + pause
    engine.run()
    assert ends == [noise().finish(now, expected)]


def test_work_that_is_stopped_before_it_begins_is_all_left() -> None:
    engine = Engine()
    cpu = noisy(engine)
    cpu.work(1000, 50, print, None)
    assert cpu.stop() == 50
