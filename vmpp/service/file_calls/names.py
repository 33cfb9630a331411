"""Names and directories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from vmpp.process import calls
from vmpp.service.file_session import FileSession


def _mkdir(session: FileSession, call: calls.Mkdir) -> calls.Done:
    session.view.mkdir(session.at(call.at, call.path), call.path, call.mode)
    return calls.Done()


def _rmdir(session: FileSession, call: calls.Rmdir) -> calls.Done:
    session.view.rmdir(session.at(call.at, call.path), call.path)
    return calls.Done()


def _unlink(session: FileSession, call: calls.Unlink) -> calls.Done:
    session.view.unlink(session.at(call.at, call.path), call.path)
    return calls.Done()


def _rename(session: FileSession, call: calls.Rename) -> calls.Done:
    start, to_start = session.at(call.at, call.path), session.at(call.to_at, call.to)
    session.view.rename(start, call.path, to_start, call.to)
    return calls.Done()


def _link(session: FileSession, call: calls.Link) -> calls.Done:
    start, to_start = session.at(call.at, call.path), session.at(call.to_at, call.to)
    session.view.link(start, call.path, to_start, call.to, call.follow)
    return calls.Done()


def _symlink(session: FileSession, call: calls.Symlink) -> calls.Done:
    session.view.symlink(session.at(call.at, call.path), call.path, call.target)
    return calls.Done()


def _readlink(session: FileSession, call: calls.Readlink) -> calls.Path:
    return calls.Path(session.view.readlink(session.at(call.at, call.path), call.path))


def _listdir(session: FileSession, call: calls.Listdir) -> calls.Entries:
    return session.view.listdir(session.at(call.at, call.path), call.path, call.after)


def _flistdir(session: FileSession, call: calls.Flistdir) -> calls.Entries:
    return session.view.flistdir(session.file(call.handle), call.after)


def _chdir(session: FileSession, call: calls.Chdir) -> calls.Done:
    session.view.chdir(call.path)
    return calls.Done()


def _fchdir(session: FileSession, call: calls.Fchdir) -> calls.Done:
    session.view.fchdir(session.file(call.handle))
    return calls.Done()


def _getcwd(session: FileSession, call: calls.Getcwd) -> calls.Path:
    del call
    return calls.Path(session.view.getcwd())


ANSWERS: Final[Mapping[type[Any], Callable[..., Any]]] = {
    calls.Mkdir: _mkdir,
    calls.Rmdir: _rmdir,
    calls.Unlink: _unlink,
    calls.Rename: _rename,
    calls.Link: _link,
    calls.Symlink: _symlink,
    calls.Readlink: _readlink,
    calls.Listdir: _listdir,
    calls.Flistdir: _flistdir,
    calls.Chdir: _chdir,
    calls.Fchdir: _fchdir,
    calls.Getcwd: _getcwd,
}
"""Which function answers which request."""
