"""Redirections into the machine's file tree, and pipes to programs of the host."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import trio

from vmpp.errors import VmppError
from vmpp_shell.syntax import Step
from vmpp_shell.tasks import nursery
from vmpp_shell.terminal import Stream, Terminal

if TYPE_CHECKING:
    from vmpp.machine.session import Session
    from vmpp.service.filesystem.open_file import OpenFile
    from vmpp_shell.interpreter import Interpreter

_CHUNK: Final = 1 << 16


class PipeError(VmppError):
    """Output cannot be piped so."""


class OutputFile:
    """A file of the machine that output goes to.

    What is written costs no virtual time of its own: that of a job has come to the file server
    already, and that of commands does not count. What goes to the parallel file system takes the
    time of its I/O nodes, for which the end of the command waits.

    Attributes:
        stream: what is written to it.
    """

    def __init__(self, name: str, session: Session) -> None:
        """Open the file *name*, which is there. Raises OSError."""
        self.name = name
        self._session = session
        self._file: OpenFile = session.appending(name)
        self.stream = Stream(self._write)

    @classmethod
    async def open(cls, session: Session, name: str, *, append: bool) -> OutputFile:
        """Open the file *name*, as a request to the file server. Raises OSError."""
        await session.files.write(name, b"", append=append)
        return cls(name, session)

    def _write(self, data: bytes) -> None:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            error.filename = self.name
            raise

    async def settle(self) -> None:
        """Wait until all is written. Raises OSError."""
        try:
            await self._session.settle_output(self._file)
        except OSError as error:
            error.filename = self.name
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@asynccontextmanager
async def redirected(
    interpreter: Interpreter, step: Step, terminal: Terminal
) -> AsyncIterator[Terminal]:
    """Give *terminal* with the redirections and pipes of a command.

    Files are opened before the command runs. They are closed at its end, or at that of the job
    that it leaves in the background.

    Raises:
        OSError: a file cannot be read or written.
        PipeError: there are no programs of the host here, or not this one.
    """
    opened: list[OutputFile] = []
    with ExitStack() as files:
        out: Stream | None = None
        err: Stream | None = None
        for each in step.redirections:
            name, session = interpreter.expand(each.target), interpreter.console.session
            if each.operator == "<":
                terminal = terminal.reading(await session.files.read(name))
                continue
            file = await OutputFile.open(session, name, append=each.operator.endswith(">>"))
            files.callback(file.close)
            opened.append(file)
            if each.operator.startswith("2"):
                err = file.stream
            else:
                out = file.stream
        async with _piped(interpreter, step, terminal) as piped:
            given = piped.redirected(out, (out or piped.out) if step.joined else err)
            yield given
        if given.kept:
            given.at_end = files.pop_all().close
        else:
            for file in opened:
                await file.settle()


@asynccontextmanager
async def _piped(
    interpreter: Interpreter, step: Step, terminal: Terminal
) -> AsyncIterator[Terminal]:
    """Give a terminal whose output passes through the filters of *step*."""
    if not step.filters:
        yield terminal
        return
    if step.background:
        raise PipeError("a job in the background cannot be piped; redirect it with > FILE")
    if not interpreter.console.local:
        raise PipeError("there are no pipes to the host's programs here")
    filters = [[interpreter.expand(word) for word in each] for each in step.filters]
    send, receive = trio.open_memory_channel[bytes](float("inf"))
    async with nursery() as tasks:
        processes = await _started(filters, terminal.out)
        tasks.start_soon(_feed, receive, processes[0])
        if processes[-1].stdout is not None:
            tasks.start_soon(_drain, processes[-1], terminal.out)
        try:
            with send:
                yield terminal.redirected(Stream(_sender(send)))
            # A pager that is still up deals with ^C itself.
            with interpreter.interrupted_by(_ignore):
                for process in processes:
                    await process.wait()
        finally:
            for process in processes:
                if process.returncode is None:
                    process.kill()


def _ignore() -> None:
    """Do nothing: the handler of ^C while a pager is up."""


def _sender(send: trio.MemorySendChannel[bytes]) -> Any:
    def write(data: bytes) -> None:
        try:
            send.send_nowait(bytes(data))
        except trio.BrokenResourceError:
            # Whoever reads has read enough.
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None

    return write


async def _started(filters: list[list[str]], out: Stream) -> list[trio.Process]:
    """Start the *filters*, each reading what the one before writes."""
    direct = out.descriptor is not None
    processes: list[trio.Process] = []
    stdin: Any = subprocess.PIPE
    for number, words in enumerate(filters):
        is_last = number == len(filters) - 1
        reader, writer = (None, None) if is_last else os.pipe()
        stdout = (out.descriptor if direct else subprocess.PIPE) if is_last else writer
        try:
            processes.append(await trio.lowlevel.open_process(words, stdin=stdin, stdout=stdout))
        except OSError as error:
            raise PipeError(f"cannot start {words[0]!r}: {error.strerror}") from error
        finally:
            for each in (stdin, writer):
                if isinstance(each, int) and each != subprocess.PIPE:
                    os.close(each)
        stdin = reader
    return processes


async def _feed(receive: trio.MemoryReceiveChannel[bytes], process: trio.Process) -> None:
    assert process.stdin is not None
    async with process.stdin, receive:
        async for data in receive:
            try:
                await process.stdin.send_all(data)
            except (BrokenPipeError, trio.BrokenResourceError):
                return


async def _drain(process: trio.Process, out: Stream) -> None:
    assert process.stdout is not None
    async with process.stdout:
        while data := await process.stdout.receive_some(_CHUNK):
            out.write(bytes(data))
