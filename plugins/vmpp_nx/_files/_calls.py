"""Reading and writing: synchronous and asynchronous calls, in all modes of sharing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vmpp_nx._buffers import incoming, outgoing
from vmpp_nx._calls import call
from vmpp_nx._errors import Refused
from vmpp_nx._files._accesses import Access, access, access_at, begin_access
from vmpp_nx._files._modes import M_UNIX, MODES
from vmpp_nx._files._open_files import NxFile, NxFiles
from vmpp_nx._files._requests import IoRequests
from vmpp_nx._files._sizes import extended
from vmpp_nx._state import State


def file_of(state: State, fd: Any) -> NxFile:
    """Return the open file that a descriptor stands for. Raises Refused: EBADF."""
    return state.part(NxFiles).find(fd, MODES[M_UNIX])


def _pieces(iov: Sequence[Any], iovcnt: int | None, view: Callable[..., memoryview]) -> Any:
    """Return the memory of the parts of a vector: buffers, or pairs of a buffer and a length."""
    count = len(iov) if iovcnt is None else iovcnt
    if not 0 < count <= len(iov):
        raise Refused("EQPARAM", f"{count} of {len(iov)} parts")
    parts = [part if isinstance(part, tuple) else (part, _bytes_of(part)) for part in iov[:count]]
    return [view(buffer, length) for buffer, length in parts]


def _bytes_of(buffer: Any) -> int:
    try:
        return memoryview(buffer).nbytes
    except TypeError:
        raise Refused("EQPBUF", f"{buffer!r:.60} is no memory") from None


@call()
def cread(state: State, fd: int, buffer: Any, nbytes: int) -> int:
    """Read from a file, and return when the bytes are there.

    Args:
        fd: descriptor of the file.
        buffer: memory that can be written to.
        nbytes: how many bytes.

    Returns:
        How many there were: fewer at the end of the file, 0 beyond it.
    """
    return access(file_of(state, fd), [incoming(buffer, nbytes)], writing=False)


@call()
def cwrite(state: State, fd: int, buffer: Any, nbytes: int) -> int:
    """Write to a file, and return when the bytes are written; return how many."""
    return access(file_of(state, fd), [outgoing(buffer, nbytes)], writing=True)


@call()
def creadv(state: State, fd: int, iov: Sequence[Any], iovcnt: int | None = None) -> int:
    """Read from a file into several buffers, one after the other, as `cread`.

    Args:
        fd: descriptor of the file.
        iov: buffers, or pairs of a buffer and a number of bytes.
        iovcnt: how many of them; all if it is None.
    """
    return access(file_of(state, fd), _pieces(iov, iovcnt, incoming), writing=False)


@call()
def cwritev(state: State, fd: int, iov: Sequence[Any], iovcnt: int | None = None) -> int:
    """Write several buffers to a file, one after the other; see `creadv`."""
    return access(file_of(state, fd), _pieces(iov, iovcnt, outgoing), writing=True)


@call()
@call(name="creadoff")
def readoff(state: State, fd: int, offset: int, buffer: Any, nbytes: int) -> int:
    """Read at an offset in the file, without regard to any pointer; otherwise as `cread`."""
    return _at(state, fd, offset, [incoming(buffer, nbytes)], writing=False).wait()


@call()
@call(name="cwriteoff")
def writeoff(state: State, fd: int, offset: int, buffer: Any, nbytes: int) -> int:
    """Write at an offset in the file, without regard to any pointer; otherwise as `cwrite`."""
    return _at(state, fd, offset, [outgoing(buffer, nbytes)], writing=True).wait()


@call()
def readvoff(
    state: State, fd: int, offset: int, iov: Sequence[Any], iovcnt: int | None = None
) -> int:
    """Read at an offset in the file into several buffers; see `readoff` and `creadv`."""
    return _at(state, fd, offset, _pieces(iov, iovcnt, incoming), writing=False).wait()


@call()
def writevoff(
    state: State, fd: int, offset: int, iov: Sequence[Any], iovcnt: int | None = None
) -> int:
    """Write several buffers at an offset in the file; see `writeoff` and `creadv`."""
    return _at(state, fd, offset, _pieces(iov, iovcnt, outgoing), writing=True).wait()


# -- asynchronous ------------------------------------------------------------------------------


def _begun(state: State, begin: Callable[[], Access]) -> int:
    """Return the number of an access that *begin* begins."""
    requests = state.part(IoRequests)
    requests.check()
    return requests.enter(begin())


def _at(state: State, fd: int, offset: int, pieces: Any, *, writing: bool) -> Access:
    place = extended(offset)
    if place < 0:
        raise Refused("EQESIZE", f"{place} is before the file")
    return access_at(file_of(state, fd), int(place), pieces, writing=writing)


@call()
def iread(state: State, fd: int, buffer: Any, nbytes: int) -> int:
    """Begin to read from a file, and return a number for `iowait` or `iodone`.

    The pointer is moved at once. The buffer belongs to the call until it is complete.
    """
    file, pieces = file_of(state, fd), [incoming(buffer, nbytes)]
    return _begun(state, lambda: begin_access(file, pieces, writing=False))


@call()
def iwrite(state: State, fd: int, buffer: Any, nbytes: int) -> int:
    """Begin to write to a file, and return a number for `iowait` or `iodone`; see `iread`."""
    file, pieces = file_of(state, fd), [outgoing(buffer, nbytes)]
    return _begun(state, lambda: begin_access(file, pieces, writing=True))


@call()
def ireadv(state: State, fd: int, iov: Sequence[Any], iovcnt: int | None = None) -> int:
    """Begin to read from a file into several buffers; see `creadv` and `iread`."""
    file, pieces = file_of(state, fd), _pieces(iov, iovcnt, incoming)
    return _begun(state, lambda: begin_access(file, pieces, writing=False))


@call()
def iwritev(state: State, fd: int, iov: Sequence[Any], iovcnt: int | None = None) -> int:
    """Begin to write several buffers to a file; see `cwritev` and `iread`."""
    file, pieces = file_of(state, fd), _pieces(iov, iovcnt, outgoing)
    return _begun(state, lambda: begin_access(file, pieces, writing=True))


@call()
def ireadoff(state: State, fd: int, offset: int, buffer: Any, nbytes: int) -> int:
    """Begin to read at an offset in the file; see `readoff` and `iread`."""
    pieces = [incoming(buffer, nbytes)]
    return _begun(state, lambda: _at(state, fd, offset, pieces, writing=False))


@call()
def iwriteoff(state: State, fd: int, offset: int, buffer: Any, nbytes: int) -> int:
    """Begin to write at an offset in the file; see `writeoff` and `iread`."""
    pieces = [outgoing(buffer, nbytes)]
    return _begun(state, lambda: _at(state, fd, offset, pieces, writing=True))


@call()
def ireadvoff(
    state: State, fd: int, offset: int, iov: Sequence[Any], iovcnt: int | None = None
) -> int:
    """Begin to read at an offset in the file into several buffers; see `readvoff` and `iread`."""
    pieces = _pieces(iov, iovcnt, incoming)
    return _begun(state, lambda: _at(state, fd, offset, pieces, writing=False))


@call()
def iwritevoff(
    state: State, fd: int, offset: int, iov: Sequence[Any], iovcnt: int | None = None
) -> int:
    """Begin to write several buffers at an offset in the file; see `writevoff` and `iread`."""
    pieces = _pieces(iov, iovcnt, outgoing)
    return _begun(state, lambda: _at(state, fd, offset, pieces, writing=True))


@call()
def iowait(state: State, id: int) -> int:
    """Wait for an asynchronous read or write, whose number is free then.

    Returns:
        How many bytes it has moved.
    """
    return state.part(IoRequests).wait(id)


@call()
def iodone(state: State, id: int) -> int:
    """Return 1 if an asynchronous read or write is complete, whose number is free then; else 0."""
    return int(state.part(IoRequests).done(id))
