"""A node: CPUs, memory and a network interface."""

from __future__ import annotations

from collections.abc import Sequence
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

    Attributes:
        cpus: its CPUs.
        kernel_cpu: the one that runs the kernel.
        application_cpus: those that run processes, by process slot. A node has one slot, unless its
            CPU mode has it take several ranks of a job.
        helper_cpu: the one that runs co-routines for the application; None: none does.
        noise: what the node does besides the application; None: nothing.
    """

    __slots__ = (
        "application_cpus", "cpus", "helper_cpu", "interface", "kernel_cpu", "memory", "nid",
        "noise", "partition",
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
        self.application_cpus = self.cpus[:1]
        self.helper_cpu: Cpu | None = None
        self.noise: NodeNoise | None = None

    @property
    def application_cpu(self) -> Cpu:
        """The CPU of the first process slot."""
        return self.application_cpus[0]

    def assign(self, kernel: int, applications: Sequence[int], helper: int | None) -> None:
        """Say what the CPUs are for, by their numbers, counted from 0."""
        self.kernel_cpu = self.cpus[kernel]
        self.application_cpus = tuple(self.cpus[number] for number in applications)
        self.helper_cpu = None if helper is None else self.cpus[helper]
        self._bind_noise()

    def bear(self, noise: NodeNoise) -> None:
        """Have *noise* from now on."""
        self.noise = noise
        self._bind_noise()

    def _bind_noise(self) -> None:
        if self.noise is not None:
            helpers = () if self.helper_cpu is None else (self.helper_cpu,)
            self.noise.bind(self.cpus, (*self.application_cpus, *helpers))
