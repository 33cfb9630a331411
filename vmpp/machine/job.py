"""Jobs as sessions have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vmpp.engine import to_seconds
from vmpp.machine.result import Result
from vmpp.process.library import Report
from vmpp.service import JobRecord
from vmpp.service.record import TERMINATED

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine


class Job:
    """A job on a machine: what `Machine.launch` returns.

    Attributes:
        record: what the launcher knows of it.
        stdout: bytes written to standard output so far, if they are captured.
        stderr: likewise standard error.
        reports: what the libraries' tools had to say at its end.
    """

    __slots__ = ("_machine", "record", "reports", "stderr", "stdout")

    def __init__(self, machine: Machine, record: JobRecord, stdout: Any, stderr: Any) -> None:
        self._machine = machine
        self.record = record
        self.stdout = stdout
        self.stderr = stderr
        self.reports: list[Report] = []

    @property
    def id(self) -> int:
        """Number of the job."""
        return self.record.id

    @property
    def nodes(self) -> Sequence[int]:
        """Node numbers, by rank."""
        return self.record.job.nodes

    async def wait(self) -> Result:
        """Wait for the end of the job, and of what it spawned; return what came of it."""
        await self.record.done.wait()
        return self.result()

    def result(self) -> Result:
        """Return what has come of the job, which has ended."""
        record = self.record
        ran = next((phase.virtual_ps for phase in record.phases if phase.name == "run"), 0)
        return Result(
            status=record.status,
            statuses=[TERMINATED if status is None else status for status in record.statuses],
            virtual_time=to_seconds(ran),
            stdout=bytes(self.stdout),
            stderr=bytes(self.stderr),
            digest=self._machine.trace.digest(),
            counters=self._machine.counters(),
            phases=tuple(record.phases),
            failure=record.failure,
            reports=tuple(self.reports),
        )

    def end(self, status: int) -> None:
        """End the job with *status*; its processes are killed."""
        self._machine.launcher.end(self.record, status)
