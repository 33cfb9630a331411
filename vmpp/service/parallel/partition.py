"""The I/O partition: the parallel file servers of a machine, one on each of its I/O nodes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from os import PathLike
from typing import Any

import trio

from vmpp.hardware import DiskParameters
from vmpp.hardware.fabric import Transmit
from vmpp.kernel import QuintessentialKernel
from vmpp.portals import Header
from vmpp.process.striping import Seal, server_name
from vmpp.service.parallel.costs import IoCosts
from vmpp.service.parallel.server import ParallelServer
from vmpp.service.parallel.stripe_files import StripeFiles
from vmpp.service.partition import ServicePartition
from vmpp.service.status import ParallelServerStatus

_PID = 1


class IOPartition:
    """The parallel file servers, and the nodes that they have to themselves.

    They are found by name as those of the service partition are. One that nobody asks takes hardly
    anything: its task and its disk are made at the first request.

    Attributes:
        servers: by the number of the I/O node, counted from 0.
        files: what they keep, on the host.
        seal: makes the capabilities that they ask for.
    """

    __slots__ = ("_by_node", "_nursery", "_unheard", "_waiting", "files", "seal", "servers")

    def __init__(
        self,
        kernels: Sequence[QuintessentialKernel],
        services: ServicePartition,
        costs: IoCosts,
        disk: DiskParameters,
        seal: Seal,
        folder: str | PathLike[str] | None = None,
    ) -> None:
        """Set up a server on each node.

        Args:
            kernels: of the nodes, in order.
            services: whose bridge they use, and where they are found by name.
            folder: of the host, for what they keep; None: it goes with the machine.
        """
        self.seal = seal
        self.files = StripeFiles(folder)
        self._nursery: trio.Nursery | None = None
        self._waiting: list[ParallelServer] = []
        # What has come to nodes since they have crashed, until that is found out.
        self._unheard: dict[int, list[Header]] = {}
        self.servers = [
            ParallelServer(
                kernel, _PID, number, costs, disk, self.files, seal, services.bridge, self._start
            )
            for number, kernel in enumerate(kernels)
        ]
        self._by_node = {server.address.nid: server for server in self.servers}
        for kernel, server in zip(kernels, self.servers, strict=True):
            kernel.processes = {_PID: server}
            services.name(server_name(server.number), server)

    async def run(self) -> None:
        """Run the tasks of all servers that have something to do, for ever."""
        async with trio.open_nursery() as self._nursery:
            for server in self._waiting:
                self._nursery.start_soon(server.run)
            await trio.sleep_forever()

    def close(self) -> None:
        """Close the host's files; what is to be kept nowhere is removed."""
        self.files.close()

    def _start(self, server: ParallelServer) -> None:
        if self._nursery is None:
            self._waiting.append(server)
        else:
            self._nursery.start_soon(server.run)

    def status(self) -> list[ParallelServerStatus]:
        """Return what there is to tell of the servers, in order of their nodes."""
        return [server.status for server in self.servers]

    # -- jobs that end, processes that are lost ------------------------------------------------

    def forget(self, job: int, rank: int | None = None) -> None:
        """Forget what a job, or one rank of it, has asked for: nobody is there to hear of it."""
        for server in self.servers:
            server.forget(job, rank)

    # -- crashes -------------------------------------------------------------------------------

    def server_on(self, node: int) -> ParallelServer | None:
        """Return the server on the node of that number; None: it is no I/O node."""
        return self._by_node.get(node)

    def crash(self, node: int) -> None:
        """Lose an I/O node: nothing is heard of it, and what comes there is lost."""
        server = self.server_on(node)
        if server is not None and not server.crashed:
            server.kernel.halt()
            server.crash()
            unheard = self._unheard[node] = []
            server.kernel.node.interface.deliver = partial(_note, unheard)

    def lose(self, node: int, transmit: Transmit) -> None:
        """Take note that an I/O node has crashed, and have everybody told who waits for it.

        From now on the way to the node ends before it, where somebody answers in its place: that
        nobody is there. Whoever has asked its server for something hears that it has failed.

        Args:
            transmit: the entry of the network.
        """
        server = self.server_on(node)
        unheard = self._unheard.pop(node, None)
        if server is None or unheard is None:
            return
        kernel = server.kernel
        kernel.transmit = transmit
        kernel.node.interface.deliver = partial(_refuse, kernel)
        server.settle()
        for header in unheard:
            kernel.receive(header)


def _note(unheard: list[Header], message: Any) -> None:
    """Take a message at a node that has crashed; one that was lost on its way there stays so."""
    if isinstance(message, Header):
        unheard.append(message)


def _refuse(kernel: QuintessentialKernel, message: Any) -> None:
    if isinstance(message, Header):
        kernel.receive(message)
