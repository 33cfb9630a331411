"""Noise that an experimenter injects: one event in every period."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

from vmpp.hardware import CPUS, Periodic
from vmpp.machine.nodesets import compute_nodes
from vmpp.parameters import Is, time, word
from vmpp.quantities import duration as ps


def periodic(
    period: Annotated[int, time("between the places of two events", "1 ns")] = ps("10 ms"),
    duration: Annotated[int, time("of an event", "1 ns")] = ps("250 us"),
    phase: Annotated[
        int, time("when an event begins, on all nodes, if they are synchronised")
    ] = ps("0 s"),
    jitter: Annotated[int, time("by which an event begins late at most, by chance")] = ps("0 s"),
    synchronised: Annotated[str, word("whether all nodes have it at once", "no", "yes")] = "no",
    nodes: Annotated[str, Is("nodes that have it: all, or such as 0..3,8 or 0..1023/32")] = "all",
    cpu: Annotated[str, word("CPU of the node that it hits", *CPUS)] = "application",
) -> Sequence[Periodic]:
    """One event in every period.

    Raises:
        ValueError: it cannot be, or has a *phase*, which is each node's own, without being
            *synchronised*.
    """
    in_step = synchronised == "yes"
    if phase and not in_step:
        raise ValueError("phase: it is each node's own; say synchronised=yes as well")
    try:
        chosen = compute_nodes(nodes)
    except ValueError as error:
        raise ValueError(f"nodes: {error}") from None
    return (Periodic(period, duration, phase if in_step else None, jitter, chosen, cpu),)


def _pattern(text: str, period: str, duration: str) -> Callable[..., Sequence[Periodic]]:
    def pattern(
        synchronised: Annotated[str, word("whether all nodes have it at once", "no", "yes")] = "no",
    ) -> Sequence[Periodic]:
        return periodic(ps(period), ps(duration), synchronised=synchronised)

    pattern.__doc__ = text
    return pattern


INJECTED: Final[Mapping[str, Callable[..., Sequence[Periodic]]]] = {
    "ferreira-10hz": _pattern(
        "Injected: 10 events of 2,500 us a second; 2.5 %.", "100 ms", "2500 us"
    ),
    "ferreira-100hz": _pattern(
        "Injected: 100 events of 250 us a second; 2.5 %.", "10 ms", "250 us"
    ),
    "ferreira-1000hz": _pattern(
        "Injected: 1,000 events of 25 us a second; 2.5 %.", "1 ms", "25 us"
    ),
}
"""The patterns of Ferreira, Bridges and Brightwell, 'Characterizing application sensitivity to OS
interference using kernel-level noise injection' (SC'08): 2.5 % of the time each."""
