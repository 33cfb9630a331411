"""Questions without a line editor: at the terminal that one command was given at, or in a pipe."""

from __future__ import annotations

import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from vmpp.machine.streams import HostInput
from vmpp_shell.terminal import NobodyToAskError, Write

_LOCAL_FLAGS: Final = 3


class Asker:
    """Asks for lines: of whoever sits at a terminal, or of a pipe, one after the other."""

    def __init__(self, source: BinaryIO, show: Write) -> None:
        """Read answers from *source*, and show questions by *show* if it is a terminal."""
        self._source = source
        self._show = show

    async def ask(self, question: str, hidden: bool) -> str:
        """Return the answer to *question*; one that is *hidden* is not echoed.

        Raises:
            NobodyToAskError: there is no further line.
        """
        is_terminal = self._source.isatty()
        if is_terminal:
            self._show(question.encode())
        with _unseen(self._source, hidden and is_terminal):
            line = await self._line()
        if hidden and is_terminal:
            self._show(b"\n")
        if line is None:
            raise NobodyToAskError(f"cannot ask for {question.rstrip(': ')!r}: nobody is there")
        return line.decode(errors="surrogateescape")

    async def _line(self) -> bytes | None:
        """Return the next line without its end; None at the end of all."""
        source, line = HostInput(self._source), b""
        # Byte by byte: what follows the line is for somebody else.
        while byte := await source.read(1):
            if byte == b"\n":
                return line
            line += byte
        return line or None


@contextmanager
def _unseen(terminal: BinaryIO, hidden: bool) -> Iterator[None]:
    """Have the terminal not echo what is typed within the block."""
    if not hidden:
        yield
        return
    before = termios.tcgetattr(terminal)
    silent = termios.tcgetattr(terminal)
    silent[_LOCAL_FLAGS] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
