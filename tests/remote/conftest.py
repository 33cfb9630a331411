"""A machine that is served over SSH on the loopback interface, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncssh
import pytest
import trio
import trio_asyncio
from trio_asyncio import aio_as_trio

from vmpp.machine.boot import boot
from vmpp.machine.machine import Machine
from vmpp.machine.session import Session
from vmpp.machine.state import State
from vmpp_shell.serve import visitor
from vmpp_shell.serve.serving import Served, serving

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")

Connection = asyncssh.SSHClientConnection


class Files:
    """asyncssh's SFTP client, under Trio."""

    def __init__(self, client: asyncssh.SFTPClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return aio_as_trio(getattr(self._client, name))

    async def write(self, path: str, data: bytes, flags: str = "wb") -> None:
        file = await aio_as_trio(self._client.open)(path, flags)
        await aio_as_trio(file.write)(data)
        await aio_as_trio(file.close)()

    async def read(self, path: str) -> bytes:
        file = await aio_as_trio(self._client.open)(path, "rb")
        data: bytes = await aio_as_trio(file.read)()
        await aio_as_trio(file.close)()
        return data


class House:
    """A machine that is served, and the way in.

    Attributes:
        machine: the machine; its users alice and bob have passwords like their names, and alice is
            a programmer.
        served: what serves it.
        root: the session of root at the console.
    """

    PROGRAM = """
import sys
from mpi4py import MPI
comm = MPI.COMM_WORLD
print("out", comm.rank)
print("err", comm.rank, file=sys.stderr)
comm.barrier()
sys.exit(comm.rank and 5)
"""
    WAITING = """
import time
from mpi4py import MPI
MPI.COMM_WORLD.barrier()
print("begun", flush=True)
while True:
    time.sleep(1)
"""

    def __init__(self, machine: Machine, served: Served, root: Session) -> None:
        self.machine = machine
        self.served = served
        self.root = root

    @property
    def port(self) -> int:
        return self.served.listener.port

    @property
    def known_hosts(self) -> str:
        return f"* {HOST_KEY.export_public_key().decode()}"

    async def write_programs(self) -> None:
        """Put a program that ends, and one that waits for ever, into alice's home."""
        alice = await self.machine.log_in("alice", "alice")
        await alice.files.write("program.py", self.PROGRAM.encode())
        await alice.files.write("waiting.py", self.WAITING.encode())
        await alice.log_out()

    @asynccontextmanager
    async def connected(self, name: str = "alice", **options: Any) -> AsyncIterator[Connection]:
        """Connect as *name*, by the password unless *options* have a key."""
        options.setdefault("password", None if "client_keys" in options else name)
        options = {
            "client_keys": (),
            "known_hosts": asyncssh.import_known_hosts(self.known_hosts),
            "config": (),
            **options,
        }
        connection = await aio_as_trio(asyncssh.connect)(
            "127.0.0.1", self.port, username=name, **options
        )
        try:
            yield connection
        finally:
            connection.close()
            await aio_as_trio(connection.wait_closed)()

    @asynccontextmanager
    async def files(self, connection: Connection) -> AsyncIterator[Files]:
        """Give the files that the user of *connection* reaches by SFTP."""
        client = await aio_as_trio(connection.start_sftp_client)()
        yield Files(client)
        client.exit()

    @asynccontextmanager
    async def transfer(self, name: str = "alice") -> AsyncIterator[Files]:
        """Connect as *name*, for files only."""
        async with self.connected(name) as connection, self.files(connection) as files:
            yield files

    async def run(
        self, connection: Connection, command: str | None, stdin: str = ""
    ) -> asyncssh.SSHCompletedProcess:
        """Run a command, and return what has come of it."""
        given = {"input": stdin} if stdin else {"stdin": asyncssh.DEVNULL}
        return await aio_as_trio(connection.run)(command, **given)


HouseFactory = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> HouseFactory:
    """Return what boots a machine and serves it within a block."""
    monkeypatch.setattr(visitor, "REFUSAL_SECONDS", 0.01)

    @asynccontextmanager
    async def booted(limit: float = 60, **options: Any) -> AsyncIterator[House]:
        error: BaseException | None = None
        async with trio_asyncio.open_loop():
            try:
                with trio.fail_after(limit):
                    async with boot(state=State.ephemeral(user="operator"), **options) as machine:
                        root = await machine.console("root")
                        await root.add_user("alice", "alice", groups=("programmers",))
                        await root.add_user("bob", "bob")
                        async with serving(machine, HOST_KEY) as served:
                            yield House(machine, served, root)
                        await root.log_out()
            except BaseException as raised:  # a failing test must not fail in a group
                error = raised
        if error is not None:
            raise error

    return booted
