"""NX, the library of Intel's Paragon, on portals: what ``from nx import *`` gives programs.

Names, order and meaning of arguments are those of the Paragon's NX, and of the iPSC's where that
has names of its own. What is modelled of the machine itself, and what is our reading of it, is told
in `docs/nx.md`.
"""

# ruff: noqa: PLC0415 - `vmpp plugins` need not load NX

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl

if TYPE_CHECKING:
    from vmpp.kernel import Job, Process
    from vmpp.machine.description import MachineDescription
    from vmpp.portals import LatePortals
    from vmpp.process.library import Library


class NxLibrary:
    """NX, linked to every process of a machine."""

    __slots__ = ("_late", "_made")

    modules: Mapping[str, str] = {"nx": "vmpp_nx.nx"}

    def __init__(self) -> None:
        self._made: MachineDescription | None = None
        self._late: LatePortals | None = None

    def check(self, description: MachineDescription) -> None:
        """Refuse nothing: any numbers of a table go together."""

    def memory(self, description: MachineDescription) -> int:
        """Return nothing: its memory is taken by the first call of a process."""
        return 0

    def attach(self, process: Process, description: MachineDescription) -> None:
        """Have messages taken from now on: there may be some before the program has called NX."""
        if self._late is None or self._made is not description:
            from vmpp_nx._mailbox import mailboxes
            from vmpp_nx._parameters import Parameters

            self._made = description
            self._late = mailboxes(Parameters.of(description))
        process.table.promise(self._late)

    def finish(self, process: Process) -> None:
        """Let go what the program's handlers have sent and nobody had memory for."""
        state = process.libraries.get("nx")
        if state is not None:
            state.finish()

    def detach(self, process: Process) -> None:
        """Let go of what the library holds for *process*."""
        process.libraries.pop("nx", None)
        process.libraries.pop("nx.mailbox", None)

    def report(self, job: Job) -> None:
        """Return nothing: NX has no tools."""


@hookimpl
def vmpp_libraries() -> Mapping[str, Library]:
    """Offer the library."""
    return {"nx": NxLibrary()}
