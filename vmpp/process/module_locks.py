"""The locks of modules that are being imported: each process has its own, for its threads.

A module may block while it is imported. A thread that wants it meanwhile waits until it is whole;
another rank does not, as it imports a module of its own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from vmpp.engine import Fiber, current_process
from vmpp.process.locks import RLock
from vmpp.process.virtual import Functions

if TYPE_CHECKING:
    from vmpp.kernel.process import Process

_bootstrap: Any = getattr(importlib, "_bootstrap")  # noqa: B009 # the stub does not know it

_blocked: Final[dict[Fiber, ModuleLock]] = {}
"""What the fibers wait for that wait for modules."""


class ModuleLock(RLock):
    """Held by the thread that imports a module."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock.

        Raises:
            _DeadlockError: its holder waits for a module that the caller imports; the import system
                knows what to do then.
        """
        process = current_process()
        me = None if process is None else process.fiber
        if me is None or self.holder is None or self.holder is me:
            return super().acquire(blocking, timeout)
        self._look_for_circle(me)
        _blocked[me] = self
        try:
            return super().acquire(blocking, timeout)
        finally:
            del _blocked[me]

    def _look_for_circle(self, me: Fiber) -> None:
        lock: ModuleLock | None = self
        while lock is not None:
            if lock.holder is me:
                raise _bootstrap._DeadlockError(f"deadlock detected by {self.name!r}")
            lock = _blocked.get(lock.holder)


def _lock_of(process: Process, name: str) -> ModuleLock:
    locks = process.space.module_locks
    if locks is None:
        locks = process.space.module_locks = {}
    lock: ModuleLock | None = locks.get(name)
    if lock is None:
        lock = locks[name] = ModuleLock(name)
    return lock


TABLE: Final[Functions] = {"importlib._bootstrap": {"_get_module_lock": _lock_of}}
"""Virtual functions by module and name."""
