"""The server `accounting`: one row for each job, kept from boot to boot.

A row is committed before anybody is told that the job has ended: so a host process that is killed
at any moment leaves a database that opens, and that has every job which was reported as finished.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from vmpp.process.calls import GARBAGE, Call, Done, Failed, Reply, encode
from vmpp.ranges import write_ranges
from vmpp.service.database import MEMORY, connect
from vmpp.service.identity import Credentials
from vmpp.service.server import Caller
from vmpp.service.status import JobState, JobStatus

SERVER: Final = "accounting"
"""What the server is called by."""
PAGE: Final = 500
"""The most jobs in one reply."""
WENT_DOWN: Final = "the machine went down"
"""The reason of a job that was not at its end when its machine was."""

_SYSTEM: Final = 0
"""In place of a session's number: that of the system's own processes."""
_COLUMNS: Final = JobStatus.__struct_fields__
_TEXTS: Final = frozenset({"user", "name", "command", "nodes", "state", "reason", "mode", "policy"})
_NAMES: Final = ", ".join(f'"{column}"' for column in _COLUMNS)
_MOST_IDS: Final = 1000
_SCHEMA: Final = "CREATE TABLE jobs (id INTEGER PRIMARY KEY)"
_VERSION: Final = 1


class Record(Call[Done], frozen=True, array_like=True, tag=1):
    """Keep what there is to tell of a job, in place of what was kept. Only the system may say."""

    job: JobStatus


class Jobs(Reply, frozen=True, array_like=True, tag=-61):
    """Jobs in the order of their numbers; *more* if others follow them."""

    jobs: list[JobStatus]
    more: bool


class Query(Call[Jobs], frozen=True, array_like=True, tag=2):
    """Tell the first `PAGE` jobs whose numbers come after *after*: the caller's; or all, to root.

    Attributes:
        user: only the jobs of the user of this name; empty: of everybody.
        ids: only those of these numbers; all if there are none.
        states: only those in one of these states; all if there are none.
        since, until: only those that were not over before the one time (virtual, ps), and were
            asked for before the other.
    """

    after: int = 0
    user: str = ""
    ids: tuple[int, ...] = ()
    states: tuple[JobState, ...] = ()
    since: int | None = None
    until: int | None = None


_calls: Final[msgspec.msgpack.Decoder[Record | Query]] = msgspec.msgpack.Decoder(Record | Query)
_replies: Final[msgspec.msgpack.Decoder[Any]] = msgspec.msgpack.Decoder(Jobs | Done | Failed)
decode_reply = _replies.decode
"""Unmarshal a reply. Raises one of `GARBAGE` for anything that is none."""


class Accounting:
    """The jobs of a machine, in a database.

    That of a machine without a state is made when it is first asked for anything.
    """

    __slots__ = ("_database", "_kept")

    def __init__(self, path: str | None = None) -> None:
        """Open the accounts at *path*; None: keep them as long as the machine is up.

        Raises:
            DatabaseError: they cannot be opened.
        """
        self._kept: list[JobStatus] = []
        self._database: sqlite3.Connection | None = None
        if path is not None:
            self._open(path)

    def _open(self, path: str) -> sqlite3.Connection:
        self._database = database = connect(path, _SCHEMA, _VERSION)
        there = {row[1] for row in database.execute("PRAGMA table_info (jobs)")}
        for column in _COLUMNS:
            if column not in there:
                kind = "TEXT" if column in _TEXTS else "INTEGER"
                database.execute(f'ALTER TABLE jobs ADD COLUMN "{column}" {kind}')
        for job in self._kept:
            self.record(job)
        self._kept.clear()
        return database

    @property
    def _opened(self) -> sqlite3.Connection:
        return self._database or self._open(MEMORY)

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()

    def record(self, job: JobStatus) -> None:
        """Keep what there is to tell of a job; it is committed when this returns."""
        if self._database is None:
            self._kept.append(job)
            return
        self._database.execute(
            f"INSERT OR REPLACE INTO jobs ({_NAMES}) VALUES ({', '.join('?' * len(_COLUMNS))})",
            _row(job),
        )

    def end_all(self, now: int) -> None:
        """Have the jobs that a machine left unended, when it went down, end at time *now*."""
        self._opened.execute(
            'UPDATE jobs SET state = ?, reason = ?, "end" = max(submit, coalesce(start, 0), ?) '
            'WHERE "end" IS NULL',
            (JobState.NODE_FAIL.value, WENT_DOWN, now),
        )

    def highest(self) -> int:
        """Return the highest number of a job, 0 if there is none."""
        return self._number("SELECT max(id) FROM jobs")

    def latest(self) -> int:
        """Return the latest time that there is of any job, 0 if there is none."""
        return self._number('SELECT max(coalesce("end", start, submit)) FROM jobs')

    def _number(self, statement: str) -> int:
        return int(self._opened.execute(statement).fetchone()[0] or 0)

    def find(self, wanted: Query, owner: int | None = None) -> Jobs:
        """Return the jobs that are asked for.

        Args:
            owner: number of the user whose jobs these may be; None: anybody's.
        """
        conditions = ["id > ?"]
        values: list[object] = [wanted.after]
        for condition, value in (
            ("uid = ?", owner),
            ("user = ?", wanted.user or None),
            ('("end" IS NULL OR "end" >= ?)', wanted.since),
            ("submit < ?", wanted.until),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        for column, among in (("id", wanted.ids), ("state", wanted.states)):
            if among:
                conditions.append(f"{column} IN ({', '.join('?' * len(among))})")
                values += among
        rows = self._opened.execute(
            f"SELECT {_NAMES} FROM jobs WHERE {' AND '.join(conditions)} ORDER BY id LIMIT ?",
            (*values, PAGE + 1),
        ).fetchall()
        return Jobs([_job(row) for row in rows[:PAGE]], len(rows) > PAGE)


class AccountingServer:
    """Takes what the launcher has to record, and answers users about their jobs.

    Attributes:
        name: what sessions call it by.
        least_service_time: that of a request, ps.
    """

    __slots__ = ("_jobs", "_user", "least_service_time", "name")

    def __init__(
        self,
        jobs: Accounting,
        user: Callable[[int], Credentials | None],
        least_service_time: int,
    ) -> None:
        """Set the server up; *user* tells whose session has a number."""
        self.name = SERVER
        self.least_service_time = least_service_time
        self._jobs = jobs
        self._user = user

    def serve(self, caller: Caller, request: bytes) -> bytes:
        """Answer one *request* of *caller*."""
        try:
            call = _calls.decode(request)
        except GARBAGE:
            return encode(Failed(errno.EBADMSG))
        if isinstance(call, Record):
            return encode(self._record(caller, call))
        return encode(self._query(caller, call))

    def _record(self, caller: Caller, call: Record) -> Reply:
        if caller.job != _SYSTEM:
            return Failed(errno.EPERM, "only the system keeps accounts")
        self._jobs.record(call.job)
        return Done()

    def _query(self, caller: Caller, call: Query) -> Reply:
        user = self._user(caller.job)
        if caller.job != _SYSTEM and user is None:
            return Failed(errno.EPERM, "nobody is logged in here")
        if len(call.ids) > _MOST_IDS:
            return Failed(errno.EINVAL, f"{_MOST_IDS} jobs at the most can be asked for by number")
        return self._jobs.find(call, None if user is None or user.is_root else user.uid)


def _row(job: JobStatus) -> Sequence[object]:
    values = {column: getattr(job, column) for column in _COLUMNS}
    values |= {"nodes": write_ranges(job.nodes), "state": job.state.value}
    return list(values.values())


def _job(row: Sequence[Any]) -> JobStatus:
    values = {key: value for key, value in zip(_COLUMNS, row, strict=True) if value is not None}
    values |= {"nodes": read_nodes(values["nodes"]), "state": JobState(values["state"])}
    return JobStatus(**values)


def read_nodes(text: str) -> tuple[int, ...]:
    """Return the node numbers that `write_ranges` has written."""
    nodes: list[int] = []
    for run in filter(None, text.split(",")):
        first, _, last = run.partition("-")
        nodes += range(int(first), int(last or first) + 1)
    return tuple(nodes)
