"""What processes wait for, and what ends them where they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final


class ProcessExit(BaseException):
    """Unwinds a process that called exit; *status* is what it leaves with."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class ProcessKilled(BaseException):
    """Unwinds a process that is being killed."""


class Interruption(BaseException):
    """Has a process that blocks run something where it stands, and then go on blocking.

    Attributes:
        left: picoseconds of the work that it was at; 0 if it was at none.
    """

    def __init__(self, run: Callable[[], object], left: int) -> None:
        super().__init__()
        self._run = run
        self.left = left

    def run(self) -> None:
        """Run it; what it raises is the program's, and shows nothing of how it came to run."""
        try:
            self._run()
        except BaseException as error:
            each: BaseException | None = error
            while each is not None:
                if each.__context__ is self:
                    each.__context__ = None
                each = each.__context__
            raise


def in_turn(first: BaseException | None, second: BaseException) -> BaseException:
    """Return what raises both of two errors where a process stands; *first* goes before."""
    if first is None:
        return second
    if not (isinstance(first, Interruption) or isinstance(second, Interruption)):
        return first

    def run() -> None:
        for each in (first, second):
            if not isinstance(each, Interruption):
                raise each
            each.run()

    return Interruption(run, getattr(first, "left", 0) + getattr(second, "left", 0))


class _Anything:
    """The type of `ANYTHING`."""

    __slots__ = ()


ANYTHING: Final = _Anything()
"""Waiting for this, a process wakes at any change of its portals."""
