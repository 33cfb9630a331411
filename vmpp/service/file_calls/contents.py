"""Opening and closing files, and moving bytes; time, and the end."""

from __future__ import annotations

import contextlib
import errno
import os
import select
from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any, Final

import trio

from vmpp.process import calls
from vmpp.service.file_session import FIRST, FileSession
from vmpp.service.filesystem.open_file import OpenFile
from vmpp.service.filesystem.work import done, replied
from vmpp.service.server import Later

_RUN: Final = Struct("<qq")
"""Offset and length of a stretch of a file."""

_RETRY: Final = 0.02
"""Seconds of host time between two looks for a reader of a named pipe."""


def _open(session: FileSession, call: calls.Open) -> Any:
    try:
        return _open_now(session, call)
    except OSError as error:
        waits = error.errno == errno.ENXIO and not call.flags & os.O_NONBLOCK
        if not waits or not session.view.is_pipe(session.at(call.at, call.path), call.path):
            raise
    return _open_patiently(session, call)


def _open_now(session: FileSession, call: calls.Open) -> calls.Reply | Later:
    start = session.at(call.at, call.path)
    file, mode = session.view.open(start, call.path, call.flags, call.mode)
    if file.pending is None:
        return opened(session, file, mode)
    work, file.pending = file.pending, None
    reply: calls.Reply | Later = work.then(lambda _: opened(session, file, mode), file.close)
    return reply


def opened(session: FileSession, file: OpenFile, mode: int) -> calls.Opened:
    """Give a process an open file, and return what it is told of it."""
    if session.ended:
        file.close()
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    return file.told(session.add(file), mode, session.caller.job)


async def _open_patiently(session: FileSession, call: calls.Open) -> Any:
    # The host tells nobody that a reader has come, short of a thread that cannot be cancelled.
    while True:
        await trio.sleep(_RETRY)
        try:
            return _open_now(session, call)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise


def _close(session: FileSession, call: calls.Close) -> calls.Done:
    if call.handle >= FIRST:
        session.remove(call.handle)
    return calls.Done()


def _read(session: FileSession, call: calls.Read) -> Any:
    size = min(call.count, calls.MOST)
    if call.handle < FIRST:
        return _read_input(session, call.handle, size)
    file = session.file(call.handle)
    if file.patient:
        return _read_patiently(file, size)
    return replied(file.read(size), calls.Data)


def _read_input(session: FileSession, handle: int, size: int) -> Any:
    if handle != 0:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    session.let_out()
    source = session.stdio.stdin
    if session.caller.rank != 0 or source is None or size == 0:
        return calls.Data(b"")
    data = session.stdio.take_input(size)
    return session.stdio.read_input(source, size) if data is None else calls.Data(data)


async def _read_patiently(file: OpenFile, size: int) -> calls.Data:
    while True:
        # Without a look first, a pipe that nobody has opened yet would seem to be at its end.
        await file.wait_until(select.POLLIN)
        with contextlib.suppress(BlockingIOError):
            return calls.Data(file.read(size))


def _write(session: FileSession, call: calls.Write) -> Any:
    handle = call.handle
    if handle in {1, 2}:
        session.print(handle, call.data)
        return calls.Count(len(call.data))
    file = session.file(handle)
    if file.patient:
        return _write_patiently(file, call.data)
    return replied(file.write(call.data), calls.Count)


async def _write_patiently(file: OpenFile, data: bytes) -> calls.Count:
    done = 0
    while done < len(data):
        await file.wait_until(select.POLLOUT)
        with contextlib.suppress(BlockingIOError):
            done += file.write(data[done:])
    return calls.Count(done)


def _pread(session: FileSession, call: calls.Pread) -> Any:
    file = session.positioned(call.handle)
    return replied(file.pread(min(call.count, calls.MOST), call.offset), calls.Data)


def _pwrite(session: FileSession, call: calls.Pwrite) -> Any:
    file = session.positioned(call.handle)
    return replied(file.pwrite(call.data, call.offset), calls.Count)


def _lseek(session: FileSession, call: calls.Lseek) -> Any:
    file = session.positioned(call.handle)
    return replied(file.lseek(call.offset, call.whence), calls.Position)


def _runs(packed: bytes) -> list[tuple[int, int]]:
    """Return offset and length of each stretch. Raises OSError(EINVAL) if they are none."""
    whole = len(packed) - len(packed) % _RUN.size
    runs = list(_RUN.iter_unpack(packed[:whole]))
    lengths = [length for _, length in runs]
    if whole < len(packed) or min(lengths, default=0) < 0 or sum(lengths) > calls.MOST:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return runs


def _readx(session: FileSession, call: calls.Readx) -> Any:
    return replied(session.positioned(call.handle).readx(_runs(call.runs)), calls.Data)


def _writex(session: FileSession, call: calls.Writex) -> Any:
    file, runs = session.positioned(call.handle), _runs(call.runs)
    if sum(length for _, length in runs) != len(call.data):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return replied(file.writex(runs, call.data), calls.Count)


def _ftruncate(session: FileSession, call: calls.Ftruncate) -> Any:
    return replied(session.file(call.handle).truncate(call.length), done)


def _fsync(session: FileSession, call: calls.Fsync) -> Any:
    return replied(session.file(call.handle).fsync(), done)


def _isatty(session: FileSession, call: calls.Isatty) -> calls.Truth:
    # The standard streams of a rank are pipes to the launcher, as under any mpiexec.
    standard = 0 <= call.handle < FIRST
    return calls.Truth(not standard and session.file(call.handle).terminal)


def _gettimeofday(session: FileSession, call: calls.Gettimeofday) -> calls.Clock:
    del call
    return calls.Clock(session.caller.time)


def _exit(session: FileSession, call: calls.Exit) -> calls.Done:
    del call
    # What it has of a line is kept to the job's end: let out now, it would run into another's.
    session.close()
    return calls.Done()


ANSWERS: Final[Mapping[type[Any], Callable[..., Any]]] = {
    calls.Open: _open,
    calls.Close: _close,
    calls.Read: _read,
    calls.Write: _write,
    calls.Pread: _pread,
    calls.Pwrite: _pwrite,
    calls.Lseek: _lseek,
    calls.Readx: _readx,
    calls.Writex: _writex,
    calls.Ftruncate: _ftruncate,
    calls.Fsync: _fsync,
    calls.Isatty: _isatty,
    calls.Gettimeofday: _gettimeofday,
    calls.Exit: _exit,
}
"""Which function answers which request."""
