"""Who may come in: the machine's accounts, as `Hall` asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmpp_shell.serve.own_keys import own_keys

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine


class Gate:
    """Knows by which passwords and keys the users of a machine can log in."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    async def password_fits(self, name: str, password: str) -> bool:
        """Return whether *password* is that of the user *name*, who can log in."""
        return await self._machine.doors.password_fits(name, password)

    async def authorized_keys(self, name: str) -> list[str]:
        """Return the keys that root has added for the user *name*, and the user's own."""
        given = await self._machine.doors.authorized_keys(name)
        return [*given, *self._own(name)]

    def _own(self, name: str) -> list[str]:
        login, installation = self._machine.login, self._machine.installation
        account = None if login is None else login.store.find(name)
        if login is None or installation is None or account is None or account.locked:
            return []
        return own_keys(installation.tree, login.store.credentials(name))

    def users(self) -> list[str]:
        """Return who can log in, by password or key."""
        login = self._machine.login
        if login is None:
            return []
        store = login.store
        return [
            user.name
            for user in store.users()
            if not user.locked
            and (user.password is not None or store.keys(user.name) or self._own(user.name))
        ]
