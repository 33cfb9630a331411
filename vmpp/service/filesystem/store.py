"""Where a file tree is kept: inodes and names in SQLite, contents in a folder of the host.

The host's file system sees inode numbers and nothing else: contents are files called by the number
of their inode, opened in the descriptor of their folder. So no name that somebody on the machine
chooses is ever a name on the host.

Every change of names and attributes is one transaction, which is committed before anybody is told
of it. The size of a file that is open, and when it was written to, are noted when it is closed. A
host process that is killed leaves the contents themselves: the next opening finds the size there,
and removes what nobody has a name for any more.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, Final

from vmpp.service.database import MEMORY, connect, transaction

_SCHEMA: Final = """
CREATE TABLE inodes (
    ino INTEGER PRIMARY KEY AUTOINCREMENT,
    mode INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    gid INTEGER NOT NULL,
    links INTEGER NOT NULL,
    size INTEGER NOT NULL,
    atime INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    ctime INTEGER NOT NULL,
    target BLOB,
    parent INTEGER
);
CREATE TABLE entries (
    parent INTEGER NOT NULL REFERENCES inodes,
    name BLOB NOT NULL,
    ino INTEGER NOT NULL REFERENCES inodes,
    PRIMARY KEY (parent, name)
) WITHOUT ROWID;
CREATE INDEX names ON entries (ino);
CREATE TABLE quotas (uid INTEGER PRIMARY KEY, bytes INTEGER, files INTEGER) WITHOUT ROWID;
CREATE TABLE constants (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO constants VALUES ('clean', 1)
"""
_VERSION: Final = 1
_COLUMNS: Final = "mode, uid, gid, links, size, atime, mtime, ctime, target, parent"

ROOT: Final = 1
"""The inode number of the topmost directory."""

_DATABASE: Final = "inodes.sqlite"
_CONTENTS: Final = "contents"


class Store:
    """The database and the folder of contents of one file tree.

    Attributes:
        fresh: whether there is nothing in it yet, not even a root.
    """

    __slots__ = ("_contents", "_database", "_temporary", "fresh")

    def __init__(self, folder: str | PathLike[str] | None = None) -> None:
        """Open what is in *folder*, which is made if it is not there; None: keep nothing.

        Raises:
            DatabaseError: it is not the store of a file tree.
            OSError: the folder cannot be used.
        """
        self._temporary = None if folder is not None else tempfile.mkdtemp(prefix="vmpp-files-")
        place = Path(folder if folder is not None else str(self._temporary))
        (place / _CONTENTS).mkdir(mode=0o700, parents=True, exist_ok=True)
        path = MEMORY if folder is None else str(place / _DATABASE)
        self._database = connect(path, _SCHEMA, _VERSION)
        self._contents = os.open(place / _CONTENTS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        if not self._constant("clean"):
            self._recover()
        self._set_clean(0)
        self.fresh = self.load(ROOT) is None

    def close(self) -> None:
        """Note that everything is in order, and close it. A store of nothing is removed."""
        self._set_clean(1)
        self._database.close()
        os.close(self._contents)
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Have the changes of a block made together, or not at all."""
        if self._database.in_transaction:
            yield
        else:
            with transaction(self._database):
                yield

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self._database.execute(statement, values)

    def _constant(self, name: str) -> int:
        ((value,),) = self._run("SELECT value FROM constants WHERE name = ?", name)
        return int(value)

    def _set_clean(self, clean: int) -> None:
        self._run("UPDATE constants SET value = ? WHERE name = 'clean'", clean)

    # -- inodes ------------------------------------------------------------------------------------

    def insert(self, *columns: Any) -> int:
        """Add an inode and return its number."""
        marks = ", ".join("?" * len(columns))
        row = self._run(f"INSERT INTO inodes ({_COLUMNS}) VALUES ({marks})", *columns)
        return int(row.lastrowid or 0)

    def load(self, ino: int) -> tuple[Any, ...] | None:
        """Return the columns of an inode; None if there is none."""
        row: tuple[Any, ...] | None = self._run(
            f"SELECT {_COLUMNS} FROM inodes WHERE ino = ?", ino
        ).fetchone()
        return row

    def save(self, ino: int, columns: tuple[Any, ...]) -> None:
        """Change the columns of an inode."""
        names = ", ".join(f"{name} = ?" for name in _COLUMNS.split(", "))
        self._run(f"UPDATE inodes SET {names} WHERE ino = ?", *columns, ino)

    def delete(self, ino: int) -> None:
        """Remove an inode, to which no name is left."""
        self._run("DELETE FROM inodes WHERE ino = ?", ino)

    def usage(self) -> Iterator[tuple[int, int, int]]:
        """Yield what each user has: the user's number, bytes, inodes."""
        # In two parts: the sum of sizes that programs choose may be more than SQLite can count.
        rows = self._run(
            "SELECT uid, SUM(size >> 32), SUM(size & 0xffffffff), COUNT(*) FROM inodes GROUP BY uid"
        )
        for uid, high, low, count in rows:
            yield uid, (high << 32) + low, count

    # -- names -------------------------------------------------------------------------------------

    def find(self, parent: int, name: bytes) -> int | None:
        """Return the number of what a directory calls *name*; None if there is none."""
        row = self._run(
            "SELECT ino FROM entries WHERE parent = ? AND name = ?", parent, name
        ).fetchone()
        return None if row is None else int(row[0])

    def put(self, parent: int, name: bytes, ino: int) -> None:
        """Have a directory call an inode *name*, and nothing else."""
        self._run("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", parent, name, ino)

    def take(self, parent: int, name: bytes) -> None:
        """Remove a name from a directory."""
        self._run("DELETE FROM entries WHERE parent = ? AND name = ?", parent, name)

    def name_of(self, parent: int, ino: int) -> bytes | None:
        """Return what a directory calls an inode; None if it has no name there."""
        row = self._run(
            "SELECT name FROM entries WHERE ino = ? AND parent = ?", ino, parent
        ).fetchone()
        return None if row is None else bytes(row[0])

    def names(self, parent: int, after: bytes, most: int) -> list[tuple[bytes, int]]:
        """Return up to *most* names that come after *after* in a directory, each with its mode."""
        rows = self._run(
            "SELECT name, mode FROM entries JOIN inodes USING (ino) "
            "WHERE entries.parent = ? AND name > ? ORDER BY name LIMIT ?",
            parent,
            after,
            most,
        )
        return [(bytes(name), int(mode)) for name, mode in rows.fetchall()]

    # -- contents ----------------------------------------------------------------------------------

    def create(self, ino: int) -> None:
        """Make the empty contents of a new inode."""
        os.close(self.open(ino, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))

    def open(self, ino: int, flags: int) -> int:
        """Return the host's descriptor of an inode's contents."""
        return os.open(str(ino), flags | os.O_CLOEXEC, 0o600, dir_fd=self._contents)

    def discard(self, ino: int) -> None:
        """Remove the contents of an inode that is no more."""
        os.unlink(str(ino), dir_fd=self._contents)

    def room(self) -> os.statvfs_result:
        """Return what the host's disk has room for."""
        return os.fstatvfs(self._contents)

    # -- quotas ------------------------------------------------------------------------------------

    def quotas(self) -> Iterator[tuple[int, int | None, int | None]]:
        """Yield the limits of users: number, bytes, inodes; None is no limit."""
        yield from self._run("SELECT uid, bytes, files FROM quotas")

    def set_quota(self, uid: int, size: int | None, files: int | None) -> None:
        """Note the limits of a user."""
        self._run("INSERT OR REPLACE INTO quotas VALUES (?, ?, ?)", uid, size, files)

    # -- after the host's process was killed -------------------------------------------------------

    def _recover(self) -> None:
        """Bring inodes and contents in line again."""
        sizes = {name: size for name, size in self._sizes() if name.isdecimal()}
        with self.transaction():
            self._run("DELETE FROM inodes WHERE links = 0")
            rows = self._run("SELECT ino, mode, size FROM inodes").fetchall()
            known = {str(ino): size for ino, mode, size in rows if stat.S_ISREG(mode)}
            for name, size in known.items():
                if sizes.get(name, 0) != size:
                    self._run(
                        "UPDATE inodes SET size = ? WHERE ino = ?", sizes.get(name, 0), int(name)
                    )
        for name in known.keys() - sizes.keys():
            self.create(int(name))
        for name in sizes.keys() - known.keys():
            self.discard(int(name))

    def _sizes(self) -> Iterator[tuple[str, int]]:
        with os.scandir(self._contents) as scan:
            for entry in scan:
                yield entry.name, entry.stat(follow_symlinks=False).st_size
