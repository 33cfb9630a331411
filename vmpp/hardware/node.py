"""A node: CPUs, memory and a network interface."""

from __future__ import annotations

from enum import Enum

from vmpp.engine import Engine
from vmpp.hardware.cpu import Cpu
from vmpp.hardware.interface import NetworkInterface
from vmpp.hardware.memory import Memory
from vmpp.hardware.node_noise import NodeNoise


class Partition(Enum):
    """What a node is for."""

    COMPUTE = "compute"
    SERVICE = "service"
    IO = "io"


class Node:
    """One node of the machine.

    The CPU that runs the kernel and the one that runs the application are the same until a CPU mode
    says otherwise.

    Attributes:
        noise: what the node does besides the application; None: nothing.
    """

    __slots__ = (
        "application_cpu", "cpus", "interface", "kernel_cpu", "memory", "nid", "noise", "partition",
    )  # fmt: skip

    def __init__(
        self,
        engine: Engine,
        nid: int,
        partition: Partition,
        interface: NetworkInterface,
        *,
        cpus: int,
        memory: int,
    ) -> None:
        self.nid = nid
        self.partition = partition
        self.interface = interface
        self.memory = Memory(memory)
        self.cpus = tuple(Cpu(engine) for _ in range(cpus))
        self.kernel_cpu = self.cpus[0]
        self.application_cpu = self.cpus[0]
        self.noise: NodeNoise | None = None

    def bear(self, noise: NodeNoise) -> None:
        """Have *noise* from now on."""
        self.noise = noise
        noise.bind(self.cpus, (self.application_cpu,))
