"""What processes wait for, and what ends them where they stand."""

from __future__ import annotations

from typing import Final


class ProcessExit(BaseException):
    """Unwinds a process that called exit; *status* is what it leaves with."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class ProcessKilled(BaseException):
    """Unwinds a process that is being killed."""


class _Anything:
    """The type of `ANYTHING`."""

    __slots__ = ()


ANYTHING: Final = _Anything()
"""Waiting for this, a process wakes at any change of its portals."""
