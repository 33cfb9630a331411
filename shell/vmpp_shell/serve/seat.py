"""Where somebody sits who has come over the network: at a machine that others use as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vmpp.errors import VmppError
from vmpp_shell.console import Console

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine
    from vmpp.machine.session import Session


class NotRootError(VmppError):
    """Only root may do this."""


class Seat(Console):
    """A seat without a way to the host, at a machine that is up."""

    def __init__(self, machine: Machine, session: Session, down: Callable[[], object]) -> None:
        """Sit down as who has *session*; *down* has the machine shut down."""
        super().__init__(machine.plugins, local=False)
        self._machine = machine
        self.sessions = [session]
        self._down = down

    async def shut_down(self) -> None:
        """Have the machine shut down, for everybody.

        Raises:
            NotRootError: it is not root who sits here.
        """
        if not self.session.user.is_root:
            raise NotRootError("others use this machine: only root shuts it down")
        self._down()
