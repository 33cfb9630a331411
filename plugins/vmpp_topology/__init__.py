"""Topologies, a 2-D mesh and a fully connected network, and timings with or without contention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl
from vmpp_topology.contention_free import ContentionFree
from vmpp_topology.fully_connected import FullyConnected
from vmpp_topology.mesh2d import Mesh2D
from vmpp_topology.wormhole import Wormhole

if TYPE_CHECKING:
    from vmpp.hooks import NetworkFactory, TopologyFactory

__all__ = ["ContentionFree", "FullyConnected", "Mesh2D", "Wormhole"]


@hookimpl
def vmpp_topologies() -> Mapping[str, TopologyFactory]:
    """Offer the topologies by the names that machine files use."""
    return {"mesh2d": Mesh2D, "fully-connected": FullyConnected}


@hookimpl
def vmpp_networks() -> Mapping[str, NetworkFactory]:
    """Offer the network timings by the names that machine files use."""
    return {"contention-free": ContentionFree, "wormhole": Wormhole}
