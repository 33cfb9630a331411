"""What a program may ask of the machine that it runs on, besides its libraries."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from vmpp.engine import current_process, to_ps
from vmpp.engine.queue import NEVER
from vmpp.process.memory import taken

if TYPE_CHECKING:
    from vmpp.kernel import Process


def compute(seconds: float = 0.0, *, flops: float = 0, nbytes: float = 0) -> None:
    """Use the CPU of this process's node, for Python's own instructions cost no virtual time.

    The time is that of *seconds*, of *flops* floating-point operations and of *nbytes* bytes
    streamed through memory at the machine's rates, one after the other.

    Raises:
        ValueError: one of them is negative, infinite or not a number, or virtual time does not
            last so long.
        RuntimeError: the caller does not run on a virtual machine.
    """
    for name, value in (("seconds", seconds), ("flops", flops), ("nbytes", nbytes)):
        if not 0 <= value < inf:
            raise ValueError(f"cannot compute for {name}={value}")
    process = _running("compute")
    machine = process.job.machine
    work = round(flops * machine.flop_rate + nbytes * machine.memory_rate) // 1000
    work += to_ps(seconds)
    if process.clock + work >= NEVER:
        raise ValueError("cannot compute for longer than virtual time lasts")
    process.compute(work)


def allocate(nbytes: int) -> bytearray:
    """Take memory of this process's node, for Python's own objects take none of it.

    It is zero at first, and given back when nobody refers to it any more, or the process ends.

    Raises:
        ValueError: *nbytes* is negative.
        MemoryError: the node, or the process's part of it, has not so much.
        RuntimeError: the caller does not run on a virtual machine.
    """
    _running("allocate")
    if nbytes < 0:
        raise ValueError(f"cannot allocate {nbytes} bytes")
    return taken(nbytes)


def node_map() -> Any:
    """Return the `vmpp.machine.nodemap.NodeMap` of this job: place and distance of every rank.

    Raises:
        RuntimeError: the caller does not run on a virtual machine.
    """
    return _running("node_map").job.machine.node_map


def _running(name: str) -> Process:
    process = current_process()
    if process is None:
        raise RuntimeError(f"vmpp.{name}() works inside a program that 'vmpp run' started")
    return process
