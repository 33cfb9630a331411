"""Access modes: which may go together, and what they are to the file server."""

from __future__ import annotations

import os
from typing import Final

from vmpp_mpi._constants import (
    MODE_APPEND,
    MODE_CREATE,
    MODE_DELETE_ON_CLOSE,
    MODE_EXCL,
    MODE_RDONLY,
    MODE_RDWR,
    MODE_SEQUENTIAL,
    MODE_UNIQUE_OPEN,
    MODE_WRONLY,
)

_ACCESS: Final = {MODE_RDONLY: os.O_RDONLY, MODE_WRONLY: os.O_WRONLY, MODE_RDWR: os.O_RDWR}
_MAKING: Final = {MODE_CREATE: os.O_CREAT, MODE_EXCL: os.O_EXCL}
_WISHES: Final = MODE_DELETE_ON_CLOSE | MODE_UNIQUE_OPEN | MODE_SEQUENTIAL | MODE_APPEND
_ALL: Final = sum(_ACCESS) | sum(_MAKING) | _WISHES


def problem(amode: int) -> str:
    """Return in words what is wrong with an access mode, empty if nothing is."""
    if amode & ~_ALL:
        return f"there are no modes {amode & ~_ALL:#x}"
    if amode & sum(_ACCESS) not in _ACCESS:
        return "exactly one of MODE_RDONLY, MODE_WRONLY and MODE_RDWR is needed"
    if amode & MODE_RDONLY and amode & sum(_MAKING):
        return "MODE_CREATE and MODE_EXCL are for files that are written to"
    if amode & MODE_RDWR and amode & MODE_SEQUENTIAL:
        return "MODE_SEQUENTIAL goes with MODE_RDONLY or MODE_WRONLY"
    return ""


def flags(amode: int) -> int:
    """Return the flags of ``open(2)`` for an access mode."""
    making = sum(flag for mode, flag in _MAKING.items() if amode & mode)
    return _ACCESS[amode & sum(_ACCESS)] | making
