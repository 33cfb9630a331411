"""The file server: the host's files, or those of the machine's own tree, served to processes.

It keeps for every process what a Unix kernel keeps: open files, the current directory, the mask of
new files' permissions. Which files there are, and with whose rights, is the name space of the
process's job: the host's as the user who runs vmpp (`HostSpace`), perhaps with the machine's
``/pfs`` among them (`JoinedSpace`), or the machine's tree as one of its users (`TreeSpace`).
Standard output and error go line by line to the sinks of the job, standard input comes from the
job's source and goes to rank 0.

A request is answered at once, in the order in which requests are given to `FileServer.serve`,
unless it is for something that may keep the host waiting, standard input, a named pipe, a terminal,
or takes I/O nodes to do something: what is read of striped files, written to them, or cut.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import trio

from vmpp.process import calls
from vmpp.service.file_calls import ANSWERS
from vmpp.service.file_session import FileSession, Shares
from vmpp.service.filesystem.host_space import HostSpace
from vmpp.service.filesystem.space import Space, View
from vmpp.service.server import Caller, Later, Unhurried
from vmpp.service.stdio import BLOCK, Sink, Source, Stdio

__all__ = ["BLOCK", "FileServer", "Sink", "Source", "Stdio"]

_SYSTEM: Final = 0
"""In place of a job's number: that of the system's own processes."""


@dataclass(slots=True)
class _Job:
    """A job that the server knows: its streams, where its processes start, and those at work."""

    stdio: Stdio
    space: Space
    start: Callable[[int], Any]
    sessions: dict[int, FileSession] = field(default_factory=dict)

    def view(self, rank: int) -> View:
        """Return what a process sees that has asked for nothing yet."""
        return self.space.view(self.start(rank))


class FileServer:
    """Serves files to the processes of jobs, and to the sessions of those who are logged in.

    Whoever receives the requests gives them to `serve`, one call a request, and sends the answers
    back. Several may be open at a time; those that need not wait for the host never give up the
    host's processor, so that their effects come in the order of the calls.

    Attributes:
        name: what processes call it by.
        least_service_time: the least virtual time between a request's arrival and its reply, ps.
        calls_served: how many requests have been answered.
        host: the name space of jobs for which none is given.
    """

    __slots__ = ("_jobs", "_shares", "calls_served", "host", "least_service_time", "name")

    def __init__(self, least_service_time: int = 0, host: Space | None = None) -> None:
        """Serve nobody yet.

        Args:
            least_service_time: the least that a request takes, ps.
            host: the name space of jobs for which none is given; None: the host's files.
        """
        self.name = "files"
        self.least_service_time = least_service_time
        self.calls_served = 0
        self.host: Space = HostSpace() if host is None else host
        self._jobs: dict[int, _Job] = {}
        self._shares = Shares()

    def open_job(
        self,
        job: int,
        stdio: Stdio,
        directory: str | Callable[[int], str] | None = None,
        space: Space | None = None,
    ) -> None:
        """Serve the processes of *job* from now on.

        Args:
            job: its number, or that of a login session.
            directory: where they start, which a function gives by rank; None: the host's own
                current directory, or the user's home.
            space: the files that they see; None: the host's.
        """
        files = self.host if space is None else space
        if callable(directory):
            by_rank = directory
            self._jobs[job] = _Job(stdio, files, lambda rank: files.start(by_rank(rank)))
        else:
            start = files.start(directory)
            self._jobs[job] = _Job(stdio, files, lambda rank: start)

    def directory(self, job: int, rank: int) -> str:
        """Return the current directory of a process of a job that is served."""
        known = self._jobs[job]
        session = known.sessions.get(rank)
        return os.fsdecode((known.view(rank) if session is None else session.view).getcwd())

    def finish(self, job: int, rank: int, time: int | None = None) -> None:
        """Forget a process that has ended, at *time* ps: let its last line out, close its files."""
        known = self._jobs.get(job)
        session = known.sessions.pop(rank, None) if known else None
        if session is not None:
            if time is not None:
                session.caller = Caller(job, rank, time)
            with contextlib.suppress(OSError):  # nobody is left who could be told
                session.let_out()
            session.abandon()

    def close_job(self, job: int) -> None:
        """Forget *job* and all its processes, as `finish`, in the order of their ranks."""
        known = self._jobs.get(job)
        if known is None:
            return
        known.stdio.close()
        for rank in sorted(known.sessions):
            self.finish(job, rank)
        del self._jobs[job]

    def close(self) -> None:
        """Forget every job."""
        for job in sorted(self._jobs):
            self.close_job(job)
        self.host.close()

    @property
    def open_files(self) -> int:
        """How many open files there are on behalf of processes."""
        sessions = [s for job in self._jobs.values() for s in job.sessions.values()]
        return len({file for session in sessions for file in (session.files or {}).values()})

    def serve(self, caller: Caller, request: bytes) -> bytes | Later | Awaitable[bytes]:
        """Answer one *request* of *caller*, or return what the answer has to wait for.

        Whatever is wrong with a request is answered with `Failed`: EIO from a job that is not
        served, EBADMSG for what is no request at all.
        """
        self.calls_served += 1
        job = self._jobs.get(caller.job)
        if caller.job == _SYSTEM:
            return self._serve_system(caller, request)
        if job is None:
            return calls.encode(calls.Failed(errno.EIO))
        session = job.sessions.get(caller.rank)
        if session is None:
            session = FileSession(job.stdio, job.view(caller.rank), self._shares)
            job.sessions[caller.rank] = session
        session.caller = caller
        session.view.begin(caller.time)
        try:
            call = calls.decode_call(request)
            answer = ANSWERS[type(call)](session, call)
        except Exception as error:
            answer = _failed(error)
        if isinstance(answer, calls.Reply):
            return calls.encode(answer)
        if isinstance(answer, Later):
            return answer
        reply, stdio = self._await(answer), session.stdio
        if stdio.typed and isinstance(call, calls.Read) and call.handle == 0:
            return Unhurried(stdio.until_closed(reply))
        return reply

    def _serve_system(self, caller: Caller, request: bytes) -> bytes:
        """Answer a request of the system itself, which has just one kind of them."""
        try:
            call = calls.decode_call(request)
        except calls.GARBAGE as error:
            return calls.encode(_failed(error))
        if not isinstance(call, calls.Forget):
            return calls.encode(calls.Failed(errno.EIO))
        self.finish(call.job, call.rank, caller.time)
        return calls.encode(calls.Done())

    async def _await(self, answer: Awaitable[calls.Reply]) -> bytes:
        try:
            reply = await answer
        except Exception as error:
            reply = _failed(error)
        return calls.encode(reply)


def _failed(error: Exception) -> calls.Failed:
    """Return the reply to a request that raised *error*; raise it if the server is to blame."""
    if isinstance(error, OSError):
        return calls.Failed(error.errno or errno.EIO)
    if isinstance(error, calls.GARBAGE):
        return calls.Failed(errno.EBADMSG)
    if isinstance(error, ValueError | OverflowError):
        return calls.Failed(errno.EINVAL)
    if isinstance(error, trio.ClosedResourceError):
        return calls.Failed(errno.EBADF)
    if isinstance(error, NotImplementedError):
        return calls.Failed(errno.ENOTSUP)
    raise error
