"""On whose behalf something is done: users and groups, as Unix numbers them."""

from __future__ import annotations

import getpass
import os
from typing import Final

from msgspec import Struct

ROOT: Final = 0
"""The number of the user that may do everything."""


class Credentials(Struct, frozen=True):
    """Who somebody is, for whoever has to decide what they may do.

    Attributes:
        name: of the user.
        uid: number of the user.
        gid: number of the user's own group, which new files get.
        groups: numbers of all groups that the user is in, *gid* included, sorted.
        home: the user's home directory in the machine's file tree.
    """

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    home: str = "/"

    @property
    def is_root(self) -> bool:
        """Whether this is root, whom nothing is refused."""
        return self.uid == ROOT

    def may_command(self, owner: Credentials) -> bool:
        """Return whether this user may signal, or connect to, what belongs to *owner*."""
        return self.is_root or self.uid == owner.uid


def host_user() -> Credentials:
    """Return the user who runs vmpp, as the host knows them."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that nobody has given a name.
        name = str(os.getuid())
    return Credentials(
        name, os.getuid(), os.getgid(), tuple(sorted({*os.getgroups(), os.getgid()}))
    )
