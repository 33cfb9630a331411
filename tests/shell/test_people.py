"""People come and go, and have their names, passwords and rights."""

from __future__ import annotations

import json

from vmpp.scenario.directives import Account

from .conftest import OpenShell

ALICE = Account("alice", ("programmers",), "secret")


async def test_the_console_user_is_logged_in_and_may_be_root(shell: OpenShell) -> None:
    async with shell(user="carol") as sh:
        assert await sh("whoami") == "carol\n"
        assert await sh("login root; whoami; logout; whoami") == "root\ncarol\n"
        data = json.loads(await sh("whoami --json"))
        assert (data["name"], data["home"]) == ("carol", "/home/carol")


async def test_others_log_in_with_a_password(shell: OpenShell) -> None:
    async with shell("wrong", "secret", accounts=(ALICE,)) as sh:
        assert await sh("login alice") == "login: login incorrect\n"
        assert sh.status == 1
        welcome = await sh("login alice")
        assert welcome.startswith("1 login has failed, the last one at ")
        assert await sh("whoami; pwd") == "alice\n/home/alice\n"
        assert "alice" in await sh("who")
        assert await sh("logout; whoami") == "user\n"


async def test_the_last_logout_leaves_the_shell(shell: OpenShell) -> None:
    async with shell() as sh:
        assert await sh("logout; whoami") == ""
        assert sh.status == 0


async def test_root_adds_users_who_change_their_passwords(shell: OpenShell) -> None:
    answers = ("first", "first", "first", "first", "second", "second", "second")
    async with shell(*answers) as sh:
        assert await sh("adduser bob") == "adduser: only root adds users; 'login root' first\n"
        await sh("login root; adduser bob -g programmers --quota '1 MiB' --files 100; logout")
        assert await sh("login bob; whoami") == "bob\n"
        assert await sh("passwd; logout") == ""
        assert await sh("login bob; whoami") == "bob\n"
        assert sh.answers == []


async def test_a_password_that_is_not_repeated_changes_nothing(shell: OpenShell) -> None:
    async with shell("one", "two") as sh:
        await sh("login root")
        assert await sh("adduser bob") == (
            "adduser: the passwords are not alike; nothing has changed\n"
        )
        assert "bob" not in await sh("users")


async def test_virtual_time_stands_still_between_commands_of_whoever_is_logged_in(
    shell: OpenShell,
) -> None:
    times = []
    for _ in range(2):
        async with shell("secret", accounts=(ALICE,)) as sh:
            await sh("login alice; yod -n 2 heat --help; logout; login root; pwd")
            times.append(await sh("time"))
    assert times[0] == times[1]
