"""Where the names of striped files are kept, and how each of them is striped.

What the files hold is with the I/O nodes. A host process that is killed leaves it there: the next
opening finds in it how far each file reaches, and removes what nobody has a name for any more.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import ClassVar, Final

from vmpp.process.striping import Layout
from vmpp.service.database import MEMORY
from vmpp.service.filesystem.inode_store import SCHEMA, InodeStore
from vmpp.service.filesystem.store import DATABASE
from vmpp.service.filesystem.stripe_pool import StripeFolders
from vmpp.service.filesystem.volume import Striping

_STRIPES: Final = """;
CREATE TABLE stripes (
    ino INTEGER PRIMARY KEY,
    unit INTEGER NOT NULL,
    factor INTEGER NOT NULL,
    first INTEGER NOT NULL,
    servers TEXT
)
"""


class StripedStore(InodeStore):
    """The database of one tree of striped files."""

    schema: ClassVar[str] = SCHEMA + _STRIPES

    __slots__ = ("_folders",)

    def __init__(self, folder: str | PathLike[str] | None, folders: StripeFolders) -> None:
        """Open what is in *folder*, which is made if it is not there; None: keep nothing.

        Raises:
            DatabaseError: it is not the store of a file tree.
            OSError: the folder cannot be used.
        """
        self._folders = folders
        path = MEMORY
        if folder is not None:
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            path = str(Path(folder, DATABASE))
        super().__init__(path)

    def number_from(self, number: int) -> None:
        """Give new inodes higher numbers than *number*."""
        self._run("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'inodes'", number)

    def lay(self, ino: int, striping: Striping, servers: tuple[int, ...] | None = None) -> None:
        """Note how a file is striped over *servers*, or if None new files of a directory are."""
        text = None if servers is None else " ".join(map(str, servers))
        self._run("INSERT OR REPLACE INTO stripes VALUES (?, ?, ?, ?, ?)", ino, *striping, text)

    def striping(self, directory: int) -> Striping:
        """Return how new files of a directory are striped."""
        row = self._run(
            "SELECT unit, factor, first FROM stripes WHERE ino = ?", directory
        ).fetchone()
        return Striping() if row is None else Striping(*row)

    def layout(self, ino: int) -> Layout:
        """Return where the bytes of a file are."""
        unit, servers = self._run("SELECT unit, servers FROM stripes WHERE ino = ?", ino).fetchone()
        return Layout(ino, unit, _numbers(servers))

    def delete(self, ino: int) -> None:
        """Remove an inode, to which no name is left."""
        super().delete(ino)
        self._run("DELETE FROM stripes WHERE ino = ?", ino)

    def _recover(self) -> None:
        lengths = self._folders.lengths()
        with self.transaction():
            known = self._living()
            self._run("DELETE FROM stripes WHERE ino NOT IN (SELECT ino FROM inodes)")
            for ino, size in known.items():
                end = _end(self.layout(ino), lengths)
                if end > size:
                    self._resize(ino, end)
        for ino in sorted({ino for found in lengths.values() for ino in found} - known.keys()):
            self._folders.discard(ino)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


def _end(layout: Layout, lengths: dict[int, dict[int, int]]) -> int:
    """Return how far a file reaches, by what the I/O nodes have of it."""
    return max(
        layout.end(place, lengths.get(node, {}).get(layout.file, 0))
        for place, node in enumerate(layout.servers)
    )
