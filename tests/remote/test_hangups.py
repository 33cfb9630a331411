"""Connections that are lost, and sessions that end before their jobs do."""

from __future__ import annotations

import signal
from typing import Any

import asyncssh
import pytest
import trio
from trio_asyncio import aio_as_trio

from vmpp.service.status import JobState
from vmpp_shell.serve import channel


class Deaf(asyncssh.SSHClientSession):
    """A client that asks for output and does not take it."""

    def connection_made(self, chan: Any) -> None:
        self._channel = chan

    def session_started(self) -> None:
        self._channel.pause_reading()


async def test_a_lost_connection_ends_the_job_in_the_foreground(house: Any) -> None:
    async with house() as at:
        await at.write_programs()
        async with at.connected() as connection:
            process = await aio_as_trio(connection.create_process)("yod waiting.py")
            assert await aio_as_trio(process.stdout.readline)() == "begun\n"
            assert len(await at.root.who()) == 2
            connection.abort()
        while at.machine.jobs():
            await trio.sleep(0.01)
        assert [job.signal for job in await at.root.history()] == [signal.SIGHUP]
        while len(await at.root.who()) > 1:
            await trio.sleep(0.01)


async def test_a_job_in_the_background_outlives_its_session(house: Any) -> None:
    async with house() as at:
        await at.write_programs()
        async with at.connected() as connection:
            assert (await at.run(connection, "yod waiting.py & echo left")).exit_status == 0
        while len(await at.root.who()) > 1:
            await trio.sleep(0.01)
        before = at.machine.engine.now
        await at.root.sleep(10**13)
        assert at.machine.engine.now > before
        assert [job.state.ended for job in at.machine.jobs()] == [False]


async def test_who_does_not_take_their_output_is_cut_off(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "UNREAD_BYTES", 1 << 20)
    async with house() as at, at.connected() as connection, at.files(connection) as files:
        await files.write("much.py", b"while True: print('x' * 1000)\n")
        deaf, _ = await aio_as_trio(connection.create_session)(Deaf, "yod much.py")
        while not await at.root.history(states=[JobState.CANCELLED, JobState.FAILED]):
            await trio.sleep(0.01)
        assert [job.signal for job in await at.root.history()] == [signal.SIGHUP]
        deaf.abort()
        assert (await at.run(connection, "echo still here")).stdout == "still here\n"


async def test_root_shuts_the_machine_down_for_everybody(house: Any) -> None:
    async with house() as at:
        await at.root.passwd("secret", name="root")
        async with at.connected("root", password="secret") as connection:
            assert not at.served.down.is_set()
            assert (await at.run(connection, "shutdown")).exit_status == 0
            await at.served.down.wait()
