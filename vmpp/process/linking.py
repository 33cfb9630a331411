"""The libraries of a machine, asked with the care that somebody else's code takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vmpp.errors import PluginError, VmppError, raised
from vmpp.pct import LoadError

if TYPE_CHECKING:
    from vmpp.kernel import Job, Process
    from vmpp.process.library import Library, Report


class LinkedLibraries:
    """The libraries that are linked to every process; see `vmpp.process.library.Library`.

    If one of them fails, that is told with its plugin.
    """

    __slots__ = ("_libraries",)

    def __init__(self, libraries: Sequence[Library]) -> None:
        self._libraries = tuple(libraries)

    def check(self, description: Any) -> None:
        """Have libraries look at what a machine's description says of them. Raises VmppError."""
        for library in self._libraries:
            try:
                library.check(description)
            except VmppError:
                raise
            except Exception as error:
                raise raised(library, "check", error) from error

    def memory(self, description: Any) -> int:
        """Return the bytes that they take in each process. Raises LoadError if one fails."""
        total = 0
        for library in self._libraries:
            try:
                total += library.memory(description)
            except Exception as error:
                raise LoadError(str(raised(library, "memory", error))) from error
        return total

    def attach(self, process: Process, description: Any) -> None:
        """Set them up in *process*. Raises LoadError if one cannot serve it, or fails."""
        for library in self._libraries:
            try:
                library.attach(process, description)
            except LoadError:
                raise
            except Exception as error:
                raise LoadError(str(raised(library, "attach", error))) from error

    def finish(self, process: Process) -> None:
        """End their work in *process*, whose program has ended. Raises PluginError if one fails."""
        for library in self._libraries:
            try:
                library.finish(process)
            except Exception as error:
                raise raised(library, "finish", error) from error

    def detach(self, process: Process) -> None:
        """Have all of them let go of *process*. Raises PluginError if one fails."""
        failed: PluginError | None = None
        for library in self._libraries:
            try:
                library.detach(process)
            except Exception as error:
                failed = failed or raised(library, "detach", error)
        if failed is not None:
            raise failed

    def remark(self, process: Process) -> str:
        """Return what they know of why *process* waits. Raises PluginError if one fails."""
        found = []
        for library in self._libraries:
            ask = getattr(library, "remark", None)
            if ask is not None:
                try:
                    found.append(str(ask(process) or ""))
                except Exception as error:
                    raise raised(library, "remark", error) from error
        return "; ".join(filter(None, found))

    def report(self, job: Job) -> list[Report]:
        """Return what they have to say about *job*. Raises PluginError if one fails."""
        found = []
        for library in self._libraries:
            try:
                report = library.report(job)
            except Exception as error:
                raise raised(library, "report", error) from error
            if report is not None:
                found.append(report)
        return found
