"""Jobs as sessions have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vmpp.engine import to_seconds
from vmpp.exit_status import TERMINATED
from vmpp.machine.profiles import by_rank
from vmpp.machine.report import Standing
from vmpp.machine.result import Result
from vmpp.process.library import Report
from vmpp.service import JobRecord, Phase
from vmpp.service.identity import Credentials
from vmpp.service.status import JobStatus, RankStatus

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

    @property
    def status(self) -> JobStatus:
        """What there is to tell of the job now."""
        return self._machine.launcher.describe(self.record)

    @property
    def steps(self) -> Sequence[Phase]:
        """The steps of the launch, as they end, in the words of ``yod -timing``.

        Virtual time passes in ``allocate nodes``, ``executable sent to compute partition``,
        ``compute partition synchronised`` and ``apps ready``, one after the other; what they take
        together is the total load.
        """
        return tuple(self.record.steps)

    @property
    def backtrace(self) -> str | None:
        """Where all ranks stood when the job was ended abnormally, if it was launched to say so."""
        return self.record.traced

    def completion(self) -> list[RankStatus]:
        """Return how each rank has ended, or how long it has run: `yod`'s completion table."""
        return self.record.completion(self._machine.engine.now)

    def where(self) -> list[Standing]:
        """Return where the ranks stand now, those that stand alike together."""
        return self._machine.where(self)

    def signal(self, number: int, by: Credentials | None = None) -> None:
        """Send a signal to every rank; see `Launcher.signal`, also for what it raises."""
        self._machine.signal(self.id, number, by)

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
            distance=record.distance,
            policies=self._policies(),
            profiles=by_rank(record.job.profiles),
        )

    def _policies(self) -> dict[str, str]:
        """Return what chose the policies that decided: the machine's, and this job's own."""
        status = self.status
        own = {"pct": status.policy, "mode": status.mode}
        return {**self._machine.policies, **{kind: text for kind, text in own.items() if text}}

    def end(self, status: int) -> None:
        """End the job with *status*; its processes are killed."""
        self._machine.launcher.end(self.record, status)
