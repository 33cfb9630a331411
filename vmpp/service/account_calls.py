"""What is asked of the server `login`: one request and one reply schema each.

They are marshalled as system calls are (`vmpp.process.calls`): ``class Login(Call[Welcome])`` is
answered with `Welcome`, or with `Failed`, whatever was asked. Times are virtual, in picoseconds.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from vmpp.process.calls import Call, Done, Failed, Reply
from vmpp.service.identity import Credentials

SERVER: Final = "login"
"""What the server is called by."""


class Welcome(Reply, frozen=True, array_like=True, tag=-41):
    """Somebody is logged in, with the caller's number.

    Attributes:
        user: who they are.
        last_login: when they logged in before; None: never.
        failures: how many logins have failed since.
        last_failure: when the last of these did; None: none did.
    """

    user: Credentials
    last_login: int | None
    failures: int
    last_failure: int | None


class Login(Call[Welcome], frozen=True, array_like=True, tag=1):
    """Log in by a password."""

    name: str
    password: str


class Enter(Call[Welcome], frozen=True, array_like=True, tag=2):
    """Log in without a password, as somebody whom the machine has vouched for."""

    name: str


class Logout(Call[Done], frozen=True, array_like=True, tag=3):
    """Log out."""


class Passwd(Call[Done], frozen=True, array_like=True, tag=4):
    """Change a user's password, that of the caller if *name* is empty.

    *old* is what it was, which root need not know, and who has none need not.
    """

    name: str
    old: str
    new: str


class AddUser(Call[Welcome], frozen=True, array_like=True, tag=5):
    """Add a user, who is told of as if they had logged in.

    Without a *password* they cannot log in with one. Limits of what their files may take, and how
    many they may be, are None if there are none.
    """

    name: str
    password: str | None
    groups: tuple[str, ...]
    quota_bytes: int | None
    quota_files: int | None


class RemoveUser(Call[Done], frozen=True, array_like=True, tag=6):
    """Remove a user who is not logged in. Their files stay."""

    name: str


class SetLocked(Call[Done], frozen=True, array_like=True, tag=7):
    """Let a user not log in any more, or again."""

    name: str
    locked: bool


class SetQuota(Call[Done], frozen=True, array_like=True, tag=8):
    """Limit what a user's files may take, as `AddUser`."""

    name: str
    quota_bytes: int | None
    quota_files: int | None


class AddGroup(Call[Done], frozen=True, array_like=True, tag=9):
    """Add a group."""

    name: str


class RemoveGroup(Call[Done], frozen=True, array_like=True, tag=10):
    """Remove a group."""

    name: str


class SetMember(Call[Done], frozen=True, array_like=True, tag=11):
    """Make a user a member of a group, or one no more; it shows when they next log in."""

    group: str
    name: str
    member: bool


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user, as others see them; what only root sees is None to others.

    Attributes:
        name: what they log in as.
        uid: their number.
        groups: names of their groups, their own first.
        home: their home directory.
        has_password: whether they can log in with a password.
        locked: whether they cannot log in at all.
        quota_bytes: how much their files may take.
        quota_files: how many files they may have.
        last_login: when they logged in last.
    """

    name: str
    uid: int
    groups: tuple[str, ...]
    home: str
    has_password: bool | None = None
    locked: bool | None = None
    quota_bytes: int | None = None
    quota_files: int | None = None
    last_login: int | None = None


class UserList(Reply, frozen=True, array_like=True, tag=-42):
    """All users, in the order of their numbers."""

    users: list[User]


class Users(Call[UserList], frozen=True, array_like=True, tag=12):
    """Tell who has an account."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group: its name and number, and the names of its members."""

    name: str
    gid: int
    members: tuple[str, ...]


class GroupList(Reply, frozen=True, array_like=True, tag=-43):
    """All groups, in the order of their numbers."""

    groups: list[Group]


class Groups(Call[GroupList], frozen=True, array_like=True, tag=13):
    """Tell what groups there are."""


class SessionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is logged in.

    Attributes:
        number: of the session.
        user: name of the user.
        uid: number of the user.
        place: where they have come from, such as ``console`` or ``ssh``.
        since: when they logged in.
    """

    number: int
    user: str
    uid: int
    place: str
    since: int


class SessionList(Reply, frozen=True, array_like=True, tag=-44):
    """All sessions, in the order in which they began."""

    sessions: list[SessionStatus]


class Who(Call[SessionList], frozen=True, array_like=True, tag=14):
    """Tell who is logged in."""


class KeyList(Reply, frozen=True, array_like=True, tag=-45):
    """The public keys of a user, each with its comment."""

    keys: list[tuple[str, str]]


class Keys(Call[KeyList], frozen=True, array_like=True, tag=15):
    """Tell by which public keys a user can log in, the caller if *name* is empty."""

    name: str


class AddKey(Call[Done], frozen=True, array_like=True, tag=16):
    """Let a user log in by one more public key, a line as OpenSSH writes it.

    It is the caller's if *name* is empty.
    """

    name: str
    key: str


class RemoveKey(Call[Done], frozen=True, array_like=True, tag=17):
    """Take a public key from a user, the caller if *name* is empty; its comment does not count."""

    name: str
    key: str


class Verify(Call[Done], frozen=True, array_like=True, tag=18):
    """Tell whether a password is right, of somebody who may then be vouched for."""

    name: str
    password: str


AnyCall = (
    Login
    | Enter
    | Logout
    | Passwd
    | AddUser
    | RemoveUser
    | SetLocked
    | SetQuota
    | AddGroup
    | RemoveGroup
    | SetMember
    | Users
    | Groups
    | Who
    | Keys
    | AddKey
    | RemoveKey
    | Verify
)
"""Every request to the server."""

AnyReply = Failed | Done | Welcome | UserList | GroupList | SessionList | KeyList
"""Every reply of the server."""

_calls: Final[msgspec.msgpack.Decoder[AnyCall]] = msgspec.msgpack.Decoder(AnyCall)
_replies: Final[msgspec.msgpack.Decoder[Any]] = msgspec.msgpack.Decoder(AnyReply)

decode_call = _calls.decode
"""Unmarshal a request. Raises one of `GARBAGE` for anything that is none."""

decode_reply = _replies.decode
"""Unmarshal a reply. Raises one of `GARBAGE` for anything that is none."""
