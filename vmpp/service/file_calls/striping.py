"""How files are striped over I/O nodes, and how far they reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from vmpp.process import calls
from vmpp.service.file_session import FileSession
from vmpp.service.filesystem.volume import Striping


def _extend(session: FileSession, call: calls.Extend) -> calls.Position:
    return calls.Position(session.file(call.handle).extend(call.end))


def _append(session: FileSession, call: calls.Append) -> calls.Position:
    return calls.Position(session.file(call.handle).append(call.count))


def _unwritten(session: FileSession, call: calls.Unwritten) -> calls.Done:
    session.file(call.handle).unwritten(call.begin, call.end)
    return calls.Done()


def _set_stripes(session: FileSession, call: calls.SetStripes) -> calls.Done:
    wanted = Striping(call.unit, call.factor, call.first)
    start = session.at(call.at, call.path)
    session.view.set_striping(start, call.path, call.mode, wanted)
    return calls.Done()


def _get_stripes(session: FileSession, call: calls.GetStripes) -> calls.Striped:
    return session.view.striping(session.at(call.at, call.path), call.path)


ANSWERS: Final[Mapping[type[Any], Callable[..., Any]]] = {
    calls.Extend: _extend,
    calls.Append: _append,
    calls.Unwritten: _unwritten,
    calls.SetStripes: _set_stripes,
    calls.GetStripes: _get_stripes,
}
"""Which function answers which request."""
