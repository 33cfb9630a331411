"""How Python objects become messages: pickles by default, whatever a program sets otherwise."""

from __future__ import annotations

import pickle as _python
from collections.abc import Callable, Iterable
from typing import Any, Final

from vmpp_mpi._local import local

_THRESHOLD: Final = 256 * 1024
_FIRST_APART: Final = 5
"""The first protocol that leaves buffers out of a pickle."""


class _Settings:
    """What a program can set of a `Pickle`."""

    __slots__ = ("dumps", "loads", "protocol", "threshold")

    def __init__(self) -> None:
        self.dumps: Callable[..., bytes] = _python.dumps
        self.loads: Callable[..., Any] = _python.loads
        self.protocol: int | None = _python.HIGHEST_PROTOCOL
        self.threshold = _THRESHOLD


class Pickle:
    """Turns objects into bytes and back.

    Args:
        dumps: turns an object into bytes, called with a protocol besides if there is one.
        loads: turns bytes into an object.
        protocol: of pickles; the highest by default, none for a program's own *dumps*.
        threshold: bytes from which on a buffer may stay out of the pickle (`dumps_oob`).
    """

    __slots__ = ("_own",)

    _own: _Settings | None

    def __init__(
        self,
        dumps: Callable[..., bytes] | None = None,
        loads: Callable[..., Any] | None = None,
        protocol: int | None = None,
        threshold: int | None = None,
    ) -> None:
        if getattr(self, "_own", self) is self:
            self._own = _Settings()
        settings = self._change()
        settings.dumps = _python.dumps if dumps is None else dumps
        settings.loads = _python.loads if loads is None else loads
        settings.protocol = protocol
        settings.threshold = _THRESHOLD if threshold is None else threshold
        if protocol is None and settings.dumps is _python.dumps:
            settings.protocol = _python.HIGHEST_PROTOCOL

    def _settings(self) -> _Settings:
        """Return the settings: those of the one that all ranks share are each rank's own."""
        return local("mpi.pickle", _Settings) if self._own is None else self._own

    def _change(self) -> _Settings:
        global _unchanged  # noqa: PLW0603 - see there
        _unchanged = False
        return self._settings()

    def dumps(self, obj: Any) -> bytes:
        """Return *obj* as bytes."""
        if _unchanged:
            return _python.dumps(obj, _python.HIGHEST_PROTOCOL)
        settings = self._settings()
        if settings.protocol is None:
            return settings.dumps(obj)
        return settings.dumps(obj, settings.protocol)

    def loads(self, data: Any) -> Any:
        """Return the object that *data*, a buffer, stands for."""
        if _unchanged:
            return _python.loads(data)
        return self._settings().loads(data)

    def dumps_oob(self, obj: Any) -> tuple[bytes, list[Any]]:
        """Return *obj* as bytes, and the large buffers in it apart and without a copy."""
        settings = self._settings()
        apart: list[_python.PickleBuffer] = []

        def keep(found: _python.PickleBuffer) -> bool:
            if found.raw().nbytes < settings.threshold:
                return True
            apart.append(found)
            return False

        protocol = settings.protocol
        if protocol is None or 0 <= protocol < _FIRST_APART:
            protocol = _FIRST_APART
        data = settings.dumps(obj, protocol, buffer_callback=keep)
        return data, _as_buffers(apart)

    def loads_oob(self, data: Any, buffers: Iterable[Any]) -> Any:
        """Return the object that *data*, and the buffers apart from it, stand for."""
        return self._settings().loads(data, buffers=buffers)

    @property
    def PROTOCOL(self) -> int | None:
        """Protocol of pickles."""
        return self._settings().protocol

    @PROTOCOL.setter
    def PROTOCOL(self, value: int | None) -> None:
        settings = self._change()
        if value is None and settings.dumps is _python.dumps:
            value = _python.HIGHEST_PROTOCOL
        settings.protocol = value

    @property
    def THRESHOLD(self) -> int:
        """Bytes from which on a buffer may stay out of a pickle."""
        return self._settings().threshold

    @THRESHOLD.setter
    def THRESHOLD(self, value: int | None) -> None:
        self._change().threshold = _THRESHOLD if value is None else value


def _as_buffers(found: list[_python.PickleBuffer]) -> list[Any]:
    if not found:
        return []
    from vmpp_mpi._buffers._memory import buffer  # noqa: PLC0415 - needs NumPy

    return [buffer(item) for item in found]


_unchanged = True
"""Whether every `Pickle` still has the settings that it began with: the short way."""

pickle: Final = Pickle.__new__(Pickle)
pickle._own = None
