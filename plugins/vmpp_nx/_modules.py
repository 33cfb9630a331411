"""The modules that NX's calls are written in, in the order in which programs are told of them."""

from __future__ import annotations

from importlib import import_module
from typing import Final

MODULES: Final = (
    "_identity",
    "_synchronous",
    "_asynchronous",
    "_handlers",
    "_probes",
    "_information",
    "_clock",
    "_complaints",
    "_globals",
    "_control._starting",
    "_control._ending",
    "_control._scheduling",
    "_control._partitions",
    "_files._opening",
    "_files._calls",
    "_files._positions",
    "_files._sizes",
    "_files._status",
)
"""Each enters its calls in the table."""


def load() -> None:
    """Have the table complete."""
    for name in MODULES:
        import_module(f"vmpp_nx.{name}")
