"""Serves a machine: boots it, says so, lets people in, and shuts it down in order."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncssh
import click
import trio
import trio_asyncio

from vmpp.errors import VmppError
from vmpp.machine.boot import boot
from vmpp.machine.machine import Machine
from vmpp.machine.state import State
from vmpp.service.account_store import PROGRAMMERS
from vmpp.service.identity import host_user
from vmpp_shell.serve.gate import Gate
from vmpp_shell.serve.guests import Guests
from vmpp_shell.serve.host_key import host_key
from vmpp_shell.serve.listener import Listener, listening
from vmpp_shell.serve.notice import Notice
from vmpp_shell.serve.visitor import Hall
from vmpp_shell.tasks import nursery

WIDEST: Final = 100
"""Columns of the prose at the start, at the most."""
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class NobodyError(VmppError):
    """Nobody could log in."""


def run(machine: Mapping[str, Any], state: State, host: str, port: int) -> int:
    """Serve a machine until ^C; return the exit status.

    Args:
        machine: what to boot, as for `vmpp.boot`.
        state: where its accounts and files are.
        host, port: where to listen.
    """
    return trio.run(_serve, machine, state, host, port)


async def _serve(machine: Mapping[str, Any], state: State, host: str, port: int) -> int:
    error: Exception | None = None
    async with trio_asyncio.open_loop():
        # What is the user's mistake must not come out in a group.
        try:
            await _serve_within(machine, state, host, port)
        except Exception as raised:
            error = raised
    if error is not None:
        raise error
    return 0


async def _serve_within(machine: Mapping[str, Any], state: State, host: str, port: int) -> None:
    async with boot(**machine, state=state) as booted:
        await _let_somebody_in(booted)
        key = host_key(state.host_key)
        with trio.open_signal_receiver(*_ENDING) as struck:
            async with serving(booted, key, host=host, port=port) as served:
                width = min(shutil.get_terminal_size().columns, WIDEST)
                click.echo(served.notice(str(state)).text(width))
                await served.until_down(struck)
                click.echo("shutting down")


class Served:
    """A machine that people can log in to.

    Attributes:
        machine: the machine.
        listener: the port.
        key: by which clients know the machine.
        down: set when it is to be shut down.
    """

    def __init__(
        self, machine: Machine, listener: Listener, key: asyncssh.SSHKey, down: trio.Event
    ) -> None:
        self.machine = machine
        self.listener = listener
        self.key = key
        self.down = down

    async def until_down(self, struck: Any) -> None:
        """Wait until root shuts the machine down, or a signal comes out of *struck*."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._await_signal, struck)
            await self.down.wait()
            nursery.cancel_scope.cancel()

    async def _await_signal(self, struck: Any) -> None:
        async for _ in struck:
            self.down.set()

    def notice(self, state: str) -> Notice:
        """Return what there is to say to who serves; *state* is where all is kept, in words."""
        users = Gate(self.machine).users()
        assert self.machine.login is not None
        _, programmers = self.machine.login.store.groups()[PROGRAMMERS]
        return Notice(
            machine=self.machine.description.name,
            nodes=self.machine.description.compute_nodes,
            owner=host_user().name,
            state=state,
            host=self.listener.host,
            port=self.listener.port,
            fingerprint=self.key.get_fingerprint(),
            users=users,
            programmers=[user for user in users if user in programmers],
        )


@asynccontextmanager
async def serving(
    machine: Machine, key: asyncssh.SSHKey, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Served]:
    """Let people in to *machine* over SSH until the block ends.

    It is inside `trio_asyncio.open_loop`. At the end those who are logged in are told, and their
    jobs in the foreground are ended.

    Raises:
        ListenError: the port cannot be listened at.
    """
    down = trio.Event()
    async with nursery() as tasks:
        _ignore_window(asyncio.get_running_loop())
        guests = Guests(machine, tasks, down.set)
        async with listening(
            Hall(Gate(machine)), key, guests.attend, guests.serve_files, host=host, port=port
        ) as listener:
            try:
                yield Served(machine, listener, key, down)
            finally:
                guests.going_down = True
        tasks.cancel_scope.cancel()


def _ignore_window(loop: asyncio.AbstractEventLoop) -> None:
    """Have prompts on *loop* not follow the size of the host's own window.

    prompt-toolkit has the signal of a changed window call it, which can be for one prompt at a time
    only. Here every client has a window of its own, whose size comes through the channel.
    """

    def do_nothing(number: int, *_: object) -> None:
        """Take no notice."""

    for name in ("add_signal_handler", "remove_signal_handler"):
        setattr(loop, name, do_nothing)


async def _let_somebody_in(machine: Machine) -> None:
    """Ask for a password of the console's user if nobody at all could log in.

    Raises:
        NobodyError: there is nobody to ask.
    """
    if Gate(machine).users():
        return
    session = await machine.console()
    try:
        name = session.user.name
        if not (sys.stdin and sys.stdin.isatty()):
            raise NobodyError(
                "nobody could log in: say \"vmpp -c 'login root; adduser alice'\", or 'vmpp serve' "
                f"at a terminal, where it asks for a password of {name}"
            )
        click.echo(f"Nobody can log in yet. Choose a password for {name} on this machine.")
        await session.passwd(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    finally:
        await session.log_out()
