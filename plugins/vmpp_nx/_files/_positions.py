"""Where in a file the next access is, and how long the file is."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Final

from vmpp_nx._calls import call
from vmpp_nx._errors import Refused
from vmpp_nx._files._calls import file_of
from vmpp_nx._files._open_files import NxFile, system
from vmpp_nx._files._sizes import esize_t, extended
from vmpp_nx._state import State

SIZE_SET, SIZE_CUR, SIZE_END = range(3)

_BASES: Final[dict[int, Callable[[NxFile], int]]] = {
    os.SEEK_SET: lambda file: 0,
    os.SEEK_CUR: lambda file: file.mode.tell(file),
    os.SEEK_END: lambda file: file.size(),
}


def _place(file: NxFile, offset: int, whence: int) -> int:
    """Return the place that an offset from the beginning, the pointer or the end means.

    Raises:
        Refused: EINVAL: there is none such.
    """
    base = _BASES.get(whence)
    if base is None:
        raise Refused(errno.EINVAL, f"{whence!r} is no place to count from")
    place = int(base(file)) + int(extended(offset))
    if place < 0:
        raise Refused(errno.EINVAL, f"{place} is before the file")
    return place


@call()
def lseek(state: State, fd: int, offset: int, whence: int) -> int:
    """Move a file's pointer, and return where it is.

    In the modes ``M_SYNC``, ``M_RECORD`` and ``M_GLOBAL`` all nodes call, and go to the same place.

    Args:
        fd: the descriptor.
        offset: in bytes.
        whence: from where: ``SEEK_SET``, ``SEEK_CUR`` or ``SEEK_END`` of `os`.
    """
    file = file_of(state, fd)
    with system():
        place = _place(file, offset, whence)
        file.mode.seek(file, place)
    return place


@call()
def eseek(state: State, fd: int, offset: int, whence: int) -> esize_t:
    """Move a file's pointer as `lseek`, and return where it is, as an extended size."""
    file = file_of(state, fd)
    with system():
        place = extended(_place(file, offset, whence))
        file.mode.seek(file, int(place))
    return place


@call()
def iseof(state: State, fd: int) -> int:
    """Return 1 if a file's pointer is at the end of the file, or beyond; else 0."""
    file = file_of(state, fd)
    with system():
        return int(file.mode.tell(file) >= file.size())


@call()
def lsize(state: State, fd: int, offset: int, whence: int) -> int:
    """Make a file longer, if it is not as long already, and return how long it is.

    Args:
        fd: the descriptor.
        offset: in bytes.
        whence: from where: ``SIZE_SET`` the beginning, ``SIZE_CUR`` the pointer, ``SIZE_END`` the
            end of the file.
    """
    return _sized(file_of(state, fd), offset, whence)


@call()
def esize(state: State, fd: int, offset: int, whence: int) -> esize_t:
    """Make a file longer as `lsize`, and return how long it is, as an extended size."""
    return extended(_sized(file_of(state, fd), offset, whence))


def _sized(file: NxFile, offset: int, whence: int) -> int:
    with system():
        if file.common is None or file.state.size == 1:
            return _lengthen(file, offset, whence)
        with file.locked():
            return _lengthen(file, offset, whence)


def _lengthen(file: NxFile, offset: int, whence: int) -> int:
    wanted, size = _place(file, offset, whence), file.size()
    if wanted > size:
        file.files.truncate(file.fd, wanted)
    return max(wanted, size)
