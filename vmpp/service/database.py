"""The databases in which servers keep what outlives a boot: SQLite, one file for each server.

A database is in write-ahead mode: a commit is one append, and a host process that is killed at any
moment leaves a file that opens and holds every commit. Nothing is shared between processes; the
lock of the machine's state sees to that (`vmpp.machine.state`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from vmpp.errors import VmppError
from vmpp.process.calls import LATEST

MEMORY: Final = ":memory:"
"""In place of a file's path: a database that is kept nowhere."""


class DatabaseError(VmppError):
    """A database of a machine's state cannot be opened or read."""


class _Database(sqlite3.Connection):
    """A database which takes every time, the latest ones as `LATEST`."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Execute a statement."""
        try:
            return super().execute(sql, parameters)
        except OverflowError:
            bounded = [min(each, LATEST) if type(each) is int else each for each in parameters]
            return super().execute(sql, bounded)


def connect(path: str, schema: str, version: int, *, durable: bool = False) -> sqlite3.Connection:
    """Open the database at *path*, and make it if it is not there.

    Args:
        path: of the file, or `MEMORY`.
        schema: what makes the tables of an empty database.
        version: of the schema.
        durable: whether a commit waits for the disk, so that it outlives a failure of the host's
            power, and not of its processes only.

    Raises:
        DatabaseError: it is no database, has been made by a newer vmpp, or cannot be opened.
    """
    try:
        database = sqlite3.connect(path, isolation_level=None, factory=_Database)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        database.execute("PRAGMA foreign_keys = ON")
        (found,) = database.execute("PRAGMA user_version").fetchone()
        if not found:
            # In one step, so that a process that is killed here leaves an empty database.
            database.executescript(f"BEGIN; {schema}; PRAGMA user_version = {version}; COMMIT")
    except sqlite3.Error as error:
        raise DatabaseError(f"{path}: {error}; move the file away, or take another state") from None
    if found > version:
        database.close()
        raise DatabaseError(f"{path}: made by a newer vmpp (version {found}, not {version})")
    return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Have the changes of a block made together, or not at all if it raises."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
