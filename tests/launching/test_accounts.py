"""Jobs are accounted for before anybody is told that they are done."""

from __future__ import annotations

import msgspec
import pytest

import vmpp
from vmpp.process.calls import Done, encode
from vmpp.service import LaunchError, accounting
from vmpp.service.status import JobState

MILLISECOND = 10**9


class Bookkeeper:
    """An accounting server that writes down what it is told, and what was done by then."""

    def __init__(self):
        self.name = accounting.SERVER
        self.least_service_time = 1000
        self.rows = []
        self.done_before = []
        self.job = None

    def serve(self, caller, request):
        assert caller.job == 0
        self.rows.append(msgspec.msgpack.decode(request, type=accounting.Record).job)
        self.done_before.append(self.job is not None and self.job.record.done.is_set())
        return encode(Done())


@pytest.fixture
def keeper():
    return Bookkeeper()


async def test_the_row_comes_first(program, keeper):
    async with vmpp.boot(nodes=4) as machine:
        machine.services.add(keeper)
        keeper.job = job = await machine.launch(program("sys.exit(3)"), 2)
        assert (await job.wait()).status == 3
        assert keeper.done_before == [False]
        (row,) = keeper.rows
        assert (row.id, row.state, row.exit, row.size) == (1, JobState.FAILED, 3, 2)
        assert row == machine.overview.job(1)


async def test_what_a_job_has_spawned_has_rows_of_its_own(program, keeper):
    path = program("""
        parent = MPI.Comm.Get_parent()
        if not parent:
            comm.Spawn(sys.argv[0], maxprocs=2)
    """)
    async with vmpp.boot(nodes=4) as machine:
        machine.services.add(keeper)
        job = await machine.launch(path, 1)
        await job.wait()
        assert sorted((row.id, row.size, row.user) for row in keeper.rows) == [
            (1, 1, job.status.user), (2, 2, job.status.user),
        ]  # fmt: skip


async def test_nobody_waits_for_a_server_that_is_stopped_and_it_is_told_later(program, keeper):
    async with vmpp.boot(nodes=4) as machine:
        machine.services.add(keeper)
        with machine.services.client() as client:
            machine.stop_server("accounting")
            job = await machine.launch(program(""), 2, client=client)
            await client.until(job.record.done)
            assert keeper.rows == []
            machine.start_server("accounting")
            await client.sleep(MILLISECOND)
            assert [row.id for row in keeper.rows] == [1]


async def test_who_is_refused_at_once_has_had_no_job(program, keeper):
    async with vmpp.boot(nodes=4) as machine:
        machine.services.add(keeper)
        with machine.services.client() as client:
            with pytest.raises(LaunchError):
                await machine.launch(program(""), 5000, client=client)
            with pytest.raises(LaunchError):
                await machine.launch(program(""), 5000)
            await client.sleep(MILLISECOND)
        assert keeper.rows == []
        assert machine.jobs(past=True) == []


async def test_a_job_that_was_cancelled_while_it_waited_is_on_record(program, keeper):
    async with vmpp.boot(nodes=4) as machine:
        machine.services.add(keeper)
        nodes = machine.description.compute_nodes
        with machine.services.client() as client:
            await machine.launch(program("time.sleep(1)"), nodes, client=client)
            waiting = await machine.launch(program("", "second.py"), nodes, client=client)
            waiting.signal(15)
            await client.until(waiting.record.done)
        (row,) = keeper.rows
        assert (row.id, row.state, row.start, row.nodes) == (2, JobState.CANCELLED, None, ())
