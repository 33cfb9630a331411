"""Opening files on all nodes, and choosing how they share them."""

from __future__ import annotations

import errno
import os
from typing import Any

from vmpp.process import calls
from vmpp_nx._calls import call
from vmpp_nx._errors import Refused
from vmpp_nx._files._calls import file_of
from vmpp_nx._files._modes import M_LOG, M_UNIX, Mode, mode_of
from vmpp_nx._files._open_files import NxFile, NxFiles, system
from vmpp_nx._files._together import broadcast_numbers, exchange_numbers
from vmpp_nx._state import State


@call()
def gopen(state: State, path: Any, oflag: int, iomode: int = M_UNIX, mode: int = 0o666) -> int:
    """Open a file on all nodes, which all call, and have them share it in an I/O mode.

    One node opens it, and the others join that, so it is made, or cut, once.

    Args:
        path: of the file, on all nodes.
        oflag: as for ``os.open``: ``os.O_RDWR | os.O_CREAT``, say.
        iomode: ``M_UNIX``, ``M_LOG``, ``M_SYNC``, ``M_RECORD``, ``M_GLOBAL`` or ``M_ASYNC``.
        mode: permissions of a file that it makes.

    Returns:
        A descriptor, for NX's calls and for ``os.close``.
    """
    chosen = mode_of(iomode)
    modes = exchange_numbers(state, chosen.number)
    if len(set(modes)) > 1:
        raise Refused("EIMODE", f"node {state.node} wants {chosen.number}, not all do")
    fd, key, error = -1, 0, 0
    files = state.process.files
    if state.node == 0:
        try:
            fd = files.open(os.fsencode(path), oflag, mode, calls.HERE, path)
            key = files.share(fd)
        except OSError as failure:
            error = failure.errno or errno.EIO
    key, error = broadcast_numbers(state, key, error)
    if error:
        raise Refused(error, os.fsdecode(path))
    with system(path):
        if state.node:
            fd = files.join(key)
        file = NxFile(state, fd, chosen)
        file.position, file.common = 0, fd
        if oflag & os.O_APPEND:
            file.position = file.size()
        chosen.adopt(file, file.position)
    state.part(NxFiles).enter(file)
    return fd


@call()
def setiomode(state: State, fd: int, iomode: int) -> None:
    """Have all nodes, which all call, share an open file in another I/O mode.

    It synchronises them. Modes with a common pointer want all nodes' pointers to be at the same
    place before.

    Args:
        fd: the descriptor, of one file on all nodes.
        iomode: as for `gopen`.
    """
    file, chosen = file_of(state, fd), mode_of(iomode)
    with system():
        attributes = file.files.call(calls.Fstat(file.open.handle))
        there = -1 if file.mode.number == M_LOG and file.common is not None else file.tell()
        own = chosen.number, there, attributes.ino, attributes.dev
        told = exchange_numbers(state, *own)
        position = _agreed(state, file, chosen, told)
        if chosen.common and file.common is None and state.size > 1:
            _share(state, file)
        file.mode = chosen
        if chosen.common and state.size > 1 and file.position is None:
            file.position = position
        chosen.adopt(file, position)


def _agreed(state: State, file: NxFile, chosen: Mode, told: list[int]) -> int:
    """Return where the pointer is to be in a mode that nodes have *told* of.

    Raises:
        Refused: they want different modes (EIMODE), have different files open (EMIXIO), or have
            their pointers at different places where there is to be one (ENFPS).
    """
    if len(set(told[::4])) > 1:
        raise Refused("EIMODE", f"node {state.node} wants {chosen.number}, not all do")
    if len(set(zip(told[2::4], told[3::4], strict=True))) > 1:
        raise Refused("EMIXIO", "the nodes have different files open")
    position = told[4 * state.node + 1]
    if position < 0:
        # All have come here, so nobody moves it any more.
        return broadcast_numbers(state, file.mode.tell(file) if state.node == 0 else 0)[0]
    if chosen.common and len(set(told[1::4])) > 1:
        raise Refused("ENFPS", f"node {state.node} is at {position}")
    return position


def _share(state: State, file: NxFile) -> None:
    """Have a pointer and a lock in common with the other nodes. Raises OSError."""
    key = file.files.share(file.fd) if state.node == 0 else 0
    (key,) = broadcast_numbers(state, key)
    file.common = file.fd if state.node == 0 else file.files.join(key)


@call()
def iomode(state: State, fd: int) -> int:
    """Return the I/O mode in which nodes share an open file; ``M_UNIX`` unless it has been set."""
    return file_of(state, fd).mode.number
