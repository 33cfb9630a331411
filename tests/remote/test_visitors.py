"""Who is let in, over real connections; and what of SSH there is behind the door."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncssh
import pytest
import trio
import trio_asyncio
from trio_asyncio import aio_as_trio

from vmpp_shell.serve import visitor
from vmpp_shell.serve.listener import Listener, ListenError, Process, listening
from vmpp_shell.serve.visitor import Hall

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
OWN_KEY = asyncssh.generate_private_key("ssh-ed25519")
OTHER_KEY = asyncssh.generate_private_key("ssh-ed25519")


def line(key: asyncssh.SSHKey, options: str = "") -> str:
    return f"{options} {key.export_public_key().decode()}".strip()


class Accounts:
    """Alice has a password, and a key."""

    def __init__(self) -> None:
        self.keys = ["# mine", "nonsense", 'permitopen="nonsense" ssh-rsa AAAA', line(OWN_KEY)]
        self.asked: list[str] = []

    async def password_fits(self, name: str, password: str) -> bool:
        self.asked.append(name)
        return (name, password) == ("alice", "secret")

    async def authorized_keys(self, name: str) -> list[str]:
        return self.keys if name == "alice" else []


async def greet(process: Process) -> None:
    command = process.command or "a shell"
    process.stdout.write(f"{process.get_extra_info('username')}: {command}\n".encode())
    process.exit(7)


async def no_files(channel: Any) -> Any:
    raise AssertionError("nobody has asked for files")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor, "REFUSAL_SECONDS", 0.01)


@asynccontextmanager
async def listened(
    accounts: Accounts | None = None, attend: Callable[[Process], Awaitable[None]] = greet
) -> AsyncIterator[tuple[Hall, Listener]]:
    hall = Hall(accounts or Accounts())
    with trio.fail_after(60):
        async with (
            trio_asyncio.open_loop(),
            listening(hall, HOST_KEY, attend, no_files, host="127.0.0.1", port=0) as listener,
        ):
            yield hall, listener


@asynccontextmanager
async def connected(
    listener: Listener, name: str = "alice", **options: Any
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    known = asyncssh.import_known_hosts(f"* {HOST_KEY.export_public_key().decode()}")
    options = {"client_keys": (), "known_hosts": known, "config": (), **options}
    connection = await aio_as_trio(asyncssh.connect)(
        listener.host, listener.port, username=name, **options
    )
    try:
        yield connection
    finally:
        connection.close()
        await aio_as_trio(connection.wait_closed)()


async def run(
    connection: asyncssh.SSHClientConnection, command: str
) -> asyncssh.SSHCompletedProcess:
    return await aio_as_trio(connection.run)(command)


async def test_by_password() -> None:
    async with listened() as (_, listener), connected(listener, password="secret") as connection:
        done = await run(connection, "whoami")
        assert (done.stdout, done.exit_status) == ("alice: whoami\n", 7)


async def test_by_key_without_a_password() -> None:
    async with (
        listened() as (_, listener),
        connected(listener, client_keys=[OWN_KEY]) as connection,
    ):
        assert (await run(connection, "whoami")).exit_status == 7


async def test_not_by_a_wrong_password() -> None:
    async with listened() as (_, listener):
        with pytest.raises(asyncssh.PermissionDenied):
            async with connected(listener, password="guess"):
                pass


async def test_not_by_somebody_elses_key() -> None:
    async with listened() as (_, listener):
        with pytest.raises(asyncssh.PermissionDenied):
            async with connected(listener, client_keys=[OTHER_KEY]):
                pass
        with pytest.raises(asyncssh.PermissionDenied):
            async with connected(listener, "mallory", client_keys=[OWN_KEY]):
                pass


async def test_not_without_proof() -> None:
    async with listened() as (_, listener):
        with pytest.raises(asyncssh.PermissionDenied):
            async with connected(listener):
                pass


async def test_a_key_may_be_for_one_command_only() -> None:
    accounts = Accounts()
    accounts.keys = [line(OWN_KEY, 'command="jobs"')]
    async with (
        listened(accounts) as (_, listener),
        connected(listener, client_keys=[OWN_KEY]) as connection,
    ):
        assert (await run(connection, "rm -r .")).stdout == "alice: jobs\n"


async def test_who_is_wrong_too_often_is_sent_away() -> None:
    accounts = Accounts()
    guesses = itertools.count()

    class Guesser(asyncssh.SSHClient):
        def password_auth_requested(self) -> str:
            return f"guess {next(guesses)}"

    async with listened(accounts) as (_, listener):
        with pytest.raises((asyncssh.DisconnectError, ConnectionError)):
            async with connected(listener, client_factory=Guesser):
                pass
        assert accounts.asked == ["alice"] * visitor.PASSWORDS


async def test_a_password_without_end_is_not_even_looked_at() -> None:
    accounts = Accounts()
    async with listened(accounts) as (_, listener):
        with pytest.raises(asyncssh.PermissionDenied):
            async with connected(listener, password="x" * 20_000):
                pass
        assert accounts.asked == []


async def test_strangers_do_not_keep_others_out_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor, "STRANGERS", 3)
    async with listened() as (hall, listener):
        streams = [await trio.open_tcp_stream(listener.host, listener.port) for _ in range(3)]
        while hall.strangers < 3:
            await trio.sleep(0.005)
        with pytest.raises((asyncssh.Error, ConnectionError)):
            async with connected(listener, password="secret"):
                pass
        for stream in streams:
            await stream.aclose()
        while hall.strangers:
            await trio.sleep(0.005)
        async with connected(listener, password="secret"):
            assert hall.strangers == 0


async def test_nothing_is_forwarded() -> None:
    async with listened() as (_, listener), connected(listener, password="secret") as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await aio_as_trio(connection.open_connection)("127.0.0.1", listener.port)
        with pytest.raises(asyncssh.ChannelListenError):
            await aio_as_trio(connection.forward_remote_port)("127.0.0.1", 0, "127.0.0.1", 22)
        with pytest.raises(asyncssh.ChannelOpenError):
            await aio_as_trio(connection.open_unix_connection)("/tmp/socket")


async def test_at_the_end_what_was_said_last_arrives() -> None:
    async def linger(process: Process) -> None:
        process.stdout.write(b"begun\n")
        try:
            await trio.sleep_forever()
        finally:
            process.stdout.write(b"the machine goes down\n")
            process.exit(9)

    async with trio_asyncio.open_loop(), trio.open_nursery() as nursery:
        with trio.fail_after(60):
            hall, told = Hall(Accounts()), []

            async def client(listener: Listener, begun: trio.Event) -> None:
                async with connected(listener, password="secret") as connection:
                    process = await aio_as_trio(connection.create_process)("wait")
                    told.append(await aio_as_trio(process.stdout.readline)())
                    begun.set()
                    done = await aio_as_trio(process.wait)()
                    told.extend([done.stdout, done.exit_status])

            async with listening(
                hall, HOST_KEY, linger, no_files, host="127.0.0.1", port=0
            ) as listener:
                begun = trio.Event()
                nursery.start_soon(client, listener, begun)
                await begun.wait()
    assert told == ["begun\n", "the machine goes down\n", 9]


async def test_a_port_that_is_taken() -> None:
    async with listened() as (_, listener):
        with pytest.raises(ListenError, match=r"cannot listen at 127\.0\.0\.1, port \d+: .*in use"):
            async with listening(
                Hall(Accounts()),
                HOST_KEY,
                greet,
                no_files,
                host=listener.host,
                port=listener.port,
            ):
                pass
