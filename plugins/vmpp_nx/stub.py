"""Writes the stub of the module `nx` from the table of calls: what editors and checkers read.

python -m vmpp_nx.stub plugins/vmpp_nx/nx.pyi
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from vmpp_nx._calls import CALLS, Call
from vmpp_nx._complaints import ErrorNumber
from vmpp_nx._constants import CONSTANTS
from vmpp_nx._information import MessageInformation
from vmpp_nx.nx import __all__ as names

_HEAD: Final = '''\
"""NX, as programs import it. Written by ``python -m vmpp_nx.stub`` from the table of calls."""

from collections.abc import Callable
from typing import Any

from vmpp_nx._complaints import ErrorNumber
from vmpp_nx._information import MessageInformation
'''

_WRITTEN: Final = {"Handler": "Callable[..., object]", "": "Any"}
"""How annotations are written that mean nothing outside of the package."""


def text() -> str:
    """Return the stub."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield _HEAD
    yield f"__all__ = {sorted(names, key=lambda name: (not name.isupper(), name))!r}\n"
    for name in sorted(CONSTANTS):
        yield _constant(name, CONSTANTS[name])
    for _, call in sorted(CALLS.items()):
        yield _function(call, call.name)
        yield _function(call, f"_{call.name}")


def _constant(name: str, value: Any) -> str:
    if isinstance(value, type):
        return f"from {value.__module__} import {value.__name__} as {name}"
    kind = type(value)
    known = kind in {int, float, str, ErrorNumber, MessageInformation}
    return f"{name}: {kind.__name__ if known else 'Any'}"


def _function(call: Call, name: str) -> str:
    notes = call.body.__annotations__
    parameters = []
    for each in call.parameters:
        written = f"{each.name}: {_note(notes.get(each.name, ''))}"
        parameters.append(written if each.default is each.empty else f"{written} = ...")
    result = _note(notes.get("return", ""))
    if result == "None" and name != call.name:
        result = "int"
    return f"def {name}({', '.join(parameters)}) -> {result}: ..."


def _note(note: Any) -> str:
    return _WRITTEN.get(note, str(note))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
