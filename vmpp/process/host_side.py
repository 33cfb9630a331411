"""The host's side of the interpreter: code that runs for no process, though a process runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from vmpp.engine import current_fiber

T = TypeVar("T")


def as_host(function: Callable[..., T], *args: Any) -> T:
    """Call *function(args)* on the host's side: nothing that it does is a process's doing.

    It must not block on virtual time.
    """
    fiber = current_fiber()
    if fiber is None or fiber.process is None:
        return function(*args)
    process = fiber.process
    fiber.process = None
    try:
        return function(*args)
    finally:
        fiber.process = process
