"""Having faults happen on a machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from vmpp.engine.queue import NEVER
from vmpp.hardware.faults import NetworkFaults
from vmpp.machine import parallel_files
from vmpp.machine.faults import (
    Drop,
    DropOff,
    Fault,
    FaultError,
    LinkChange,
    NodeCrash,
    ServerChange,
)
from vmpp.machine.wiring import links_between
from vmpp.service.partition import UnknownServerError

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine


def inject(machine: Machine, fault: Fault) -> Fault:
    """Have *fault* happen on *machine*, at its time or now; return it with that time.

    Raises:
        FaultError: it cannot happen there, or its time has passed.
    """
    now = machine.engine.now
    time = now if fault.time is None else fault.time
    if time < now:
        raise FaultError(f"{fault}: the time has passed")
    _ACTIONS[type(fault)](machine, fault, time)
    return replace(fault, time=time)


def _crash(machine: Machine, fault: NodeCrash, time: int) -> None:
    if machine.io.server_on(fault.node) is not None:
        machine.engine.at(time, partial(_lose_io_node, machine), fault.node)
    elif machine.has_compute_node(fault.node):
        machine.engine.at(time, partial(_lose_node, machine), fault.node)
    else:
        raise FaultError(
            f"a crash of node {fault.node}: {machine.description.name!r} has the compute nodes "
            f"0 to {machine.description.compute_nodes - 1}{_io_nodes(machine)}"
        )


def _lose_node(machine: Machine, node: int) -> None:
    thread = machine.threads.get(node)
    if thread is not None and not thread.dead:
        thread.crash()
    delay = machine.description.service.crash_detection
    machine.engine.after(delay, partial(_learn, machine), node)


def _lose_io_node(machine: Machine, node: int) -> None:
    machine.io.crash(node)
    delay = machine.description.service.crash_detection
    machine.engine.after(delay, partial(_learn_of_io_node, machine), node)


def _learn_of_io_node(machine: Machine, node: int) -> None:
    """Have those be told who wait for an I/O node that has crashed; no new file goes there."""
    machine.io.lose(node, machine.fabric.transmit)
    parallel_files.lose(machine, node)


def _io_nodes(machine: Machine) -> str:
    """Return, in words, which I/O nodes there are besides."""
    servers = machine.io.servers
    if not servers:
        return ""
    first, last = servers[0].address.nid, servers[-1].address.nid
    return f", and the I/O node{f's {first} to' if last > first else ''} {last}"


def _learn(machine: Machine, node: int) -> None:
    """Have those who hand nodes out and load jobs know that a node has crashed."""
    machine.allocation.lose(node)
    machine.launcher.lose(node)


def _link(machine: Machine, fault: LinkChange, time: int) -> None:
    nodes = len(machine.partitions)
    ends = fault.source, fault.destination
    try:
        links = links_between(machine.topology, nodes, *ends)
        if fault.both:
            links += links_between(machine.topology, nodes, *reversed(ends))
    except ValueError as error:
        raise FaultError(f"{fault}: {error}") from None
    _network(machine).change(links, time, up=fault.up)


def _drop(machine: Machine, fault: Drop, time: int) -> None:
    try:
        sources = fault.sources.numbers(machine.partitions)
        destinations = fault.destinations.numbers(machine.partitions)
    except ValueError as error:
        raise FaultError(f"{fault}: {error}") from None
    end = NEVER if fault.end is None else fault.end
    _network(machine).drop(float(fault.share), sources, destinations, time, end)


def _drop_off(machine: Machine, fault: DropOff, time: int) -> None:
    _network(machine).drop_no_more(time)


def _network(machine: Machine) -> NetworkFaults:
    return machine.fabric.broken(machine.streams.stream("network: drops").random)


def _server(machine: Machine, fault: ServerChange, time: int) -> None:
    try:
        machine.services.server(fault.name)
    except UnknownServerError as error:
        raise FaultError(f"{fault}: {error}") from None
    act = machine.services.start if fault.running else machine.services.stop
    if fault.time is None:
        # Who holds virtual time goes on before anything else that this instant has in store.
        act(fault.name)
    else:
        machine.engine.at(time, act, fault.name)


_ACTIONS: Final[Mapping[type[Fault], Callable[[Machine, Any, int], None]]] = MappingProxyType(
    {
        NodeCrash: _crash,
        LinkChange: _link,
        ServerChange: _server,
        Drop: _drop,
        DropOff: _drop_off,
    }
)
