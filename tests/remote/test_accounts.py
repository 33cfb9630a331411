"""The accounts that let somebody in are the machine's own."""

from __future__ import annotations

from typing import Any

import asyncssh
import pytest
from trio_asyncio import aio_as_trio

from vmpp_shell.serve import visitor

KEY = asyncssh.generate_private_key("ssh-ed25519")
PUBLIC = KEY.export_public_key().decode().strip()


async def refused(at: Any, name: str = "alice", **options: Any) -> bool:
    try:
        async with at.connected(name, **options):
            return False
    except asyncssh.PermissionDenied:
        return True


async def test_a_user_is_who_they_say(house: Any) -> None:
    async with house() as at, at.connected("alice") as connection:
        files = await aio_as_trio(connection.start_sftp_client)()
        assert await aio_as_trio(files.getcwd)() == "/home/alice"
        assert [(who.user, who.place) for who in await at.root.who()] == [
            ("root", "console"),
            ("alice", "ssh"),
        ]


async def test_failed_logins_are_counted_and_told(house: Any) -> None:
    async with house() as at:
        assert await refused(at, password="guess")
        async with at.connected("alice"):
            pass
        failures = await at.root.log(user="alice")
        assert failures


async def test_a_failed_login_takes_virtual_time(house: Any) -> None:
    async with house() as at:
        before = at.machine.engine.now
        assert await refused(at, password="guess")
        assert at.machine.engine.now - before >= 10**12


async def test_a_user_who_is_locked_out_stays_out(house: Any) -> None:
    async with house() as at:
        await at.root.add_key(PUBLIC, name="alice")
        await at.root.set_locked("alice", True)
        assert await refused(at)
        assert await refused(at, client_keys=[KEY])
        assert await refused(at, "bob", password="guess")
        assert not await refused(at, "bob")


async def test_by_a_key_that_root_has_added(house: Any) -> None:
    async with house() as at:
        assert await refused(at, client_keys=[KEY])
        await at.root.add_key(f"{PUBLIC} a laptop", name="alice")
        assert not await refused(at, client_keys=[KEY])
        assert await refused(at, "bob", client_keys=[KEY])


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (None, True),
        (("/home/alice/.ssh/authorized_keys", 0o666), False),
        (("/home/alice/.ssh", 0o770), False),
        (("/home/alice", 0o777), False),
    ],
)
async def test_by_a_key_in_ones_own_file_if_nobody_else_can_have_written_it(
    house: Any, change: tuple[str, int] | None, counts: bool
) -> None:
    async with house() as at:
        alice = await at.machine.log_in("alice", "alice")
        await alice.files.mkdir(".ssh", 0o700)
        await alice.files.write(".ssh/authorized_keys", f"# mine\n{PUBLIC}\n".encode())
        if change is not None:
            await alice.files.chmod(*change)
        await alice.log_out()
        assert await refused(at, client_keys=[KEY]) is not counts


async def test_not_by_a_key_in_somebody_elses_file(house: Any) -> None:
    async with house() as at:
        bob = await at.machine.log_in("bob", "bob")
        await bob.files.mkdir("/tmp/keys", 0o755)
        await bob.files.write("/tmp/keys/authorized_keys", f"{PUBLIC}\n".encode())
        alice = await at.machine.log_in("alice", "alice")
        await alice.files.symlink("/tmp/keys", ".ssh")
        assert await refused(at, client_keys=[KEY])


async def test_nobody_is_told_whether_there_is_such_a_user(house: Any) -> None:
    async with house() as at:
        assert await refused(at, "mallory")
        assert visitor.REFUSAL_SECONDS > 0
