"""Folders of the host that go with the process that has made them, however that ends."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

PREFIX: Final = "vmpp-stripes-"
"""What the names of such folders begin with."""


class PassingFolder:
    """An empty folder, which is locked for as long as this process is there.

    A process that is killed leaves its own behind, with a lock that nobody has any more: whoever
    makes one removes those first. The lock, unlike a process's number, means the same in all
    containers that share the folder for temporary files.

    Attributes:
        path: where it is.
    """

    __slots__ = ("_lock", "path")

    def __init__(self) -> None:
        """Make one. Raises OSError: the host does not let us."""
        parent = Path(tempfile.gettempdir())
        for left in parent.glob(f"{PREFIX}*"):
            lock = _locked(left)
            if lock is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(lock)
        self._make(parent)
        while not self.path.is_dir():
            # Somebody has taken it for one that was left, before it was locked.
            self._make(parent)

    def _make(self, parent: Path) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        # Where nothing can be locked nobody removes what is left either.
        self._lock = _locked(self.path, wait=True)

    def remove(self) -> None:
        """Remove it, with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)


def _locked(folder: Path, *, wait: bool = False) -> int | None:
    """Return the descriptor of the lock of a folder; None: it is another's, or gone."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with suppress(OSError):
        if os.fstat(lock).st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if folder.is_dir():
                return lock
    os.close(lock)
    return None
