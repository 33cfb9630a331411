"""Nodes with process control threads and a launcher, and a user space that is only pretended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from vmpp.engine import Engine
from vmpp.engine.bridge import Bridge
from vmpp.hardware import LinkParameters, NetworkInterface, Node, Partition
from vmpp.kernel import (
    KernelCosts,
    Process,
    ProcessExit,
    ProcessKilled,
    QuintessentialKernel,
    Surroundings,
    Trace,
)
from vmpp.pct import LoadError, Outcome, ProcessControlThread
from vmpp.service import JobRecord, Launcher
from vmpp.service.nodebook import NodeBook
from vmpp.service.partition import ServicePartition
from vmpp_pct import SingleTask
from vmpp_topology import ContentionFree, FullyConnected

LINKS = LinkParameters(1000, 1000, 1000, 0, 100, 0)
COSTS = KernelCosts(send=10, receive=20, match_entry=1, acknowledge=5, context_switch=50)
PROCESS_START = 1000


@dataclass
class Image:
    """A program: what it does by rank, and the bytes that stand for it."""

    main: Callable[[Process], Any] = lambda process: 0
    image: bytes = b"image"
    name: str = "program"


@dataclass
class PretendedLoader:
    """A user space: runs plain functions, and remembers what it was asked for."""

    bytes_needed: int = 100
    failures: dict[int, str] = field(default_factory=dict)
    events: list[tuple[str, int]] = field(default_factory=list)
    handled: set[int] = field(default_factory=set)

    def memory(self, process: Process) -> int:
        return self.bytes_needed

    def prepare(self, process: Process) -> None:
        self.events.append(("prepare", process.rank))
        if process.rank in self.failures:
            raise LoadError(self.failures[process.rank])

    def main(self, process: Process) -> Outcome:
        self.events.append(("main", process.rank))
        try:
            return Outcome(process.job.program(process.rank).main(process) or 0)
        except ProcessExit as end:
            return Outcome(end.status)
        except ProcessKilled:
            raise
        except Exception as error:
            return Outcome(1, f"rank {process.rank}: {error!r}")

    def discard(self, process: Process) -> None:
        self.events.append(("discard", process.rank))

    def signal(self, process: Process, number: int) -> bool:
        self.events.append(("signal", process.rank))
        return number in self.handled


class WholeMachine:
    """An allocation policy that gives every job the first nodes, so that jobs share them."""

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        return range(wanted) if set(range(wanted)) <= set(free) else None


class Cluster:
    """*size* compute nodes and a launcher on a service node."""

    def __init__(
        self,
        size: int,
        *,
        fanout: int = 2,
        chunk: int = 1 << 20,
        memory: int = 1000,
        policy: Callable[[], Any] = SingleTask,
        lookahead: int = 1000,
    ) -> None:
        self.engine = Engine()
        self.loader = PretendedLoader()
        self.ended: list[JobRecord] = []
        network = ContentionFree(self.engine, FullyConnected((size + 1,)), LINKS)
        trace = Trace()
        self.kernels = []
        for nid in range(size + 1):
            interface = NetworkInterface(self.engine, nid, LINKS)
            network.attach(interface)
            node = Node(self.engine, nid, Partition.COMPUTE, interface, cpus=1, memory=memory)
            self.kernels.append(
                QuintessentialKernel(self.engine, node, network.transmit, COSTS, trace, lookahead)
            )
        self.services = ServicePartition(self.kernels[size:], Bridge(self.engine))
        self.launcher = Launcher(
            self.services,
            NodeBook(range(size), range(0), WholeMachine(), lambda nodes: None, level=16),
            service_time=500,
            chunk=chunk,
            fanout=fanout,
            seed=0,
            surroundings=lambda nodes: Surroundings(),
            started=lambda record: None,
            ended=self.ended.append,
        )
        self.threads = [
            ProcessControlThread(
                self.kernels[nid],
                policy(),
                self.loader,
                self.launcher.job,
                fanout=fanout,
                start_time=PROCESS_START,
            )
            for nid in range(size)
        ]

    def launch(self, main: Callable[[Process], Any], size: int, **image: Any) -> JobRecord:
        """Launch a job without letting time pass; there is no allocation server to ask."""
        record = self.launcher.make([(Image(main, **image), size)])
        nodes = self.launcher.book.allocate(record.id, size, {}, share="all")
        record.gone.then(lambda _: self.launcher.book.release(record.id))
        record.over.then(lambda _: record.done.set())
        self.launcher.place(record, nodes)
        self.engine.after(500, lambda _: self.launcher.load(record))
        return record

    def run(self, main: Callable[[Process], Any], size: int, **image: Any) -> JobRecord:
        """Launch a job and run everything to the end."""
        record = self.launch(main, size, **image)
        self.engine.run()
        return record

    def assert_clean(self) -> None:
        """Check that no process, memory or load is left on any node."""
        for thread in self.threads:
            assert list(thread.processes) == [0]
            assert thread.memory_map == {}
            assert thread.kernel.node.memory.used == 0
            assert thread._loads == {}
            assert thread._admissions == {}
            assert thread.dispatcher.ready == []
            assert thread.dispatcher.current is None
            assert thread._heap.used == 0
            assert thread.table.drops == 0
        assert self.launcher.records == {}
        assert self.launcher.book.free == list(range(len(self.threads)))
        assert self.launcher.book.holders == {}


@pytest.fixture(scope="session")
def cluster() -> type[Cluster]:
    """The class of clusters."""
    return Cluster
