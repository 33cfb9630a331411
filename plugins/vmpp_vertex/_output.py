"""Standard output of a node that keeps still, while node 0 prints for all."""

from __future__ import annotations

import io
from typing import Any


class Silence(io.TextIOBase):
    """Takes text and loses it; in all else it is like the stream whose place it takes."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def fileno(self) -> int:
        """Return the descriptor of the stream in whose place this is."""
        number: int = self._stream.fileno()
        return number

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Lose *text*, and return its length."""
        return len(text)
