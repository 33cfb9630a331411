"""``queue.SimpleQueue``, which waits in C code of its own: for processes it parks the fiber."""

from __future__ import annotations

import _queue
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from vmpp.process.locks import Waiting, duration_of, poll, step
from vmpp.process.virtual import Substitute, Virtual

if TYPE_CHECKING:
    from vmpp.kernel.process import Process

_type: Any = _queue.SimpleQueue
_real_get, _is_empty = _type.get, _type.empty

_readers: Final[dict[Any, Waiting]] = {}
"""Those who wait for something to come, by queue."""


def _get(process: Process, self: Any, block: bool = True, timeout: float | None = None) -> Any:
    if process.fibers is not None:
        step(process)
    if block and _is_empty(self):
        if timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")
        _wait(process, self, None if timeout is None else duration_of(timeout))
    elif not block and _is_empty(self):
        poll(process)
    return _real_get(self, False)


def _wait(process: Process, queue: Any, duration: int | None) -> None:
    """Wait until there is something in *queue*, but no longer than *duration*."""
    end = None if duration is None else process.clock + duration
    waiting = _readers.setdefault(queue, Waiting())
    try:
        while _is_empty(queue):
            left = None if end is None else end - process.clock
            if left is not None and left <= 0:
                return
            waiting.wait(process, left, waiting.next)
    finally:
        if not waiting:
            _readers.pop(queue, None)


def _get_nowait(process: Process, self: Any) -> Any:
    return _get(process, self, False)


def _putting(real: Callable[..., None]) -> Callable[..., None]:
    """Return what puts something into a queue, whoever does, and tells those who wait for it."""

    def put(self: Any, item: Any, block: bool = True, timeout: float | None = None) -> None:
        real(self, item)
        waiting = _readers.get(self) if _readers else None
        if waiting is not None:
            waiting.next()

    return put


METHODS: Final[tuple[tuple[type, Mapping[str, Virtual | Substitute]], ...]] = (
    (
        _queue.SimpleQueue,
        {
            "get": _get,
            "get_nowait": _get_nowait,
            "put": Substitute(_putting),
            "put_nowait": Substitute(_putting),
        },
    ),
)
"""Virtual methods of C types."""
