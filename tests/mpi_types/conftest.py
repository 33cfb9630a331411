"""Processes for tests of what each rank has of its own; they send no messages."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from greenlet import getcurrent

from vmpp.engine import SECOND, Fiber
from vmpp_mpi import _state


class Transfer:
    """A message under way."""

    done = False


class Protocol:
    """In the place of the message protocol: everything is done as soon as it is waited for."""

    finished = False

    def wait(self, transfer):
        transfer.done = True

    def test(self, transfer):
        return transfer.done

    def finish(self):
        self.finished = True


class Process:
    """A process of a job, as far as MPI's local functions look at it."""

    def __init__(self, rank, job):
        self.rank = rank
        self.size = len(job.addresses)
        self.job = job
        self.address = job.addresses[rank]
        self.clock = 5 * SECOND
        self.in_main_fiber = True
        self.libraries = {}
        _state.attach(self, Protocol())

    def charge(self, ps):
        self.clock += ps

    def run(self, function, *arguments):
        """Call a function in a fiber of the process and return what it returns."""
        results = []
        Fiber(lambda: results.append(function(*arguments)), getcurrent(), self).switch()
        return results[0]


@pytest.fixture
def ranks():
    """Three processes of one job."""
    addresses = [object() for _ in range(3)]
    job = SimpleNamespace(addresses=addresses, node_name=lambda rank: f"node-{rank}")
    return [Process(rank, job) for rank in range(3)]


@pytest.fixture
def transfer():
    """A message under way."""
    return Transfer()
