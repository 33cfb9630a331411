"""The network as kernels reach it: bare, or with what breaks it or watches it before it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

from vmpp.hardware.faults import NetworkFaults
from vmpp.hardware.interface import NetworkInterface
from vmpp.hardware.load import LinkLoad
from vmpp.hardware.network import Network, Routing, Topology

Transmit: TypeAlias = "Callable[[int, Any, int], int]"
"""The entry of a network; see `vmpp.hardware.Network.transmit`."""


class Sender(Protocol):
    """What hands messages to the network: a kernel."""

    transmit: Transmit


class Fabric:
    """Connects a machine's kernels with its network.

    They call the network itself as long as nobody breaks or watches it, and something in its place
    from then on: so a message costs nothing for what might be.

    Attributes:
        transmit: the entry that is in use now.
        faults: what is broken, once `broken` has been asked for.
    """

    __slots__ = (
        "_header", "_interfaces", "_loads", "_network", "_route", "_senders", "faults", "transmit",
    )  # fmt: skip

    def __init__(self, network: Network, topology: Topology, header_bytes: int) -> None:
        self._network = network
        self._route = (
            network.route
            if isinstance(network, Routing)
            else lru_cache(maxsize=1 << 16)(topology.route)
        )
        self._header = header_bytes
        self._interfaces: list[NetworkInterface] = []
        self._senders: list[Sender] = []
        self._loads: list[LinkLoad] = []
        self.faults: NetworkFaults | None = None
        self.transmit: Transmit = network.transmit

    def attach(self, interface: NetworkInterface) -> None:
        """Connect the interface of the next node."""
        self._network.attach(interface)
        self._interfaces.append(interface)

    def serve(self, sender: Sender) -> None:
        """Keep the entry of *sender*, which has `transmit` already, what it should be."""
        self._senders.append(sender)

    @property
    def lost(self) -> int:
        """How many messages have been lost in the network."""
        return 0 if self.faults is None else self.faults.lost

    def broken(self, draw: Callable[[], float]) -> NetworkFaults:
        """Return what is broken in the network, which is nothing the first time.

        Args:
            draw: gives random numbers from 0 up to 1, for what is lost at random.
        """
        if self.faults is None:
            self.faults = NetworkFaults(self._route, self._interfaces, draw)
            if isinstance(self._network, Routing):
                self._network.avoid(self.faults.down)
            self._rebind()
        return self.faults

    def watch(self) -> LinkLoad:
        """Have what every link carries counted from now on, and return the counts."""
        load = LinkLoad(self._route, self._header)
        self._loads.append(load)
        self._rebind()
        return load

    def unwatch(self, load: LinkLoad) -> None:
        """Count no more in *load*."""
        self._loads.remove(load)
        self._rebind()

    def _rebind(self) -> None:
        """Have all that send call what is in place now, but for those who send no more."""
        before = self.transmit
        entry: Transmit = self._network.transmit
        if self.faults is not None:
            entry = self.faults.before(entry)
        for load in self._loads:
            entry = load.before(entry)
        self.transmit = entry
        for sender in self._senders:
            if sender.transmit == before:
                sender.transmit = entry
