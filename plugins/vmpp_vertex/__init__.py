"""Vertex, the library of nCUBE's machines, on portals: what ``from vertex import *`` gives."""

# ruff: noqa: PLC0415 - `vmpp plugins` need not load it

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl

if TYPE_CHECKING:
    from vmpp.kernel import Job, Process
    from vmpp.machine.description import MachineDescription
    from vmpp.portals import LatePortals
    from vmpp.process.library import Library, Report
    from vmpp_vertex._node import Node


class VertexLibrary:
    """The library, linked to every process of a machine.

    A process that never calls it, and is never sent anything, has nothing of it: the portals are
    set up when one is needed. The node buffer is taken of the node's memory at the first call.
    """

    __slots__ = ("_late", "_losses", "_made")

    modules: Mapping[str, str] = {"vertex": "vmpp_vertex.vertex"}

    def __init__(self) -> None:
        self._losses: dict[Job, dict[int, str]] = {}
        self._made: MachineDescription | None = None
        self._late: LatePortals | None = None

    def check(self, description: MachineDescription) -> None:
        """Accept whatever the table ``[vertex]`` has room for."""

    def memory(self, description: MachineDescription) -> int:
        """Return 0: see the class."""
        return 0

    def attach(self, process: Process, description: MachineDescription) -> None:
        """Have messages taken from now on, if the job is of a size that Vertex can number."""
        from vmpp_vertex._node import MOST_NODES, nodes
        from vmpp_vertex._setup import Setup

        if process.size > MOST_NODES:
            return
        if self._late is None or self._made is not description:
            self._made = description
            self._late = nodes(Setup(description))
        process.table.promise(self._late)

    def finish(self, process: Process) -> None:
        """Leave what has been sent on its way: nobody waits for it."""

    def detach(self, process: Process) -> None:
        """Note what the node buffer of *process* has lost."""
        text = self.remark(process)
        if text:
            self._losses.setdefault(process.job, {})[process.rank] = text

    def remark(self, process: Process) -> str:
        """Return what the node buffer of *process* has lost; empty if nothing, or told before."""
        node: Node | None = process.libraries.get("vertex")
        losses = node and node.buffer.losses()
        if not node or not losses or node.told:
            return ""
        node.told = True
        return losses.describe(process.rank, node.buffer.heap.size)

    def report(self, job: Job) -> Report | None:
        """Return which node buffers of *job* have overrun, None if none has.

        That is a warning, and no finding: programs may cope with it, and have `nlost` to know.
        """
        from vmpp.process.library import Report

        losses = self._losses.pop(job, None)
        if losses is None:
            return None
        lines = [losses[rank] for rank in sorted(losses)]
        return Report("\n".join(lines))


@hookimpl
def vmpp_libraries() -> Mapping[str, Library]:
    """Offer the library."""
    return {"vertex": VertexLibrary()}
