"""Active messages and one-sided communication, on portals: what ``import am`` gives programs."""

# ruff: noqa: PLC0415 - `vmpp plugins` need not load the library

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl

if TYPE_CHECKING:
    from vmpp.kernel import Job, Process
    from vmpp.machine.description import MachineDescription
    from vmpp.portals import LatePortals
    from vmpp.process.library import Library


class AmLibrary:
    """Active messages, linked to every process of a machine."""

    __slots__ = ("_late", "_made")

    modules: Mapping[str, str] = {"am": "vmpp_am.am"}

    def __init__(self) -> None:
        self._made: MachineDescription | None = None
        self._late: LatePortals | None = None

    def check(self, description: MachineDescription) -> None:
        """Refuse nothing: any numbers of the table go together."""

    def memory(self, description: MachineDescription) -> int:
        """Return nothing: its memory is taken by the first call of a process."""
        return 0

    def attach(self, process: Process, description: MachineDescription) -> None:
        """Have messages taken from now on: others may send before it has called anything."""
        if self._late is None or self._made is not description:
            from vmpp_am._parameters import Parameters
            from vmpp_am._state import portals
            from vmpp_collectives import machine_choices

            self._made = description
            choices = machine_choices(description.mpi.collectives)
            self._late = portals(Parameters.of(description), choices)
        process.table.promise(self._late)

    def finish(self, process: Process) -> None:
        """Tell whoever waits for handlers that have not run that they never will."""
        found = process.libraries.get("am.portals")
        if found is not None:
            found[0].give_up(process)

    def detach(self, process: Process) -> None:
        """Let go of what the library holds for *process*."""
        process.libraries.pop("am", None)
        process.libraries.pop("am.portals", None)

    def remark(self, process: Process) -> str:
        """Return what waits for handlers that there are not, and what has failed in the kernel."""
        state = process.libraries.get("am")
        return "" if state is None else str(state.remark())

    def report(self, job: Job) -> None:
        """Return nothing: it has no tools."""


@hookimpl
def vmpp_libraries() -> Mapping[str, Library]:
    """Offer the library."""
    return {"am": AmLibrary()}
