"""How a program says that it computes: Python's own instructions cost no virtual time."""

from __future__ import annotations

from vmpp.engine import current_process, to_ps


def compute(seconds: float) -> None:
    """Use the CPU of this process's node for *seconds* of virtual time.

    Raises:
        ValueError: *seconds* is negative or not a number.
        RuntimeError: the caller does not run on a virtual machine.
    """
    if not seconds >= 0:
        raise ValueError(f"cannot compute for {seconds} seconds")
    process = current_process()
    if process is None:
        raise RuntimeError("vmpp.compute() works inside a program that 'vmpp run' started")
    process.compute(to_ps(seconds))
