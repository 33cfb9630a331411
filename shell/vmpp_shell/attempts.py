"""Doing one thing after another, each of which may fail by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vmpp.errors import VmppError
from vmpp_shell.interpreter import FAILED, told

if TYPE_CHECKING:
    from vmpp_shell.context import Context


class Attempts:
    """What a command does with one file after another: an error is told, and the next one tried.

    Attributes:
        status: of the command: 1 once anything has failed.
    """

    def __init__(self, context: Context, name: str) -> None:
        """Begin; *name* is the command's."""
        self._err = context.err
        self._name = name
        self.status = 0

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Tell of what goes wrong in a block that deals with *path*."""
        try:
            yield
        except OSError as error:
            self.failed(told(error) if error.filename is not None else f"{path}: {told(error)}")
        except VmppError as error:
            self.failed(told(error))

    def failed(self, complaint: str) -> None:
        """Tell of a failure."""
        self._err.print(f"{self._name}: {complaint}")
        self.status = FAILED
