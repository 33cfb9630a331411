"""Opening files on all nodes, and choosing how they share them."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from typing import Any

from vmpp.process import calls
from vmpp.process.striped import StripedFile
from vmpp_collectives import Kind, barrier
from vmpp_nx._calls import IPSC, call
from vmpp_nx._errors import Refused
from vmpp_nx._files._calls import file_of
from vmpp_nx._files._modes import M_LOG, M_UNIX, Mode, mode_of
from vmpp_nx._files._open_files import NxFile, NxFiles, system
from vmpp_nx._state import State
from vmpp_nx._together import broadcast_numbers, channel_of, exchange_numbers


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
    files = state.process.files
    make = partial(files.open, os.fsencode(path), oflag, mode, calls.HERE, path)
    fd = _opened(state, path, oflag, make)
    with system(path):
        file = NxFile(state, fd, chosen)
        file.position, file.common = 0, fd
        file.name = os.fsdecode(path), oflag
        if oflag & os.O_APPEND:
            file.position = file.size()
        chosen.adopt(file, file.position)
    state.part(NxFiles).enter(file)
    return fd


def _opened(state: State, path: Any, oflag: int, make: Callable[[], int]) -> int:
    """Have node 0 open a file by *make*, and return a descriptor of that on all nodes.

    *oflag* says what they may do with it.

    Raises:
        Refused: on all nodes, if it fails on the one.
    """
    fd, key, error = -1, 0, 0
    files = state.process.files
    if state.node == 0:
        try:
            fd = make()
            key = files.share(fd)
        except OSError as failure:
            error = failure.errno or errno.EIO
    key, error = broadcast_numbers(state, key, error)
    if error:
        raise Refused(error, os.fsdecode(path))
    with system(path):
        return _joined(state, fd, key, oflag & os.O_ACCMODE)


def _joined(state: State, fd: int, key: int, access: int = os.O_RDWR) -> int:
    """Return a descriptor of what node 0 has open as *fd* and shares by *key*; all nodes call.

    They leave together: it is shared only as long as node 0 has it open.

    Raises:
        OSError: it cannot be had.
    """
    try:
        return state.process.files.join(key, access) if state.node else fd
    finally:
        barrier(channel_of(state, Kind.BARRIER))


@call(dialect=IPSC)
def restrictvol(state: State, fd: int, nvol: int, vollist: Any) -> None:
    """Have a new file on some of the I/O nodes only; all nodes call, before anything is written.

    Args:
        fd: descriptor of a striped file, from `gopen`.
        nvol: how many I/O nodes.
        vollist: their numbers, each one more than that before.
    """
    file = file_of(state, fd)
    if not isinstance(file.open, StripedFile) or file.name is None:
        raise Refused("ENOCFS", "it is no file of the parallel file system that gopen has opened")
    volumes = [int(number) for number in vollist[:nvol]]
    if not volumes or volumes != list(range(volumes[0], volumes[0] + nvol)):
        raise Refused("EQPARAM", f"{volumes} do not follow each other")
    told = exchange_numbers(state, file.size(), nvol, volumes[0])
    if any(told[::3]) or len({*told[1::3]}) > 1 or len({*told[2::3]}) > 1:
        raise Refused("EMIXIO", "there is something in it, or nodes want different things")
    path, flags = file.name
    make = partial(_restriped, file, path, flags, nvol, volumes[0])
    fresh = _opened(state, path, flags, make)
    with system(path):
        file.files.dup2(fresh, file.fd)
        file.files.close(fresh)
        file.open = file.files.lookup(file.fd)


def _restriped(file: NxFile, path: str, flags: int, factor: int, first: int) -> int:
    """Make an empty file anew on certain I/O nodes, and open it. Raises OSError."""
    files, name = file.files, os.fsencode(path)
    mode = stat.S_IMODE(files.call(calls.Fstat(file.open.handle)).mode)
    # Under another name first: what cannot be made must not leave the program without its file.
    spare = name + b".restricted"
    files.call(calls.SetStripes(calls.HERE, spare, mode, 0, factor, first), path)
    files.call(calls.Rename(calls.HERE, spare, calls.HERE, name), path)
    return files.open(name, flags & ~(os.O_CREAT | os.O_EXCL | os.O_TRUNC), 0, calls.HERE, path)


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
    file.common = _joined(state, file.fd, key)


@call()
def iomode(state: State, fd: int) -> int:
    """Return the I/O mode in which nodes share an open file; ``M_UNIX`` unless it has been set."""
    return file_of(state, fd).mode.number
