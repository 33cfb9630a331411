"""Quotas: how much of a file tree each user has, and may have."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from msgspec import Struct


class Usage(Struct):
    """What one user has of a file tree. A file counts for its owner, with its size.

    Attributes:
        bytes: sizes of the user's files together; holes count as what they are read as.
        files: how many files, directories and symbolic links are the user's.
        byte_limit: the most bytes; None: there is no limit.
        file_limit: the most files; likewise.
    """

    bytes: int = 0
    files: int = 0
    byte_limit: int | None = None
    file_limit: int | None = None


class Ledger:
    """What all users have, kept in step with every change."""

    __slots__ = ("_users",)

    def __init__(
        self,
        usage: Iterable[tuple[int, int, int]],
        limits: Iterable[tuple[int, int | None, int | None]],
    ) -> None:
        self._users = {uid: Usage(size, files) for uid, size, files in usage}
        for uid, size, files in limits:
            self.limit(uid, size, files)

    def of(self, uid: int) -> Usage:
        """Return what a user has."""
        return self._users.setdefault(uid, Usage())

    def limit(self, uid: int, size: int | None, files: int | None) -> None:
        """Set what a user may have. What is more already stays, and nothing can be added."""
        usage = self.of(uid)
        usage.byte_limit, usage.file_limit = size, files

    def check(self, uid: int, size: int, files: int = 0) -> None:
        """Raise OSError(EDQUOT) if a user may not have *size* bytes and *files* files more."""
        usage = self.of(uid)
        for more, has, limit in (
            (size, usage.bytes, usage.byte_limit),
            (files, usage.files, usage.file_limit),
        ):
            if more > 0 and limit is not None and has + more > limit:
                raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    def charge(self, uid: int, size: int, files: int = 0) -> None:
        """Count what a user has got, or, if it is negative, has no more."""
        usage = self.of(uid)
        usage.bytes += size
        usage.files += files
