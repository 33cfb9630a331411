"""The machine's hardware: nodes, CPUs, memory, network interfaces, topologies, networks, disks."""

from vmpp.hardware.cpu import Cpu
from vmpp.hardware.disk import Disk, DiskParameters
from vmpp.hardware.disk_cache import DiskCache
from vmpp.hardware.fabric import Fabric
from vmpp.hardware.interface import NetworkInterface
from vmpp.hardware.load import LinkLoad
from vmpp.hardware.memory import Memory, OutOfMemory, Region
from vmpp.hardware.metrics import Metrics, measure
from vmpp.hardware.network import (
    Adaptive,
    LinkParameters,
    Measured,
    Network,
    NetworkMessage,
    Pairwise,
    Routing,
    Topology,
    Virtual,
    Wired,
)
from vmpp.hardware.node import Node, Partition
from vmpp.hardware.node_noise import NodeNoise
from vmpp.hardware.noise import CPUS, Interruptions, Noise, NoiseSource
from vmpp.hardware.periodic import Periodic
from vmpp.hardware.placement import Placement
from vmpp.hardware.spread import average_pairwise

__all__ = [
    "CPUS",
    "Adaptive",
    "Cpu",
    "Disk",
    "DiskCache",
    "DiskParameters",
    "Fabric",
    "Interruptions",
    "LinkLoad",
    "LinkParameters",
    "Measured",
    "Memory",
    "Metrics",
    "Network",
    "NetworkInterface",
    "NetworkMessage",
    "Node",
    "NodeNoise",
    "Noise",
    "NoiseSource",
    "OutOfMemory",
    "Pairwise",
    "Partition",
    "Periodic",
    "Placement",
    "Region",
    "Routing",
    "Topology",
    "Virtual",
    "Wired",
    "average_pairwise",
    "measure",
]
