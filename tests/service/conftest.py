"""A service partition by itself: some nodes, an engine, and servers that tests make."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from vmpp.engine import Engine
from vmpp.engine.bridge import Bridge
from vmpp.engine.host import advance
from vmpp.engine.watchdog import Watchdog
from vmpp.hardware import LinkParameters, NetworkInterface, Node, Partition
from vmpp.kernel import KernelCosts, QuintessentialKernel, Trace
from vmpp.service.partition import ServicePartition
from vmpp.service.server import Caller
from vmpp_topology import ContentionFree, FullyConnected

LINKS = LinkParameters(1000, 1000, 1000, 0, 100, 0)
COSTS = KernelCosts(send=10, receive=20, match_entry=1, acknowledge=5, context_switch=50)
SERVICE_TIME = 1000


class Listening:
    """A service that notes who asks what and when, and answers as *answer* says."""

    def __init__(self, name: str = "log", answer: Callable[[Caller, bytes], Any] | None = None):
        self.name = name
        self.least_service_time = SERVICE_TIME
        self.asked: list[tuple[int, int, bytes]] = []
        self._answer = answer

    def serve(self, caller: Caller, request: bytes) -> Any:
        self.asked.append((caller.time, caller.job, request))
        return request[::-1] if self._answer is None else self._answer(caller, request)


class Site:
    """Service nodes and what runs on them."""

    def __init__(self, nodes: int = 1, placement: Mapping[str, int] | None = None) -> None:
        self.engine = Engine()
        self.bridge = Bridge(self.engine)
        network = ContentionFree(self.engine, FullyConnected((nodes,)), LINKS)
        kernels = []
        for nid in range(nodes):
            interface = NetworkInterface(self.engine, nid, LINKS)
            network.attach(interface)
            node = Node(self.engine, nid, Partition.SERVICE, interface, cpus=1, memory=1)
            kernels.append(
                QuintessentialKernel(self.engine, node, network.transmit, COSTS, Trace(), 1000)
            )
        self.partition = ServicePartition(kernels, self.bridge, placement)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let virtual time and the servers run, as long as the block does."""
        watchdog = Watchdog(60)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.partition.run)
            nursery.start_soon(self._advance, watchdog)
            yield
            nursery.cancel_scope.cancel()

    async def _advance(self, watchdog: Watchdog) -> None:
        await advance(self.engine, self.bridge, watchdog, between=lambda: None, idle=lambda: False)


@pytest.fixture(scope="session")
def site() -> type[Site]:
    """The class of sites."""
    return Site


@pytest.fixture(scope="session")
def listening() -> type[Listening]:
    """The class of services that note what they are asked."""
    return Listening
