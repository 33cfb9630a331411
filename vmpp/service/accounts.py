"""The server `login`: who may come in, who is in, and who there is.

It knows every session by the number that the kernel stamps on the session's messages, and tells the
other servers whose request it is that they get.
"""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeAlias

import msgspec
import trio

from vmpp.engine import SECOND
from vmpp.process.calls import GARBAGE, Done, Failed, Reply, encode
from vmpp.service import account_calls as calls
from vmpp.service.account_store import Account, AccountError, AccountStore, check_key, check_name
from vmpp.service.identity import Credentials
from vmpp.service.log import EventLog, Kind
from vmpp.service.passwords import LONGEST, Passwords
from vmpp.service.server import Caller, Delayed

FIRST_DELAY: Final = SECOND
"""Virtual time that the answer to a first failed login is late, ps; each further one doubles it."""
LONGEST_DELAY: Final = 64 * SECOND
"""What the answer to a failed login is late at the most, ps."""

_INCORRECT: Final = "login incorrect"
_Answer: TypeAlias = Reply | Delayed


def delay(failures: int) -> int:
    """Return how much later than others the *failures*-th failed login in a row is answered, ps."""
    return min(FIRST_DELAY << min(failures - 1, 32), LONGEST_DELAY)


class Homes(Protocol):
    """Where users have their files."""

    def make(self, user: Credentials, now: int) -> object:
        """Make the home directory of *user*.

        Raises:
            AccountError: there is something in its place that is not theirs.
        """
        ...

    def limit(self, uid: int, size: int | None, files: int | None) -> object:
        """Limit what the files of a user may take, and how many they may be; None: no limit."""
        ...


class LoginServer:
    """Keeps accounts and sessions.

    What hashes a password waits for the host. Requests take effect one after the other all the
    same, in the order of their arrival: a login that follows a change of the password sees it.

    Attributes:
        name: what sessions call it by.
        least_service_time: that of a request, ps.
        store: users, groups and keys.
        sessions: those who are logged in, by number.
    """

    __slots__ = (
        "_homes", "_last", "_log", "_passwords", "_users", "_waiting", "least_service_time",
        "name", "sessions", "store",
    )  # fmt: skip

    def __init__(
        self,
        store: AccountStore,
        passwords: Passwords,
        log: EventLog,
        least_service_time: int,
        homes: Homes | None = None,
    ) -> None:
        self.name = calls.SERVER
        self.least_service_time = least_service_time
        self.store = store
        self.sessions: dict[int, calls.SessionStatus] = {}
        self._passwords = passwords
        self._log = log
        self._homes = homes
        self._users: dict[int, Credentials] = {}
        # By the number of who may come in: from where, and as whom without a password.
        self._waiting: dict[int, tuple[str, str]] = {}
        self._last: trio.Event | None = None

    # -- what the machine says and asks ----------------------------------------------------------

    def admit(self, number: int, place: str, vouched: str = "") -> None:
        """Let whoever has *number* log in.

        Only the machine gives such numbers, so no program can take itself for a session.

        Args:
            place: where they come from.
            vouched: name of the user whom the machine knows them to be; otherwise they need a
                password.
        """
        self._waiting[number] = place, vouched

    def forget(self, number: int) -> None:
        """Let whoever has *number*, who has gone without logging out, be nobody."""
        self._waiting.pop(number, None)
        self.sessions.pop(number, None)
        self._users.pop(number, None)

    def user(self, number: int) -> Credentials | None:
        """Return whose session has *number*, None if nobody's."""
        return self._users.get(number)

    # -- requests --------------------------------------------------------------------------------

    def serve(self, caller: Caller, request: bytes) -> bytes | Awaitable[bytes | Delayed]:
        """Answer one *request* of *caller*."""
        if self._last is not None:
            return self._serve_after(self._last, caller, request)
        answer = self._answer(caller, request)
        if isinstance(answer, Reply):
            return encode(answer)
        return self._wait(answer)

    def _serve_after(
        self, last: trio.Event, caller: Caller, request: bytes
    ) -> Awaitable[bytes | Delayed]:
        """Answer a request when the one before it has been."""

        async def answer() -> _Answer:
            await last.wait()
            answer = self._answer(caller, request)
            return answer if isinstance(answer, Reply) else await answer

        return self._wait(answer())

    def _wait(self, answer: Awaitable[_Answer]) -> Awaitable[bytes | Delayed]:
        """Return what waits for an *answer*, and have later requests wait for that."""
        self._last = done = trio.Event()

        async def wait() -> bytes | Delayed:
            try:
                reply = await answer
            except AccountError as error:
                reply = Failed(errno.EINVAL, str(error))
            finally:
                done.set()
                if self._last is done:
                    self._last = None
            return reply if isinstance(reply, Delayed) else encode(reply)

        return wait()

    def _answer(self, caller: Caller, request: bytes) -> Reply | Awaitable[_Answer]:
        try:
            call = calls.decode_call(request)
        except GARBAGE:
            return Failed(errno.EBADMSG)
        user = self._users.get(caller.job)
        level, act = _ACTIONS[type(call)]
        if level is not _ANYBODY:
            if user is None:
                return Failed(errno.EPERM, "nobody is logged in here")
            if level is _ROOT and not user.is_root:
                return Failed(errno.EPERM, "only root may do that")
        try:
            answer: Reply | Awaitable[_Answer] = act(self, user, caller, call)
        except AccountError as error:
            return Failed(errno.EINVAL, str(error))
        return answer

    # -- coming and going ------------------------------------------------------------------------

    async def _login(self, _: None, caller: Caller, call: calls.Login) -> _Answer:
        refusal = await self._refusal(caller, call)
        if refusal is not None:
            return refusal
        return self._welcome(self.store.get(call.name), caller)

    async def _verify(self, _: None, caller: Caller, call: calls.Verify) -> _Answer:
        return await self._refusal(caller, call) or Done()

    async def _refusal(
        self, caller: Caller, call: calls.Login | calls.Verify
    ) -> Failed | Delayed | None:
        """Return the answer to a login by password that fails, None if it need not."""
        if caller.job not in self._waiting:
            return Failed(errno.EPERM, "programs cannot log in")
        place, _ = self._waiting[caller.job]
        account = self.store.find(call.name)
        kept = None if account is None or account.locked else account.password
        right = await self._passwords.verify(kept, call.password[: LONGEST + 1])
        if not right or kept is None:
            return self._fail(call.name, caller.time, f"from {place}", _INCORRECT)
        if caller.job not in self._waiting:
            return Failed(errno.EPERM, "whoever asked has gone")
        if self._passwords.outdated(kept):
            self.store.update(call.name, password=await self._passwords.hash(call.password))
        return None

    def _enter(self, _: None, caller: Caller, call: calls.Enter) -> Reply:
        place, vouched = self._waiting.get(caller.job, ("", ""))
        if not vouched or vouched != call.name:
            return Failed(errno.EPERM, "nobody vouches for that")
        account = self.store.get(call.name)
        if account.locked:
            self._log.note(caller.time, Kind.FAILURE, call.name, f"locked, from {place}")
            return Failed(errno.EACCES, _INCORRECT)
        return self._welcome(account, caller)

    def _welcome(self, account: Account, caller: Caller) -> calls.Welcome:
        place, _ = self._waiting.pop(caller.job)
        user = self.store.credentials(account.name)
        failures, last_failure = self.store.succeeded(account.name)
        self.store.update(account.name, last_login=caller.time)
        self._users[caller.job] = user
        self.sessions[caller.job] = calls.SessionStatus(
            number=caller.job, user=user.name, uid=user.uid, place=place, since=caller.time
        )
        self._log.note(caller.time, Kind.LOGIN, user.name, f"from {place}")
        return calls.Welcome(user, account.last_login, failures, last_failure)

    def _fail(self, name: str, now: int, what: str, text: str) -> Delayed:
        """Count a wrong password, and answer late."""
        late = delay(self.store.failed(name, now))
        self._log.note(now, Kind.FAILURE, name[:64], what)
        return Delayed(encode(Failed(errno.EACCES, text)), late)

    def _logout(self, user: Credentials, caller: Caller, _: calls.Logout) -> Reply:
        self.forget(caller.job)
        self._log.note(caller.time, Kind.LOGOUT, user.name)
        return Done()

    async def _passwd(self, user: Credentials, caller: Caller, call: calls.Passwd) -> _Answer:
        name = call.name or user.name
        if name != user.name and not user.is_root:
            return Failed(errno.EPERM, "only root changes the password of somebody else")
        _check_password(call.new)
        kept = self.store.get(name).password
        if (
            kept is not None
            and not user.is_root
            and not await self._passwords.verify(kept, call.old[: LONGEST + 1])
        ):
            return self._fail(name, caller.time, "old password", "the old password is wrong")
        self.store.update(name, password=await self._passwords.hash(call.new))
        self._log.note(caller.time, Kind.ACCOUNT, user.name, f"changed the password of {name}")
        return Done()

    # -- users and groups ------------------------------------------------------------------------

    async def _add_user(self, user: Credentials, caller: Caller, call: calls.AddUser) -> Reply:
        check_name(call.name)
        password = None
        if call.password is not None:
            _check_password(call.password)
            password = await self._passwords.hash(call.password)
        added = self.store.add(
            call.name,
            password=password,
            groups=call.groups,
            quota_bytes=call.quota_bytes,
            quota_files=call.quota_files,
        )
        if self._homes is not None:
            try:
                self._homes.make(added, caller.time)
            except AccountError:
                self.store.remove(call.name)
                raise
            self._homes.limit(added.uid, call.quota_bytes, call.quota_files)
        self._note(caller, user, f"added user {added.name} ({added.uid})")
        return calls.Welcome(added, None, 0, None)

    def _remove_user(self, user: Credentials, caller: Caller, call: calls.RemoveUser) -> Reply:
        uid = self.store.get(call.name).uid
        if any(session.uid == uid for session in self.sessions.values()):
            raise AccountError(f"{call.name} is logged in")
        self.store.remove(call.name)
        self._note(caller, user, f"removed user {call.name} ({uid})")
        return Done()

    def _set_locked(self, user: Credentials, caller: Caller, call: calls.SetLocked) -> Reply:
        if call.locked and (call.name in {"root", self.store.console}):
            raise AccountError(f"{call.name} cannot be locked: the machine's console is theirs")
        self.store.update(call.name, locked=call.locked)
        self._note(caller, user, f"{'locked' if call.locked else 'unlocked'} {call.name}")
        return Done()

    def _set_quota(self, user: Credentials, caller: Caller, call: calls.SetQuota) -> Reply:
        uid = self.store.get(call.name).uid
        self.store.update(call.name, quota_bytes=call.quota_bytes, quota_files=call.quota_files)
        if self._homes is not None:
            self._homes.limit(uid, call.quota_bytes, call.quota_files)
        self._note(caller, user, f"set the quota of {call.name}")
        return Done()

    def _add_group(self, user: Credentials, caller: Caller, call: calls.AddGroup) -> Reply:
        self.store.add_group(call.name)
        self._note(caller, user, f"added group {call.name}")
        return Done()

    def _remove_group(self, user: Credentials, caller: Caller, call: calls.RemoveGroup) -> Reply:
        self.store.remove_group(call.name)
        self._note(caller, user, f"removed group {call.name}")
        return Done()

    def _set_member(self, user: Credentials, caller: Caller, call: calls.SetMember) -> Reply:
        (self.store.join if call.member else self.store.leave)(call.group, call.name)
        verb = "added {} to" if call.member else "removed {} from"
        self._note(caller, user, f"{verb.format(call.name)} group {call.group}")
        return Done()

    def _note(self, caller: Caller, user: Credentials, text: str) -> None:
        self._log.note(caller.time, Kind.ACCOUNT, user.name, text)

    # -- what is told ----------------------------------------------------------------------------

    def _list_users(self, user: Credentials, caller: Caller, _: calls.Users) -> Reply:
        memberships: dict[str, list[str]] = {}
        for group, (_gid, members) in self.store.groups().items():
            for member in members:
                memberships.setdefault(member, []).append(group)
        return calls.UserList(
            [
                _told(account, memberships.get(account.name, ()), user)
                for account in self.store.users()
            ]
        )

    def _list_groups(self, user: Credentials, caller: Caller, _: calls.Groups) -> Reply:
        return calls.GroupList(
            [
                calls.Group(name=name, gid=gid, members=members)
                for name, (gid, members) in self.store.groups().items()
            ]
        )

    def _list_sessions(self, user: Credentials, caller: Caller, _: calls.Who) -> Reply:
        return calls.SessionList(list(self.sessions.values()))

    # -- public keys -----------------------------------------------------------------------------

    def _list_keys(self, user: Credentials, caller: Caller, call: calls.Keys) -> Reply:
        return calls.KeyList(self.store.keys(_whose(user, call.name)))

    def _add_key(self, user: Credentials, caller: Caller, call: calls.AddKey) -> Reply:
        name = _whose(user, call.name)
        self.store.add_key(name, *check_key(call.key))
        self._note(caller, user, f"added a key of {name}")
        return Done()

    def _remove_key(self, user: Credentials, caller: Caller, call: calls.RemoveKey) -> Reply:
        name = _whose(user, call.name)
        self.store.remove_key(name, check_key(call.key)[0])
        self._note(caller, user, f"removed a key of {name}")
        return Done()


def _check_password(text: str) -> None:
    if not text:
        raise AccountError("a password cannot be empty")
    if len(text.encode()) > LONGEST:
        raise AccountError(f"a password has {LONGEST} bytes at the most")


def _whose(user: Credentials, name: str) -> str:
    """Return whose keys are meant. Raises AccountError: they are no business of *user*."""
    if name and name != user.name and not user.is_root:
        raise AccountError("only root sees and changes the keys of somebody else")
    return name or user.name


def _told(account: Account, groups: tuple[str, ...] | list[str], to: Credentials) -> calls.User:
    own = "root" if account.uid == 0 else account.name
    known = calls.User(name=account.name, uid=account.uid, groups=(own, *groups), home=account.home)
    if not to.is_root and to.uid != account.uid:
        return known
    return msgspec.structs.replace(
        known,
        has_password=account.password is not None,
        locked=account.locked,
        quota_bytes=account.quota_bytes,
        quota_files=account.quota_files,
        last_login=account.last_login,
    )


_ANYBODY: Final = "anybody"
_USERS: Final = "users"
_ROOT: Final = "root"

_ACTIONS: Final[dict[type, tuple[str, Callable[..., Any]]]] = {
    calls.Login: (_ANYBODY, LoginServer._login),
    calls.Verify: (_ANYBODY, LoginServer._verify),
    calls.Enter: (_ANYBODY, LoginServer._enter),
    calls.Logout: (_USERS, LoginServer._logout),
    calls.Passwd: (_USERS, LoginServer._passwd),
    calls.AddUser: (_ROOT, LoginServer._add_user),
    calls.RemoveUser: (_ROOT, LoginServer._remove_user),
    calls.SetLocked: (_ROOT, LoginServer._set_locked),
    calls.SetQuota: (_ROOT, LoginServer._set_quota),
    calls.AddGroup: (_ROOT, LoginServer._add_group),
    calls.RemoveGroup: (_ROOT, LoginServer._remove_group),
    calls.SetMember: (_ROOT, LoginServer._set_member),
    calls.Users: (_USERS, LoginServer._list_users),
    calls.Groups: (_USERS, LoginServer._list_groups),
    calls.Who: (_USERS, LoginServer._list_sessions),
    calls.Keys: (_USERS, LoginServer._list_keys),
    calls.AddKey: (_USERS, LoginServer._add_key),
    calls.RemoveKey: (_USERS, LoginServer._remove_key),
}
"""Of each request, who may make it, and what answers it."""
