"""A few I/O nodes by themselves, and processes that ask their servers through portals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from vmpp.engine import Engine, Streams
from vmpp.engine.bridge import Bridge
from vmpp.engine.host import advance
from vmpp.engine.watchdog import Watchdog
from vmpp.hardware import DiskParameters, LinkParameters, NetworkInterface, Node, Partition
from vmpp.kernel import Job, KernelCosts, Process, QuintessentialKernel, Trace
from vmpp.portals import (
    AckOutcome,
    Address,
    DynamicBlock,
    Heap,
    MatchEntry,
    MatchList,
    MemoryOperation,
    PortalEntry,
    SendInfo,
    SingleBlock,
)
from vmpp.process import striping
from vmpp.process.link import REQUEST_PORTAL
from vmpp.process.striping import DATA_PORTAL, MOVED_PORTAL, Layout, Seal
from vmpp.service.parallel import IoCosts, IOPartition
from vmpp.service.partition import ServicePartition
from vmpp_topology import ContentionFree, FullyConnected

# A byte takes a nanosecond on a link, and half of one under the heads of a disk.
LINKS = LinkParameters(1_000_000, 1_000_000, 1_000_000, 0, 0, 0)
KERNEL = KernelCosts(send=0, receive=0, match_entry=0, acknowledge=0, context_switch=0)
DISK = DiskParameters(
    capacity=1 << 30,
    block=4096,
    transfer_rate=500_000,
    seek_min=1_000_000_000,
    seek_max=10_000_000_000,
    rotation=8_000_000_000,
)
COSTS = IoCosts(
    request=1_000_000, buffers=1 << 20, cache=8 << 20, write_behind=4 << 20, read_ahead=256 << 10
)


class Client:
    """What a process asks parallel file servers with, one transfer at a time."""

    def __init__(self, process: Process, site: Site) -> None:
        self.process = process
        self.site = site
        self.entries = MatchList([], 0)
        self.heap = Heap(1 << 20)
        self.moved = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self.heap)
        process.table.install(DATA_PORTAL, PortalEntry(self.entries))
        process.table.install(MOVED_PORTAL, PortalEntry(self.moved))
        self.number = 0

    def read(self, layout: Layout, *runs: tuple[int, int, int], into: Any = None) -> Any:
        """Read *runs*; return what servers report, and the buffer."""
        size = max((place + length for _, length, place in runs), default=0)
        buffer = bytearray(size) if into is None else into
        block = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY, memoryview(buffer))
        return self.ask(striping.ReadStripes, striping.READ, layout, runs, block), buffer

    def write(self, layout: Layout, data: bytes, *runs: tuple[int, int, int]) -> Any:
        """Write *data* to *runs*, or from the beginning of the file on; return the reports."""
        block = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_RPLY, memoryview(data))
        runs = runs or ((0, len(data), 0),)
        return self.ask(striping.WriteStripes, striping.WRITE, layout, runs, block)

    def ask(self, kind: Any, access: int, layout: Layout, runs: Any, block: Any) -> Any:
        """Send a request to all servers that it is the business of, and wait for them."""
        asked = self.send(kind, access, layout, runs, block)
        return self.reports(asked)

    def send(self, kind: Any, access: int, layout: Layout, runs: Any, block: Any) -> int:
        """Send a request to all servers that it is the business of; return how many those are."""
        self.number += 1
        self.entries.entries = [MatchEntry(block, bits=self.number)]
        capability = self.site.seal.capability(layout.file, self.process.job.id, access)
        request = kind(self.number, layout, capability, striping.pack_runs(runs))
        places = {p for offset, length, _ in runs for p in layout.holders(offset, length)}
        for place in sorted(places):
            self.post(layout.servers[place], striping.encode(request))
        return len(places)

    def post(self, server: int, body: bytes, info: SendInfo | None = None) -> None:
        """Send a message to a server."""
        info = info or SendInfo(return_portal=MOVED_PORTAL, return_bits=self.number)
        target = self.site.io.servers[server].address
        self.process.kernel.send(self.process, target, REQUEST_PORTAL, 0, body, len(body), info)

    def reports(self, count: int) -> Any:
        """Wait for *count* reports; return them in the order in which they came."""
        while len(self.heap.messages) < count:
            self.process.wait(self.moved)
        found = []
        for header in self.heap.messages[:count]:
            self.heap.free(header)
            assert header.bits == self.number
            gone = header.info.user_data == AckOutcome.NO_PROCESS
            found.append(None if gone else striping.decode_moved(header.body))
        del self.heap.messages[:count]
        return found


class Site:
    """Compute nodes with a process each, a service node, and I/O nodes.

    Attributes:
        results: what programs have returned, by node.
    """

    def __init__(
        self,
        servers: int = 1,
        clients: int = 1,
        *,
        jobs: Sequence[int] = (),
        costs: IoCosts = COSTS,
        disk: DiskParameters = DISK,
        folder: Path | None = None,
    ) -> None:
        self.engine = Engine()
        self.bridge = Bridge(self.engine)
        self.seal = Seal(b"secret")
        self.results: dict[int, Any] = {}
        self.processes: list[Process] = []
        self._network = ContentionFree(self.engine, FullyConnected((clients + servers + 1,)), LINKS)
        numbers = list(jobs) or [1] * clients
        made = {number: Job(number, range(clients), None, Streams(0)) for number in numbers}
        for nid, number in enumerate(numbers):
            kernel = self._kernel(nid, Partition.COMPUTE)
            job = made[number]
            address = Address(nid, number, nid, number)
            job.addresses.append(address)
            process = Process(kernel, job, address)
            kernel.processes = {process.pid: process}
            self.processes.append(process)
        service = self._kernel(clients, Partition.SERVICE)
        self.services = ServicePartition([service], self.bridge)
        kernels = [self._kernel(clients + 1 + n, Partition.IO) for n in range(servers)]
        self.io = IOPartition(kernels, self.services, costs, disk, self.seal, folder)

    def _kernel(self, nid: int, partition: Partition) -> QuintessentialKernel:
        interface = NetworkInterface(self.engine, nid, LINKS)
        self._network.attach(interface)
        node = Node(self.engine, nid, partition, interface, cpus=1, memory=1 << 30)
        transmit = self._network.transmit
        return QuintessentialKernel(self.engine, node, transmit, KERNEL, Trace(), 10**15)

    def layout(self, file: int = 1, unit: int = 65536, servers: Sequence[int] = ()) -> Layout:
        """Return how a file is striped, over all servers if *servers* are not given."""
        return Layout(file, unit, tuple(servers or range(len(self.io.servers))))

    def at(self, when: int, act: Callable[[], object]) -> None:
        """Call *act* at a time."""
        self.engine.at(when, lambda _: act())

    def run(self, *programs: Callable[[Client], Any] | None) -> dict[int, Any]:
        """Run a program on each of the first nodes; return what they returned when all is still.

        What a program raised comes out; one that waits for ever has no result.
        """
        failures: list[BaseException] = []

        def start(nid: int, program: Callable[[Client], Any]) -> None:
            process = self.processes[nid]

            def body() -> None:
                try:
                    self.results[nid] = program(Client(process, self))
                except BaseException as failure:
                    failures.append(failure)
                process.dead = True

            self.engine.at(self.engine.now, lambda _: process.start(body))

        for nid, program in enumerate(programs):
            if program is not None:
                start(nid, program)
        trio.run(self._run)
        for failure in failures:
            raise failure
        return self.results

    async def _run(self) -> None:
        still = trio.Event()

        def idle() -> bool:
            still.set()
            return False

        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.io.run)
            nursery.start_soon(self._advance, idle)
            await still.wait()
            nursery.cancel_scope.cancel()

    async def _advance(self, idle: Callable[[], bool]) -> None:
        await advance(self.engine, self.bridge, Watchdog(60), between=lambda: None, idle=idle)


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., Site]:
    """Return what makes sites whose servers keep what they have in a folder of the test's."""

    def make(*args: Any, **options: Any) -> Site:
        return Site(*args, **{"folder": tmp_path / "pfs", **options})

    return make


@pytest.fixture(scope="session")
def disk() -> DiskParameters:
    """The constants of the disks of sites."""
    return DISK


@pytest.fixture(scope="session")
def costs() -> IoCosts:
    """The constants of their servers."""
    return COSTS
