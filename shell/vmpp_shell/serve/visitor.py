"""Who is let in: one connection, from its first byte until somebody has proved who they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

import asyncssh
import trio
from trio_asyncio import aio_as_trio, trio_as_aio

PASSWORDS: Final = 3
"""Wrong passwords after which a connection is closed, as OpenSSH's client gives up as well."""
REFUSAL_SECONDS: Final = 1.0
"""Host time that a wrong password takes, at the least; what it takes in virtual time the login
server says."""
STRANGERS: Final = 30
"""Connections at once on which nobody has proved yet who they are; further ones are closed."""
CLOSING_SECONDS: Final = 1.0
"""Host time for which clients may take their last output when the machine goes down."""
LONGEST_PASSWORD: Final = 1024
"""Longer ones are wrong, and nothing is worked out from them."""


class Doors(Protocol):
    """What knows the machine's accounts."""

    async def password_fits(self, name: str, password: str) -> bool:
        """Return whether *password* is that of the user *name*, who can log in."""
        ...

    async def authorized_keys(self, name: str) -> Iterable[str]:
        """Return the keys by which the user *name* can log in, as lines of ``authorized_keys``.

        None for somebody who is not there or cannot log in.
        """
        ...


class Hall:
    """Where those wait who have connected and not proved yet who they are.

    Attributes:
        doors: what knows the machine's accounts.
        strangers: how many wait.
        open: whether anybody is let in; not any more while the machine goes down.
    """

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.strangers = 0
        self.open = True
        self._connections: dict[asyncssh.SSHServerConnection, None] = {}

    def visitor(self) -> Visitor:
        """Return what attends to a new connection."""
        return Visitor(self)

    def entered(self, connection: asyncssh.SSHServerConnection) -> bool:
        """Take note of a connection; return whether it may stay."""
        if not self.open or self.strangers >= STRANGERS:
            return False
        self._connections[connection] = None
        return True

    def left(self, connection: asyncssh.SSHServerConnection) -> None:
        """Take note that a connection is no more."""
        self._connections.pop(connection, None)

    async def close(self) -> None:
        """Wait for the end of all connections, which clients close, and close those that stay."""
        for close in (False, True):
            with trio.move_on_after(CLOSING_SECONDS):
                for connection in list(self._connections):
                    if close:
                        connection.abort()
                    await aio_as_trio(connection.wait_closed)()


class Visitor(asyncssh.SSHServer):
    """One connection. All that SSH offers besides sessions, forwarding of any kind, is refused."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._stranger = False
        self._wrong = 0
        self._connection: asyncssh.SSHServerConnection

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Take the connection, unless there are too many strangers."""
        self._connection = conn
        if not self._hall.entered(conn):
            conn.abort()
            return
        self._stranger = True
        self._hall.strangers += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._known()
        self._hall.left(self._connection)

    def _known(self) -> None:
        if self._stranger:
            self._stranger = False
            self._hall.strangers -= 1

    async def begin_auth(self, username: str) -> bool:
        """Find out by which keys *username* can log in; everybody has to prove who they are."""
        keys = await trio_as_aio(self._hall.doors.authorized_keys)(username)
        self._connection.set_authorized_keys(usable(keys))
        return True

    def auth_completed(self) -> None:
        """Note that somebody is known now."""
        self._known()

    def password_auth_supported(self) -> bool:
        """Return that one can log in by password."""
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        """Return whether the password is right; who is wrong too often is sent away.

        It takes the same time whether there is such a user or not.
        """
        if await trio_as_aio(self._fits)(username, password):
            return True
        self._wrong += 1
        if self._wrong >= PASSWORDS:
            self._connection.disconnect(
                asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "too many wrong passwords"
            )
        return False

    async def _fits(self, name: str, password: str) -> bool:
        begin = trio.current_time()
        if len(password) <= LONGEST_PASSWORD and await self._hall.doors.password_fits(
            name, password
        ):
            return True
        await trio.sleep_until(begin + REFUSAL_SECONDS)
        return False


def usable(lines: Iterable[str]) -> asyncssh.SSHAuthorizedKeys:
    """Return what can be used of the lines of ``authorized_keys``; mistakes are passed over."""
    keys = asyncssh.SSHAuthorizedKeys()
    for line in lines:
        try:
            keys.load(line)
        except ValueError:
            continue
    return keys
