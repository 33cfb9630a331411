"""What ``vmpp serve`` says at its start: what it serves, where, and what that means."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_LOOPBACK: Final = ("127.", "::1", "localhost")

TRUST: Final = (
    "A program is Python code with the rights of {owner} on this computer. So only members of "
    "'programmers' may run programs of their own; the others run those in /images. Put somebody "
    "into 'programmers' only if you would give them your own login. See docs/protection.md."
)
"""What everybody has to know who serves a machine."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What there is to say.

    Attributes:
        machine: name of the machine.
        nodes: how many compute nodes it has.
        owner: name of the host's user who serves.
        state: where its files and accounts are kept.
        host, port: where it listens.
        fingerprint: of its host key.
        users: those who can log in.
        programmers: those of them who may run programs of their own.
    """

    machine: str
    nodes: int
    owner: str
    state: str
    host: str
    port: int
    fingerprint: str
    users: Sequence[str]
    programmers: Sequence[str]

    @property
    def is_local(self) -> bool:
        """Whether only this computer can connect."""
        return self.host.startswith(_LOOPBACK)

    def text(self, width: int = 80) -> str:
        """Return the notice, the part of it that is prose *width* characters wide."""
        reach = "this computer only" if self.is_local else "the NETWORK behind that address"
        name = "localhost" if self.is_local else self.host
        return "\n".join(
            [
                f"serving {self.machine}, {self.nodes} compute nodes, kept in {self.state}",
                f"  listening  {self.host}, port {self.port}: {reach}",
                f"  host key   {self.fingerprint} (ED25519)",
                f"  users      {', '.join(map(self._marked, self.users))} (*: programmers)",
                f"  log in     ssh -p {self.port} {self.users[0]}@{name}",
                textwrap.fill(TRUST.format(owner=self.owner), width - 1),
                "^C shuts it down.",
            ]
        )

    def _marked(self, user: str) -> str:
        return f"{user}*" if user in self.programmers else user
