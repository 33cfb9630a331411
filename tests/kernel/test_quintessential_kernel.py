"""The kernel is small, static and non-blocking."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from vmpp.engine import Engine
from vmpp.hardware import Node
from vmpp.kernel import Process, QuintessentialKernel, Trace
from vmpp.kernel.qk import ENTRY_POINTS
from vmpp.portals import DynamicBlock, Heap, MemoryOperation, PortalEntry


def objects_of(kernel: QuintessentialKernel) -> int:
    """Count the objects that a kernel holds, other than numbers: it has places for so many.

    Not its own are the hardware, the engine, the run's trace, and the table of processes, which the
    process control thread keeps.
    """
    outside: tuple[type, ...] = (Engine, Node, Trace, int)
    seen: dict[int, object] = {}
    waiting: list[object] = [kernel]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, outside) or thing is kernel.processes:
            continue
        seen[id(thing)] = thing
        if isinstance(thing, dict):
            waiting += [*thing.keys(), *thing.values()]
        elif isinstance(thing, list | tuple | set | frozenset):
            waiting += thing
        for kind in type(thing).__mro__:
            if kind.__module__.startswith("vmpp."):
                names = getattr(kind, "__slots__", ())
                waiting += [getattr(thing, name) for name in names if hasattr(thing, name)]
    return len(seen)


def all_to_all(machine: Any, peers: int) -> None:
    """Have some processes send to the others, and one get from all."""
    size = len(machine.processes)
    for nid in range(size):
        machine.install(
            PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, Heap(1 << 20))), nid=nid
        )
    for nid in range(size):
        machine.put(b"x", source=nid, target=0)
    for nid in range(0, size, max(1, size // peers)):
        machine.put(b"x", source=0, target=nid)


def test_a_kernel_holds_as_many_objects_on_4096_nodes_as_on_16(wired: Any) -> None:
    counts = set()
    for size in (16, 4096):
        machine = wired(size)
        kernel = machine.kernels[0]
        counts.add(objects_of(kernel))
        all_to_all(machine, 16)
        counts.add(objects_of(kernel))
        assert kernel.messages == 17 or size > 16
    assert len(counts) == 1


def test_a_kernel_has_no_places_but_its_declared_ones(wired: Any) -> None:
    kernel = wired().kernels[0]
    assert not hasattr(kernel, "__dict__")
    for name in QuintessentialKernel.__slots__:
        value = getattr(kernel, name)
        assert value is kernel.processes or not isinstance(value, list | set | dict), name


def test_the_entry_points_are_its_public_methods() -> None:
    methods = {
        name
        for name, value in inspect.getmembers(QuintessentialKernel, inspect.isfunction)
        if not name.startswith("_")
    }
    assert methods == set(ENTRY_POINTS)


def test_no_entry_point_blocks(wired: Any) -> None:
    """Called from the hub, an entry point returns to it; a process gets on in an event."""
    machine = wired()
    heap = Heap(1000)
    machine.install(PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, heap)))
    process = machine.processes[0]
    when = process.kernel.send(process, machine.processes[1].address, 3, 0, b"abc", 3)
    assert when == 10 + 3
    assert heap.messages == []
    machine.engine.run()
    assert len(heap.messages) == 1


def test_sending_takes_the_kernels_time_and_then_the_wires(wired: Any) -> None:
    machine = wired()
    sender = machine.processes[0]
    sender.clock = 500
    gone = sender.kernel.send(sender, machine.processes[1].address, 3, 0, b"x" * 40, 40)
    assert (sender.clock, gone) == (510, 550)
    assert (sender.kernel.messages, sender.kernel.bytes) == (1, 40)


def test_interrupts_of_a_node_are_taken_one_after_the_other(wired: Any) -> None:
    machine = wired(4)
    machine.install(PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, Heap(1000))), nid=0)
    for nid in (1, 2, 3):
        process = machine.processes[nid]
        process.kernel.send(process, machine.processes[0].address, 3, 0, None, 0)
    machine.engine.run()
    assert machine.engine.now == 110
    assert machine.kernels[0].free == 110 + 3 * 20


@pytest.mark.parametrize("work", [lambda process: process.compute(5000)])
def test_messages_take_time_from_the_program(wired: Any, work: Callable[[Process], None]) -> None:
    machine = wired()
    machine.install(PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, Heap(1000))))

    def program(process: Process) -> int:
        work(process)
        return process.clock

    machine.start(1, program)
    for _ in range(3):
        machine.processes[0].kernel.send(
            machine.processes[0], machine.processes[1].address, 3, 0, None, 0
        )
    machine.engine.run()
    assert machine.results[1] == 5000 + 3 * 20


def test_a_run_has_one_digest_and_another_run_another(wired: Any) -> None:
    def digest(body: bytes, bits: int) -> str:
        machine = wired()
        machine.put(body, bits=bits)
        return str(machine.trace.digest())

    assert digest(b"abc", 1) == digest(b"xyz", 1)
    assert len({digest(b"abc", 1), digest(b"abcd", 1), digest(b"abc", 2)}) == 3


def test_folding_now_and_then_does_not_change_the_digest() -> None:
    whole, pieces = Trace(), Trace()
    for number in range(10):
        for trace in (whole, pieces):
            trace.events += (number, number + 1, number + 2)
            trace.output(b"%d" % number)
        pieces.fold()
    assert whole.digest() == pieces.digest()
    pieces.output(b"more")
    assert whole.digest() != pieces.digest()
