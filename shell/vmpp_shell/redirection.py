"""Redirections into the machine's file tree, and pipes to programs of the host."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import trio

from vmpp.errors import VmppError
from vmpp_shell.syntax import Redirection, Step
from vmpp_shell.tasks import nursery
from vmpp_shell.terminal import Stream, Terminal

if TYPE_CHECKING:
    from vmpp_shell.interpreter import Interpreter

_CHUNK: Final = 1 << 16


class PipeError(VmppError):
    """Output cannot be piped so."""


class Collected:
    """What is written to a stream, kept until it goes to a file."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.stream = Stream(self._take)

    def _take(self, data: bytes) -> None:
        self.data += data


@asynccontextmanager
async def redirected(
    interpreter: Interpreter, step: Step, terminal: Terminal
) -> AsyncIterator[Terminal]:
    """Give *terminal* with the redirections and pipes of a command.

    Files are opened before the command runs, so that one which cannot be written is told of first,
    and written at its end.

    Raises:
        OSError: a file cannot be read or written.
        PipeError: there are no programs of the host here, or not this one.
    """
    files: dict[int, tuple[str, Collected]] = {}
    for each in step.redirections:
        name = interpreter.expand(each.target)
        if each.operator == "<":
            terminal = terminal.reading(await interpreter.console.session.files.read(name))
        else:
            files[_descriptor(each)] = name, await _begun(interpreter, each, name)
    async with _piped(interpreter, step, terminal) as terminal:
        out = files[1][1].stream if 1 in files else None
        err = files[2][1].stream if 2 in files else None
        if step.joined:
            err = out or terminal.out
        try:
            yield terminal.redirected(out, err)
        finally:
            for name, collected in files.values():
                await _append(interpreter, name, bytes(collected.data))


def _descriptor(redirection: Redirection) -> int:
    return 2 if redirection.operator.startswith("2") else 1


async def _begun(interpreter: Interpreter, each: Redirection, name: str) -> Collected:
    if not each.operator.endswith(">>"):
        await interpreter.console.session.files.write(name, b"")
    return Collected()


async def _append(interpreter: Interpreter, name: str, data: bytes) -> None:
    if data:
        await interpreter.console.session.files.write(name, data, append=True)


@asynccontextmanager
async def _piped(
    interpreter: Interpreter, step: Step, terminal: Terminal
) -> AsyncIterator[Terminal]:
    """Give a terminal whose output passes through the filters of *step*."""
    if not step.filters:
        yield terminal
        return
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
            for process in processes:
                await process.wait()
        finally:
            for process in processes:
                if process.returncode is None:
                    process.kill()


def _sender(send: trio.MemorySendChannel[bytes]) -> Any:
    def write(data: bytes) -> None:
        # Once whoever reads has read enough, what else is written is nobody's.
        with suppress(trio.BrokenResourceError):
            send.send_nowait(bytes(data))

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
