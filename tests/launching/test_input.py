"""Input that somebody types: who waits for it, who does not, and what ends the wait."""

from __future__ import annotations

import os
import signal

import pytest
import trio

import vmpp
from vmpp.service.status import JobState

READS = """
    if rank == 0:
        print("got", input(), flush=True)
    comm.barrier()
"""
COUNTS = "time.sleep(5)\nprint(rank)"
MILLISECOND = 10**9


@pytest.fixture
def pipe():
    """A pipe whose writing end stays open: a reader, and the number of the other end."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as file:
        yield file, writer
    os.close(writer)


async def test_nobody_else_waits_for_what_is_typed_at_a_session(program, pipe):
    file, writer = pipe
    reads, counts = program(READS), program(COUNTS, "counts.py")
    async with vmpp.boot(nodes=6) as machine:
        with machine.services.client(exact=False) as client:
            reading = await machine.launch(reads, 2, stdin=file, client=client)
            counting = await machine.launch(counts, 2, client=client)
            await client.until(counting.record.done)
            assert counting.result().virtual_time > 5
            # Nothing else can move now, and yet it is no deadlock.
            with trio.move_on_after(0.05):
                await reading.record.done.wait()
            assert reading.status.state is JobState.RUNNING
            os.write(writer, b"it\n")
            assert (await reading.wait()).stdout == b"got it\n"


async def test_a_deadlock_of_another_job_is_one_all_the_same(program, pipe):
    file, _ = pipe
    async with vmpp.boot(nodes=6) as machine:
        with machine.services.client(exact=False) as client:
            await machine.launch(program(READS), 2, stdin=file, client=client)
            stuck = await machine.launch(program("comm.recv()", "stuck.py"), 1, client=client)
            assert (await stuck.wait()).failure.startswith("deadlock after")


@pytest.mark.parametrize("exact", [True, False])
async def test_a_job_that_waits_for_input_can_be_ended(program, pipe, exact):
    file, _ = pipe
    async with vmpp.boot(nodes=64) as machine:
        with machine.services.client(exact=exact) as client:
            job = await machine.launch(program(READS), 64, stdin=file, client=client)
        with trio.move_on_after(0.05):
            await job.record.done.wait()
        if exact:
            # Virtual time stands still until it is typed, so a signal would not get there.
            job.end(130)
        else:
            job.signal(signal.SIGINT)
        result = await job.wait()
    assert result.status == 130


async def test_a_file_server_that_stops_ends_the_wait(program, pipe):
    file, _ = pipe
    path = program(
        """
        try:
            input()
        except OSError as error:
            os._exit(error.errno)
    """.replace("os._exit", "__import__('os')._exit")
    )
    async with vmpp.boot(nodes=6) as machine:
        with machine.services.client(exact=False) as client:
            job = await machine.launch(path, 1, stdin=file, client=client)
            with trio.move_on_after(0.05):
                await job.record.done.wait()
            machine.stop_server("files")
            assert (await job.wait()).status == 5


async def test_what_is_in_a_file_is_there_at_once(program, tmp_path):
    (tmp_path / "input").write_bytes(b"it\n")

    async def time():
        async with vmpp.boot(nodes=6) as machine:
            with (
                open(tmp_path / "input", "rb") as file,
                machine.services.client(exact=False) as client,
            ):
                job = await machine.launch(program(READS), 2, stdin=file, client=client)
                return (await job.wait()).virtual_time

    assert await time() == await time()
