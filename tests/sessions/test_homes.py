"""Users' own files: homes, rights and quotas, from session to session."""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import Any

import pytest

from vmpp.machine.session import RefusedError
from vmpp.machine.state import State


async def test_one_comes_in_at_home(booting: Any) -> None:
    async with booting() as machine:
        alice = await machine.console()
        assert alice.directory == "/home/alice"
        root = await machine.console("root")
        assert root.directory == "/root"
        await root.add_user("bob", "tuna")
        bob = await machine.log_in("bob", "tuna")
        assert bob.directory == "/home/bob"
        told = await root.files.stat("/home/bob")
        assert (told.uid, told.gid, stat.S_IMODE(told.mode)) == (1001, 1001, 0o700)


async def test_nobody_sees_into_the_home_of_another(booting: Any) -> None:
    async with booting() as machine:
        root = await machine.console("root")
        await root.add_user("bob", "tuna")
        bob, alice = await machine.log_in("bob", "tuna"), await machine.console()
        await bob.files.write("diary", b"tuna again")
        for attempt in (
            alice.files.read("/home/bob/diary"),
            alice.files.listdir("/home/bob"),
            alice.chdir("/home/bob"),
            alice.files.write("/home/bob/mine", b""),
            alice.files.rename("/home/bob", "/home/alice/bob"),
        ):
            with pytest.raises(PermissionError):
                await attempt
        assert await root.files.read("/home/bob/diary") == b"tuna again"
        await bob.files.write("/tmp/shared", b"for all")
        assert await alice.files.read("/tmp/shared") == b"for all"
        with pytest.raises(PermissionError):
            await alice.files.unlink("/tmp/shared")


async def test_a_quota_binds_and_is_there_at_the_next_boot(booting: Any, tmp_path: Path) -> None:
    for boot in range(2):
        async with booting(State.at(tmp_path / "state", user="alice")) as machine:
            if not boot:
                root = await machine.console("root")
                await root.add_user("bob", "tuna", quota_bytes=10_000, quota_files=4)
            bob = await machine.log_in("bob", "tuna")
            with pytest.raises(OSError, match="quota") as error:
                await bob.files.write("big", bytes(10_001))
            assert error.value.errno == errno.EDQUOT
            await bob.files.unlink("big")
            for name in "abc":
                await bob.files.write(name, b"")
            with pytest.raises(OSError, match="quota"):
                await bob.files.write("d", b"")
            for name in "abc":
                await bob.files.unlink(name)


async def test_root_changes_a_quota(booting: Any) -> None:
    async with booting() as machine:
        root = await machine.console("root")
        await root.add_user("bob", "tuna", quota_bytes=100)
        await root.set_quota("bob", 1000)
        bob = await machine.log_in("bob", "tuna")
        await bob.files.write("a", bytes(1000))
        (told,) = [user for user in await bob.users() if user.name == "bob"]
        assert (told.quota_bytes, told.quota_files) == (1000, None)
        with pytest.raises(RefusedError, match="no user"):
            await root.set_quota("eve", 1000)


async def test_files_stay_when_their_owner_goes_and_are_nobodys_after(booting: Any) -> None:
    async with booting() as machine:
        root = await machine.console("root")
        await root.add_user("bob", "tuna")
        bob = await machine.log_in("bob", "tuna")
        await bob.files.write("diary", b"...")
        with pytest.raises(RefusedError, match="bob is logged in"):
            await root.remove_user("bob")
        await bob.log_out()
        await root.remove_user("bob")
        with pytest.raises(RefusedError, match="/home/bob is somebody else's"):
            await root.add_user("bob", "salmon")
        assert "bob" not in [user.name for user in await root.users()]
        await root.files.rename("/home/bob", "/root/bob")
        await root.add_user("bob", "salmon")
        assert await (await machine.log_in("bob", "salmon")).files.listdir() == []
        assert await root.files.read("/root/bob/diary") == b"..."


async def test_a_user_of_a_group_reads_what_is_the_groups(booting: Any) -> None:
    async with booting() as machine:
        root = await machine.console("root")
        await root.add_group("crew")
        await root.add_user("bob", "tuna", groups=["crew"])
        (crew,) = [group.gid for group in await root.groups() if group.name == "crew"]
        await root.files.write("/tmp/orders", b"north")
        await root.files.chown("/tmp/orders", gid=crew)
        await root.files.chmod("/tmp/orders", 0o640)
        bob, alice = await machine.log_in("bob", "tuna"), await machine.console()
        assert await bob.files.read("/tmp/orders") == b"north"
        with pytest.raises(PermissionError):
            await alice.files.read("/tmp/orders")


async def test_what_is_written_is_noted_with_virtual_time(booting: Any) -> None:
    async with booting() as machine:
        alice = await machine.console(exact=True)
        await alice.sleep(3 * 10**12)
        await alice.files.write("a", b"")
        told = await alice.files.stat("a")
        assert told.mtime_ns // 10**9 == 946_684_803
