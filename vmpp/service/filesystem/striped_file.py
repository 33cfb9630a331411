"""Open files that are striped over I/O nodes, for who asks the file server to move their bytes.

Programs move them themselves (`vmpp.process.striping`). What sessions, and all that knows a file
server only, ask of one is `Work` here: I/O nodes are asked for it in turn.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from vmpp.process import calls
from vmpp.process.striping import (
    READ,
    WRITE,
    Cut,
    Layout,
    ReadStripes,
    Sync,
    WriteStripes,
    pack_runs,
)
from vmpp.service.filesystem.inode import Inode
from vmpp.service.filesystem.open_file import OpenFile
from vmpp.service.filesystem.rights import fail
from vmpp.service.filesystem.stored_file import MOST_BYTES, WRITING
from vmpp.service.filesystem.work import Errand, Line, Work
from vmpp.service.stdio import BLOCK

if TYPE_CHECKING:
    from vmpp.service.filesystem.striped_volume import StripedVolume

Run = tuple[int, int]
"""Offset and length of a stretch of a file."""

_DATA: Final = getattr(os, "SEEK_DATA", -1)
_HOLE: Final = getattr(os, "SEEK_HOLE", -1)


class StripedFile(OpenFile):
    """An open striped file.

    Attributes:
        layout: where its bytes are.
        access: what it is open for: READ, WRITE or both.
    """

    __slots__ = ("_appends", "_line", "_position", "_unlimited", "_volume", "access", "layout")

    node: Inode

    def __init__(
        self, volume: StripedVolume, inode: Inode, layout: Layout, flags: int, unlimited: bool
    ) -> None:
        super().__init__()
        self.node = inode
        self.layout = layout
        writes = flags & WRITING
        self.access = WRITE if writes == os.O_WRONLY else READ | WRITE if writes else READ
        self._volume = volume
        self._appends = bool(flags & os.O_APPEND)
        self._unlimited = unlimited
        self._position = 0
        self._line = Line()

    @property
    def size(self) -> int:
        """Bytes of the file."""
        size: int = self.node.size
        return size

    def told(self, handle: int, mode: int, job: int) -> calls.Opened:
        """Return what a process of *job* is told, which may move the bytes itself."""
        mover = self._volume.mover
        if mover is None:
            return super().told(handle, mode, job)
        capability = mover.seal.capability(self.layout.file, job, self.access)
        return calls.StripedOpened(
            handle, mode, BLOCK, True, False, self.layout, self.size, capability
        )

    def _work(self, plan: Callable[[], Any]) -> Work:
        return Work(self._line, self._volume.mover, plan)

    def _need(self, access: int) -> None:
        if not self.access & access:
            fail(errno.EBADF)

    # -- reading -----------------------------------------------------------------------------------

    def read(self, size: int) -> Any:
        """Read up to *size* bytes at the position."""
        self._need(READ)
        return self._work(partial(self._read_on, size))

    def _read_on(self, size: int) -> Any:
        start = self._position
        end = start + max(0, min(size, self.size - start))
        return self._moving(end, self._fetch([(start, size)]))

    def _moving(self, position: int, planned: Any) -> Any:
        """Have the position moved if what is planned succeeds; the next one waits for that."""
        if not isinstance(planned, Errand):
            self._position = position
            return planned

        def finish() -> Any:
            self._position = position
            return planned.finish()

        return planned._replace(finish=finish)

    def pread(self, size: int, offset: int) -> Any:
        """Read up to *size* bytes at *offset*."""
        return self.readx([(offset, size)])

    def readx(self, runs: Sequence[Run]) -> Any:
        """Read many stretches, up to the first that reaches past the end of the file."""
        if runs:
            self._need(READ)
        if min(runs, default=(0, 0))[0] < 0:
            fail(errno.EINVAL)
        return self._work(lambda: self._fetch(runs))

    def _fetch(self, runs: Sequence[Run]) -> Any:
        found, total = [], 0
        for offset, length in runs:
            there = max(0, min(length, self.size - offset))
            if there:
                found.append((offset, there, total))
            total += there
            if there < length:
                break
        if not total:
            return b""
        data = bytearray(total)
        layout, packed = self.layout, pack_runs(found)
        return Errand(
            layout,
            layout.concerned(found),
            lambda number, capability: ReadStripes(number, layout, capability, packed),
            lambda: bytes(data),
            memoryview(data),
        )

    # -- writing -----------------------------------------------------------------------------------

    def write(self, data: Any) -> Any:
        """Write at the position, or at the end."""
        self._need(WRITE)
        return self._work(partial(self._write_on, data))

    def _write_on(self, data: bytes) -> Any:
        start = self.size if self._appends else self._position
        return self._moving(start + len(data), self._put([(start, len(data))], data))

    def pwrite(self, data: Any, offset: int) -> Any:
        """Write at *offset*, or at the end if the file was opened to append, as on Linux."""
        return self.writex([(offset, len(data))], data)

    def writex(self, runs: Sequence[Run], data: Any) -> Any:
        """Write many stretches."""
        if runs:
            self._need(WRITE)
        if min(runs, default=(0, 0))[0] < 0:
            fail(errno.EINVAL)
        return self._work(lambda: self._put(self._placed(runs), data))

    def _placed(self, runs: Sequence[Run]) -> Sequence[Run]:
        if not self._appends:
            return runs
        end, found = self.size, []
        for _, length in runs:
            found.append((end, length))
            end += length
        return found

    def _put(self, runs: Sequence[Run], data: bytes) -> Any:
        count = len(data)
        if not count:
            return 0
        found, at = [], 0
        for offset, length in runs:
            if length:
                found.append((offset, length, at))
            at += length
        before = self.size
        self._reserve(max(offset + length for offset, length, _ in found))
        reserved = self.size
        layout, packed = self.layout, pack_runs(found)
        return Errand(
            layout,
            layout.concerned(found),
            lambda number, capability: WriteStripes(number, layout, capability, packed),
            lambda: count,
            memoryview(data),
            writes=True,
            failed=lambda: self.unwritten(before, reserved),
        )

    def _reserve(self, end: int) -> None:
        """Note that the file is written to, and reaches to *end* at least. Raises as `extend`."""
        self._check(end)
        self._volume.resize(self.node, max(self.size, end))

    def _check(self, end: int) -> None:
        if end > MOST_BYTES:
            fail(errno.EFBIG)
        if end > self.size and not self._unlimited:
            self._volume.quotas.check(self.node.uid, end - self.size)

    def extend(self, end: int) -> int:
        """Note that a program has written to the file, up to *end*; return its size.

        Raises:
            OSError: EBADF, EFBIG, EDQUOT; what was written beyond the end is nobody's.
        """
        self._need(WRITE)
        if end < 0:
            fail(errno.EINVAL)
        try:
            self._reserve(end)
        except OSError:
            self._volume.fray(self.node)
            raise
        return self.size

    def append(self, count: int) -> int:
        """Make the file *count* bytes longer; return where they begin. Raises as `extend`."""
        self._need(WRITE)
        if count < 0:
            fail(errno.EINVAL)
        start = self.size
        self._reserve(start + count)
        return start

    def unwritten(self, begin: int, end: int) -> None:
        """Note that a write has failed, of which anything may be there.

        Args:
            begin, end: where the file was made longer for it; if that is where the file ends still,
                it ends where it did.
        """
        self._need(WRITE)
        if not 0 <= begin <= end:
            fail(errno.EINVAL)
        self._volume.fray(self.node)
        if begin < end == self.size:
            self._volume.resize(self.node, begin)

    # -- the rest ----------------------------------------------------------------------------------

    def lseek(self, offset: int, whence: int) -> Any:
        """Move the position and return the new one."""
        return self._work(lambda: self._seek(offset, whence))

    def _seek(self, offset: int, whence: int) -> int:
        if whence in {_DATA, _HOLE}:
            if not 0 <= offset < self.size:
                fail(errno.ENXIO)
            position = offset if whence == _DATA else self.size
        else:
            start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}
            if whence not in start:
                fail(errno.EINVAL)
            position = start[whence] + offset
        if not 0 <= position < 1 << 63:
            fail(errno.EINVAL)
        self._position = position
        return position

    def truncate(self, size: int) -> Any:
        """Cut or extend the file to *size* bytes."""
        if not self.access & WRITE or size < 0:
            fail(errno.EINVAL)
        return self._work(lambda: self._cut(size))

    def emptied(self) -> Work:
        """Return what empties the file, which may be open for reading only."""
        return self._work(lambda: self._cut(0))

    def _cut(self, size: int) -> Any:
        node, volume = self.node, self._volume
        self._check(size)
        if size > node.size and not volume.is_frayed(node):
            return volume.cut(node, size)
        layout, end = self.layout, min(size, node.size)
        return Errand(
            layout,
            range(layout.factor),
            lambda number, capability: Cut(layout, end),
            lambda: volume.cut(node, size),
        )

    def fsync(self) -> Any:
        """Have what has been written on the disks."""
        layout, node = self.layout, self.node
        return self._work(
            lambda: Errand(
                layout,
                range(layout.factor),
                lambda number, capability: Sync(number, layout),
                lambda: self._volume.sync(node),
            )
        )

    def abandon(self) -> None:
        """Note that whoever has it open may have written what nobody has been told of."""
        if self.access & WRITE:
            self._volume.fray(self.node)

    def close(self) -> None:
        """Close it, once all that has been asked of it is done."""
        self._line.when_empty(lambda: self._volume.closed(self.node))
