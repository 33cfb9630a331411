"""What the processes have in common that share an open file: a pointer, and a lock."""

from __future__ import annotations

import errno
import os
from collections import deque
from typing import Final

from vmpp.process import calls
from vmpp.service.server import Later

_GRANTED: Final = calls.encode(calls.Done())


class Lock:
    """A lock that goes from one owner to the next in the order in which they asked for it.

    An owner that asks again while it holds the lock waits as others do: its requests may come from
    several fibers of one process.
    """

    __slots__ = ("_holder", "_waiting")

    def __init__(self) -> None:
        self._holder: object = None
        self._waiting: deque[tuple[object, Later]] = deque()

    def take(self, owner: object) -> Later | None:
        """Give the lock to *owner*; return what is answered later if another has it."""
        if self._holder is None:
            self._holder = owner
            return None
        later = Later()
        self._waiting.append((owner, later))
        return later

    def give_back(self, owner: object) -> None:
        """Take the lock from *owner* and give it to the next.

        Raises:
            OSError: EPERM, *owner* does not hold it.
        """
        if self._holder is not owner:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        self._holder = None
        if self._waiting:
            self._holder, later = self._waiting.popleft()
            later.answer(_GRANTED)

    def forget(self, owner: object) -> None:
        """Let *owner*, which closes the file or ends, neither hold the lock nor wait for it."""
        self._waiting = deque(pair for pair in self._waiting if pair[0] is not owner)
        if self._holder is owner:
            self.give_back(owner)


class Sharing:
    """What is shared besides the open file itself.

    Attributes:
        key: what other processes join by.
        pointer: a number that the processes move; what it counts is up to them.
        lock: for several requests of one process that nobody's may come in between.
        users: how many handles there are to the open file.
    """

    __slots__ = ("key", "lock", "pointer", "users")

    def __init__(self, key: int) -> None:
        self.key = key
        self.pointer = 0
        self.lock = Lock()
        self.users = 1
