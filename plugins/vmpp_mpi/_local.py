"""What a rank has of its own where the library has one module for all ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from vmpp.engine import current_process

T = TypeVar("T")

_host: dict[str, Any] = {}


def local(key: str, make: Callable[[], T]) -> T:
    """Return what the running process keeps under *key*, made by *make* when first asked for.

    Outside of every process (a test, the host's side) there is one further copy.
    """
    process = current_process()
    table: dict[str, Any] = _host if process is None else process.libraries
    try:
        found: T = table[key]
    except KeyError:
        found = table[key] = make()
    return found
