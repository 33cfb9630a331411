"""Partitions of a machine with accounts: who may do what, and that they are kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from vmpp.machine.machine import Machine
from vmpp.machine.session import RefusedError
from vmpp.machine.state import State
from vmpp.service.errors import LaunchError

Booting = Callable[..., AbstractAsyncContextManager[Machine]]


async def test_who_may_not_run_jobs_in_a_partition_runs_none(booting: Booting) -> None:
    async with booting(nodes=6) as machine:
        alice = await machine.console()
        root = await alice.become("root")
        await root.add_user("bob", "sesame", groups=["programmers"])
        bob = await machine.log_in("bob", "sesame")
        await alice.make_partition("night", size=2, mode=0o700)
        job = await alice.launch("heat", 1, ["--steps", "1"], partition="night")
        assert (await alice.wait(job)).status == 0
        with pytest.raises(LaunchError, match="bob may not run jobs in partition"):
            await bob.launch("heat", 1, partition="night")
        with pytest.raises(RefusedError, match="only its owner"):
            await bob.change_partition("night", mode=0o777)
        with pytest.raises(RefusedError, match="bob may not see"):
            await bob.partitions("night")
        await alice.change_partition("night", mode=0o777)
        theirs = await bob.launch("heat", 1, ["--steps", "1"], partition="night")
        with pytest.raises(RefusedError, match="is another user's"):
            await alice.remove_partition("night", force=True)
        await bob.wait(theirs)
        await alice.change_partition("night", mode=0o700)
        await root.change_partition("night", uid=bob.user.uid)
        with pytest.raises(LaunchError, match="alice may not"):
            await alice.launch("heat", 1, partition="night")


async def test_partitions_are_there_after_the_next_boot(tmp_path: Path, booting: Booting) -> None:
    async with booting(State.at(tmp_path / "state", user="alice"), nodes=6) as machine:
        alice = await machine.console()
        made = await alice.make_partition("night", size=2, policy="rr:2ms")
        await alice.make_partition("night.inner", size=1)
    async with booting(State.at(tmp_path / "state"), nodes=6) as machine:
        alice = await machine.console()
        assert (await alice.partition("night")).partition == made.partition
        inner = await alice.partition("night.inner")
        assert inner.partition.policy == "rr:2ms"
        job = await alice.launch("heat", 1, ["--steps", "1"], partition="night")
        assert job.record.wishes.policy == "rr:2ms"
        assert (await alice.partition("night")).jobs == [job.id]
        await alice.wait(job)
        assert (await alice.partition("night")).jobs == []


async def test_jobs_are_no_more_urgent_than_their_partition_lets_them(booting: Booting) -> None:
    async with booting(nodes=6) as machine:
        alice = await machine.console()
        root = await alice.become("root")
        await root.make_partition("slow", size=2, most_urgent=-3)
        job = await root.launch("heat", 1, ["--steps", "1"], partition="slow", priority=9)
        assert job.record.wishes.priority == -3
        with pytest.raises(RefusedError, match="-2 is no priority of job"):
            await root.set_priority(job.id, -2)
        await root.set_priority(job.id, -9)
        with pytest.raises(RefusedError, match="belongs to root"):
            await alice.set_priority(job.id, -9)
        await root.wait(job)
        own = await alice.launch("heat", 1, ["--steps", "1"])
        with pytest.raises(RefusedError, match="only root may give a job priority 1"):
            await alice.set_priority(own.id, 1)
        await alice.wait(own)
