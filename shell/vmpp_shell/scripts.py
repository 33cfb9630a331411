"""Command files: how text falls into the lines that are carried out one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import trio

from vmpp.exit_status import INTERRUPTED
from vmpp_shell.syntax import LONGEST, SyntaxMistake, Unfinished, parse

if TYPE_CHECKING:
    from vmpp_shell.interpreter import Interpreter

_PIECE: Final = 1 << 16
_KEPT: Final = 4 * LONGEST + _PIECE
"""Bytes of a line that are kept: more than are read, so that a longer one counts as too long."""


def logical_lines(text: str) -> Iterator[str]:
    """Yield what of *text* belongs together: lines, with those that a quote or ``\\`` continues."""
    held = ""
    for line in text.splitlines():
        held = f"{held}\n{line}" if held else line
        if is_complete(held):
            yield held
            held = ""
    if held:
        yield held


def is_complete(line: str) -> bool:
    """Return whether *line* can be carried out, as opposed to being continued on the next one."""
    try:
        parse(line)
    except Unfinished:
        return False
    except SyntaxMistake:
        return True
    return True


class Script:
    """Commands that come from a file of the host or a pipe, one by one, as they come."""

    def __init__(self, source: int | bytes) -> None:
        """Read the descriptor *source*, or what is there already."""
        self._descriptor = source if isinstance(source, int) else None
        self._buffer = bytearray(b"" if isinstance(source, int) else source)
        self._ended = False

    async def run(self, interpreter: Interpreter, *, waits: bool = True) -> None:
        """Carry out what comes, to its end, to the first ``exit``, or until ^C.

        At the end of what comes jobs in the background are waited for if *waits*.
        """
        while not (self._ended or interpreter.leaving or interpreter.struck):
            line = await self._unless_interrupted(interpreter)
            if line is not None and not interpreter.struck:
                await interpreter.execute(line)
        if interpreter.struck:
            interpreter.status = interpreter.status or INTERRUPTED
        elif waits and not interpreter.leaving:
            status = interpreter.status
            await interpreter.execute("wait")
            interpreter.status = status

    async def _unless_interrupted(self, interpreter: Interpreter) -> str | None:
        """Return the next command; None if ^C comes first."""
        with trio.CancelScope() as scope, interpreter.interrupted_by(scope.cancel):
            return await self._command()
        interpreter.status = INTERRUPTED
        return None

    async def answer(self, prompt: str, hidden: bool) -> str:
        """Return the next line: what is asked for is to be found where the commands are."""
        return (await self._line()).rstrip("\n")

    async def _command(self) -> str:
        held = await self._line()
        while not self._ended and not is_complete(held):
            held += await self._line()
        return held.rstrip("\n")

    async def _line(self) -> str:
        """Return the next line with its end; at the end of all, what is left without one."""
        await trio.lowlevel.checkpoint()  # others have their turn, however many lines have come
        while (end := self._buffer.find(b"\n") + 1) == 0:
            del self._buffer[_KEPT:]
            more = await self._more()
            if not more:
                self._ended = True
                end = len(self._buffer)
                break
            self._buffer += more
        line = self._buffer[:end].decode(errors="surrogateescape")
        del self._buffer[:end]
        return line

    async def _more(self) -> bytes:
        if self._descriptor is None:
            await trio.lowlevel.checkpoint()
            return b""
        try:
            await trio.lowlevel.wait_readable(self._descriptor)
        except PermissionError:
            # A regular file is always readable, and cannot be waited for.
            await trio.lowlevel.checkpoint()
        return os.read(self._descriptor, _PIECE)
