"""The standard streams of a job, between its processes and whoever launched it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import trio

from vmpp.process import calls

BLOCK: Final = 1 << 16
"""The block size told to processes, in bytes: what they buffer of a file. It is large, as that of
any remote file system, for a request costs more than its bytes; and the same on every host."""


class Sink(Protocol):
    """Where a job's standard output or error goes."""

    def write(self, rank: int, time_ps: int, data: bytes) -> object:
        """Take *data*, whole lines that *rank* wrote at virtual time *time_ps*.

        Only what a process leaves unfinished, when its job ends or it asks for input, is less than
        a line.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        ...


class Source(Protocol):
    """Where a job's standard input comes from."""

    async def read(self, n: int) -> bytes:
        """Return up to *n* bytes as soon as there are any, none at the end."""
        ...


@dataclass(slots=True)
class Stdio:
    """The standard streams of a job.

    Attributes:
        stdout: sink of standard output.
        stderr: sink of standard error.
        stdin: source of rank 0's standard input; None: empty.
        broken: whether a sink has raised BrokenPipeError. What processes write to that sink
            afterwards is dropped without an error: it is the launcher that ends the job.
        on_broken: called the first time that a sink breaks.
        pending: what was read from *stdin* and not asked for yet.
        typed: whether somebody types *stdin*, whom others on the machine do not wait for: virtual
            time goes on until there is a line. Otherwise it stands still meanwhile, so that runs
            repeat.
    """

    stdout: Sink
    stderr: Sink
    stdin: Source | None = None
    broken: bool = False
    on_broken: Callable[[], object] | None = None
    pending: bytearray = field(default_factory=bytearray)
    typed: bool = False
    _ended: bool = False
    _reading: trio.CancelScope | None = None

    @property
    def is_read(self) -> bool:
        """Whether a process waits for input."""
        return self._reading is not None

    def close(self) -> None:
        """Read no more: what is typed from now on is for somebody else."""
        if self._reading is not None:
            self._reading.cancel()

    def emit(self, handle: int, rank: int, time_ps: int, data: bytes) -> None:
        """Give *data* to the sink of *handle*, 1 or 2."""
        try:
            (self.stdout if handle == 1 else self.stderr).write(rank, time_ps, data)
        except BrokenPipeError:
            was_broken, self.broken = self.broken, True
            if not was_broken and self.on_broken is not None:
                self.on_broken()

    def take_input(self, size: int) -> bytes | None:
        """Take a line of what is pending, or *size* bytes; None if that much is not there yet.

        Who asks for more than a block gets as much as there is up to the end: programs that want
        all of their input would get it in very many lines. How the host's pipe has cut the input
        into pieces is never seen: it would be different in every run.
        """
        end = self.pending.find(b"\n", 0, size) + 1 if size <= BLOCK else 0
        if not end and len(self.pending) < size:
            return None
        return self.cut_input(end or size)

    def cut_input(self, size: int) -> bytes:
        """Take up to *size* bytes of what is pending."""
        data = bytes(self.pending[:size])
        del self.pending[:size]
        return data

    async def read_input(self, source: Source, size: int) -> calls.Data:
        """Wait for what `take_input` wants, or for the end.

        Who gets what is left before the end learns of the end by the next request: somebody who
        types has said it once, and need not say it again.
        """
        while True:
            piece = b"" if self._ended else await source.read(size)
            self.pending += piece
            data = self.take_input(size) if piece else self.cut_input(size)
            if data is not None:
                self._ended = not piece and bool(data)
                return calls.Data(data)

    def until_closed(self, reply: Awaitable[bytes]) -> Awaitable[bytes]:
        """Return what waits for the reply to a request for input, as long as anybody wants it."""
        self._reading = trio.CancelScope()
        return self._until_closed(self._reading, reply)

    async def _until_closed(self, scope: trio.CancelScope, reply: Awaitable[bytes]) -> bytes:
        with scope:
            try:
                return await reply
            finally:
                self._reading = None
        return calls.encode(calls.Data(b""))
