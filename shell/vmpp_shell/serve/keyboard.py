"""What a client types: the host's line discipline between an SSH channel and who reads.

With a terminal at the client's end, the bytes pass through a pseudo-terminal of the host's. So what
a terminal does is the kernel's work, as it is at a local one: echo, editing of lines, ``^D`` as the
end of input, and raw mode while prompt-toolkit edits. Only ``^C`` is looked for here, since a
pseudo-terminal that controls no process group raises no signal. Without a terminal it is a pipe.
"""

from __future__ import annotations

import os
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, Final

import trio

PENDING_BYTES: Final = 1 << 20
"""How much is kept of what was typed, or sent, and nobody has read yet."""
_PIECE: Final = 1 << 16
_LOCAL_FLAGS, _CONTROL_CHARACTERS = 3, 6
_DISABLED: Final = b"\x00"

CHARACTERS: Final = {
    1: termios.VINTR, 2: termios.VQUIT, 3: termios.VERASE, 4: termios.VKILL, 5: termios.VEOF,
    6: termios.VEOL, 10: termios.VSUSP, 12: termios.VREPRINT, 13: termios.VWERASE,
    14: termios.VLNEXT,
}  # fmt: skip
"""Control characters by their opcodes in a request for a terminal (RFC 4254, section 8)."""


class Keyboard:
    """The input of one session.

    Attributes:
        stdin: what is typed, for whoever reads it: a file with a descriptor.
    """

    def __init__(self, stdin: BinaryIO, feed: int, *, terminal: bool) -> None:
        """Pass what is fed to the descriptor *feed* on to *stdin*; see `keyboard`."""
        self.stdin = stdin
        self._feed = feed
        self._terminal = terminal
        self._pending = bytearray()
        self._ended = False
        self._fed = trio.lowlevel.ParkingLot()
        self._room = trio.lowlevel.ParkingLot()

    async def feed(self, data: bytes, interrupt: Callable[[], object]) -> None:
        """Take what the client has sent; *interrupt* is called for each ``^C`` that is one."""
        while len(self._pending) >= PENDING_BYTES:
            await self._room.park()
        if self._terminal:
            for _ in range(self._interrupts(data)):
                # The kernel throws away what has been typed before it, and so is done here.
                self._pending.clear()
                interrupt()
        self._pending += data
        self._fed.unpark_all()

    def end(self) -> None:
        """Say that the client sends nothing more."""
        self._ended = True
        self._fed.unpark_all()

    def _interrupts(self, data: bytes) -> int:
        attributes = termios.tcgetattr(self.stdin)
        if not attributes[_LOCAL_FLAGS] & termios.ISIG:
            return 0
        character = attributes[_CONTROL_CHARACTERS][termios.VINTR]
        return 0 if character == _DISABLED else data.count(character)

    async def run(self, echo: Callable[[bytes], object]) -> None:
        """Pass on what is fed, and what the terminal echoes to *echo*, for ever."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._pass_on)
            if self._terminal:
                nursery.start_soon(self._echo, echo)

    async def _pass_on(self) -> None:
        while True:
            while not self._pending:
                if self._ended:
                    await self._pass_end_on()
                    return
                await self._fed.park()
            await trio.lowlevel.wait_writable(self._feed)
            try:
                # While it waited, an interrupt may have thrown everything away.
                del self._pending[: os.write(self._feed, self._pending[:_PIECE])]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                self._pending.clear()
            self._room.unpark_all()

    async def _pass_end_on(self) -> None:
        if self._terminal:
            # The client has closed its own standard input; ^D says so to whoever reads lines.
            end = termios.tcgetattr(self.stdin)[_CONTROL_CHARACTERS][termios.VEOF]
            os.write(self._feed, end)
        else:
            os.close(self._feed)
            self._feed = -1

    async def _echo(self, echo: Callable[[bytes], object]) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._feed)
            try:
                echo(os.read(self._feed, _PIECE))
            except BlockingIOError:
                continue

    def close(self) -> None:
        """Close the end that is fed."""
        if self._feed >= 0:
            os.close(self._feed)


@contextmanager
def keyboard(*, terminal: bool, modes: Mapping[int, int] | None = None) -> Iterator[Keyboard]:
    """Make the input of a session, which is closed at the end of the block.

    Args:
        terminal: whether there is one at the client's end.
        modes: those of the client's terminal, by opcode (RFC 4254, section 8).
    """
    if terminal:
        feed, reader = os.openpty()
        _set_characters(reader, modes or {})
    else:
        reader, feed = os.pipe()
    os.set_blocking(feed, False)
    with open(reader, "rb", buffering=0) as stdin:
        made = Keyboard(stdin, feed, terminal=terminal)
        try:
            yield made
        finally:
            made.close()


def _set_characters(descriptor: int, modes: Mapping[int, int]) -> None:
    """Have the client's own keys erase and interrupt."""
    attributes = termios.tcgetattr(descriptor)
    for opcode, index in CHARACTERS.items():
        if opcode in modes:
            value = modes[opcode]
            attributes[_CONTROL_CHARACTERS][index] = bytes((value,)) if value < 255 else _DISABLED
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
