"""Open files that processes share: their pointer and their lock."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from vmpp.process import calls
from vmpp.service.file_calls.contents import opened
from vmpp.service.file_session import FileSession
from vmpp.service.server import Later


def _share(session: FileSession, call: calls.Share) -> calls.Key:
    return calls.Key(session.shares.offer(session.file(call.handle)).key)


def _join(session: FileSession, call: calls.Join) -> calls.Opened:
    file = session.shares.join(call.key)
    return opened(session, file, session.view.fstat(file).mode)


def _move_pointer(session: FileSession, call: calls.MovePointer) -> calls.Position:
    sharing = session.sharing(call.handle)
    before = sharing.pointer
    sharing.pointer = _number(before + call.count)
    return calls.Position(before)


def _set_pointer(session: FileSession, call: calls.SetPointer) -> calls.Done:
    session.sharing(call.handle).pointer = _number(call.position)
    return calls.Done()


def _number(value: int) -> int:
    if not 0 <= value < 1 << 63:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return value


def _lock(session: FileSession, call: calls.Lock) -> calls.Done | Later:
    return session.sharing(call.handle).lock.take(session) or calls.Done()


def _unlock(session: FileSession, call: calls.Unlock) -> calls.Done:
    session.sharing(call.handle).lock.give_back(session)
    return calls.Done()


def _forget(session: FileSession, call: calls.Forget) -> calls.Done:
    """Refuse: this is no process of the system."""
    del session, call
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


ANSWERS: Final[Mapping[type[Any], Callable[..., Any]]] = {
    calls.Share: _share,
    calls.Join: _join,
    calls.MovePointer: _move_pointer,
    calls.SetPointer: _set_pointer,
    calls.Lock: _lock,
    calls.Unlock: _unlock,
    calls.Forget: _forget,
}
"""Which function answers which request."""
