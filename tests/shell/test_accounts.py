"""What root does with accounts, and the log."""

from __future__ import annotations

import json

from vmpp.scenario.directives import Account

from .conftest import OpenShell

BOB = Account("bob", (), "tuna")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh0dHBzOi8vcmZjLWVkaXRvci5vcmcvcmZjODAz"


async def test_root_changes_groups_quotas_and_locks(shell: OpenShell) -> None:
    async with shell("tuna", accounts=(BOB,)) as sh:
        assert await sh("usermod bob --lock") == "usermod: only root may do that\n"
        await sh("login root; addgroup crew; usermod bob -a crew -a programmers --quota '1 MiB'")
        assert sh.status == 0
        groups = {each["name"]: each["members"] for each in json.loads(await sh("groups --json"))}
        assert groups["crew"] == ["bob"]
        assert "bob" in groups["programmers"]
        await sh("usermod bob -r crew --files 10 --lock; delgroup crew")
        assert "crew" not in await sh("groups")
        bob = next(each for each in json.loads(await sh("users --json")) if each["name"] == "bob")
        assert (bob["quota_bytes"], bob["quota_files"], bob["locked"]) == (1 << 20, 10, True)
        await sh("usermod bob --quota none --unlock")
        bob = next(each for each in json.loads(await sh("users --json")) if each["name"] == "bob")
        assert (bob["quota_bytes"], bob["quota_files"], bob["locked"]) == (None, 10, False)


async def test_what_makes_no_sense_is_refused_and_changes_nothing(shell: OpenShell) -> None:
    async with shell(accounts=(BOB,)) as sh:
        await sh("login root")
        before = await sh("users --json"), await sh("groups --json")
        for line, words in (
            ("usermod bob --quota lots", "write a size such as"),
            ("usermod bob --files -3", "-3 is negative"),
            ("usermod bob --files some", "'some' is no number"),
            ("usermod eve --lock", "there is no user 'eve'"),
            ("usermod bob -a wizards", "there is no group 'wizards'"),
            ("addgroup Wizards", "cannot be a name"),
            ("delgroup wheel", "cannot be removed"),
            ("deluser root", "root is logged in"),
            ("deluser user", "is logged in"),
        ):
            told = await sh(line)
            assert words in told, line
            assert told.startswith(line.split()[0] + ": ")
            assert told.count("\n") == 1
            assert sh.status
        assert (await sh("users --json"), await sh("groups --json")) == before


async def test_root_removes_a_user_who_is_not_logged_in(shell: OpenShell) -> None:
    async with shell("tuna", accounts=(BOB,)) as sh:
        assert await sh("login bob; deluser bob") == "deluser: only root may do that\n"
        assert await sh("logout; login root; deluser bob") == ""
        assert "bob" not in await sh("users")


async def test_one_keeps_ones_public_keys(shell: OpenShell) -> None:
    async with shell() as sh:
        assert await sh(f"keys --add '{KEY} laptop'") == ""
        assert json.loads(await sh("keys --json")) == [{"key": KEY, "comment": "laptop"}]
        assert "ssh-ed25519" in await sh("keys")
        assert "is no public key" in await sh("keys --add 'ssh-nonsense'")
        assert "there is no key 2" in await sh("keys --remove 2")
        assert await sh("keys --remove 1; keys --json") == "[]\n"
        assert "only root" in await sh("keys root")


async def test_root_reads_the_log(shell: OpenShell) -> None:
    async with shell("wrong", accounts=(BOB,)) as sh:
        assert await sh("log") == "log: only root may read the log\n"
        await sh("login bob; login root")
        told = [(each["kind"], each["user"]) for each in json.loads(await sh("log --json -n 2"))]
        assert told == [("failure", "bob"), ("login", "root")]
        assert (await sh("log --kind failure")).count("bob") == 1
