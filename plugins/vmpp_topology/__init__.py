"""Topologies, from a bus to a dragonfly, and timings with or without contention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl
from vmpp_topology.bus import Bus
from vmpp_topology.contention_free import ContentionFree
from vmpp_topology.dragonfly import Dragonfly
from vmpp_topology.fair import Fair
from vmpp_topology.fat_tree import FatTree
from vmpp_topology.fully_connected import FullyConnected
from vmpp_topology.hypercube import Hypercube
from vmpp_topology.mesh2d import Mesh2D
from vmpp_topology.mesh3d import Mesh3D
from vmpp_topology.ring import Ring
from vmpp_topology.torus import Torus
from vmpp_topology.wormhole import Wormhole

if TYPE_CHECKING:
    from vmpp.hooks import NetworkFactory, TopologyFactory

__all__ = [
    "Bus",
    "ContentionFree",
    "Dragonfly",
    "Fair",
    "FatTree",
    "FullyConnected",
    "Hypercube",
    "Mesh2D",
    "Mesh3D",
    "Ring",
    "Torus",
    "Wormhole",
]


@hookimpl
def vmpp_topologies() -> Mapping[str, TopologyFactory]:
    """Offer the topologies by the names that machine files use."""
    return {
        "bus": Bus,
        "dragonfly": Dragonfly,
        "fat-tree": FatTree,
        "fully-connected": FullyConnected,
        "hypercube": Hypercube,
        "mesh2d": Mesh2D,
        "mesh3d": Mesh3D,
        "ring": Ring,
        "torus": Torus,
    }


@hookimpl
def vmpp_networks() -> Mapping[str, NetworkFactory]:
    """Offer the network timings by the names that machine files use."""
    return {"contention-free": ContentionFree, "fair": Fair, "wormhole": Wormhole}
