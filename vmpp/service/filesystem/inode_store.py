"""Where a file tree's inodes and names are kept: in an SQLite database.

Every change of names and attributes is one transaction, which is committed before anybody is told
of it. The size of a file that is open, and when it was written to, are noted when it is closed.
"""

from __future__ import annotations

import sqlite3
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from vmpp.service.database import connect, transaction

SCHEMA: Final = """
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


class InodeStore(ABC):
    """The database of one file tree; where the contents of its files are kept is up to subclasses.

    Attributes:
        schema: what makes the tables of an empty database.
        fresh: whether there is nothing in it yet, not even a root.
    """

    schema: ClassVar[str] = SCHEMA

    __slots__ = ("_database", "fresh")

    def __init__(self, path: str) -> None:
        """Open the database at *path*.

        Raises:
            DatabaseError: it is not that of a file tree.
        """
        self._database = connect(path, self.schema, _VERSION)
        if not self._constant("clean"):
            self._recover()
        self._set_clean(0)
        self.fresh = self.load(ROOT) is None

    def close(self) -> None:
        """Note that everything is in order, and close it."""
        self._set_clean(1)
        self._database.close()

    # -- contents ----------------------------------------------------------------------------------

    @abstractmethod
    def _recover(self) -> None:
        """Bring inodes and contents in line again, after the host's process was killed."""

    def _living(self) -> dict[int, int]:
        """Forget the inodes without a name; return the sizes of the files that are left."""
        self._run("DELETE FROM inodes WHERE links = 0")
        rows = self._run("SELECT ino, mode, size FROM inodes").fetchall()
        return {ino: size for ino, mode, size in rows if stat.S_ISREG(mode)}

    def _resize(self, ino: int, size: int) -> None:
        self._run("UPDATE inodes SET size = ? WHERE ino = ?", size, ino)

    # -- the database ------------------------------------------------------------------------------

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

    # -- quotas ------------------------------------------------------------------------------------

    def quotas(self) -> Iterator[tuple[int, int | None, int | None]]:
        """Yield the limits of users: number, bytes, inodes; None is no limit."""
        yield from self._run("SELECT uid, bytes, files FROM quotas")

    def set_quota(self, uid: int, size: int | None, files: int | None) -> None:
        """Note the limits of a user."""
        self._run("INSERT OR REPLACE INTO quotas VALUES (?, ?, ?)", uid, size, files)
