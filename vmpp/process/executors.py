"""What ``concurrent.futures.thread`` keeps for a whole interpreter, as each process has it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from vmpp.engine import current_process
from vmpp.process.locks import Lock
from vmpp.process.threads import ENDINGS, threads_of
from vmpp.process.virtual import Functions, Substitute

if TYPE_CHECKING:
    from vmpp.kernel.process import Process


_NUMBER: Final = "_vmpp_number"


class _Pools:
    """The pools of threads of one process.

    Attributes:
        queues: what each thread of a pool takes its work from.
        lock: held while threads are added.
    """

    __slots__ = ("lock", "queues")

    def __init__(self) -> None:
        self.queues: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self.lock = Lock()

    def end(self) -> None:
        """Have all threads do what is left to do, and end."""
        queues = list(self.queues.items())
        for _, queue in queues:
            queue.put(None)
        for thread, _ in queues:
            thread.join()


def _pools(process: Process) -> _Pools:
    threads = threads_of(process)
    if threads.pools is None:
        pools = threads.pools = _Pools()
        threads.at_end.append((pools.end, (), {}))
    found: _Pools = threads.pools
    return found


class _Queues(MutableMapping[Any, Any]):
    """``_threads_queues``."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def _table(self) -> Any:
        process = current_process()
        return self.real if process is None else _pools(process).queues

    def __getitem__(self, key: Any) -> Any:
        return self._table()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._table()[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._table()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._table())

    def __len__(self) -> int:
        return len(self._table())


class _Shutdown:
    """``_shutdown``: whether the main thread has ended."""

    def __init__(self, real: bool) -> None:
        self.real = real

    def __bool__(self) -> bool:
        process = current_process()
        if process is None:
            return self.real
        threads = process.space.threads
        return threads is not None and threads.closing


class _ShutdownLock:
    """``_global_shutdown_lock``."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def _lock(self) -> Any:
        process = current_process()
        return self.real if process is None else _pools(process).lock

    def __enter__(self) -> Any:
        return self._lock().__enter__()

    def __exit__(self, *exception: Any) -> Any:
        return self._lock().__exit__(*exception)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lock(), name)


def _numbered(real: Callable[[Any], int]) -> Callable[[Any], int]:
    """Return what hashes a future: by a number, not by where it is in memory.

    ``as_completed`` and programs keep futures in sets, whose order would differ from run to run.
    """

    def hash_of(self: Any) -> int:
        known: int | None = self.__dict__.get(_NUMBER)
        if known is not None:
            return known
        process = current_process()
        if process is None:
            return real(self)
        known = self.__dict__[_NUMBER] = threads_of(process).new_future()
        return known

    return hash_of


class _Logger:
    """``LOGGER``, which must not be told of a process's end as of a failure."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def critical(self, *args: Any, **kwargs: Any) -> None:
        """Log an error, unless it ends the process."""
        error = sys.exc_info()[1]
        if isinstance(error, ENDINGS):
            raise error
        self.real.critical(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


TABLE: Final[Functions] = {
    "concurrent.futures._base": {
        "Future.__hash__": Substitute(_numbered),
        "LOGGER": Substitute(_Logger),
    },
    "concurrent.futures.thread": {
        "_global_shutdown_lock": Substitute(_ShutdownLock),
        "_shutdown": Substitute(_Shutdown),
        "_threads_queues": Substitute(_Queues),
    },
}
"""What takes the place of globals, by module and name."""
