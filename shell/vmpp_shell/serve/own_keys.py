"""``~/.ssh/authorized_keys``: the public keys that users keep among their own files."""

from __future__ import annotations

import os
import posixpath
import stat
from typing import Final

from vmpp.service.filesystem import Tree
from vmpp.service.identity import ROOT, Credentials

FILE: Final = ".ssh/authorized_keys"
"""Where they are, in the home directory."""
LONGEST: Final = 1 << 16
"""Bytes of the file; a longer one counts for nothing."""

_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def own_keys(tree: Tree, user: Credentials) -> list[str]:
    """Return the lines of a user's own file, as OpenSSH's ``StrictModes`` has it.

    It counts only if nobody else can have written it: the file and the directories that it is in,
    up to the home directory, belong to the user or root and cannot be written by others.
    """
    path = posixpath.join(user.home, FILE)
    places = [path, posixpath.dirname(path), user.home]
    try:
        if not all(_is_safe(tree, user, place) for place in places):
            return []
        return tree.read(user, os.fsencode(path)).decode(errors="replace").splitlines()
    except OSError:
        return []


def _is_safe(tree: Tree, user: Credentials, path: str) -> bool:
    known = tree.status(tree.find(user, tree.root, os.fsencode(path)))
    return (
        known.uid in (user.uid, ROOT) and not known.mode & _OTHERS_WRITE and known.size <= LONGEST
    )
