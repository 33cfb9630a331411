"""Messages between servers and those who ask them get lost: nobody waits for ever."""

from __future__ import annotations

import pytest

import vmpp
from vmpp.service import LaunchError
from vmpp.service.client import NoAnswerError

FILE = """
[topology]
dims = [4, 4]
[service]
nodes = 4
[servers]
allocation = 3
"""


@pytest.fixture
def apart(tmp_path):
    """A machine of which the allocation server is on another node than its first clients."""
    path = tmp_path / "apart.toml"
    path.write_text(FILE)
    return path


async def test_who_asks_is_told_that_the_answer_was_lost(apart):
    async with vmpp.boot(apart) as machine:
        machine.inject("drop 100% from service to service")
        with machine.services.client(node=0) as client, pytest.raises(NoAnswerError):
            await client.call("allocation", b"")


async def test_a_launch_fails_whose_request_is_lost(apart, program):
    async with vmpp.boot(apart) as machine:
        machine.inject("drop 100% from service to service")
        lost = pytest.raises(LaunchError, match="lost in the network")
        with machine.services.client(node=0) as client, lost:
            await machine.launch(program(""), 2, client=client)


async def test_nodes_come_back_though_nobody_can_say_so(apart, program):
    async with vmpp.boot(apart) as machine:
        with machine.services.client(node=0) as client:
            job = await machine.launch(program("time.sleep(0.1)"), 2, client=client)
            machine.inject("drop 100% from service to service")
            await client.until(job.record.done)
        assert job.result().status == 0
        assert list(machine.launcher.book.free) == list(range(machine.description.compute_nodes))
