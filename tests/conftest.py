"""A few nodes wired by hand: kernels and processes, without a machine around them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import settings

from vmpp.engine import Engine, Streams
from vmpp.hardware import LinkParameters, NetworkInterface, Node, Partition, Topology
from vmpp.kernel import Job, KernelCosts, Process, QuintessentialKernel, Trace
from vmpp.portals import Address, PortalEntry, SendInfo
from vmpp_topology import ContentionFree, FullyConnected, Wormhole

# No test depends on how fast the host is.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True, scope="module")
def thawed() -> Iterator[None]:
    """Let what a command has frozen not be counted at every boot of the tests that follow it."""
    yield
    gc.unfreeze()


PS_PER_BYTE = LinkParameters(
    link_rate=1000,
    injection_rate=1000,
    ejection_rate=1000,
    hop_latency=0,
    wire_latency=100,
    header_bytes=0,
)
COSTS = KernelCosts(send=10, receive=20, match_entry=1, acknowledge=5, context_switch=50)


class Wired:
    """*size* nodes, each with a kernel and one process; ranks of one job unless *jobs* says else.

    Attributes:
        engine: their virtual time.
        kernels: by node.
        processes: by node.
        trace: what the kernels note of the run.
        failures: exceptions that ended programs, by rank.
    """

    def __init__(
        self,
        size: int = 2,
        *,
        links: LinkParameters = PS_PER_BYTE,
        costs: KernelCosts = COSTS,
        lookahead: int = 1000,
        jobs: Sequence[int] = (),
        memory: int = 1 << 30,
        network: type[ContentionFree] | type[Wormhole] = ContentionFree,
        topology: Topology | None = None,
    ) -> None:
        self.engine = Engine()
        self.trace = Trace()
        self.failures: dict[int, BaseException] = {}
        self.results: dict[int, Any] = {}
        self.kernels: list[QuintessentialKernel] = []
        self.processes: list[Process] = []
        wires = network(self.engine, topology or FullyConnected((size,)), links)
        numbers = list(jobs) or [1] * size
        made = {number: Job(number, range(size), None, Streams(0)) for number in numbers}
        for nid, number in enumerate(numbers):
            interface = NetworkInterface(self.engine, nid, links)
            wires.attach(interface)
            node = Node(self.engine, nid, Partition.COMPUTE, interface, cpus=1, memory=memory)
            kernel = QuintessentialKernel(
                self.engine, node, wires.transmit, costs, self.trace, lookahead
            )
            job = made[number]
            address = Address(nid, number, len(job.addresses), number)
            job.addresses.append(address)
            process = Process(kernel, job, address)
            kernel.processes = {process.pid: process}
            self.kernels.append(kernel)
            self.processes.append(process)

    def start(self, nid: int, program: Callable[[Process], Any], when: int = 0) -> None:
        """Have the process of node *nid* run *program* from time *when* on."""
        process = self.processes[nid]

        def body() -> None:
            try:
                self.results[nid] = program(process)
            except BaseException as failure:
                self.failures[nid] = failure
            process.dead = True

        self.engine.at(when, lambda _: process.start(body))

    def run(self, *programs: Callable[[Process], Any]) -> dict[int, Any]:
        """Run a program on each of the first nodes, to the end; return what they returned.

        What a program raised comes out; processes that wait for ever have no result.
        """
        for nid, program in enumerate(programs):
            self.start(nid, program)
        self.engine.run()
        self.trace.fold()
        for failure in self.failures.values():
            raise failure
        return self.results

    def put(
        self,
        body: bytes | None = None,
        *,
        bits: int = 0,
        portal: int = 3,
        info: SendInfo | None = None,
        source: int = 0,
        target: int = 1,
    ) -> None:
        """Send a message from one process to a portal of another, and let everything happen."""
        process = self.processes[source]
        process.clock = max(process.clock, self.engine.now)
        length = 0 if body is None else len(body)
        process.kernel.send(
            process, self.processes[target].address, portal, bits, body, length, info
        )
        self.engine.run()

    def install(self, entry: PortalEntry, *, portal: int = 3, nid: int = 1) -> PortalEntry:
        """Set up a portal of the process of node *nid*."""
        self.processes[nid].table.install(portal, entry)
        return entry


@pytest.fixture(scope="session")
def wired() -> type[Wired]:
    """The class of hand-wired nodes."""
    return Wired
