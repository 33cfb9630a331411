"""Replaces the methods of MPI's handles by ones that tell a rank's tools about each call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from types import FunctionType
from typing import Any

from vmpp.engine import current_process
from vmpp_mpi import MPI
from vmpp_mpi._handle import AnyHandle, Handle

KEY = "mpi.tools"
"""Where a process keeps its tools among its libraries' state."""

_TRANSPARENT = frozenset(("Startall", "Get_rank", "Get_size"))
"""Methods that are looked through, to what they call, or past."""


class Interception:
    """The replacement of methods, for as long as any job has a tool."""

    def __init__(self) -> None:
        self._users = 0
        self._replaced: list[tuple[type, str, Any]] = []

    def acquire(self) -> None:
        """Replace the methods, unless they are."""
        self._users += 1
        if self._users == 1:
            for cls, name, found in list(_methods()):
                self._replaced.append((cls, name, found))
                setattr(cls, name, _replacement(found))

    def release(self) -> None:
        """Put the methods back when nobody needs them replaced any more."""
        self._users -= 1
        if not self._users:
            for cls, name, found in self._replaced:
                setattr(cls, name, found)
            self._replaced.clear()


interception = Interception()
"""One for the interpreter, as the classes are."""


def _methods() -> Iterator[tuple[type, str, Any]]:
    """Yield the class, name and definition of every public method of a handle."""
    seen: set[type] = set()
    # By name: some classes are made when they are asked for.
    for cls in [getattr(MPI, name) for name in dir(MPI)]:
        if not (isinstance(cls, type) and issubclass(cls, AnyHandle)):
            continue
        for owner in cls.__mro__:
            if owner in seen or not issubclass(owner, AnyHandle) or owner in (AnyHandle, Handle):
                continue
            seen.add(owner)
            for name, found in list(vars(owner).items()):
                if (
                    name[0] != "_"
                    and name not in _TRANSPARENT
                    and isinstance(found, (FunctionType, classmethod))
                ):
                    yield owner, name, found


def _replacement(found: Any) -> Any:
    if isinstance(found, classmethod):
        return classmethod(_telling(found.__func__))
    return _telling(found)


def _telling(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return *function* with the rank's tools told of calls that the program itself makes."""
    if not inspect.isfunction(function):
        return function

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # reports name the method that is called, not this
        process = current_process()
        tools = None if process is None else process.libraries.get(KEY)
        if process is None or tools is None or process.fiber in tools.current:
            return function(*args, **kwargs)
        return tools.call(function, args, kwargs)

    return call
