"""Ten people at once, each launching jobs in a loop: nothing is lost, and nobody sees another's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncssh
import pytest
import trio
from trio_asyncio import aio_as_trio

from vmpp.service.status import JobState

NAMES = tuple(f"user{number}" for number in range(10))

TURN = """
import os, sys
from mpi4py import MPI
comm = MPI.COMM_WORLD
who, turn = sys.argv[1:]
assert os.getcwd() == f"/home/{who}", os.getcwd()
total = comm.allreduce(comm.rank)
print(who, turn, comm.rank, total)
if comm.rank == 0:
    with open(f"turn{turn}", "x") as file:
        print(who, turn, file=file)
"""
WATCH = """
import sys
from mpi4py import MPI
comm = MPI.COMM_WORLD
if comm.rank == 0:
    print("watching", flush=True)
    print(sys.argv[1], input())
comm.barrier()
"""


class Person:
    """Somebody who launches jobs, and tries what they may not."""

    def __init__(self, at: Any, name: str, neighbour: Person | None = None) -> None:
        self.at = at
        self.name = name
        self.neighbour = neighbour or self
        self.turns = 0
        self.watch = 0
        self.ready = trio.Event()

    async def live(self, goes_on: Callable[[int], bool], all_ready: Callable[[], bool]) -> None:
        """Log in, launch jobs as long as *goes_on* says so, and log out."""
        async with (
            self.at.connected(self.name) as connection,
            self.at.files(connection) as files,
        ):
            for name, text in {"turn.py": TURN, "watch.py": WATCH}.items():
                await files.write(name, text.encode())
            watch = await aio_as_trio(connection.create_process)(f"yod -n 2 watch.py {self.name}")
            assert await aio_as_trio(watch.stdout.readline)() == "watching\n"
            (self.watch,) = [job.id for job in self.at.machine.jobs() if job.user == self.name]
            self.ready.set()
            while not all_ready():
                await trio.sleep(0.01)
            while goes_on(self.turns):
                await self.take_turn(connection, files)
            watch.stdin.write("and well\n")
            done = await aio_as_trio(watch.wait)()
            assert (done.stdout, done.exit_status) == (f"{self.name} and well\n", 0)

    async def take_turn(self, connection: Any, files: Any) -> None:
        turn, size = self.turns, 1 + (self.turns * 3 + NAMES.index(self.name)) % 8
        done = await self.at.run(connection, f"yod -n {size} turn.py {self.name} {turn}")
        total = size * (size - 1) // 2
        expected = [f"{self.name} {turn} {rank} {total}" for rank in range(size)]
        assert sorted(done.stdout.splitlines()) == expected
        assert (done.stderr, done.exit_status) == ("", 0)
        assert await files.read(f"turn{turn}") == f"{self.name} {turn}\n".encode()
        await self.try_what_is_not_allowed(connection, files)
        self.turns += 1

    async def try_what_is_not_allowed(self, connection: Any, files: Any) -> None:
        theirs = self.neighbour
        for path in (f"/home/{theirs.name}/turn.py", f"/home/{theirs.name}/turn0"):
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await files.read(path)
        done = await self.at.run(connection, f"kill {theirs.watch}")
        assert f"job {theirs.watch}" in done.stderr
        assert done.exit_status == 1


async def live_together(at: Any, goes_on: Callable[[int], bool]) -> list[Person]:
    people = [Person(at, name) for name in NAMES]
    for person, neighbour in zip(people, [*people[1:], people[0]], strict=True):
        person.neighbour = neighbour
        await at.root.add_user(person.name, person.name, groups=("programmers",))
    async with trio.open_nursery() as nursery:
        for person in people:
            nursery.start_soon(
                person.live, goes_on, lambda: all(each.ready.is_set() for each in people)
            )
    return people


async def check_accounts(at: Any, people: list[Person]) -> None:
    """Every job is on record once, as what it was and whose it was."""
    for person in people:
        rows = await at.root.history(user=person.name)
        assert len(rows) == person.turns + 1
        assert {row.state for row in rows} == {JobState.COMPLETED}
        assert {(row.exit, row.signal) for row in rows} == {(0, 0)}
        sizes = [row.size for row in rows if row.name.startswith("turn")]
        assert sizes == [
            1 + (turn * 3 + NAMES.index(person.name)) % 8 for turn in range(person.turns)
        ]
    assert [job for job in at.machine.jobs() if not job.state.ended] == []
    assert [who.user for who in await at.root.who()] == ["root"]


async def test_for_a_few_turns(house: Any) -> None:
    async with house() as at:
        people = await live_together(at, lambda turns: turns < 3)
        await check_accounts(at, people)
        assert [person.turns for person in people] == [3] * len(NAMES)


@pytest.mark.soak
async def test_for_a_minute(house: Any) -> None:
    """Said by ``pytest -m soak``."""
    async with house(limit=240) as at:
        end = trio.current_time() + 60
        people = await live_together(at, lambda turns: trio.current_time() < end)
        await check_accounts(at, people)
        print(f"{sum(person.turns for person in people)} jobs of {len(people)} people")
