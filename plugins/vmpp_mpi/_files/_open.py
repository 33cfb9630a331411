"""Opening, closing and deleting files."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from vmpp.process import calls
from vmpp_mpi._collectives import OwnKind
from vmpp_mpi._communicators._making import duplicated
from vmpp_mpi._constants import MODE_APPEND, MODE_DELETE_ON_CLOSE
from vmpp_mpi._datatype import BYTE
from vmpp_mpi._errors import ERR_AMODE, ERR_COMM, ERR_TRUNCATE
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._files import _amode as modes
from vmpp_mpi._files._datarep import representation
from vmpp_mpi._files._hints import Hints
from vmpp_mpi._files._state import FileState, no_file
from vmpp_mpi._files._store import Store
from vmpp_mpi._files._together import agree, at_root, largest
from vmpp_mpi._files._trouble import error_class
from vmpp_mpi._files._view import View
from vmpp_mpi._state import mpi_state

if TYPE_CHECKING:
    from vmpp.process.files import Files
    from vmpp_mpi._info import Info
    from vmpp_mpi._state import CommState

_PERMISSIONS: Final = "666"
"""Of a file that is made, in octal, without those that the process withholds from all its files."""

_AGGREGATORS: Final = 8
"""How many ranks access a file on behalf of all, if nothing is said. More of them would not save
time of the one file server, while each exchanges messages with all ranks. Of a striped file they
are as many as the I/O nodes that have parts of it."""

_STRIPING: Final = ("striping_unit", "striping_factor", "start_iodevice")
"""Hints of how a file that is made is to be striped."""

_UNSAID: Final = (0, 0, calls.BOUNDLESS)
"""What stands for those that nothing is said of."""


def path_of(filename: Any) -> bytes:
    """Return a file's name as the host has it.

    Raises:
        TypeError: *filename* is no path, string or bytes.
    """
    return os.fsencode(filename)


def opened(state: CommState, filename: Any, amode: int, info: Info) -> FileState:
    """Open a file on all ranks of a communicator.

    Rank 0 opens it, and the others join: it is one open file, however many ranks have it.

    Raises:
        MPIError: as `File.Open` says. The error handler has not been told.
    """
    name = path_of(filename)
    if state.remote is not None:
        raise MPIError(ERR_COMM, "a file needs a communicator of one group")
    wrong = modes.problem(amode)
    if wrong:
        raise MPIError(ERR_AMODE, wrong)
    comm = duplicated(state)
    comm.name = f"file {os.fsdecode(name)!r}"
    try:
        store = _joined(comm, name, amode, info)
        layout = store.layout
        most = _AGGREGATORS if layout is None else layout.factor
        file = FileState(
            comm, name, amode, store, Hints(cb_nodes=min(comm.size, most)), _first_view()
        )
        file.heed(info)
        if amode & MODE_APPEND:
            _go_to_end(file)
    except BaseException:
        comm.release()
        raise
    return file


def _first_view() -> View:
    return View(0, BYTE, BYTE, representation("native"))


def _joined(comm: CommState, name: bytes, amode: int, info: Info) -> Store:
    """Return the file, opened by rank 0 and joined by all others."""
    channel = comm.channel.apart(OwnKind.FILE, partial(MPIError, ERR_TRUNCATE))
    files: Files = comm.library.process.files
    agree(channel, amode)
    fd = -1

    def share() -> int:
        nonlocal fd
        fd = _open(files, name, amode, info)
        return files.share(fd)

    key = at_root(channel, share, os.fsdecode(name))
    code = 0
    if channel.rank:
        try:
            fd = files.join(key)
        except OSError as error:
            code = error_class(error)
    (worst,) = largest(channel, code)
    if worst:
        with suppress(OSError):
            files.close(fd)
        raise MPIError(worst, "a rank could not join the open file")
    return Store.of(files, fd)


def _open(files: Files, name: bytes, amode: int, info: Info) -> int:
    hints = Hints(cb_nodes=1).updated(info)
    flags, permissions = modes.flags(amode), int(hints.file_perm or _PERMISSIONS, 8)
    if flags & os.O_CREAT and any(info.Get(key) is not None for key in _STRIPING if info):
        flags = _made_striped(files, name, flags, permissions, info, hints)
    fd = files.open(name, flags, permissions)
    if stat.S_ISDIR(files.lookup(fd).mode):
        files.close(fd)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return fd


def _made_striped(
    files: Files, name: bytes, flags: int, permissions: int, info: Info, hints: Hints
) -> int:
    """Make a file that is striped as hints say, if it can be; return the flags to open it with."""
    with suppress(OSError):
        files.call(calls.Stat(calls.HERE, name, True))
        return flags  # it is there, and stays as it is
    unit, factor, first = (
        getattr(hints, key) if info.Get(key) is not None else unsaid
        for key, unsaid in zip(_STRIPING, _UNSAID, strict=True)
    )
    # What the machine cannot do with is left out, which may be any of them.
    for wanted in dict.fromkeys(
        (
            (unit, factor, first),
            (unit, factor, calls.BOUNDLESS),
            (unit, 0, calls.BOUNDLESS),
            (0, factor, calls.BOUNDLESS),
        )
    ):
        with suppress(OSError):
            if wanted != _UNSAID:
                files.call(calls.SetStripes(calls.HERE, name, permissions, *wanted))
                return flags & ~(os.O_CREAT | os.O_EXCL)
    # Its folder is not one of striped files, say: opening it will tell if anything is wrong.
    return flags


def _go_to_end(file: FileState) -> None:
    """Move the pointers of a file opened with `MODE_APPEND` to its end."""
    channel = file.together()

    def find() -> int:
        size = file.store.size()
        file.store.set_pointer(size)
        return size

    file.position = at_root(channel, find)


def close(file: FileState) -> None:
    """Close a file on all of its ranks: let the disk have it, or delete it if it was opened to be.

    Raises:
        MPIError: something failed. The error handler has not been told.
        OSError: as a system call does.
    """
    channel = file.together()
    passing = bool(file.amode & MODE_DELETE_ON_CLOSE)
    try:
        try:
            file.sync(channel, wanted=not passing)
        finally:
            file.store.close()
        if passing:
            at_root(channel, lambda: delete(file.path))
    finally:
        file.comm.release()


def delete(name: bytes) -> None:
    """Delete a file. Raises `OSError` as a system call does."""
    files: Files = mpi_state().process.files
    files.call(calls.Unlink(calls.HERE, name))


def deleted(filename: Any) -> None:
    """Delete a file, as `File.Delete` does."""
    name = path_of(filename)
    with no_file().guarded():
        try:
            delete(name)
        except OSError as error:
            error.filename = name
            raise
