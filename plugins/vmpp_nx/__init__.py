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
    from vmpp.process.library import Library
    from vmpp_nx._parameters import Parameters


class NxLibrary:
    """NX, linked to every process of a machine."""

    __slots__ = ("_made",)

    modules: Mapping[str, str] = {"nx": "vmpp_nx.nx"}

    def __init__(self) -> None:
        self._made: tuple[MachineDescription, Parameters] | None = None

    def check(self, description: MachineDescription) -> None:
        """Refuse nothing: any numbers of a table go together."""

    def memory(self, description: MachineDescription) -> int:
        """Return nothing: its memory is taken by the first call of a process."""
        return 0

    def attach(self, process: Process, description: MachineDescription) -> None:
        """Set up the portal that messages come to, even before the program has called NX."""
        from vmpp_nx._mailbox import Mailbox
        from vmpp_nx._parameters import Parameters

        if self._made is None or self._made[0] is not description:
            self._made = description, Parameters.of(description)
        process.libraries["nx.mailbox"] = Mailbox(process, self._made[1])

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
