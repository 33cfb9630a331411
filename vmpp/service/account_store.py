"""What is known of users and groups, and where it is kept."""

from __future__ import annotations

import base64
import re
import sqlite3
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vmpp.errors import VmppError
from vmpp.service.database import MEMORY, connect, transaction
from vmpp.service.identity import ROOT, Credentials

PROGRAMMERS: Final = "programmers"
"""The group of those who may run programs of their own."""
WHEEL: Final = "wheel"
"""The group of those who may become root, at the machine's own console, without a password."""

FIRST_UID: Final = 1000
"""The number of the first user who is not root; lower ones are the system's."""

_NAME: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_SYSTEM_GROUPS: Final = {"root": ROOT, WHEEL: 10, PROGRAMMERS: 100}
_LONGEST_KEY: Final = 1 << 14
_LONGEST_COMMENT: Final = 200
_ATTEMPTS_KEPT: Final = 1024
_ALL: Final = "name, uid, gid, home, password, locked, quota_bytes, quota_files, last_login"

_SCHEMA: Final = f"""
CREATE TABLE users (
    uid INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    gid INTEGER NOT NULL REFERENCES groups,
    home TEXT NOT NULL,
    password TEXT,
    locked INTEGER NOT NULL DEFAULT 0,
    quota_bytes INTEGER,
    quota_files INTEGER,
    last_login INTEGER
);
CREATE TABLE groups (gid INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE members (
    gid INTEGER NOT NULL REFERENCES groups ON DELETE CASCADE,
    uid INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (gid, uid)
) WITHOUT ROWID;
CREATE TABLE keys (
    uid INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    key TEXT NOT NULL,
    comment TEXT NOT NULL,
    PRIMARY KEY (uid, key)
) WITHOUT ROWID;
CREATE TABLE failures (name TEXT PRIMARY KEY, count INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE constants (name TEXT PRIMARY KEY, value);
INSERT INTO constants VALUES ('next', {FIRST_UID})
"""
_VERSION: Final = 1


class AccountError(VmppError):
    """An account or group cannot be as somebody wants it; the message says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user, as the login server keeps them.

    Attributes:
        name: what they log in as.
        uid: their number; it is never given to anybody else, whatever becomes of the account.
        gid: number of their own group.
        home: their home directory.
        password: hash of their password; None: they cannot log in with one.
        locked: whether they cannot log in at all.
        quota_bytes: how much their files may take; None: there is no limit.
        quota_files: how many files they may have; likewise.
        last_login: when they logged in last, in virtual time; None: never.
    """

    name: str
    uid: int
    gid: int
    home: str
    password: str | None
    locked: bool
    quota_bytes: int | None
    quota_files: int | None
    last_login: int | None


def is_name(text: str) -> bool:
    """Return whether a user or group can have the name *text*.

    It begins with a lower-case letter or an underscore, has such, digits and hyphens, and 32
    characters at the most, as ``useradd`` of Linux wants it.
    """
    return _NAME.fullmatch(text) is not None


def check_name(text: str) -> str:
    """Return *text* if it can be a name. Raises AccountError."""
    if not is_name(text):
        raise AccountError(
            f"{text[:40]!r} cannot be a name: one begins with a lower-case letter, has lower-case "
            "letters, digits, - and _, and 32 characters at the most"
        )
    return text


def name_for(text: str) -> str:
    """Return a name like *text*, what a user is called on the host, that can be a user's here."""
    kept = re.sub(r"[^a-z0-9_-]+", "_", text.lower())[:32]
    return kept if is_name(kept) else f"u{kept}"[:32]


def check_key(text: str) -> tuple[str, str]:
    """Return a public key, as OpenSSH writes it in one line, and its comment.

    The key's data begins with its type once more (RFC 4253, section 6.6).

    Raises:
        AccountError: *text* is no key.
    """
    kind, _, rest = text.strip().partition(" ")
    data, _, comment = rest.strip().partition(" ")
    try:
        blob = base64.b64decode(data, validate=True)
    except ValueError:
        blob = b""
    begins = struct.pack(">I", len(kind)) + kind.encode(errors="replace")
    if not (kind and blob.startswith(begins) and len(blob) > len(begins)):
        raise AccountError(
            f"{text[:20]!r} is no public key; it is one line, such as 'ssh-ed25519 AAAA... comment'"
        )
    if not comment.isprintable() or len(comment) > _LONGEST_COMMENT or len(data) > _LONGEST_KEY:
        raise AccountError("the key, or its comment, is too long, or has more than one line")
    return f"{kind} {data}", comment.strip()


class AccountStore:
    """Users, groups, public keys and failed logins, in a database."""

    __slots__ = ("_database",)

    def __init__(self, path: str = MEMORY, *, console: str = "user") -> None:
        """Open the accounts at *path*.

        Args:
            console: in a new database, name of the user who sits at the machine's console.

        Raises:
            DatabaseError: they cannot be opened.
            AccountError: *console* cannot be a name.
        """
        self._database = connect(path, _SCHEMA, _VERSION, durable=True)
        if self._constant("console") is None:
            with self._changing():
                self._make_first(check_name(console))

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _make_first(self, console: str) -> None:
        """Make root, the groups that there are from the start, and the user at the console."""
        for name, gid in _SYSTEM_GROUPS.items():
            self._run("INSERT INTO groups VALUES (?, ?)", gid, name)
        self._insert("root", ROOT, ROOT, "/root")
        if console != "root":
            self._add(console)
        for group in (WHEEL, PROGRAMMERS):
            for member in sorted({"root", console}):
                self._join(group, member)
        self._run("INSERT INTO constants VALUES ('console', ?)", console)

    @property
    def console(self) -> str:
        """Name of the user who sits at the machine's console."""
        return str(self._constant("console"))

    # -- users -----------------------------------------------------------------------------------

    def find(self, name: str) -> Account | None:
        """Return the user called *name*, None if there is none."""
        return self._found(f"SELECT {_ALL} FROM users WHERE name = ?", name)

    def get(self, name: str) -> Account:
        """Return the user called *name*. Raises AccountError if there is none."""
        account = self.find(name)
        if account is None:
            raise AccountError(f"there is no user {name[:40]!r}")
        return account

    def users(self) -> list[Account]:
        """Return all users in the order of their numbers."""
        rows = self._run(f"SELECT {_ALL} FROM users ORDER BY uid")
        return [_account(row) for row in rows]

    def credentials(self, name: str) -> Credentials:
        """Return who the user called *name* is. Raises AccountError if there is none."""
        account = self.get(name)
        rows = self._run("SELECT gid FROM members WHERE uid = ?", account.uid)
        groups = tuple(sorted({account.gid, *(gid for (gid,) in rows)}))
        return Credentials(name, account.uid, account.gid, groups, account.home)

    def add(
        self,
        name: str,
        *,
        password: str | None = None,
        groups: Iterable[str] = (),
        quota_bytes: int | None = None,
        quota_files: int | None = None,
    ) -> Credentials:
        """Add a user, with a group of the same name.

        Args:
            password: hash of their password.

        Raises:
            AccountError: the name is taken or cannot be one, or a group is not there.
        """
        check_name(name)
        with self._changing():
            if self.find(name) is not None:
                raise AccountError(f"there is a user {name!r} already")
            self._add(name)
            for group in groups:
                self._join(group, name)
            self.update(name, password=password, quota_bytes=quota_bytes, quota_files=quota_files)
        return self.credentials(name)

    def _add(self, name: str) -> None:
        number = self._next()
        self._add_group(name, number)
        self._insert(name, number, number, f"/home/{name}")

    def _insert(self, name: str, uid: int, gid: int, home: str) -> None:
        self._run(
            "INSERT INTO users (uid, name, gid, home) VALUES (?, ?, ?, ?)", uid, name, gid, home
        )

    def update(self, name: str, **columns: object) -> None:
        """Change what is known of a user: *columns* are attributes of `Account`."""
        account = self.get(name)
        assert columns.keys() <= set(_ALL.split(", "))
        settings = ", ".join(f"{column} = ?" for column in columns)
        self._run(f"UPDATE users SET {settings} WHERE uid = ?", *columns.values(), account.uid)

    def remove(self, name: str) -> None:
        """Remove a user and the user's own group; the number is not used again.

        Raises:
            AccountError: there is no such user, or the machine needs this one.
        """
        account = self.get(name)
        if account.uid == ROOT or name == self.console:
            raise AccountError(f"{name} cannot be removed: the machine's console is theirs")
        if self._run("SELECT 1 FROM members WHERE gid = ?", account.gid).fetchone():
            raise AccountError(f"{name} cannot be removed: their group has other members")
        with self._changing():
            self._run("DELETE FROM users WHERE uid = ?", account.uid)
            self._run("DELETE FROM groups WHERE gid = ?", account.gid)
            self.succeeded(name)

    # -- groups ----------------------------------------------------------------------------------

    def groups(self) -> dict[str, tuple[int, tuple[str, ...]]]:
        """Return all groups in the order of their numbers: number, and names of the members."""
        found: dict[str, tuple[int, tuple[str, ...]]] = {}
        rows = self._run(
            "SELECT groups.name, groups.gid, users.name FROM groups LEFT JOIN members USING (gid) "
            "LEFT JOIN users ON users.uid = members.uid ORDER BY groups.gid, users.uid"
        )
        for group, gid, user in rows:
            members = found.get(group, (gid, ()))[1]
            found[group] = gid, (*members, user) if user is not None else members
        return found

    def add_group(self, name: str) -> None:
        """Add a group. Raises AccountError: the name is taken or cannot be one."""
        check_name(name)
        with self._changing():
            self._add_group(name, self._next())

    def _add_group(self, name: str, gid: int) -> None:
        if self._run("SELECT 1 FROM groups WHERE name = ?", name).fetchone():
            raise AccountError(f"there is a group {name!r} already")
        self._run("INSERT INTO groups VALUES (?, ?)", gid, name)

    def remove_group(self, name: str) -> None:
        """Remove a group. Raises AccountError: it is not there, or somebody's or the system's."""
        gid = self._gid(name)
        if name in _SYSTEM_GROUPS or self._run("SELECT 1 FROM users WHERE gid = ?", gid).fetchone():
            raise AccountError(
                f"the group {name!r} cannot be removed: it is the system's or a user's"
            )
        self._run("DELETE FROM groups WHERE gid = ?", gid)

    def join(self, group: str, name: str) -> None:
        """Make a user a member of a group. Raises AccountError if either is not there."""
        self._join(group, name)

    def _join(self, group: str, name: str) -> None:
        gid, uid = self._gid(group), self.get(name).uid
        self._run("INSERT OR IGNORE INTO members VALUES (?, ?)", gid, uid)

    def leave(self, group: str, name: str) -> None:
        """Make a user a member of a group no more. Raises AccountError if they are none."""
        gid, uid = self._gid(group), self.get(name).uid
        if not self._run("DELETE FROM members WHERE gid = ? AND uid = ?", gid, uid).rowcount:
            raise AccountError(f"{name} is no member of the group {group!r}")

    def _gid(self, group: str) -> int:
        row = self._run("SELECT gid FROM groups WHERE name = ?", group).fetchone()
        if row is None:
            raise AccountError(f"there is no group {group[:40]!r}")
        return int(row[0])

    # -- public keys -----------------------------------------------------------------------------

    def keys(self, name: str) -> list[tuple[str, str]]:
        """Return the public keys of a user, each with its comment, sorted."""
        rows = self._run(
            "SELECT key, comment FROM keys WHERE uid = ? ORDER BY key", self.get(name).uid
        )
        return rows.fetchall()

    def add_key(self, name: str, key: str, comment: str) -> None:
        """Let a user log in by one more public key."""
        uid = self.get(name).uid
        self._run("INSERT OR REPLACE INTO keys VALUES (?, ?, ?)", uid, key, comment)

    def remove_key(self, name: str, key: str) -> None:
        """Take a public key from a user. Raises AccountError if they have it not."""
        uid = self.get(name).uid
        if not self._run("DELETE FROM keys WHERE uid = ? AND key = ?", uid, key).rowcount:
            raise AccountError(f"{name} has no such key")

    # -- failed logins ---------------------------------------------------------------------------

    def failed(self, name: str, now: int) -> int:
        """Count a failed login as *name*, whom there may be or not; return how many in a row."""
        ((count,),) = self._run(
            "INSERT INTO failures VALUES (?, 1, ?) ON CONFLICT (name) "
            "DO UPDATE SET count = count + 1, last = excluded.last RETURNING count",
            name[:64],
            now,
        ).fetchall()
        self._run(
            "DELETE FROM failures WHERE name NOT IN "
            "(SELECT name FROM failures ORDER BY last DESC, name LIMIT ?)",
            _ATTEMPTS_KEPT,
        )
        return int(count)

    def succeeded(self, name: str) -> tuple[int, int | None]:
        """Return how many logins have failed since the last that did not, and when the last did.

        They are forgotten by that.
        """
        # All rows are fetched: an answer that is read in part keeps its transaction open.
        rows = self._run("DELETE FROM failures WHERE name = ? RETURNING count, last", name)
        return next(iter(rows.fetchall()), (0, None))

    # -- the database ----------------------------------------------------------------------------

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self._database.execute(statement, values)

    def _changing(self) -> Any:
        return transaction(self._database)

    def _found(self, statement: str, *values: object) -> Account | None:
        row = self._run(statement, *values).fetchone()
        return None if row is None else _account(row)

    def _constant(self, name: str) -> object:
        row = self._run("SELECT value FROM constants WHERE name = ?", name).fetchone()
        return None if row is None else row[0]

    def _next(self) -> int:
        """Return a number for a user or a group that nobody has had."""
        ((number,),) = self._run(
            "UPDATE constants SET value = value + 1 WHERE name = 'next' RETURNING value - 1"
        ).fetchall()
        return int(number)


def _account(row: Sequence[Any]) -> Account:
    values = dict(zip(_ALL.split(", "), row, strict=True))
    return Account(**{**values, "locked": bool(values["locked"])})
