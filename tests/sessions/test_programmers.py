"""Who may run programs of their own."""

from __future__ import annotations

from typing import Any

import pytest

from vmpp.process.program import ProgramError
from vmpp.service.account_store import PROGRAMMERS, AccountStore
from vmpp.service.filesystem import programs

HELLO = b"print('hello')\n"


def test_the_group_is_the_one_that_the_files_know() -> None:
    assert AccountStore().groups()[PROGRAMMERS][0] == programs.PROGRAMMERS


async def test_only_programmers_run_programs_of_their_own(booting: Any) -> None:
    async with booting() as machine:
        root = await machine.console("root")
        await root.add_user("bob", "tuna")
        bob, alice = await machine.log_in("bob", "tuna"), await machine.console()
        for session in (alice, bob):
            await session.files.write("hello.py", HELLO)
        assert (await alice.wait(await alice.launch("hello.py", 2))).stdout == b"hello\n" * 2
        with pytest.raises(ProgramError, match="only members of the group programmers"):
            await bob.launch("hello.py", 2)
        result = await bob.wait(await bob.launch("heat", 2, ["--help"]))
        assert result.status == 0
        await root.set_member("programmers", "bob")
        with pytest.raises(ProgramError):
            await bob.launch("hello.py", 2)
        again = await machine.log_in("bob", "tuna")
        assert (await again.wait(await again.launch("hello.py", 1))).stdout == b"hello\n"


async def test_nobody_runs_what_they_cannot_read(booting: Any) -> None:
    async with booting() as machine:
        alice = await machine.console()
        root = await machine.console("root")
        await root.files.write("/root/secret.py", HELLO)
        with pytest.raises(ProgramError):
            await alice.launch("/root/secret.py", 1)
        with pytest.raises(ProgramError, match="nowhere"):
            await alice.launch("nowhere.py", 1)
