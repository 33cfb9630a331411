"""The library ``coprocessor`` as the machine knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vmpp.kernel import Job, Process
    from vmpp.process.library import Report


class CoprocessorLibrary:
    """Linked to every process; what it offers works in modes with a CPU for co-routines."""

    __slots__ = ()

    modules: Mapping[str, str] = {"coprocessor": "vmpp_cpumode.coprocessor"}

    def check(self, description: Any) -> None:
        """Find nothing wrong: no key of a machine file is about this library."""

    def memory(self, description: Any) -> int:
        """Return the bytes that it takes: none worth counting."""
        return 0

    def attach(self, process: Process, description: Any) -> None:
        """Set nothing up: the co-processor is the kernel's."""

    def finish(self, process: Process) -> None:
        """Wait for the co-routines that the program has started, as for threads."""
        if process.coroutines:
            from vmpp_cpumode import coprocessor  # noqa: PLC0415 - most programs have none

            coprocessor.wait_for_all(process)

    def detach(self, process: Process) -> None:
        """Let go of nothing: the kernel ends the co-routines."""

    def report(self, job: Job) -> Report | None:
        """Say nothing about a job."""
        return None
