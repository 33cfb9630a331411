"""Striped files, as a process has them open: the parallel file system from the side of a program.

The metadata server, which is the file server, knows a striped file by its handle as any other, and
what there is to know of it; the bytes go straight between the process's memory and the I/O nodes
(`vmpp.process.moves`). The position of a file that is not shared is the process's own.

A read that is not beyond the size that the process knows, and finds all bytes on the I/O nodes,
asks nobody else; nor does a write over what is there already. Any other write tells the metadata
server, before it counts as done, how far the file reaches at least. So a size that others see is
never ahead of the data.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from vmpp.process import calls
from vmpp.process.open_files import OwnFile
from vmpp.process.transfers import Reading, StripedTransfer, Writing

if TYPE_CHECKING:
    from vmpp.process.files import Files
    from vmpp.process.moves import Move, Moves, Run

_SEEK_DATA: Final = getattr(os, "SEEK_DATA", 3)
_SEEK_HOLE: Final = getattr(os, "SEEK_HOLE", 4)


class StripedFile(OwnFile):
    """An open file whose bytes are on I/O nodes. All methods raise `OSError` as system calls do.

    Attributes:
        layout: where its bytes are.
        capability: lets the process's job move data.
        size: of the file, as far as the process knows.
        pending: the transfers that have been begun and are not complete, in that order.
        moves: those of its process.
    """

    __slots__ = (
        "_access", "_files", "capability", "layout", "moves", "pending", "size",
    )  # fmt: skip

    def __init__(
        self, files: Files, opened: calls.StripedOpened, flags: int, shared: bool = False
    ) -> None:
        super().__init__(opened, bool(flags & os.O_APPEND), shared)
        self._files = files
        self._access = flags & os.O_ACCMODE
        self.layout = opened.layout
        self.capability = opened.capability
        self.size = opened.size
        self.pending: dict[StripedTransfer, None] = {}
        self.moves: Moves = files.moves

    # -- at the position -------------------------------------------------------------------------

    def read(self, size: int) -> bytes:
        """Return up to *size* bytes at the position."""
        if self.position is None:
            return self._files.read_shared(self, size)
        data = self.pread(size, self.position)
        self.position += len(data)
        return data

    def read_all(self) -> bytes:
        """Return all bytes from the position on."""
        parts = []
        while data := self.read(max(1 << 16, self.size - (self.position or 0))):
            parts.append(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def readinto(self, memory: memoryview) -> int:
        """Read into *memory*, format ``B``, at the position; return how many bytes."""
        if self.position is None:
            data = self._files.read_shared(self, len(memory))
            memory[: len(data)] = data
            return len(data)
        count = self.pread_into(memory, self.position)
        self.position += count
        return count

    def write(self, data: Any) -> int:
        """Write the bytes-like *data* at the position, or the end, and return how many bytes."""
        with memoryview(data) as view, view.cast("B") if view.nbytes else view as flat:
            if self.position is None or self._files.must_post:
                return self._files.write_shared(self, flat)
            if self.appending:
                return self._append(flat)
            count = self.pwrite(flat, self.position)
            self.position += count
            return count

    def _append(self, memory: memoryview) -> int:
        """Write at the end: the metadata server makes room there, for this process alone."""
        self._check(os.O_WRONLY)
        if not memory.nbytes:
            return 0
        offset = self._reserve(memory.nbytes)
        runs = [(offset, memory.nbytes, 0)]
        count = self._now(Writing(self, runs, memory, reserved=True))
        self.position = offset + count
        return count

    def _reserve(self, count: int) -> int:
        offset = self._files.call(calls.Append(self.handle, count)).offset
        self.size = offset + count
        return offset

    # -- at an offset ----------------------------------------------------------------------------

    def pread(self, size: int, offset: int) -> bytes:
        """Return up to *size* bytes at *offset*."""
        _refuse_negative(offset)
        # The bytes are read into the very object that is returned: nothing is copied.
        room = io.BytesIO(bytes(min(size, max(0, self.reaches(offset + size) - offset))))
        with room.getbuffer() as memory:
            found = self.pread_into(memory, offset)
        room.truncate(found)
        return room.getvalue()

    def pread_into(self, memory: memoryview, offset: int) -> int:
        """Read into *memory*, format ``B``, at *offset*; return how many bytes."""
        return self.read_runs([(offset, memory.nbytes, 0)], memory)

    def pwrite(self, memory: memoryview, offset: int) -> int:
        """Write *memory*, format ``B``, at *offset*; return how many bytes."""
        return self.write_runs([(offset, memory.nbytes, 0)], memory)

    def read_runs(self, runs: Sequence[Run], into: memoryview) -> int:
        """Read stretches as `begin_read`; return how many bytes there were before the end."""
        return self._now(self.begin_read(runs, into))

    def write_runs(self, runs: Sequence[Run], data: memoryview) -> int:
        """Write stretches as `begin_write`; return how many bytes."""
        return self._now(self.begin_write(runs, data))

    def _now(self, transfer: StripedTransfer) -> int:
        try:
            with self._files.asking():
                return transfer.wait(alone=True)
        except BaseException:
            transfer.cancel()
            raise

    # -- in the background -----------------------------------------------------------------------

    def begin_read(self, runs: Sequence[Run], into: memoryview) -> Reading:
        """Begin to read stretches, each to its place in *into*, which is format ``B``."""
        self._check(os.O_RDONLY, runs, into)
        if into.readonly:
            raise TypeError("a file is read into memory that can be written to")
        return Reading(self, runs, into)

    def begin_write(self, runs: Sequence[Run], data: memoryview) -> Writing:
        """Begin to write stretches, each from its place in *data*, which is format ``B``."""
        self._check(os.O_WRONLY, runs, data)
        return Writing(self, runs, data)

    def begin_read_on(self, into: memoryview) -> Reading:
        """Begin to read at the position, and move it past what will be read."""
        position = self._own_position()
        reading = self.begin_read([(position, into.nbytes, 0)], into)
        self.position = position + reading.expected
        return reading

    def begin_write_on(self, data: memoryview) -> Writing:
        """Begin to write at the position, or the end, and move it past what will be written."""
        self._check(os.O_WRONLY)
        appending = self.appending
        position = self._reserve(data.nbytes) if appending else self._own_position()
        self.position = position + data.nbytes
        return Writing(self, [(position, data.nbytes, 0)], data, reserved=appending)

    def _own_position(self) -> int:
        if self.position is None:
            raise OSError(
                errno.EINVAL,
                "a file that processes share has no position to begin a transfer at",
            )
        return self.position

    def _check(
        self, access: int, runs: Sequence[Run] = (), memory: memoryview | None = None
    ) -> None:
        """Refuse what the file is not open for, and what is not in the memory."""
        if self._access not in (access, os.O_RDWR):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        self._files.check_caller()
        size = 0 if memory is None else memory.nbytes
        for offset, length, place in runs:
            if min(offset, length, place) < 0 or place + length > size:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            if offset + length >> 63:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))

    def begin(self, runs: Sequence[Run], memory: memoryview, *, writing: bool) -> Move:
        """Begin to move bytes, of no more than that is known of the file."""
        return self.moves.begin(self.layout, self.capability, runs, memory, writing=writing)

    def settle(self) -> None:
        """Wait for what has been begun. Raises the first error, when all of it has ended."""
        failure: OSError | None = None
        for transfer in list(self.pending):
            try:
                self._now(transfer)
            except OSError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    # -- size and position -----------------------------------------------------------------------

    def reaches(self, end: int) -> int:
        """Return the size of the file, asked for again if it would be less than *end*."""
        return self.size if end <= self.size else self.refresh()

    def refresh(self) -> int:
        """Return the size of the file as it is now."""
        self.size = self._files.call(calls.Fstat(self.handle)).size
        return self.size

    def extend(self, end: int) -> None:
        """Tell the metadata server that the file reaches to *end* at least."""
        self.size = self._files.call(calls.Extend(self.handle, end)).offset

    def unwritten(self, begin: int, end: int) -> None:
        """Have the metadata server told of a write that has failed; see `calls.Unwritten`."""
        self._files.post(calls.Unwritten(self.handle, begin, end))
        if begin < end == self.size:
            self.size = begin

    def lseek(self, offset: int, whence: int) -> int:
        """Move the position and return the new one."""
        if self.position is None:
            return self._files.call(calls.Lseek(self.handle, offset, whence)).offset
        found = self._sought(offset, whence)
        if found < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self.position = found
        return found

    def _sought(self, offset: int, whence: int) -> int:
        if whence == os.SEEK_SET:
            return offset
        if whence == os.SEEK_CUR:
            return (self.position or 0) + offset
        size = self.refresh()
        if whence == os.SEEK_END:
            return size + offset
        if whence not in (_SEEK_DATA, _SEEK_HOLE):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        # As of a file system that knows no holes but the one at the end of each file.
        if not 0 <= offset < size:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        return offset if whence == _SEEK_DATA else size

    def truncate(self, size: int) -> None:
        """Cut or extend it to *size* bytes."""
        self._files.call(calls.Ftruncate(self.handle, size))
        self.size = size

    def sync(self) -> None:
        """Have what has been written to it on disks; the metadata server sees to the I/O nodes."""
        self.settle()
        self._files.call(calls.Fsync(self.handle))

    def share(self) -> None:
        """Leave its position to the metadata server, for all who join it."""
        if self.position is not None:
            self._files.call(calls.Lseek(self.handle, self.position, os.SEEK_SET))
        self.shared, self.position = True, None


def _refuse_negative(offset: int) -> None:
    if offset < 0:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
