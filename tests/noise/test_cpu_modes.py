"""Which CPU of a node noise hits, and what that means in each CPU mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from vmpp.errors import VmppError
from vmpp.machine.description import MachineDescription

Measure: TypeAlias = Callable[..., list[int]]
Machines: TypeAlias = Callable[..., MachineDescription]

SOURCE = """
[[noise]]
period = "10 ms"
duration = "1 ms"
phase = "5 ms"
cpu = "{cpu}"
"""

COMPUTE = """
began = time.perf_counter()
vmpp.compute(0.9)
print(round((time.perf_counter() - began) * 1000))
"""


def lost(
    measure: Measure, machine: Machines, cpu: str, mode: str, *, nprocs: int = 1, cpus: int = 2
) -> list[int]:
    """Return how much longer computing 900 ms takes each rank, in ms."""
    noisy = machine(sources=SOURCE.format(cpu=cpu), cpus=cpus, mode=mode)
    return [took - 900 for took in measure(COMPUTE, noisy, nprocs=nprocs)]


@pytest.mark.parametrize(
    ("cpu", "mode", "expected"),
    [
        ("application", "heater", 100),
        ("application", "message-coprocessor", 100),
        ("first", "heater", 100),
        ("first", "message-coprocessor", 0),
        ("second", "heater", 0),
        ("second", "message-coprocessor", 100),
        ("any", "heater", 0),
        ("any", "message-coprocessor", 0),
        # Half of the events hit the CPU with the co-routines.
        ("any", "compute-coprocessor", 47),
    ],
)
def test_noise_costs_who_is_on_its_cpu(
    measure: Measure, machine: Machines, cpu: str, mode: str, expected: int
) -> None:
    (more,) = lost(measure, machine, cpu, mode)
    assert more == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [("application", [100, 100]), ("first", [0, 100]), ("second", [0, 100]), ("any", [47, 47])],
)
def test_two_ranks_on_a_node_have_a_cpu_each(
    measure: Measure, machine: Machines, cpu: str, expected: list[int]
) -> None:
    more = lost(measure, machine, cpu, "virtual-node", nprocs=2)
    assert sorted(more) == pytest.approx(expected, abs=1)


def test_what_runs_anywhere_hits_the_only_cpu_of_a_node(
    measure: Measure, machine: Machines
) -> None:
    assert lost(measure, machine, "any", "heater", cpus=1) == [100]


def test_noise_that_leaves_no_time_in_any_mode_is_refused_at_boot(
    measure: Measure, machine: Machines
) -> None:
    crowded = SOURCE.format(cpu="first").replace('"1 ms"', '"6 ms"') + SOURCE.format(
        cpu="any"
    ).replace('"1 ms"', '"9 ms"')
    with pytest.raises(VmppError, match=r"node 0: noise takes 105\.0% of"):
        measure("", machine(sources=crowded, cpus=2))
