"""What clients type: a terminal's line discipline, or a pipe."""

from __future__ import annotations

import os
import termios
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio
import trio.testing

from vmpp_shell.serve.keyboard import PENDING_BYTES, Keyboard, keyboard


class Desk:
    """A keyboard, and what has come of typing at it."""

    def __init__(self, keys: Keyboard) -> None:
        self.keys = keys
        self.echoed = bytearray()
        self.interrupts = 0

    async def type(self, data: bytes) -> None:
        await self.keys.feed(data, self._interrupted)

    def _interrupted(self) -> None:
        self.interrupts += 1

    def _echo(self, data: bytes) -> None:
        self.echoed += data

    async def read(self, n: int = 4096) -> bytes:
        await trio.lowlevel.wait_readable(self.keys.stdin)
        return os.read(self.keys.stdin.fileno(), n)


@asynccontextmanager
async def desk(
    *, terminal: bool = True, modes: dict[int, int] | None = None
) -> AsyncIterator[Desk]:
    with trio.fail_after(30), keyboard(terminal=terminal, modes=modes) as keys:
        sat = Desk(keys)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keys.run, sat._echo)
            yield sat
            nursery.cancel_scope.cancel()


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await trio.sleep(0.005)


async def test_a_terminal_gives_lines_and_echoes_what_is_typed() -> None:
    async with desk() as at:
        await at.type(b"hello\r")
        assert await at.read() == b"hello\n"
        await until(lambda: bytes(at.echoed) == b"hello\r\n")


async def test_a_line_is_edited_before_it_is_read() -> None:
    async with desk() as at:
        await at.type(b"helo\x7flo\r")
        assert await at.read() == b"hello\n"


async def test_the_clients_own_key_erases() -> None:
    async with desk(modes={3: ord("#")}) as at:
        await at.type(b"helo#lo\r")
        assert await at.read() == b"hello\n"


async def test_end_of_file_is_typed() -> None:
    async with desk() as at:
        await at.type(b"one\r\x04")
        assert await at.read() == b"one\n"
        assert await at.read() == b""


async def test_an_interrupt_is_told_and_throws_away_what_was_typed() -> None:
    async with desk() as at:
        await at.type(b"half a li\x03")
        await until(lambda: b"^C" in at.echoed)
        assert at.interrupts == 1
        await at.type(b"another\r")
        assert await at.read() == b"another\n"


async def test_the_clients_own_key_interrupts() -> None:
    async with desk(modes={1: 0x1F}) as at:
        await at.type(b"\x03\x1f")
        assert at.interrupts == 1


async def test_a_key_that_is_switched_off_does_not_interrupt() -> None:
    async with desk(modes={1: 255}) as at:
        await at.type(b"\x03")
        assert at.interrupts == 0


async def test_in_raw_mode_every_key_is_read_and_none_echoed() -> None:
    async with desk() as at:
        tty.setraw(at.keys.stdin, termios.TCSANOW)
        await at.type(b"a\x03\x7f")
        assert await at.read() == b"a\x03\x7f"
        assert at.interrupts == 0
        assert not at.echoed


async def test_an_interrupt_passes_by_what_nobody_reads() -> None:
    """^C works however much has been typed at a program that does not read."""
    async with desk() as at:
        for _ in range(20):
            await at.type(b"typed ahead\r" * 400)
        await at.type(b"\x03")
        assert at.interrupts == 1


async def test_a_long_paste_arrives_whole_in_raw_mode() -> None:
    async with desk() as at:
        tty.setraw(at.keys.stdin, termios.TCSANOW)
        pasted = bytes(range(32, 127)) * 2000
        got = bytearray()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(at.type, pasted)
            while len(got) < len(pasted):
                got += await at.read()
        assert got == pasted


async def test_without_a_terminal_bytes_are_passed_on_as_they_are() -> None:
    async with desk(terminal=False) as at:
        await at.type(b"\x03\x04\x00\r\n\xff")
        at.keys.end()
        assert await at.read() == b"\x03\x04\x00\r\n\xff"
        assert await at.read() == b""
        assert at.interrupts == 0
        assert not at.echoed


async def test_a_terminals_input_ends_when_the_client_sends_no_more() -> None:
    async with desk() as at:
        await at.type(b"last\r")
        at.keys.end()
        assert await at.read() == b"last\n"
        assert await at.read() == b""


async def test_a_client_waits_when_nobody_reads_what_it_sends() -> None:
    async with desk(terminal=False) as at, trio.open_nursery() as nursery:
        sent = 0

        async def send() -> None:
            nonlocal sent
            while True:
                await at.type(bytes(1 << 16))
                sent += 1 << 16

        nursery.start_soon(send)
        await until(lambda: sent >= PENDING_BYTES)
        await trio.testing.wait_all_tasks_blocked(0.05)
        before = sent
        assert before <= PENDING_BYTES + (1 << 18)
        await at.read(1 << 18)
        await until(lambda: sent > before)
        nursery.cancel_scope.cancel()


async def test_nothing_stays_open() -> None:
    before = set(os.listdir("/dev/fd"))
    for terminal in (False, True):
        async with desk(terminal=terminal) as at:
            await at.type(b"x\r")
    assert set(os.listdir("/dev/fd")) == before
