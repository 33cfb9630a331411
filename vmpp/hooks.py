"""The extension points of vmpp: what a plugin can offer, and what it is told.

A plugin is a module, named by an entry point of the group ``vmpp``, with functions marked
`hookimpl` and called as one of the specifications below. What a plugin offers has a name. A machine
file picks policies by name, so what is installed never decides what runs; libraries are linked to
every process, and a program picks one by importing it. What is offered as a factory may have
parameters, which whoever picks it can set: see `vmpp.parameters`. Hooks are called when a machine
is built and once per job. The objects that they hand over are called directly from then on: their
protocols stand beside the mechanism that calls them, and say in which units.

    from vmpp.hooks import hookimpl

    @hookimpl
    def vmpp_allocators():
        return {"last-free": LastFree}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from pluggy import HookimplMarker, HookspecMarker

if TYPE_CHECKING:
    from click import Command

    from vmpp.engine import Engine
    from vmpp.hardware import LinkParameters, Network, NoiseSource, Topology
    from vmpp.kernel import CpuMode
    from vmpp.machine.job import Job
    from vmpp.machine.machine import Machine
    from vmpp.machine.result import Result
    from vmpp.pct import SchedulingPolicy
    from vmpp.process.library import Algorithm, Library
    from vmpp.scenario.interpreter import InterpreterFactory
    from vmpp.service import AllocationPolicy, Places, QueueingPolicy

PROJECT: Final = "vmpp"
"""Both pluggy's project name and the entry-point group."""

INTERFACE: Final = 2
"""Version of all that is described here, and of the protocols beside the mechanism.

A plugin may say for which it is written, by a constant ``VMPP_INTERFACE`` in its module: then it is
left out where vmpp has another one. One that says nothing is taken for this version.
"""

hookspec: Final = HookspecMarker(PROJECT)
hookimpl: Final = HookimplMarker(PROJECT)


class TopologyFactory(Protocol):
    """Makes topologies of one kind. A class with a static method `grown` is one.

    It may have a second one, ``extended(dims, nodes)``, which returns dimensions with room for
    *nodes* nodes in which the nodes of *dims* keep their places and distances. Then a machine that
    grows has spare nodes, for jobs that programs start, which make no difference to all others.
    """

    def __call__(self, dims: tuple[int, ...], /) -> Topology:
        """Return the topology of these dimensions.

        Raises:
            ValueError: there is none; the message says what the dimensions must be.
        """
        ...

    def grown(self, nodes: int, /) -> tuple[int, ...]:
        """Return good dimensions for at least *nodes* nodes, for a machine that has no size."""
        ...


CpuModeFactory: TypeAlias = "Callable[[], CpuMode]"
"""Makes a CPU mode: which CPU of a node does what; see `vmpp.kernel.CpuMode`."""

NoiseFactory: TypeAlias = "Callable[[], Iterable[NoiseSource]]"
"""Makes the sources of what nodes do besides the application; see `vmpp.hardware.NoiseSource`."""

AllocatorFactory: TypeAlias = "Callable[[Places], AllocationPolicy]"
"""Makes the allocation policy of a machine; see `vmpp.service.AllocationPolicy`."""

QueueingFactory: TypeAlias = "Callable[[], QueueingPolicy]"
"""Makes the queueing policy of a machine; see `vmpp.service.QueueingPolicy`."""

NetworkFactory: TypeAlias = "Callable[[Engine, Topology, LinkParameters], Network]"
"""Makes the timing model of a network at boot; see `vmpp.hardware.Network`."""

SchedulingFactory: TypeAlias = "Callable[[], SchedulingPolicy]"
"""Makes the scheduling policy of one node's PCT; see `vmpp.pct.SchedulingPolicy`."""

# What a machine is made of


@hookspec
def vmpp_topologies() -> Mapping[str, TopologyFactory]:
    """Return topologies, by the name that ``[topology] kind`` of a machine file uses."""
    raise NotImplementedError


@hookspec
def vmpp_networks() -> Mapping[str, NetworkFactory]:
    """Return models of network timing, by the name that ``[network] timing`` uses."""
    raise NotImplementedError


# Policies


@hookspec
def vmpp_policies() -> Mapping[str, SchedulingFactory]:
    """Return scheduling policies of the PCT, by the name that ``[pct] policy`` uses.

    A factory is called once for each compute node, so a policy may keep state.
    """
    raise NotImplementedError


@hookspec
def vmpp_cpu_modes() -> Mapping[str, CpuModeFactory]:
    """Return CPU modes, by the name that ``[node] mode`` uses.

    A factory is called when a machine boots, and for each job that wishes for its mode.
    """
    raise NotImplementedError


@hookspec
def vmpp_noise() -> Mapping[str, NoiseFactory]:
    """Return what nodes may do besides the application, by the name that ``[node] noise`` uses.

    A factory is called once for each machine, and returns the sources of noise of its nodes.
    """
    raise NotImplementedError


@hookspec
def vmpp_allocators() -> Mapping[str, AllocatorFactory]:
    """Return allocation policies, by the name that ``[service] allocator`` uses.

    A factory is called once for each machine, so a policy may keep state.
    """
    raise NotImplementedError


@hookspec
def vmpp_queueing() -> Mapping[str, QueueingFactory]:
    """Return queueing policies, by the name that ``[service] queue`` uses.

    A factory is called once for each machine, so a policy may keep state.
    """
    raise NotImplementedError


# What programs use


@hookspec
def vmpp_libraries() -> Mapping[str, Library]:
    """Return user-space libraries on portals, by name; see `vmpp.process.library.Library`."""
    raise NotImplementedError


@hookspec
def vmpp_algorithms() -> Iterable[Algorithm]:
    """Return the algorithms by which a library can carry out collective operations.

    ``vmpp algorithms`` lists them. That a machine file or a run may pick them is the library's.
    """
    raise NotImplementedError


@hookspec
def vmpp_images() -> Mapping[str, str | PathLike[str]]:
    """Return programs that ``vmpp run NAME`` finds by name: the path of each one's script."""
    raise NotImplementedError


@hookspec
def vmpp_machine_files() -> Iterable[str | PathLike[str]]:
    """Return folders of machine files: ``paragon.toml`` in one is the machine ``paragon``."""
    raise NotImplementedError


# The shell


@hookspec
def vmpp_commands() -> Iterable[Command]:
    """Return commands for the shell; see `vmpp_shell.registry.command`, which makes them."""
    raise NotImplementedError


@hookspec
def vmpp_interpreters() -> Mapping[str, InterpreterFactory]:
    """Return what can carry out the commands of scenarios, by name; ``shell`` is the shell."""
    raise NotImplementedError


# What a plugin is told


@hookspec
def vmpp_machine_booted(machine: Machine) -> None:
    """Called when *machine* has booted, before its first job."""


@hookspec
def vmpp_job_started(job: Job) -> None:
    """Called when every process of *job* has been loaded, before the first of them runs."""


@hookspec
def vmpp_job_ended(job: Job, result: Result) -> None:
    """Called when *job* has ended, however it did."""
