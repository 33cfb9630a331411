"""Accesses: reads and writes of a file in its mode, and those that have been begun."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from vmpp.process.transfers import Reading, Transfer
from vmpp_nx._errors import Refused
from vmpp_nx._files._modes import M_GLOBAL
from vmpp_nx._files._open_files import system
from vmpp_nx._together import broadcast_bytes, broadcast_numbers, exchange_numbers

if TYPE_CHECKING:
    from vmpp_nx._files._open_files import NxFile
    from vmpp_nx._state import State

Pieces = Sequence[memoryview]


class Access:
    """A read or write that has been begun.

    Attributes:
        moved: bytes moved, once it is complete.
    """

    __slots__ = ("_finish", "_transfers", "moved")

    def __init__(
        self, transfers: Sequence[Transfer], finish: Callable[[int], object] | None = None
    ) -> None:
        """Go on; *finish* is told at the end how many bytes have been moved."""
        self._transfers = transfers
        self._finish = finish
        self.moved = 0

    @property
    def done(self) -> bool:
        """Whether it is complete, or has failed."""
        return all(transfer.done for transfer in self._transfers)

    def wait(self) -> int:
        """Block until it is complete, and return how many bytes it has moved. Raises Refused."""
        with system():
            moved = sum(transfer.wait() for transfer in self._transfers)
        self._transfers = ()
        self.moved += moved
        if self._finish is not None:
            finish, self._finish = self._finish, None
            with system():
                finish(self.moved)
        return self.moved

    def cancel(self) -> None:
        """Let go of the program's memory."""
        for transfer in self._transfers:
            transfer.cancel()


def access(file: NxFile, pieces: Pieces, *, writing: bool) -> int:
    """Read or write at the pointer, into or from *pieces* of memory one after the other.

    Returns:
        How many bytes; fewer than they have where the file ends.

    Raises:
        Refused: as the system refuses it.
    """
    if file.mode.number == M_GLOBAL and file.state.size > 1:
        return _for_all(file, pieces, writing=writing)
    length = sum(map(len, pieces))
    with system():
        if file.position is None and len(pieces) == 1 and not file.mode.common:
            # An ordinary descriptor, whose own position serves as well.
            return _at_position(file, pieces[0], writing=writing)
        offset, length = file.mode.reserve(file, length, writing=writing)
        atomic = (
            file.mode.atomic
            and file.common is not None
            and file.state.size > 1
            and not file.in_one_piece(offset, length, len(pieces))
        )
        with file.locked() if atomic else nullcontext():
            moved = _completed(_begin(file, offset, _cut(pieces, length), writing=writing))
        file.mode.settle(file, offset, length, moved)
        return moved


def begin_access(file: NxFile, pieces: Pieces, *, writing: bool) -> Access:
    """Begin what `access` does; the pointer is moved at once. Raises Refused."""
    if file.mode.number == M_GLOBAL and file.state.size > 1:
        done = Access(())
        done.moved = _for_all(file, pieces, writing=writing)
        return done
    with system():
        length = sum(map(len, pieces))
        offset, length = file.mode.reserve(file, length, writing=writing)
        transfers = _begin(file, offset, _cut(pieces, length), writing=writing)
        if file.mode.settles_late(file):
            settle = file.mode.settle
            return Access(transfers, lambda moved: settle(file, offset, length, moved))
        file.mode.settle(file, offset, length, _expected(transfers, length))
        return Access(transfers)


def access_at(file: NxFile, offset: int, pieces: Pieces, *, writing: bool) -> Access:
    """Begin to read or write at *offset*, whatever the pointer. Raises Refused."""
    with system():
        return Access(_begin(file, offset, pieces, writing=writing))


def _at_position(file: NxFile, memory: memoryview, *, writing: bool) -> int:
    if writing:
        return file.files.write(file.fd, memory)
    return file.files.readinto(file.fd, memory)


def _begin(file: NxFile, offset: int, pieces: Pieces, *, writing: bool) -> list[Transfer]:
    """Begin to move *pieces* to or from a place in the file. Raises OSError."""
    begin: Callable[..., Transfer] = (
        file.files.begin_write_runs if writing else file.files.begin_read_runs
    )
    transfers: list[Transfer] = []
    try:
        for memory in pieces:
            transfers.append(begin(file.fd, [(offset, len(memory), 0)], memory))
            offset += len(memory)
    except BaseException:
        for transfer in transfers:
            transfer.cancel()
        raise
    return transfers


def _completed(transfers: Sequence[Transfer]) -> int:
    try:
        return sum(transfer.wait() for transfer in transfers)
    except BaseException:
        for transfer in transfers:
            transfer.cancel()
        raise


def _expected(transfers: Sequence[Transfer], length: int) -> int:
    """Return how many bytes transfers will have moved, as far as is known when they begin."""
    found = 0
    for transfer in transfers:
        if isinstance(transfer, Reading):
            found += transfer.expected
        elif type(transfer) is Transfer:
            found += transfer.wait()
        else:
            return length
    return found


def _cut(pieces: Pieces, length: int) -> Pieces:
    """Return the first *length* bytes of *pieces*."""
    found: list[memoryview] = []
    for memory in pieces:
        found.append(memory[:length])
        length -= len(found[-1])
    return found


def _for_all(file: NxFile, pieces: Pieces, *, writing: bool) -> int:
    """Have node 0 make an access, and all nodes what has come of it. Raises Refused."""
    state: State = file.state
    base, length = file.tell(), sum(map(len, pieces))
    if len(set(exchange_numbers(state, length))) > 1:
        # All are told, and none is left waiting for the others.
        raise Refused("EMIXIO", f"node {state.node} moves {length} bytes, not all do")
    moved, error = 0, 0
    if state.node == 0:
        try:
            moved = _completed(_begin(file, base, pieces, writing=writing))
        except OSError as failure:
            error = failure.errno or errno.EIO
    moved, error = broadcast_numbers(state, moved, error)
    if error:
        raise Refused(error)
    if not writing:
        for memory in _cut(pieces, moved):
            broadcast_bytes(state, memory)
    file.move(base + moved)
    return moved
