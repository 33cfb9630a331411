"""A job that waits for what somebody types keeps nobody else waiting."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

import pytest
import trio
import trio.testing

from vmpp.engine import SECOND
from vmpp.machine.boot import boot
from vmpp.machine.machine import Machine
from vmpp.machine.session import Session
from vmpp.machine.state import State

ASKS = b"""
from mpi4py import MPI
if MPI.COMM_WORLD.rank == 0:
    print(input("yes? "), flush=True)
    print(input("sure? "))
MPI.COMM_WORLD.barrier()
"""
DEADLOCKED = b"""
from mpi4py import MPI
MPI.COMM_WORLD.recv(source=0)
"""


@pytest.fixture
def typed() -> Iterator[tuple[BinaryIO, int]]:
    """Return what a job reads, and the descriptor that is typed at."""
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as source:
        yield source, writer
    os.close(writer)


async def somebody(machine: Machine) -> Session:
    session = await machine.console()
    await session.files.write("asks.py", ASKS)
    await session.files.write("deadlocked.py", DEADLOCKED)
    return session


async def test_virtual_time_goes_on_for_others(typed: tuple[BinaryIO, int]) -> None:
    source, writer = typed
    async with boot(state=State.ephemeral(user="me")) as machine:
        session = await somebody(machine)
        job = await session.launch("asks.py", 2, stdin=source)
        other = await machine.console("root")
        with trio.fail_after(30):
            await other.sleep(5 * SECOND)
            assert machine.engine.now >= 5 * SECOND
            assert await other.files.listdir("/home") == ["me"]
            os.write(writer, b"of course\n")
            await other.sleep(SECOND)
            os.write(writer, b"yes\n")
            result = await session.wait(job)
    assert (result.status, result.stdout) == (0, b"yes? of course\nsure? yes\n")


async def test_it_is_no_deadlock_but_another_job_may_be(typed: tuple[BinaryIO, int]) -> None:
    source, writer = typed
    async with boot(state=State.ephemeral(user="me")) as machine:
        session = await somebody(machine)
        job = await session.launch("asks.py", 1, stdin=source)
        stuck = await session.launch("deadlocked.py", 1)
        with trio.fail_after(30):
            assert "deadlock" in (await session.wait(stuck)).failure
            os.write(writer, b"1\n2\n")
            assert (await session.wait(job)).status == 0


async def test_the_end_of_the_input_is_an_end_of_file(typed: tuple[BinaryIO, int]) -> None:
    source, writer = typed
    async with boot(state=State.ephemeral(user="me")) as machine:
        session = await somebody(machine)
        job = await session.launch("asks.py", 1, stdin=source)
        os.write(writer, b"only one line\n")
        # Nobody is left who could write to the pipe.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, writer)
        os.close(nowhere)
        with trio.fail_after(30):
            result = await session.wait(job)
    assert result.status == 1
    assert "EOFError" in result.failure


async def test_a_job_that_is_ended_leaves_what_is_typed_to_others(
    typed: tuple[BinaryIO, int],
) -> None:
    source, writer = typed
    async with boot(state=State.ephemeral(user="me")) as machine:
        session = await somebody(machine)
        with trio.fail_after(30):
            job = await session.launch("asks.py", 1, stdin=source)
            await session.sleep(SECOND)
            await session.signal(job.id, 15)
            assert (await session.wait(job)).status == 128 + 15
            os.write(writer, b"a line\n")
            await session.sleep(SECOND)
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert os.read(source.fileno(), 100) == b"a line\n"


async def test_an_exact_session_stands_still_meanwhile(typed: tuple[BinaryIO, int]) -> None:
    source, writer = typed
    async with boot(state=State.ephemeral(user="me")) as machine:
        session = await somebody(machine)
        session.exact = True
        job = await session.launch("asks.py", 1, stdin=source)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(session.wait, job)
            await trio.sleep(0.1)
            before = machine.engine.now
            await trio.sleep(0.1)
            assert machine.engine.now == before
            os.write(writer, b"1\n2\n")


READS_ALL = b"""
import sys
print(repr(sys.stdin.read()), repr(sys.stdin.buffer.raw.read(9)))
"""


async def test_the_end_of_what_is_typed_at_a_terminal_is_typed_once() -> None:
    """As for a program of the host: ^D ends what is read, and the next one what is read next."""
    master, slave = os.openpty()
    with open(master, "wb", buffering=0) as keys, open(slave, "rb", buffering=0) as terminal:
        async with boot(state=State.ephemeral(user="me")) as machine:
            session = await machine.console()
            await session.files.write("reads.py", READS_ALL)
            job = await session.launch("reads.py", 1, stdin=terminal)
            keys.write(b"one\ntwo\n\x04more\n")
            with trio.fail_after(30):
                result = await session.wait(job)
    assert (result.status, result.stdout) == (0, b"'one\\ntwo\\n' b'more\\n'\n")
