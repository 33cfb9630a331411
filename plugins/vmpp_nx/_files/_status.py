"""What there is to tell of files and of the file systems they are on, in extended sizes."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace
from typing import Any

from vmpp.process import calls
from vmpp_nx._calls import IPSC, call
from vmpp_nx._errors import Refused
from vmpp_nx._files._calls import file_of
from vmpp_nx._files._open_files import system
from vmpp_nx._files._sizes import extended
from vmpp_nx._state import State

_SECOND = 1_000_000_000


class estat_t(SimpleNamespace):  # noqa: N801 - it is NX's name
    """What `estat` tells of a file: the fields of ``os.stat_result``, the size an extended one."""


class statpfs_t(SimpleNamespace):  # noqa: N801 - it is NX's name
    """What `statpfs` tells of a file system.

    Attributes:
        f_bsize: bytes of a block.
        f_blocks, f_bfree, f_bavail: blocks in all, free ones, and those free to the user.
        f_files, f_ffree: files that there can be, and more that there can be.
        f_sunitsize: bytes of a stripe unit; 0 on a file system that is not striped.
        f_sfactor: how many I/O nodes a new file is striped over.
    """


def _fill(cell: Any, told: SimpleNamespace) -> None:
    """Put all fields of *told* into a record of the program's; nowhere if it is None."""
    if cell is None:
        return
    try:
        for name, value in vars(told).items():
            setattr(cell, name, value)
    except (AttributeError, TypeError):
        raise Refused("EQPBUF", f"nothing can be told in {cell!r:.60}") from None


def _attributes(found: calls.Attributes) -> estat_t:
    return estat_t(
        st_dev=found.dev,
        st_ino=found.ino,
        st_mode=found.mode,
        st_nlink=found.nlink,
        st_uid=found.uid,
        st_gid=found.gid,
        st_rdev=found.rdev,
        st_size=extended(found.size),
        st_atime=found.atime_ns // _SECOND,
        st_mtime=found.mtime_ns // _SECOND,
        st_ctime=found.ctime_ns // _SECOND,
        st_blksize=found.blksize,
        st_blocks=found.blocks,
    )


def _stat(state: State, path: Any, buffer: Any, *, follow: bool) -> estat_t:
    with system(path):
        request = calls.Stat(calls.HERE, os.fsencode(path), follow)
        told = _attributes(state.process.files.call(request, path))
    _fill(buffer, told)
    return told


@call()
def estat(state: State, path: Any, buffer: Any = None) -> estat_t:
    """Tell of a file: by returning, and in *buffer* if that is a record, an ``estat_t()`` say."""
    return _stat(state, path, buffer, follow=True)


@call()
def lestat(state: State, path: Any, buffer: Any = None) -> estat_t:
    """Tell of a file as `estat`, or of a symbolic link itself."""
    return _stat(state, path, buffer, follow=False)


@call()
def festat(state: State, fd: int, buffer: Any = None) -> estat_t:
    """Tell of an open file as `estat`."""
    file = file_of(state, fd)
    with system():
        told = _attributes(file.files.call(calls.Fstat(file.open.handle)))
    _fill(buffer, told)
    return told


@call()
def statpfs(state: State, path: Any, buffer: Any = None) -> statpfs_t:
    """Tell of the file system that a file is on, in *buffer* as `estat`, and by returning."""
    files, name = state.process.files, os.fsencode(path)
    with system(path):
        space = files.call(calls.Statvfs(name), path)
        unit, factor = _stripes(state, name, path)
    told = statpfs_t(
        f_bsize=space.frsize or space.bsize,
        f_blocks=extended(space.blocks),
        f_bfree=extended(space.bfree),
        f_bavail=extended(space.bavail),
        f_files=extended(space.files),
        f_ffree=extended(space.ffree),
        f_sunitsize=unit,
        f_sfactor=factor,
    )
    _fill(buffer, told)
    return told


def _stripes(state: State, name: bytes, path: Any) -> tuple[int, int]:
    """Return stripe unit and factor of a file, or of new ones in a directory; 0 if there are none.

    Raises:
        OSError: the file is not there.
    """
    try:
        found = state.process.files.call(calls.GetStripes(calls.HERE, name), path)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.ENOTTY):
            raise
        return 0, 0
    unit, factor = state.parameters.stripes
    return found.unit or unit, found.factor or factor


@call(dialect=IPSC)
def restrictvol(state: State, fd: int, nvol: int, vollist: Any) -> None:
    """Have an empty file on some of the I/O nodes only.

    Args:
        fd: descriptor of the file.
        nvol: how many.
        vollist: their numbers, which follow each other.
    """
    raise Refused(errno.ENOSYS)
