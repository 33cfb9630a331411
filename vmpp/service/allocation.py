"""Node allocation: the mechanism's question to the policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from vmpp.hardware import Topology


@dataclass(frozen=True, slots=True)
class Places:
    """What an allocation policy may know of its machine.

    Attributes:
        topology: the places of all nodes, and the ways between them.
        nodes: the numbers of the compute nodes that the machine has booted with, sorted.
        draw: gives random numbers from 0 up to 1, from a stream of the machine's own.
    """

    topology: Topology
    nodes: Sequence[int]
    draw: Callable[[], float]


class AllocationPolicy(Protocol):
    """Chooses the nodes of a job. The launcher keeps the list of free nodes."""

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        """Return *wanted* of the *free* node numbers, which are sorted, in order of rank.

        Returns:
            None if there is no fitting choice now.
        """
        ...
