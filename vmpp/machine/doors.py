"""The doors of a machine: who comes in, from where, and who is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from vmpp.machine.session import CONSOLE, LoginError, RefusedError, Session
from vmpp.process.calls import Call
from vmpp.service import account_calls as calls
from vmpp.service.account_store import WHEEL
from vmpp.service.files import Stdio
from vmpp.service.filesystem.tree_space import TreeSpace
from vmpp.service.identity import Credentials

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine


class Doors:
    """Opens sessions, which are exact if that is asked for, or if others are already.

    Attributes:
        sessions: those that are open, by number, in the order in which they were opened.
        speaker: the exact session on whose behalf virtual time stands still while it does nothing.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.sessions: dict[int, Session] = {}
        self.speaker: Session | None = None

    def user(self, number: int) -> Credentials | None:
        """Return whose session has *number*, None if nobody's."""
        session = self.sessions.get(number)
        return None if session is None else session.user

    # -- ways in ---------------------------------------------------------------------------------

    async def console(
        self, name: str | None = None, *, place: str = CONSOLE, exact: bool | None = None
    ) -> Session:
        """Log in whoever sits at the machine itself, who is not asked for a password.

        On a machine without accounts that is the user who runs vmpp.

        Args:
            name: the console's own user, by default; or root, whom that user may become, being in
                the group ``wheel``.

        Raises:
            LoginError: anybody else has to give a password.
        """
        login = self._machine.login
        if login is None:
            self._machine.keep_accounts()
            return await self._open(None, place, exact=exact)
        own = login.store.console
        wanted = own if name is None else name
        if wanted != own and not (wanted == "root" and self._in_wheel(own)):
            raise LoginError(f"{wanted} logs in with a password")
        return await self.admit(wanted, place=place, exact=exact)

    def may_become(self, session: Session, name: str) -> bool:
        """Return whether somebody who is in may log in as *name* without a password."""
        if self._machine.login is None or session.number not in self.sessions:
            return False
        if session.user.is_root or name == session.user.name:
            return True
        return name == "root" and session.place == CONSOLE and self._in_wheel(session.user.name)

    def _in_wheel(self, name: str) -> bool:
        login = self._machine.login
        return login is not None and name in login.store.groups()[WHEEL][1]

    async def log_in(
        self, name: str, password: str, *, place: str = CONSOLE, exact: bool | None = None
    ) -> Session:
        """Log somebody in by their password.

        Raises:
            LoginError: it is wrong, or there is no such user: which of them is not told.
        """
        return await self._open(calls.Login(name, password), place, exact=exact)

    async def admit(self, name: str, *, place: str, exact: bool | None = None) -> Session:
        """Log somebody in who has proved otherwise who they are, by a public key, say.

        Raises:
            LoginError: there is no such user, or they are locked out.
        """
        return await self._open(calls.Enter(name), place, vouched=name, exact=exact)

    async def _open(
        self,
        call: Call[calls.Welcome] | None,
        place: str,
        *,
        vouched: str = "",
        exact: bool | None = None,
    ) -> Session:
        machine = self._machine
        login = machine.login
        if login is None and call is not None:
            raise RefusedError("this machine has no accounts: it was booted without a state")
        session = self._session(place, exact)
        try:
            if login is not None and call is not None:
                login.admit(session.number, place, vouched)
                await session.enter(call)
            await session.settle()
        except BaseException:
            session.end()
            raise
        return session

    def _session(self, place: str, exact: bool | None) -> Session:
        """Return a session of nobody yet."""
        services = self._machine.services
        client = services.client(services.session(), exact=False)
        # Where time stands still for somebody, it would not pass for anybody else.
        exact = self.speaker is not None if exact is None else exact
        return Session(self._machine, client, place, exact=exact)

    # -- proofs ----------------------------------------------------------------------------------

    async def password_fits(self, name: str, password: str, *, place: str = "ssh") -> bool:
        """Return whether *password* is that of the user *name*, who can log in.

        A wrong one counts as a failed login, and the answer is as late as that of one.
        """
        machine = self._machine
        if machine.login is None:
            return False
        session = self._session(place, exact=None)
        machine.login.admit(session.number, place)
        try:
            await session.verify(name, password)
        except RefusedError:
            return False
        finally:
            session.end()
        return True

    async def authorized_keys(self, name: str) -> list[str]:
        """Return the public keys by which the user *name* can log in, as OpenSSH writes them."""
        await trio.lowlevel.checkpoint()
        login = self._machine.login
        account = None if login is None else login.store.find(name)
        if login is None or account is None or account.locked:
            return []
        return [f"{key} {comment}".rstrip() for key, comment in login.store.keys(name)]

    # -- exact sessions --------------------------------------------------------------------------

    def give_word(self, session: Session) -> None:
        """Have virtual time stand still on behalf of *session*, and of no other."""
        before, self.speaker = self.speaker, session
        if before is not session:
            # The one begins before the other ends, so that time cannot slip through.
            session.hold(True)
            if before is not None:
                before.hold(False)

    def take_word(self, session: Session) -> None:
        """Have another exact session, if there is one, take the place of *session*."""
        if self.speaker is session:
            others = [other for other in self.sessions.values() if other is not session]
            heir = next((other for other in reversed(others) if other.exact), None)
            if heir is not None:
                self.give_word(heir)
            else:
                self.speaker = None
                session.hold(False)

    # -- who is in -------------------------------------------------------------------------------

    def came(self, session: Session) -> str:
        """Take note of a session, have its files served, and return its first directory."""
        number, machine = session.number, self._machine
        self.sessions[number] = session
        installation = machine.installation
        space = None if installation is None else TreeSpace(installation.tree, session.user)
        machine.files.open_job(number, Stdio(_Nowhere(), _Nowhere()), space=space)
        return machine.files.directory(number, -1)

    def left(self, session: Session) -> None:
        """Take note of the end of a session."""
        self.take_word(session)
        if self.sessions.pop(session.number, None) is not None:
            self._machine.files.close_job(session.number)
        if self._machine.login is not None:
            self._machine.login.forget(session.number)


class _Nowhere:
    """The standard output of a session, which has none: its commands print on the host."""

    def write(self, rank: int, time_ps: int, data: bytes) -> None:
        """Forget *data*."""
