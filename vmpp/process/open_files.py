"""What a process knows of its open files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from vmpp.process import calls


class OpenFile:
    """What the process knows of one open file; several descriptors may share it.

    Attributes:
        handle: the server's name of it.
        mode: type and permissions, as in ``st_mode``.
        block_size: bytes that the server prefers to move at a time.
        seekable: whether it has positions.
        terminal: whether it is a terminal.
        appending: whether every write goes to the end.
        shared: whether other processes may move its position.
        position: where the next byte is read or written, None where only the server knows.
    """

    __slots__ = (
        "appending", "block_size", "handle", "mode", "position", "seekable", "shared", "terminal",
    )  # fmt: skip

    def __init__(self, opened: calls.Opened, appending: bool, shared: bool = False) -> None:
        self.handle = opened.handle
        self.mode = opened.mode
        self.block_size = opened.block_size
        self.seekable = opened.seekable
        self.terminal = opened.terminal
        self.appending = appending
        self.shared = shared
        self.position = 0 if opened.seekable and not shared else None

    def advance(self, moved: int) -> None:
        """Take account of *moved* bytes that were read or written at the position."""
        if self.position is not None:
            self.position += moved


class OwnFile(OpenFile, ABC):
    """An open file whose bytes come and go another way than by requests to the file server."""

    __slots__ = ()

    @abstractmethod
    def read(self, size: int) -> bytes:
        """Return up to *size* bytes as soon as there are any; none at the end."""

    @abstractmethod
    def write(self, data: Any) -> int:
        """Write the bytes-like *data* and return how many bytes."""


class SocketFile(OwnFile):
    """What a descriptor stands for of which the file server knows nothing."""

    __slots__ = ()

    @abstractmethod
    def close(self) -> None:
        """End it, without blocking: no descriptor stands for it any more."""
