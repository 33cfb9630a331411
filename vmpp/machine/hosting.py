"""The host's side of jobs: their streams, what servers forget of them, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vmpp.exit_status import CLOSED_PIPE
from vmpp.machine import profiles
from vmpp.machine.job import Job
from vmpp.machine.streams import Capture, HostInput, StreamSink, Traced
from vmpp.process import calls, places
from vmpp.process.calls import Reply
from vmpp.process.library import Report
from vmpp.process.program import Program
from vmpp.service import JobRecord, Wishes
from vmpp.service.allocator import Request
from vmpp.service.files import Stdio
from vmpp.service.filesystem.programs import space_of
from vmpp.service.log import Kind

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine


class JobHost:
    """Goes with all jobs of a machine from their launch to their end."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._jobs: dict[int, Job] = {}
        self._stdio: dict[int, Stdio] = {}

    def begin(
        self,
        parts: Sequence[tuple[Program, int]],
        wishes: Wishes,
        stdin: Any,
        stdout: Any,
        stderr: Any,
        typed: bool,
        decide: Callable[[Request], Reply] | None,
    ) -> Job:
        """Begin to launch a job; see `Machine.launch` and `Launcher.launch`."""
        machine = self._machine
        record = machine.launcher.launch(parts, wishes, decide)
        program = parts[0][0]
        out = Capture() if stdout is None else StreamSink(stdout)
        err = Capture() if stderr is None else StreamSink(stderr)
        job = self._jobs[record.id] = Job(
            machine, record, getattr(out, "data", b""), getattr(err, "data", b"")
        )
        stdio = Stdio(
            Traced(out, machine.trace),
            Traced(err, machine.trace),
            None if stdin is None else HostInput(stdin),
            typed=typed,
        )
        stdio.on_broken = lambda: machine.launcher.end(record, CLOSED_PIPE)
        self._stdio[record.id] = stdio
        machine.files.open_job(record.id, stdio, program.cwd, space_of(program))
        machine.bridge.wake()
        return job

    def is_read(self, record: JobRecord) -> bool:
        """Return whether a process of a job waits for what somebody types."""
        return self._stdio[record.id].is_read

    def started(self, record: JobRecord) -> None:
        """Take note that the processes of a job are about to run."""
        machine = self._machine
        origin = record.origin
        if record is not origin:
            self._spawned(record, self._jobs[origin.id], self._stdio[origin.id])
        self.keep(record)
        machine.coordination.started(record, record.wishes.policy or machine.description.pct.policy)
        record.gone.then(lambda _: machine.coordination.ended(record))
        machine.note(
            Kind.LAUNCH,
            record.wishes.owner.name,
            f"job {record.id}: {record.job.programs[0].name} on {len(record.job.leaders)} nodes",
        )
        machine.plugins.tell("vmpp_job_started", job=self._jobs[record.id])

    def keep(self, record: JobRecord) -> None:
        """Have what there is to tell of a job on record, before anybody is told of it.

        `yod` tells the accounting server of the job's end as well. But that server may be stopped,
        and if the machine goes down while a job runs, that is its end.
        """
        machine = self._machine
        if machine.installation is not None:
            machine.accounting.record(machine.launcher.describe(record))

    def _spawned(self, record: JobRecord, origin: Job, stdio: Stdio) -> None:
        """Make a job of what *origin* has spawned: it prints where that does, and reads nothing."""
        machine = self._machine
        job = record.job
        self._jobs[job.id] = Job(machine, record, origin.stdout, origin.stderr)
        own = Stdio(stdio.stdout, stdio.stderr, on_broken=stdio.on_broken)
        space = space_of(job.program(0))
        machine.files.open_job(job.id, own, lambda rank: str(job.program(rank).cwd), space)

    def lost(self, record: JobRecord, rank: int) -> None:
        """Have servers forget a rank, by messages that they take in their turn."""
        machine = self._machine
        for server, request in (
            (machine.files.name, calls.Forget(record.id, rank)),
            (machine.sockets.name, places.Forget(record.id, rank)),
        ):
            record.yod.tell(machine.services.addresses[server], calls.encode(request))
        machine.io.forget(record.id, rank)

    def abnormal(self, origin: JobRecord) -> None:
        """Look where the processes of a job stand that is about to be ended abnormally."""
        if origin.wishes.traces and origin.traced is None:
            where = self._machine.overview.where
            groups = [str(each) for record in origin.family for each in where(record)]
            origin.traced = "\n".join(groups)

    def ended(self, record: JobRecord) -> None:
        """Take note that a job is over: servers forget it, and plugins are told."""
        machine = self._machine
        job = self._jobs.pop(record.id, None)
        reports: list[Report] = []
        if record.placed:
            machine.names.close_job(record.id)
            machine.sockets.close_job(record.id)
            machine.io.forget(record.id)
            reports = self._reports(record)
        if job is None:
            # It could not be loaded, which is its spawner's business alone.
            return
        job.reports += reports
        if record is not record.origin:
            self._jobs[record.origin.id].reports += reports
        self._stdio.pop(record.id, None)
        machine.files.close_job(record.id)
        if not record.refused:
            self.keep(record)
        if record.placed:
            for rank, status in enumerate(record.statuses):
                machine.trace.output(f"{rank} {status}\n".encode())
            why = f" ({record.failure.splitlines()[0]})" if record.failure else ""
            machine.note(
                Kind.END,
                record.wishes.owner.name,
                f"job {record.id}: status {record.status}{why}",
            )
            machine.plugins.tell("vmpp_job_ended", job=job, result=job.result())

    def _reports(self, record: JobRecord) -> list[Report]:
        found = self._machine.libraries.report(record.job)
        profile = profiles.report(record.id, record.job.profiles)
        return found if profile is None else [*found, profile]
