"""Coming in to a machine, and going."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import vmpp
from vmpp.engine import SECOND
from vmpp.machine.session import LoggedOutError, LoginError, RefusedError
from vmpp.machine.state import State, StateInUseError
from vmpp.service.client import ServerDownError
from vmpp.service.log import Kind


async def test_the_user_at_the_console_is_not_asked_for_a_password(booting: Any) -> None:
    async with booting() as machine:
        alice = await machine.console()
        assert (alice.user.name, alice.user.uid, alice.place) == ("alice", 1000, "console")
        assert machine.sessions == [alice]
        assert machine.attended == 1
        await alice.log_out()
        assert machine.attended == 0


async def test_others_are_asked_and_wait_if_they_are_wrong(booting: Any) -> None:
    async with booting() as machine:
        root = await machine.console("root")
        await root.add_user("bob", "tuna")
        bob = await machine.log_in("bob", "tuna")
        assert bob.user.name == "bob"
        before = machine.engine.now
        with pytest.raises(LoginError, match="login incorrect"):
            await machine.log_in("bob", "salmon")
        assert machine.engine.now - before >= SECOND
        again = await machine.log_in("bob", "tuna")
        assert again.failures == 1
        assert again.last_login is not None
        assert again.last_failure is not None
        assert again.last_login < before <= again.last_failure
        with pytest.raises(LoginError, match="bob logs in with a password"):
            await machine.console("bob")


async def test_a_wrong_name_takes_as_long_as_a_wrong_password(booting: Any) -> None:
    took = []
    for name in ("bob", "eve"):
        async with booting() as machine:
            root = await machine.console("root", exact=True)
            await root.add_user("bob", "tuna")
            begin = root.now
            for _ in range(3):
                with pytest.raises(LoginError):
                    await machine.log_in(name, "salmon", exact=True)
            took.append(root.now - begin)
    assert took[0] == took[1]
    assert took[0] >= 7 * SECOND


async def test_whoever_sits_at_the_console_may_become_root(booting: Any) -> None:
    async with booting() as machine:
        alice = await machine.console()
        assert alice.may_become("root")
        root = await alice.become("root")
        assert root.user.is_root
        await root.add_user("bob", "tuna", groups=["wheel"])
        assert root.may_become("bob")
        assert (await root.become("bob")).user.name == "bob"
        assert not alice.may_become("bob")
        with pytest.raises(LoginError):
            await alice.become("bob", "salmon")
        assert (await alice.become("bob", "tuna")).user.name == "bob"
        # From elsewhere, it takes a password, in the group or not.
        remote = await machine.log_in("bob", "tuna", place="ssh")
        assert not remote.may_become("root")
        with pytest.raises(LoginError):
            await remote.become("root")


async def test_whoever_has_been_taken_out_of_wheel_may_not(booting: Any) -> None:
    async with booting() as machine:
        root = await machine.console("root")
        alice = await machine.console()
        await root.set_member("wheel", "alice", False)
        assert not alice.may_become("root")
        with pytest.raises(LoginError):
            await machine.console("root")


async def test_a_session_that_has_ended_is_of_no_use(booting: Any) -> None:
    async with booting() as machine:
        alice = await machine.console()
        await alice.log_out()
        await alice.log_out()
        with pytest.raises(LoggedOutError, match="alice has logged out"):
            await alice.who()
        with pytest.raises(LoggedOutError):
            await alice.files.listdir()


async def test_a_public_key_lets_in_whom_ssh_has_proved_to_have_it(booting: Any) -> None:
    async with booting() as machine:
        root = await machine.console("root")
        await root.add_user("bob")
        bob = await machine.doors.admit("bob", place="ssh")
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh0dHBzOi8vcmZjLWVkaXRvci5vcmcvcmZjODAz laptop"
        await bob.add_key(key)
        assert await machine.doors.authorized_keys("bob") == [key]
        assert await machine.doors.authorized_keys("nobody") == []
        await root.set_locked("bob", True)
        assert await machine.doors.authorized_keys("bob") == []
        with pytest.raises(LoginError):
            await machine.doors.admit("bob", place="ssh")


async def test_a_password_is_verified_without_coming_in(booting: Any) -> None:
    async with booting() as machine:
        root = await machine.console("root")
        await root.add_user("bob", "tuna")
        assert await machine.doors.password_fits("bob", "tuna")
        assert not await machine.doors.password_fits("bob", "salmon")
        assert [each.user for each in await root.who()] == ["root"]
        assert (await machine.log_in("bob", "tuna")).failures == 1
        await machine.console(exact=True)
        assert await machine.doors.password_fits("bob", "tuna")


async def test_nobody_comes_in_while_the_login_server_is_stopped(booting: Any) -> None:
    async with booting() as machine:
        alice = await machine.console()
        machine.stop_server("login")
        with pytest.raises(ServerDownError, match="'login' does not answer"):
            await machine.console()
        assert machine.sessions == [alice]
        machine.start_server("login")
        assert [each.user for each in await alice.who()] == ["alice"]
        assert (await machine.console()).user.name == "alice"


async def test_a_machine_without_a_state_has_one_user_and_no_accounts() -> None:
    async with vmpp.boot(nodes=4) as machine:
        session = await machine.console()
        assert session.user.uid >= 0
        assert session.directory == str(Path.cwd())
        for refused in (session.who(), session.log(), session.add_user("bob")):
            with pytest.raises(RefusedError, match="booted without a state"):
                await refused
        with pytest.raises(RefusedError):
            await machine.log_in("bob", "tuna")
        assert await session.history() == []
        await session.log_out()


async def test_what_is_kept_is_there_at_the_next_boot(booting: Any, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    async with booting(State.at(folder, user="alice")) as machine:
        root = await machine.console("root")
        await root.add_user("bob", "tuna")
        await root.sleep(5 * SECOND)
        with pytest.raises(StateInUseError):
            async with booting(State.at(folder)):
                pass
        left = machine.engine.now
    async with booting(State.at(folder, user="somebody")) as machine:
        assert machine.engine.now >= left
        assert machine.engine.now % SECOND == 0
        assert (await machine.console()).user.name == "alice"
        bob = await machine.log_in("bob", "tuna")
        assert bob.user.uid == 1001
        root = await machine.console("root")
        events = await root.log(kinds=[Kind.BOOT, Kind.SHUTDOWN])
        assert [event.kind for event in events] == [Kind.BOOT, Kind.SHUTDOWN, Kind.BOOT]


async def test_root_reads_in_the_log_what_has_happened(booting: Any) -> None:
    async with booting() as machine:
        alice = await machine.console()
        with pytest.raises(RefusedError, match="only root"):
            await alice.log()
        root = await alice.become("root")
        await root.add_user("bob", "tuna")
        with pytest.raises(LoginError):
            await machine.log_in("bob", "salmon", place="ssh")
        machine.stop_server("names")
        machine.start_server("names")
        told = [(event.kind, event.user, event.text) for event in await root.log()]
        assert told == [
            (Kind.BOOT, "", "default"),
            (Kind.LOGIN, "alice", "from console"),
            (Kind.LOGIN, "root", "from console"),
            (Kind.ACCOUNT, "root", "added user bob (1001)"),
            (Kind.FAILURE, "bob", "from ssh"),
            (Kind.SERVER, "", "stopped names"),
            (Kind.SERVER, "", "started names"),
        ]
        assert len(await root.log(user="root")) == 2


async def test_one_changes_ones_own_password(booting: Any) -> None:
    async with booting() as machine:
        root = await machine.console("root")
        await root.add_user("bob", "tuna")
        bob = await machine.log_in("bob", "tuna")
        with pytest.raises(RefusedError, match="old password is wrong"):
            await bob.passwd("cod", "salmon")
        with pytest.raises(RefusedError, match="somebody else"):
            await bob.passwd("cod", name="root")
        await bob.passwd("cod", "tuna")
        await machine.log_in("bob", "cod")


@pytest.mark.parametrize("name", ["Bob", "../bob", ""])
async def test_a_name_that_cannot_be_one_is_refused_in_one_line(booting: Any, name: str) -> None:
    async with booting() as machine:
        root = await machine.console("root")
        with pytest.raises(RefusedError, match="cannot be a name") as error:
            await root.add_user(name)
        assert "\n" not in str(error.value)
