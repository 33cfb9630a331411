"""What a trial takes note of while its machine runs, as any plugin could."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Final

from vmpp.hooks import hookimpl
from vmpp.machine.plugins import Plugins, Source

if TYPE_CHECKING:
    from vmpp.hardware import Topology
    from vmpp.machine.job import Job
    from vmpp.machine.machine import Machine

MOST: Final = 2048
"""Nodes of a job up to which every two of them are looked at: these are two million pairs."""


class Watcher:
    """Takes note of where the first job of a machine is."""

    def __init__(self) -> None:
        self._nodes: Sequence[int] = ()
        self._topology: Topology | None = None

    @classmethod
    def beside(cls, plugins: Plugins) -> Watcher:
        """Return one that is registered with *plugins*."""
        watcher = cls()
        plugins.register(watcher, Source("watcher", __name__, "vmpp", ""))
        return watcher

    @hookimpl
    def vmpp_machine_booted(self, machine: Machine) -> None:
        """Know the machine's places."""
        self._topology = machine.topology

    @hookimpl
    def vmpp_job_started(self, job: Job) -> None:
        """Know the first job's nodes."""
        self._nodes = self._nodes or job.nodes

    def distance(self) -> float | None:
        """Return the links between two of the job's nodes, on average.

        Returns:
            None if there are no two, or too many to look at all of them.
        """
        nodes = sorted(set(self._nodes))
        if self._topology is None or not 1 < len(nodes) <= MOST:
            return None
        hops = self._topology.hops
        pairs = len(nodes) * (len(nodes) - 1) // 2
        return sum(hops(one, other) for one, other in combinations(nodes, 2)) / pairs
