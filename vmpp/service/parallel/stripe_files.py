"""What I/O nodes have of striped files, on the host: a file for each, called by its number."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any, Final

from vmpp.service.parallel.passing_folder import PassingFolder

MOST_OPEN: Final = 256
"""How many of the host's files are open at a time, of all I/O nodes together."""

_MOST_PIECES: Final = 512
"""The most pieces that the host is given to write in one call."""


class StripeFiles:
    """The host's files with what the I/O nodes of one machine have of striped files.

    What has been written is with the host when `write` returns, and stays when this process is
    killed. Nothing is made before there is something to keep.
    """

    __slots__ = ("_folder", "_open", "_passing")

    def __init__(self, folder: str | PathLike[str] | None = None) -> None:
        """Keep all of it in *folder*, which is made when it is needed; None: nowhere for long."""
        self._folder = None if folder is None else Path(folder)
        self._passing: PassingFolder | None = None
        self._open: OrderedDict[tuple[int, int], int] = OrderedDict()

    @property
    def folder(self) -> Path:
        """Where all of it is; it need not exist unless it goes with the machine."""
        if self._folder is None:
            self._passing = PassingFolder()
            self._folder = self._passing.path
        return self._folder

    def close(self) -> None:
        """Close what is open, and remove what is to be kept nowhere."""
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()
        if self._passing is not None:
            self._passing.remove()
            self._folder = self._passing = None

    def sizes(self, node: int) -> dict[int, int]:
        """Return the number and the bytes of each file that *node* has a part of, by number."""
        if self._folder is None:
            return {}
        try:
            with os.scandir(self._of_node(node)) as found:
                entries = [(int(each.name), each.stat().st_size) for each in found]
        except FileNotFoundError:
            return {}
        return dict(sorted(entries))

    def read(self, node: int, file: int, offset: int, length: int) -> bytes:
        """Return what a node has from *offset* on, zeros where the host has nothing."""
        fd = self._descriptor(node, file, make=False)
        data = b"" if fd < 0 else os.pread(fd, length, offset)
        return data if len(data) == length else self._read_on(fd, data, offset, length)

    def write(self, node: int, file: int, pieces: Iterable[tuple[int, Any]]) -> None:
        """Write *pieces*, each with its offset in what the node has.

        Raises:
            OSError: the host cannot.
        """
        fd = self._descriptor(node, file, make=True)
        for offset, bodies in _in_rows(pieces):
            _write_all(fd, offset, bodies)

    def cut(self, node: int, file: int, length: int) -> None:
        """Have a node keep *length* bytes of a file at the most."""
        fd = self._descriptor(node, file, make=False)
        if fd >= 0 and os.fstat(fd).st_size > length:
            os.ftruncate(fd, length)

    def sync(self, node: int, file: int) -> None:
        """Have the host write what a node has of a file to its own disk."""
        fd = self._descriptor(node, file, make=False)
        if fd >= 0:
            os.fsync(fd)

    def remove(self, node: int, file: int) -> None:
        """Have a node keep nothing of a file."""
        fd = self._open.pop((node, file), None)
        if fd is not None:
            os.close(fd)
        if self._folder is not None:
            with suppress(FileNotFoundError):
                os.unlink(self._of_node(node) / str(file))

    def _of_node(self, node: int) -> Path:
        return self.folder / f"io{node:04d}"

    def _descriptor(self, node: int, file: int, *, make: bool) -> int:
        """Return the host's descriptor of a file; -1 if it is not there and not to be made."""
        key = node, file
        fd = self._open.get(key)
        if fd is not None:
            self._open.move_to_end(key)
            return fd
        path = self._of_node(node) / str(file)
        flags = os.O_RDWR | os.O_CLOEXEC
        try:
            fd = os.open(path, flags)
        except FileNotFoundError:
            if not make:
                return -1
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(path, flags | os.O_CREAT, 0o600)
        self._open[key] = fd
        if len(self._open) > MOST_OPEN:
            os.close(self._open.popitem(last=False)[1])
        return fd

    def _read_on(self, fd: int, data: bytes, offset: int, length: int) -> bytes:
        """Return *data* with what comes after it, in as many calls as the host takes."""
        while data and len(data) < length:
            more = os.pread(fd, length - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data.ljust(length, b"\0")


def _in_rows(pieces: Iterable[tuple[int, Any]]) -> Iterable[tuple[int, list[Any]]]:
    """Yield the pieces that follow one another together, with the offset of the first."""
    row: list[Any] = []
    start = end = 0
    for offset, body in pieces:
        if row and (offset != end or len(row) == _MOST_PIECES):
            yield start, row
            row = []
        if not row:
            start = end = offset
        row.append(body)
        end += len(body)
    if row:
        yield start, row


def _write_all(fd: int, offset: int, bodies: Sequence[Any]) -> None:
    length = sum(map(len, bodies))
    written = os.pwritev(fd, bodies, offset)
    if written < length:
        # The host may have no room for the rest, which it then says.
        rest = memoryview(b"".join(bodies))
        while written < length:
            written += os.pwrite(fd, rest[written:], offset + written)
