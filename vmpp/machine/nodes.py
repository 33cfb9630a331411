"""The nodes of a machine: hardware with a kernel, built one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

from vmpp.engine import Engine, Streams
from vmpp.hardware import Fabric, Measured, NetworkInterface, Node, Partition, Topology
from vmpp.hardware.soundness import check_timing, check_topology
from vmpp.kernel import KernelCosts, QuintessentialKernel, Surroundings, Trace
from vmpp.machine.choices import bound
from vmpp.machine.nodemap import NodeMap
from vmpp.machine.noise import MachineNoise
from vmpp.machine.plugins import Plugins
from vmpp.machine.universe import Universe
from vmpp.quantities import FEMTO


class Nodes:
    """Builds nodes and connects them to the network.

    Attributes:
        topology: their places.
        fabric: the network between them.
        kernels: of all nodes, by number: compute nodes first, then service, then I/O nodes, and
            last what was booted later, compute nodes again.
    """

    def __init__(
        self,
        engine: Engine,
        universe: Universe,
        plugins: Plugins,
        trace: Trace,
        streams: Streams,
    ) -> None:
        """Build the nodes that are there from the start.

        Args:
            streams: what is random about the machine.

        Raises:
            NoiseError: the machine cannot have such noise.
        """
        self._description = description = universe.machine
        self._universe = universe.size
        self._engine = engine
        self._trace = trace
        self._dims = description.topology.dims
        self._service_begins = description.compute_nodes
        self._io_begins = description.compute_nodes + description.service.nodes
        self._io_ends = description.nodes
        kind, timing = description.topology.kind, description.network.timing
        make = bound("topology", kind, plugins.topologies)
        self.topology: Topology = make(universe.dims)
        check_topology(self.topology)
        booted = make(self._dims)
        self._bisection = booted.bisection() if isinstance(booted, Measured) else None
        self._links = links = description.network.links
        make_network = bound("timing", timing, plugins.networks)
        check_timing(make_network, self.topology, links)
        network = make_network(engine, self.topology, links)
        self.fabric = Fabric(network, self.topology, links.header_bytes)
        self._costs = KernelCosts(
            send=description.kernel.send,
            receive=description.kernel.receive,
            match_entry=description.kernel.match_entry,
            acknowledge=description.kernel.acknowledge,
            context_switch=description.kernel.context_switch,
            interrupt=description.kernel.interrupt,
            hand_over=description.kernel.hand_over,
            copy_rate=description.node.copy_rate,
            handler_entry=description.kernel.handler_entry,
            handler_step=description.kernel.handler_step,
            handler_limit=description.kernel.handler_limit,
        )
        self._noise = MachineNoise(description, plugins, streams.stream)
        self.kernels: list[QuintessentialKernel] = []
        for _ in range(self._io_ends):
            self._build()

    @property
    def service(self) -> list[QuintessentialKernel]:
        """The kernels of the service partition."""
        return self.kernels[self._service_begins : self._io_begins]

    @property
    def io(self) -> list[QuintessentialKernel]:
        """The kernels of the I/O partition."""
        return self.kernels[self._io_begins : self._io_ends]

    def partition(self, nid: int) -> Partition:
        """Return which partition a node belongs to."""
        if nid < self._service_begins or nid >= self._io_ends:
            return Partition.COMPUTE
        return Partition.SERVICE if nid < self._io_begins else Partition.IO

    def partitions(self, more: int) -> list[Partition]:
        """Return the partitions of all nodes, by number, and of *more* that may be built later."""
        compute, service, io = self._service_begins, self._io_begins, self._io_ends
        return [
            *repeat(Partition.COMPUTE, compute),
            *repeat(Partition.SERVICE, service - compute),
            *repeat(Partition.IO, io - service),
            *repeat(Partition.COMPUTE, more),
        ]

    def build_more(self) -> int:
        """Build one more compute node, and return its number."""
        nid = self._build()
        place = self.topology.coordinates(nid)
        self._dims = tuple(max(d, p + 1) for d, p in zip(self._dims, place, strict=True))
        return nid

    def surroundings(self, nodes: Sequence[int]) -> Surroundings:
        """Return what a job on these nodes can know of the machine."""
        node = self._description.node
        return Surroundings(
            name=self._description.name,
            universe=self._universe,
            node_map=NodeMap(
                self.topology,
                self._dims,
                tuple(nodes),
                self._bisection,
                FEMTO / self._links.link_rate,
            ),
            flop_rate=node.flop_rate,
            memory_rate=node.memory_rate,
        )

    def _build(self) -> int:
        nid = len(self.kernels)
        description, engine, costs = self._description, self._engine, self._costs
        interface = NetworkInterface(engine, nid, self._links)
        self.fabric.attach(interface)
        node = Node(
            engine,
            nid,
            self.partition(nid),
            interface,
            cpus=description.node.cpus,
            memory=description.node.memory,
        )
        if node.partition is Partition.COMPUTE:
            self._noise.give(node)
        # Room for the library work between two waits: that of one receive and one send.
        taken = costs.interrupt + costs.receive
        lookahead = max(1, 3 * (costs.send + description.network.wire_latency + taken))
        kernel = QuintessentialKernel(
            engine, node, self.fabric.transmit, costs, self._trace, lookahead
        )
        self.fabric.serve(kernel)
        self.kernels.append(kernel)
        return nid
