"""The home directories of users, and how much of the machine's files may be theirs."""

from __future__ import annotations

import os

from vmpp.service.account_store import AccountError
from vmpp.service.filesystem.tree import SUPERUSER, Tree
from vmpp.service.identity import Credentials


class Homes:
    """Makes home directories in a file tree, and has it keep to quotas."""

    __slots__ = ("_tree",)

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def make(self, user: Credentials, now: int) -> None:
        """Make the home directory of *user*, if it is not there.

        Args:
            now: virtual time, ps.

        Raises:
            AccountError: what is there is somebody else's, or it cannot be made.
        """
        tree = self._tree
        try:
            tree.begin(now)
            tree.add_home(user)
            home = tree.find(SUPERUSER, tree.root, os.fsencode(user.home))
        except OSError as error:
            raise AccountError(f"cannot make {user.home}: {error.strerror}") from None
        if tree.status(home).uid != user.uid:
            raise AccountError(f"{user.home} is somebody else's; rename it or give it away first")

    def limit(self, uid: int, size: int | None, files: int | None) -> None:
        """Limit what the files of a user may take, and how many they may be; None: no limit."""
        self._tree.set_quota(uid, size, files)
