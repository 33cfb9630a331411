"""The server `log`: what has happened on a machine, for root to read.

Whatever happens is noted at once, whether the server answers at that time or not.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import msgspec

from vmpp.process.calls import GARBAGE, Call, Failed, Reply, encode
from vmpp.service.database import MEMORY, connect
from vmpp.service.identity import Credentials
from vmpp.service.server import Caller

SERVER: Final = "log"
"""What the server is called by."""
PAGE: Final = 500
"""The most events in one reply."""

_SCHEMA: Final = """
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    user TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX events_by_time ON events (time)
"""
_VERSION: Final = 1


class Kind(StrEnum):
    """What kind of event it is."""

    BOOT = "boot"
    SHUTDOWN = "shutdown"
    LOGIN = "login"
    LOGOUT = "logout"
    FAILURE = "failure"
    """Somebody has given a wrong password, or has been refused."""
    ACCOUNT = "account"
    """Users, groups, passwords or keys have been changed."""
    LAUNCH = "launch"
    END = "end"
    """A job has ended."""
    FAULT = "fault"
    POLICY = "policy"
    SERVER = "server"
    """A server has been stopped or started."""


class Event(msgspec.Struct, frozen=True, array_like=True):
    """Something that has happened.

    Attributes:
        number: of the event, from 1 on.
        time: virtual time, ps.
        kind: one of `Kind`.
        user: who has done it; empty: nobody in particular.
        text: what there is to say.
    """

    number: int
    time: int
    kind: Kind
    user: str
    text: str


class Events(Reply, frozen=True, array_like=True, tag=-51):
    """Events in the order in which they happened; *more* if others follow them."""

    events: list[Event]
    more: bool


class ReadLog(Call[Events], frozen=True, array_like=True, tag=1):
    """Tell the first `PAGE` events after the one numbered *after*.

    Attributes:
        kinds: only events of these kinds; all if there are none.
        user: only what this user has done; empty: everybody.
        since, until: only what happened from the one time on, and before the other.
    """

    after: int = 0
    kinds: tuple[Kind, ...] = ()
    user: str = ""
    since: int | None = None
    until: int | None = None


_calls: Final = msgspec.msgpack.Decoder(ReadLog)
_replies: Final[msgspec.msgpack.Decoder[Any]] = msgspec.msgpack.Decoder(Events | Failed)
decode_reply = _replies.decode
"""Unmarshal a reply. Raises one of `GARBAGE` for anything that is none."""


class EventLog:
    """What has happened, in a database."""

    __slots__ = ("_database",)

    def __init__(self, path: str = MEMORY) -> None:
        """Open the log at *path*. Raises DatabaseError."""
        self._database: sqlite3.Connection = connect(path, _SCHEMA, _VERSION)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def note(self, time: int, kind: Kind, user: str = "", text: str = "") -> None:
        """Note that something has happened."""
        self._database.execute(
            "INSERT INTO events (time, kind, user, text) VALUES (?, ?, ?, ?)",
            (time, kind.value, user, text),
        )

    def has_events(self) -> bool:
        """Return whether anything has happened yet."""
        return self._database.execute("SELECT 1 FROM events LIMIT 1").fetchone() is not None

    def latest(self) -> int:
        """Return the time of the latest event, 0 if there is none."""
        return int(
            self._database.execute("SELECT coalesce(max(time), 0) FROM events").fetchone()[0]
        )

    def read(self, wanted: ReadLog) -> Events:
        """Return the events that are asked for."""
        conditions = ["number > ?"]
        values: list[object] = [wanted.after]
        for condition, value in (
            ("user = ?", wanted.user or None),
            ("time >= ?", wanted.since),
            ("time < ?", wanted.until),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        if wanted.kinds:
            conditions.append(f"kind IN ({', '.join('?' * len(wanted.kinds))})")
            values += [kind.value for kind in wanted.kinds]
        rows = self._database.execute(
            f"SELECT number, time, kind, user, text FROM events WHERE {' AND '.join(conditions)} "
            "ORDER BY number LIMIT ?",
            (*values, PAGE + 1),
        ).fetchall()
        found = [Event(row[0], row[1], Kind(row[2]), row[3], row[4]) for row in rows]
        return Events(found[:PAGE], len(found) > PAGE)


class LogServer:
    """Reads the log out to root.

    Attributes:
        name: what sessions call it by.
        least_service_time: that of a request, ps.
    """

    __slots__ = ("_log", "_user", "least_service_time", "name")

    def __init__(
        self,
        log: EventLog,
        user: Callable[[int], Credentials | None],
        least_service_time: int,
    ) -> None:
        """Set the server up; *user* tells whose session has a number."""
        self.name = SERVER
        self.least_service_time = least_service_time
        self._log = log
        self._user = user

    def serve(self, caller: Caller, request: bytes) -> bytes:
        """Answer one *request* of *caller*."""
        try:
            wanted = _calls.decode(request)
        except GARBAGE:
            return encode(Failed(errno.EBADMSG))
        user = self._user(caller.job)
        if user is None or not user.is_root:
            return encode(Failed(errno.EPERM, "only root may read the log"))
        return encode(self._log.read(wanted))
