"""Docstrings in the form that mpi4py's have: how it is called, then what it does.

Tools that read mpi4py's docstrings, its own tests among them, expect the call in the first line.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from vmpp_mpi._handle import AnyHandle

_INNER = "\n        "
_OUTER = "\n    "


def present(named: dict[str, Any], module: str) -> None:
    """Give all classes and functions of this library among *named* such docstrings.

    They say that they are from *module*, under these names.
    """
    for name, value in named.items():
        if not getattr(value, "__module__", "").startswith(("vmpp_mpi.", module)):
            continue
        if isinstance(value, type):
            for each in value.__mro__:
                if each.__module__.startswith(("vmpp_mpi.", module)):
                    _present_class(each)
        elif isinstance(value, FunctionType):
            _present_function(value, _OUTER)
        else:
            continue
        value.__module__ = module
        value.__name__ = value.__qualname__ = name


def _present_class(kind: type) -> None:
    if kind.__doc__ is not None:
        kind.__doc__ = kind.__doc__.rstrip().replace(_OUTER, "\n")
    for member in vars(kind).values():
        function = getattr(member, "__func__", member)
        if type(function) is FunctionType:
            _present_function(function, _INNER)


def _present_function(function: FunctionType, margin: str) -> None:
    doc = function.__doc__
    call = _call(function)
    if doc is not None and not doc.startswith(call):
        function.__doc__ = f"{call}\n\n{doc.rstrip().replace(margin, chr(10))}"


def _call(function: FunctionType) -> str:
    """Return how *function* is called: its name and parameters, and the defaults of these."""
    code = function.__code__
    names = list(code.co_varnames[: code.co_argcount])
    defaults = function.__defaults__ or ()
    first = len(names) - len(defaults)
    names[first:] = [
        f"{name}={_shown(default)}" for name, default in zip(names[first:], defaults, strict=True)
    ]
    return f"{function.__name__}({', '.join(names)})"


def _shown(default: object) -> str:
    """Return *default* as a program would write it: a handle by the name of the constant."""
    return str(default.__reduce__()) if isinstance(default, AnyHandle) else repr(default)
