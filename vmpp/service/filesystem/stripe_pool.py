"""The I/O nodes that files are striped over, and where on the host their stripes are."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Final

from vmpp.process.striping import Layout
from vmpp.service.filesystem.rights import fail

PREFIX: Final = "io"
"""What the name of an I/O node's folder begins with; its number follows."""


@dataclass(frozen=True, slots=True)
class StripePool:
    """What new files are striped over.

    Attributes:
        nodes: how many I/O nodes there are, numbered from 0.
        unit: bytes of a stripe unit, if nothing else is said.
        factor: over how many nodes a file is striped, if nothing else is said; 0: over all.
        capacity: bytes of each node's disk.
        lost: the nodes that are known to have crashed: no new file is to be there.
    """

    nodes: int
    unit: int = 1 << 16
    factor: int = 0
    capacity: int = 1 << 40
    lost: set[int] = field(default_factory=set)

    def layout(self, file: int, unit: int, factor: int, first: int) -> Layout:
        """Return the layout of a new file.

        Args:
            file: its number.
            unit, factor: 0: what is usual.
            first: the node with the first stripe unit; negative: each in turn, by *file*.

        Raises:
            OSError: ENOSPC, there are no I/O nodes.
        """
        if not self.nodes:
            fail(errno.ENOSPC)
        begin = file if first < 0 else first
        turn = [(begin + place) % self.nodes for place in range(self.nodes)]
        usable = [node for node in turn if node not in self.lost] or turn
        count = factor or self.factor or len(usable)
        return Layout(file, unit or self.unit, tuple(usable[:count]))


class StripeFolders:
    """The folders of the host that stripes are kept in, one for each I/O node that has any.

    In each, what the node has of a file is a file called by that one's number. This looks there
    without the I/O nodes: before they are booted, after they are, and for who loads programs.

    Attributes:
        find: returns the folder that they are in, which need not be there.
    """

    __slots__ = ("find",)

    def __init__(self, root: str | PathLike[str] | None = None) -> None:
        """Have what is in *root*; None: nothing, or what `find` is set to find."""
        folder = None if root is None else Path(root)
        self.find: Callable[[], Path | None] = lambda: folder

    def lengths(self) -> dict[int, dict[int, int]]:
        """Return what every I/O node, there or not, has of files: bytes by file, by node."""
        return {node: dict(_lengths(folder)) for node, folder in self._folders()}

    def discard(self, file: int) -> None:
        """Remove all that there is of a file."""
        for _, folder in self._folders():
            with suppress(FileNotFoundError):
                (folder / str(file)).unlink()

    def _folders(self) -> Iterator[tuple[int, Path]]:
        root = self.find()
        for folder in sorted(root.iterdir()) if root is not None and root.is_dir() else ():
            number = folder.name.removeprefix(PREFIX)
            if folder.name.startswith(PREFIX) and number.isdecimal() and folder.is_dir():
                yield int(number), folder

    def read(self, layout: Layout, size: int) -> bytes:
        """Return the first *size* bytes of a file, straight from where they are kept."""
        found, root = bytearray(size), self.find()
        if root is None:
            fail(errno.EIO)
        for place, node in enumerate(layout.servers):
            path = root / f"{PREFIX}{node:04}" / str(layout.file)
            with suppress(FileNotFoundError), open(path, "rb") as part:
                for inside, offset, length in layout.parts(place, 0, size):
                    data = os.pread(part.fileno(), length, inside)
                    found[offset : offset + len(data)] = data
        return bytes(found)


def _lengths(folder: Path) -> Iterator[tuple[int, int]]:
    with os.scandir(folder) as scan:
        for entry in scan:
            if entry.name.isdecimal():
                yield int(entry.name), entry.stat(follow_symlinks=False).st_size
