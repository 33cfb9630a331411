"""Virtual functions: what takes the place of a shared module's functions for processes."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

if TYPE_CHECKING:
    from vmpp.kernel.process import Process

Virtual: TypeAlias = Callable[..., Any]
"""A virtual function: it takes the process that calls first, then the original's arguments."""


@dataclass(frozen=True, slots=True)
class Substitute:
    """What takes the place of an attribute that is no function, for everybody.

    Attributes:
        make: makes it of the original; it finds out by itself who uses it.
    """

    make: Callable[[Any], Any]


Functions: TypeAlias = Mapping[str, Mapping[str, Virtual | Substitute]]
"""Virtual functions by module and name."""


def ignored(process: Process, *_: Any, **__: Any) -> None:
    """Do nothing, where a process cannot have what it asks for and does not miss it."""
    del process


def refused(number: int, text: str = "") -> Virtual:
    """Return a virtual function that raises OSError with this error *number*."""

    def refuse(process: Process, *_: Any, **__: Any) -> NoReturn:
        del process
        raise OSError(number, text or os.strerror(number))

    return refuse


def absent(what: str) -> Virtual:
    """Return a virtual function that says that a compute node has no *what*."""
    return refused(errno.ENOSYS, f"a compute node has no {what}")
