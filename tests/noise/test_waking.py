"""A process that is woken, polls or shares its CPU while there is noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec
import pytest

from vmpp.machine.description import MachineDescription

Measure: TypeAlias = Callable[..., list[int]]
Machines: TypeAlias = Callable[..., MachineDescription]

IN_STEP = """
[[noise]]
period = "10 ms"
duration = "2 ms"
phase = "{phase}"
nodes = "{nodes}"
"""

AT = """
time.sleep({milliseconds} / 1000 - time.perf_counter())
print(round(time.perf_counter() * 1e9))
"""
"""Sleeps until a time of the machine's and says when it goes on."""


@pytest.mark.parametrize(
    ("wanted", "woken"), [(14, 14), (15, 17), (16, 17), (16.9999, 17), (17, 17), (18, 18)]
)
def test_a_sleeper_goes_on_when_noise_is_over(
    measure: Measure, machine: Machines, wanted: float, woken: float
) -> None:
    noisy = machine(sources=IN_STEP.format(phase="5 ms", nodes="all"))
    (went_on,) = measure(AT.format(milliseconds=wanted), noisy)
    assert went_on == pytest.approx(woken * 1e6, abs=500)


def test_a_message_that_comes_during_noise_is_there_when_the_process_goes_on(
    measure: Measure, machine: Machines
) -> None:
    noisy = machine(sources=IN_STEP.format(phase="5 ms", nodes="1"))
    went_on, other = measure(
        """
        if comm.rank == 0:
            for when in (15.5, 16, 17.5):
                time.sleep(when / 1000 - time.perf_counter())
                comm.send(when, dest=1)
        else:
            comm.recv(source=0)
            print(round(time.perf_counter() * 1e9))
            # The second one is there, too.
            assert comm.iprobe(source=0) and comm.recv(source=0) == 16
            comm.recv(source=0)
            print(round(time.perf_counter() * 1e9))
        """,
        noisy,
        nprocs=2,
    )
    assert went_on == pytest.approx(17e6, abs=1000)
    assert other == pytest.approx(17.5e6, abs=3000)


def test_who_polls_a_clock_sees_it_jump_over_noise(measure: Measure, machine: Machines) -> None:
    noisy = machine(sources=IN_STEP.format(phase="5 ms", nodes="all"))
    jumps = measure(
        """
        time.sleep(14.9 / 1000 - time.perf_counter())
        jumps = []
        last = time.perf_counter_ns()
        while last < 27_200_000:
            now = time.perf_counter_ns()
            if now - last > 1000:
                jumps.append(now - last)
            last = now
        print(*jumps)
        """,
        noisy,
    )
    assert jumps == [2_000_100, 2_000_100]


@pytest.mark.parametrize("policy", ["single", "rr:1ms"])
def test_noise_makes_computing_equally_longer_under_every_scheduler(
    measure: Measure, machine: Machines, policy: str
) -> None:
    noisy = machine("periodic:10ms:2ms:phase=5ms:synchronised=yes")
    noisy = msgspec.structs.replace(noisy, pct=msgspec.structs.replace(noisy.pct, policy=policy))
    (end,) = measure("vmpp.compute(0.08); print(round(time.perf_counter() * 1e9))", noisy)
    assert end == pytest.approx(100e6, abs=1e6)


def test_a_run_with_noise_repeats(measure: Measure, machine: Machines) -> None:
    text = """
    for _ in range(20):
        vmpp.compute(0.001)
        comm.Barrier()
    print(round(time.perf_counter() * 1e9))
    """
    first = measure(text, machine("desktop"), nprocs=4, seed=3)
    assert measure(text, machine("desktop"), nprocs=4, seed=3) == first
    assert measure(text, machine("desktop"), nprocs=4, seed=4) != first
