"""Who may do what with a file: the rules of Unix, as in POSIX.1-2017, XBD 4.5 and 4.3."""

from __future__ import annotations

import os
import stat
from typing import Final, NoReturn

from vmpp.service.filesystem.volume import Status
from vmpp.service.identity import Credentials

READ: Final = os.R_OK
WRITE: Final = os.W_OK
SEARCH: Final = os.X_OK
"""To run a file, or to look for a name in a directory."""

_ANYBODY: Final = 0o111


def fail(number: int) -> NoReturn:
    """Raise the OSError of an error *number*."""
    raise OSError(number, os.strerror(number))


def permits(status: Status, who: Credentials, wanted: int) -> bool:
    """Return whether the mode of a file lets *who* use it as *wanted* says.

    The owner has the owner's permissions and no others, and a member of the group those of the
    group. Root may do everything, but run what nobody may.
    """
    mode = status.mode
    if who.is_root:
        return not wanted & SEARCH or stat.S_ISDIR(mode) or bool(mode & _ANYBODY)
    if who.uid == status.uid:
        mode >>= 6
    elif status.gid == who.gid or status.gid in who.groups:
        mode >>= 3
    return not wanted & ~mode & 7


def owns(status: Status, who: Credentials) -> bool:
    """Return whether *who* may change the attributes of a file."""
    return who.is_root or who.uid == status.uid


def sticks(directory: Status, status: Status, who: Credentials) -> bool:
    """Return whether the sticky bit of a *directory* keeps *who* from removing a name of a file."""
    if not directory.mode & stat.S_ISVTX:
        return False
    return not (who.is_root or who.uid in {status.uid, directory.uid})


def new_group(directory: Status, who: Credentials) -> int:
    """Return the group of what *who* makes in a directory."""
    return directory.gid if directory.mode & stat.S_ISGID else who.gid


def changed_mode(status: Status, who: Credentials, mode: int) -> int:
    """Return the permissions that a file has after *who* has asked for *mode*.

    Only a member of a file's group can give it the set-group-ID bit.
    """
    mode &= 0o7777
    if not (who.is_root or status.gid == who.gid or status.gid in who.groups):
        mode &= ~stat.S_ISGID
    return mode


def may_give(status: Status, who: Credentials, uid: int, gid: int) -> bool:
    """Return whether *who* may give a file to *uid* and *gid*; -1 leaves either as it is.

    Only root gives files away. Owners may choose the group from those that they are in.
    """
    if who.is_root:
        return True
    if who.uid != status.uid or uid not in {-1, status.uid}:
        return False
    return gid in {-1, status.gid, who.gid, *who.groups}
