"""What is typed at ``vmpp>``, over SSH, at a terminal of the client's."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncssh
import pytest
import trio
from trio_asyncio import aio_as_trio

CURSOR_QUERY = "\x1b[6n"
ESCAPES = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]|\x1b[=>]|\r")


class Screen:
    """A client's terminal: what has been sent to it, and a keyboard."""

    def __init__(self, process: Any) -> None:
        self._process = process
        self.raw = ""

    @property
    def text(self) -> str:
        return ESCAPES.sub("", self.raw)

    async def until(self, *wanted: str) -> str:
        """Read until all of *wanted* have been shown since the last time; return what was."""
        self.raw = ""
        while not all(each in self.text for each in wanted):
            piece = await aio_as_trio(self._process.stdout.read)(4096)
            assert piece, f"the end came before {wanted}: {self.text!r}"
            self.raw += piece
            # A terminal that is asked where its cursor is answers.
            for _ in range(piece.count(CURSOR_QUERY)):
                self.type("\x1b[1;1R")
        return self.text

    def type(self, keys: str) -> None:
        self._process.stdin.write(keys)

    async def ended(self) -> int:
        done = await aio_as_trio(self._process.wait)()
        return int(done.exit_status)


@asynccontextmanager
async def shell(
    connection: Any, *, term: str = "xterm-256color", size: tuple[int, int] = (80, 24), **env: str
) -> AsyncIterator[tuple[Screen, Any]]:
    process = await aio_as_trio(connection.create_process)(
        None, term_type=term, term_size=size, env=env
    )
    yield Screen(process), process
    process.close()


async def test_one_lands_at_the_prompt_and_leaves_with_exit(house: Any) -> None:
    async with house() as at, at.connected() as connection, shell(connection) as (screen, _):
        await screen.until("vmpp>", "alice@default")
        screen.type("echo hello from $LANG\r")
        await screen.until("hello from", "vmpp>")
        screen.type("exit 3\r")
        assert await screen.ended() == 3


async def test_one_is_told_of_others_who_have_tried(house: Any) -> None:
    async with house() as at:
        for _ in range(2):
            with pytest.raises(asyncssh.PermissionDenied):
                async with at.connected(password="guess"):
                    pass
        async with at.connected() as connection, shell(connection) as (screen, _):
            told = await screen.until("2 logins have failed", "vmpp>")
            assert "compute nodes are up" in told


async def test_the_end_of_input_leaves_with_the_last_status(house: Any) -> None:
    async with house() as at, at.connected() as connection, shell(connection) as (screen, _):
        await screen.until("vmpp>")
        screen.type("nonsense\r")
        await screen.until("no such command", "vmpp>")
        screen.type("\x04")
        assert await screen.ended() == 127


async def test_words_are_completed(house: Any) -> None:
    async with house() as at, at.connected() as connection, shell(connection) as (screen, _):
        await screen.until("vmpp>")
        screen.type("mach\t")
        await screen.until("ine")
        screen.type("\r")
        assert "compute nodes" in await screen.until("compute nodes", "vmpp>")


async def test_tables_are_as_wide_as_the_window_which_may_change(house: Any) -> None:
    async with house() as at, at.connected() as connection, shell(connection) as (screen, process):
        await screen.until("vmpp>")
        process.change_terminal_size(40, 24)
        screen.type("help help\r")
        narrow = await screen.until("List the commands", "vmpp>")
        process.change_terminal_size(200, 24)
        screen.type("help help\r")
        wide = await screen.until("List the commands", "vmpp>")
        assert max(map(len, wide.splitlines())) >= max(map(len, narrow.splitlines()))


async def test_colours_are_those_of_the_terminal(house: Any) -> None:
    async with house() as at, at.connected() as connection:
        async with shell(connection, term="xterm-256color") as (screen, _):
            await screen.until("vmpp>")
            assert "\x1b[0;" in screen.raw or "38;5" in screen.raw
        async with shell(connection, term="vt100", NO_COLOR="1") as (screen, _):
            await screen.until("vmpp>")
            assert "38;5" not in screen.raw


async def test_an_interrupt_at_the_prompt_gives_a_new_line(house: Any) -> None:
    async with house() as at, at.connected() as connection, shell(connection) as (screen, _):
        await screen.until("vmpp>")
        screen.type("half a line\x03")
        await screen.until("vmpp>")
        screen.type("echo whole\r")
        await screen.until("whole", "vmpp>")


async def test_people_type_at_once(house: Any) -> None:
    async with house() as at, trio.open_nursery() as nursery:

        async def somebody(name: str) -> None:
            async with at.connected(name) as connection, shell(connection) as (screen, _):
                await screen.until("vmpp>", f"{name}@default")
                for turn in range(5):
                    screen.type(f"echo {name} {turn}:\r")
                    shown = await screen.until(f"\n{name} {turn}:\n", "vmpp>")
                    assert ("alice" in shown, "bob" in shown) == (name == "alice", name == "bob")

        for name in ("alice", "bob"):
            nursery.start_soon(somebody, name)
