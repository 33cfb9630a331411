"""Volumes whose names never change: the programs that plugins offer, and devices."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from vmpp.service.filesystem.open_file import HostFile, OpenFile, Room
from vmpp.service.filesystem.rights import fail
from vmpp.service.filesystem.volume import BLOCK, Entry, Node, Status, Volume
from vmpp.service.identity import Credentials


class Leaf(NamedTuple):
    """A file of a fixed volume.

    Attributes:
        path: what it is on the host.
        mode: its type and permissions.
    """

    path: Path
    mode: int


class FixedNode(Node):
    """A file or directory of a fixed volume.

    Attributes:
        ino: its number.
        name: its name in *above*, the directory above it.
        leaf: the file; None: a directory.
        inside: what a directory holds, by name.
    """

    __slots__ = ("above", "ino", "inside", "leaf", "name")

    def __init__(
        self, volume: Volume, ino: int, name: bytes, above: FixedNode | None, leaf: Leaf | None
    ) -> None:
        self.volume = volume
        self.ino = ino
        self.name = name
        self.above = above
        self.leaf = leaf
        self.inside: dict[bytes, FixedNode] = {}

    @property
    def key(self) -> int:
        """The inode number."""
        return self.ino


class FixedVolume(Volume):
    """Files of the host under names that are fixed when it is made. Nothing in it can be changed.

    All its times are the same, for those of the host's files are different on every host.
    """

    def __init__(self, device: int, files: Mapping[str, Any], time: int) -> None:
        """Make the volume.

        Args:
            device: its number.
            files: a `Leaf`, or for a directory such a mapping again, by name.
            time: of everything, in nanoseconds.
        """
        self.device = device
        self._time = time
        self._count = 0
        self.root: FixedNode = self._add(b"", None, files)

    def _add(self, name: bytes, above: FixedNode | None, what: Any) -> FixedNode:
        self._count += 1
        leaf = what if isinstance(what, Leaf) else None
        node = FixedNode(self, self._count, name, above, leaf)
        if leaf is None:
            for inner in sorted(what):
                encoded = os.fsencode(inner)
                node.inside[encoded] = self._add(encoded, node, what[inner])
        return node

    def lookup(self, directory: FixedNode, name: bytes) -> FixedNode:
        """Return what *name* in a *directory* stands for."""
        found = directory.inside.get(name)
        if found is None:
            fail(errno.ENOENT)
        return found

    def parent(self, directory: FixedNode) -> FixedNode:
        """Return the directory above."""
        assert directory.above is not None
        return directory.above

    def name(self, directory: FixedNode) -> bytes:
        """Return the name of a directory in the one above."""
        return directory.name

    def status(self, node: FixedNode) -> Status:
        """Return what is known of a file, which is root's."""
        times = (self._time, self._time, self._time)
        if node.leaf is None:
            links = 2 + sum(inner.leaf is None for inner in node.inside.values())
            return Status(stat.S_IFDIR | 0o555, node.ino, self.device, links, 0, 0, BLOCK, *times)
        found = os.stat(node.leaf.path)
        size, device = (found.st_size, 0) if stat.S_ISREG(node.leaf.mode) else (0, found.st_rdev)
        return Status(node.leaf.mode, node.ino, self.device, 1, 0, 0, size, *times, device)

    def entries(self, directory: FixedNode, after: bytes, most: int) -> list[Entry]:
        """Return the next entries of a directory."""
        found = [node for name, node in directory.inside.items() if name > after][:most]
        return [
            Entry(node.name, stat.S_IFMT(node.leaf.mode) if node.leaf else stat.S_IFDIR)
            for node in found
        ]

    def open(self, node: FixedNode, flags: int, who: Credentials) -> OpenFile:
        """Open a file; devices can be written to."""
        assert node.leaf is not None
        if flags & os.O_ACCMODE != os.O_RDONLY and stat.S_ISREG(node.leaf.mode):
            fail(errno.EROFS)
        host_flags = flags & (os.O_ACCMODE | os.O_APPEND)
        file = HostFile(os.open(node.leaf.path, host_flags | os.O_CLOEXEC))
        file.node = node
        return file

    def room(self, who: Credentials) -> Room:
        """Return that there is none."""
        return Room(BLOCK, 0, 0, 0, self._count, 0, True, self.device)


def images(programs: Mapping[str, Path]) -> dict[str, Any]:
    """Return what `FixedVolume` makes ``/images`` of.

    Every program is there by its name, with the suffix of its file, or as the folder that it is;
    beside it, in ``data``, is what the folder ``data`` next to it holds. Where two plugins have
    data of one name, it is that of the program whose name comes first.
    """
    found: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for name, path in sorted(programs.items()):
        if path.is_dir():
            found[name] = _folder(path)
            continue
        found[name if path.suffix in {"", Path(name).suffix} else name + path.suffix] = _file(path)
        beside = path.parent / "data"
        if beside.is_dir():
            data = {**_folder(beside), **data}
    return {"data": data, **found} if data else found


def _folder(path: Path) -> dict[str, Any]:
    return {
        entry.name: _folder(entry) if entry.is_dir() else _file(entry)
        for entry in path.iterdir()
        if entry.name != "__pycache__"
    }


def _file(path: Path) -> Leaf:
    return Leaf(path, stat.S_IFREG | 0o444)


def devices() -> dict[str, Any]:
    """Return what `FixedVolume` makes ``/dev`` of: what programs expect everywhere."""
    return {name: Leaf(Path("/dev", name), stat.S_IFCHR | 0o666) for name in ("null", "zero")}
