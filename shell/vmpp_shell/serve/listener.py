"""The port that SSH clients connect to, and what of SSH there is behind it."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

import asyncssh
import trio
from trio_asyncio import aio_as_trio

from vmpp.errors import VmppError
from vmpp_shell.serve.sftp import VERSION, SftpServer
from vmpp_shell.serve.visitor import Hall
from vmpp_shell.tasks import nursery

Process = asyncssh.SSHServerProcess[bytes]
"""What a client has asked to run: a shell, or one command."""

LOGIN_SECONDS: Final = 60
"""Host time within which whoever connects has to prove who they are."""
ALIVE_SECONDS: Final = 30
"""Host time after which a silent client is asked whether it is there."""
ALIVE_ASKED: Final = 4
"""How often it is asked before its connection counts as lost."""


class ListenError(VmppError):
    """The port cannot be listened at."""


class Listener:
    """A port that is listened at.

    Attributes:
        host: address that is listened at.
        port: its number.
    """

    def __init__(self, acceptor: asyncssh.SSHAcceptor, host: str) -> None:
        self.host = host
        self.port: int = acceptor.get_port()


@asynccontextmanager
async def listening(
    hall: Hall,
    key: asyncssh.SSHKey,
    attend: Callable[[Process], Awaitable[object]],
    serve_files: Callable[[asyncssh.SSHServerChannel[bytes]], Awaitable[SftpServer]],
    *,
    host: str,
    port: int,
) -> AsyncIterator[Listener]:
    """Take SSH clients within the block, which is inside `trio_asyncio.open_loop`.

    At its end nobody new is let in, what is being attended to is given up, and connections are
    closed when their last output has been sent.

    Args:
        hall: says who is let in.
        key: that clients know the machine by.
        attend: a task of Trio's for each shell or command that a client asks for.
        serve_files: makes the SFTP server of a channel, for asyncio.
        host: address to listen at.
        port: number of the port; 0: any.

    Raises:
        ListenError: another program listens there, or there is no such address.
    """
    attending: list[trio.Nursery] = []

    def begin(process: Process) -> None:
        attending[0].start_soon(attend, process)

    try:
        acceptor = await aio_as_trio(asyncssh.listen)(
            host, port, **_options(hall, key, begin, serve_files)
        )
    except OSError as error:
        # asyncio words the first kind itself, at length.
        own = isinstance(error, socket.gaierror) or not error.errno
        reason = (str(error.strerror) if own else os.strerror(error.errno or 0)).lower()
        raise ListenError(f"cannot listen at {host}, port {port}: {reason}") from None
    try:
        async with nursery() as tasks:
            attending.append(tasks)
            yield Listener(acceptor, host)
            hall.open = False
            acceptor.close()
            tasks.cancel_scope.cancel()
    finally:
        hall.open = False
        acceptor.close()
        with trio.CancelScope(shield=True):
            await hall.close()


def _options(
    hall: Hall, key: asyncssh.SSHKey, begin: Callable[[Process], None], serve_files: Any
) -> dict[str, Any]:
    return {
        "server_factory": hall.visitor,
        "server_host_keys": [key],
        "server_version": f"vmpp_{version('vmpp')}",
        "process_factory": begin,
        "sftp_factory": serve_files,
        "sftp_version": VERSION,
        "allow_scp": True,
        "encoding": None,
        # The line discipline is the host's own.
        "line_editor": False,
        "password_auth": True,
        "public_key_auth": True,
        "kbdint_auth": False,
        "host_based_auth": False,
        "gss_host": None,
        "agent_forwarding": False,
        "x11_forwarding": False,
        "login_timeout": LOGIN_SECONDS,
        "keepalive_interval": ALIVE_SECONDS,
        "keepalive_count_max": ALIVE_ASKED,
    }
