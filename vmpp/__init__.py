"""vmpp: a virtual massively parallel processor that runs real message-passing programs, repeatably.

`run` boots a machine, runs one program on it and returns a `Result`; `compare` does so under every
combination of some choices. `boot` gives a `Machine` to launch a `Job` on under Trio, which with a
`State` has accounts and files of its own: whoever logs in there has a `Session`. A program that
runs on a machine may call `compute` to use CPU time, `allocate` to use memory of its node, and
`node_map` to see where its ranks are.

    result = vmpp.run("program.py", nprocs=64, machine="paragon")

The names are looked up when they are first used, so that ``import vmpp`` costs next to nothing, for
a program inside a machine as for the command line.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from vmpp.errors import VmppError

if TYPE_CHECKING:
    from vmpp.machine.boot import boot
    from vmpp.machine.comparison import compare
    from vmpp.machine.job import Job
    from vmpp.machine.machine import Machine
    from vmpp.machine.result import Result
    from vmpp.machine.run import run
    from vmpp.machine.session import Session
    from vmpp.machine.state import State
    from vmpp.process.compute import allocate, compute, node_map

__all__ = [
    "Job",
    "Machine",
    "Result",
    "Session",
    "State",
    "VmppError",
    "allocate",
    "boot",
    "compare",
    "compute",
    "node_map",
    "run",
]

_HOMES: Final = {
    "Job": "vmpp.machine.job",
    "Machine": "vmpp.machine.machine",
    "Result": "vmpp.machine.result",
    "Session": "vmpp.machine.session",
    "State": "vmpp.machine.state",
    "allocate": "vmpp.process.compute",
    "boot": "vmpp.machine.boot",
    "compare": "vmpp.machine.comparison",
    "compute": "vmpp.process.compute",
    "node_map": "vmpp.process.compute",
    "run": "vmpp.machine.run",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home at first use (PEP 562)."""
    if name == "__version__":
        return import_module("importlib.metadata").version("vmpp")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'vmpp' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
