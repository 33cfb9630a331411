"""Writes the stub of the module `nx` from the table of calls: what editors and checkers read.

python -m vmpp_nx.stub plugins/vmpp_nx/nx.pyi
"""

from __future__ import annotations

import collections.abc
import re
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
'''

_WRITTEN: Final = {"Handler": "Callable[..., object]", "": "Any"}
"""How annotations are written that mean nothing outside of the package."""

_OBJECTS: Final = (ErrorNumber, MessageInformation)
"""Classes of what programs get that is neither a number nor a call."""


def text() -> str:
    """Return the stub."""
    body = list(_lines())
    words = set(re.findall(r"\w+", "\n".join(body)))
    abstract = sorted(words & set(collections.abc.__all__))
    return "\n".join(
        (_HEAD, f"from collections.abc import {', '.join(abstract)}", *_classes(), *body)
    )


def _classes() -> Iterator[str]:
    """Yield the imports of what is not written out."""
    yield "from typing import Any\n"
    known = {value for value in CONSTANTS.values() if isinstance(value, type)} | {*_OBJECTS}
    for kind in sorted(known, key=lambda kind: (kind.__module__, kind.__name__)):
        kept = f" as {kind.__name__}" if kind.__name__ in CONSTANTS else ""
        yield f"from {kind.__module__} import {kind.__name__}{kept}"
    yield ""


def _lines() -> Iterator[str]:
    yield f"__all__ = {sorted(names, key=lambda name: (not name.isupper(), name))!r}\n"
    for name, value in sorted(CONSTANTS.items()):
        if not isinstance(value, type):
            known = type(value) in {int, float, str, *_OBJECTS}
            yield f"{name}: {type(value).__name__ if known else 'Any'}"
    for _, call in sorted(CALLS.items()):
        yield _function(call, call.name)
        yield _function(call, f"_{call.name}")


def _function(call: Call, name: str) -> str:
    notes = call.body.__annotations__
    parameters = []
    for each in call.parameters:
        star = "*" if each.kind is each.VAR_POSITIONAL else ""
        written = f"{star}{each.name}: {_note(notes.get(each.name, ''))}"
        parameters.append(written if each.default is each.empty else f"{written} = ...")
    result = _note(notes.get("return", ""))
    if result == "None" and name != call.name:
        result = "int"
    return f"def {name}({', '.join(parameters)}) -> {result}: ..."


def _note(note: Any) -> str:
    return _WRITTEN.get(note, str(note))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
