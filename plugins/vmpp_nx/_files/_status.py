"""What there is to tell of files and of the file systems they are on, in extended sizes."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace
from typing import Any

from vmpp.process import calls
from vmpp.process.striped import StripedFile
from vmpp_nx._calls import call
from vmpp_nx._errors import Refused
from vmpp_nx._files._calls import file_of
from vmpp_nx._files._open_files import system
from vmpp_nx._files._sizes import extended
from vmpp_nx._state import State

_SECOND = 1_000_000_000
PFS = "/pfs"
"""Where the parallel file system is."""


class estat_t(SimpleNamespace):  # noqa: N801 - it is NX's name
    """What `estat` tells of a file: the fields of ``os.stat_result``, the size an extended one."""


class estatfs_t(SimpleNamespace):  # noqa: N801 - it is NX's name
    """What `statpfs` tells of a file system.

    Attributes:
        f_bsize: bytes of a block.
        f_blocks, f_bfree, f_bavail: blocks in all, free ones, and those free to the user.
        f_files, f_ffree: files that there can be, and more that there can be.
    """


class statpfs_t(SimpleNamespace):  # noqa: N801 - it is NX's name
    """What `statpfs` tells of how files are striped.

    Attributes:
        p_sunitsize: bytes of a stripe unit; 0 on a file system that is not striped.
        p_sfactor: over how many I/O nodes a file is striped.
    """


class pfsmntinfo(SimpleNamespace):  # noqa: N801 - it is NX's name
    """What `getpfsinfo` tells of a parallel file system.

    Attributes:
        m_estatfs: an `estatfs_t`.
        m_statpfs: a `statpfs_t`.
        m_mntonname: where it is.
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
def statpfs(
    state: State,
    path: Any,
    fs_buffer: Any = None,
    pfs_buffer: Any = None,
    pfs_buffer_size: int = 0,
) -> statpfs_t:
    """Tell of the file system that a file is on, and how that is striped.

    Args:
        path: of the file, or a directory.
        fs_buffer: a record, such as an ``estatfs_t()``, that gets what there is to tell of the file
            system; or None.
        pfs_buffer: a record, such as a ``statpfs_t()``, that gets how files are striped; or None.
        pfs_buffer_size: of no matter: records of Python have the size that they have.

    Returns:
        What *pfs_buffer* gets.
    """
    with system(path):
        space = state.process.files.call(calls.Statvfs(os.fsencode(path)), path)
        striped = _stripes(state, path)
    _fill(fs_buffer, _space(space))
    _fill(pfs_buffer, striped)
    return striped


@call()
def fstatpfs(
    state: State, fd: int, fs_buffer: Any = None, pfs_buffer: Any = None, pfs_buffer_size: int = 0
) -> statpfs_t:
    """Tell of the file system that an open file is on, as `statpfs`."""
    file = file_of(state, fd)
    with system():
        space = file.files.call(calls.Fstatvfs(file.open.handle))
    striped = statpfs_t(p_sunitsize=0, p_sfactor=0)
    if isinstance(file.open, StripedFile):
        layout = file.open.layout
        striped = statpfs_t(p_sunitsize=layout.unit, p_sfactor=layout.factor)
    _fill(fs_buffer, _space(space))
    _fill(pfs_buffer, striped)
    return striped


@call()
def getpfsinfo(state: State, buffer: Any = None) -> int:
    """Tell of the parallel file systems.

    Args:
        buffer: a list that gets a record, a `pfsmntinfo`, for each; or None.

    Returns:
        How many there are.
    """
    try:
        with system(PFS):
            space = state.process.files.call(calls.Statvfs(os.fsencode(PFS)), PFS)
            striped = _stripes(state, PFS)
    except Refused:
        return 0
    if buffer is not None:
        told = pfsmntinfo(m_estatfs=_space(space), m_statpfs=striped, m_mntonname=PFS)
        buffer[:] = [told]
    return 1


def _space(space: calls.Space) -> estatfs_t:
    return estatfs_t(
        f_bsize=space.frsize or space.bsize,
        f_blocks=extended(space.blocks),
        f_bfree=extended(space.bfree),
        f_bavail=extended(space.bavail),
        f_files=extended(space.files),
        f_ffree=extended(space.ffree),
    )


def _stripes(state: State, path: Any) -> statpfs_t:
    """Return how a file is striped, or new ones in a directory. Raises OSError: it is not there."""
    try:
        found = state.process.files.call(calls.GetStripes(calls.HERE, os.fsencode(path)), path)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.ENOTTY):
            raise
        return statpfs_t(p_sunitsize=0, p_sfactor=0)
    unit, factor = state.parameters.stripes
    return statpfs_t(p_sunitsize=found.unit or unit, p_sfactor=found.factor or factor)
