"""What is known of files: owners, modes, sizes, times."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from typing import Any, Final

from vmpp.process import calls
from vmpp.service.file_session import FIRST, FileSession
from vmpp.service.filesystem.work import done, replied
from vmpp.service.server import Later


def _stream(uid: int, gid: int) -> calls.Attributes:
    """Return the attributes of a standard stream."""
    attributes = calls.Attributes(stat.S_IFIFO | 0o600, 0, 0, 1, uid, gid, 0, 0, 0, 0, 4096, 0, 0)
    return calls.fill(attributes)


def _fstat(session: FileSession, call: calls.Fstat) -> calls.Attributes:
    if 0 <= call.handle < FIRST:
        return _stream(*session.view.owner)
    return session.view.fstat(session.file(call.handle))


def _stat(session: FileSession, call: calls.Stat) -> calls.Attributes:
    return session.view.stat(session.at(call.at, call.path), call.path, call.follow)


def _access(session: FileSession, call: calls.Access) -> calls.Truth:
    start = session.at(call.at, call.path)
    return calls.Truth(
        session.view.access(start, call.path, call.mode, call.effective, call.follow)
    )


def _chmod(session: FileSession, call: calls.Chmod) -> calls.Done:
    session.view.chmod(session.at(call.at, call.path), call.path, call.mode, call.follow)
    return calls.Done()


def _fchmod(session: FileSession, call: calls.Fchmod) -> calls.Done:
    session.view.fchmod(session.file(call.handle), call.mode)
    return calls.Done()


def _chown(session: FileSession, call: calls.Chown) -> calls.Done:
    start = session.at(call.at, call.path)
    session.view.chown(start, call.path, call.uid, call.gid, call.follow)
    return calls.Done()


def _fchown(session: FileSession, call: calls.Fchown) -> calls.Done:
    session.view.fchown(session.file(call.handle), call.uid, call.gid)
    return calls.Done()


def _utime(session: FileSession, call: calls.Utime) -> calls.Done:
    session.view.utime(session.at(call.at, call.path), call.path, call.times, call.follow)
    return calls.Done()


def _futime(session: FileSession, call: calls.Futime) -> calls.Done:
    session.view.futime(session.file(call.handle), call.times)
    return calls.Done()


def _truncate(session: FileSession, call: calls.Truncate) -> calls.Reply | Later:
    return replied(session.view.truncate(call.path, call.length), done)


def _statvfs(session: FileSession, call: calls.Statvfs) -> calls.Space:
    return session.view.statvfs(call.path)


def _fstatvfs(session: FileSession, call: calls.Fstatvfs) -> calls.Space:
    return session.view.fstatvfs(session.file(call.handle))


def _umask(session: FileSession, call: calls.Umask) -> calls.Mask:
    return calls.Mask(session.view.umask(call.mask & 0o777))


def _quota(session: FileSession, call: calls.Quota) -> calls.Limits:
    return session.view.quota(call.uid)


ANSWERS: Final[Mapping[type[Any], Callable[..., Any]]] = {
    calls.Fstat: _fstat,
    calls.Stat: _stat,
    calls.Access: _access,
    calls.Chmod: _chmod,
    calls.Fchmod: _fchmod,
    calls.Chown: _chown,
    calls.Fchown: _fchown,
    calls.Utime: _utime,
    calls.Futime: _futime,
    calls.Truncate: _truncate,
    calls.Statvfs: _statvfs,
    calls.Fstatvfs: _fstatvfs,
    calls.Umask: _umask,
    calls.Quota: _quota,
}
"""Which function answers which request."""
