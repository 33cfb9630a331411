"""Occasions: what happens once in virtual time, and is waited for there and on the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio


class Occasion:
    """Something that happens once, such as the end of a job.

    Tasks of the host wait for it as for a `trio.Event`. Who has to act at the very instant at which
    it happens has a callback called, in the order in which the callbacks were left.
    """

    __slots__ = ("_callbacks", "_event")

    def __init__(self) -> None:
        self._event = trio.Event()
        self._callbacks: list[tuple[Callable[[Any], object], Any]] = []

    def is_set(self) -> bool:
        """Return whether it has happened."""
        return self._event.is_set()

    def set(self) -> None:
        """Say, in virtual time, that it happens now; a second time it makes no difference."""
        if self._event.is_set():
            return
        self._event.set()
        callbacks, self._callbacks = self._callbacks, []
        for callback, argument in callbacks:
            callback(argument)

    def then(self, callback: Callable[[Any], object], argument: Any = None) -> None:
        """Call *callback(argument)* when it happens, or now if it has."""
        if self._event.is_set():
            callback(argument)
        else:
            self._callbacks.append((callback, argument))

    async def wait(self) -> None:
        """Wait, on the host, until it has happened."""
        await self._event.wait()
