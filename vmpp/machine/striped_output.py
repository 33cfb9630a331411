"""Striped files that output goes to from outside: what commands and jobs print, and records."""

from __future__ import annotations

import os
from typing import Any

from vmpp.engine import Occasion
from vmpp.process import calls
from vmpp.service.filesystem.open_file import OpenFile
from vmpp.service.filesystem.striped_file import StripedFile
from vmpp.service.filesystem.work import Work
from vmpp.service.server import Later


class StripedOutput(OpenFile):
    """A file that is written to at once, as far as the writer can tell, and on I/O nodes later.

    What comes while they are at something waits, and goes to them together. What fails is raised
    the next time that something is written, or checked.
    """

    __slots__ = ("_busy", "_closed", "_error", "_file", "_held", "_idle")

    def __init__(self, file: StripedFile) -> None:
        super().__init__()
        self._file = file
        self._held = bytearray()
        self._busy = False
        self._closed = False
        self._error: OSError | None = None
        self._idle = Occasion()
        if file.pending is not None:
            self._begin(file.pending)

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._busy

    def when_idle(self) -> Occasion:
        """Return what happens when nothing is on its way any more."""
        return self._idle

    def check(self) -> None:
        """Raise the OSError of what has failed, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def write(self, data: Any) -> int:
        """Have *data* written at the end."""
        self.check()
        self._held += data
        self._write_on()
        return len(data)

    def close(self) -> None:
        """Close the file when all is written."""
        self._closed = True
        if not self._busy:
            self._file.close()

    def _write_on(self) -> None:
        while self._held and not self._busy:
            data = bytes(self._held[: calls.MOST])
            del self._held[: calls.MOST]
            self._begin(self._file.write(data))

    def _begin(self, work: Work) -> None:
        reply = work.then()
        if isinstance(reply, Later):
            self._busy = True
            self._idle = Occasion()
            reply.promise(self._heard)

    def _heard(self, text: bytes) -> bool:
        reply, idle = calls.decode_reply(text), self._idle
        self._busy = False
        if isinstance(reply, calls.Failed):
            self._error = OSError(reply.errno, os.strerror(reply.errno))
            self._held.clear()
        self._write_on()
        if not self._busy:
            idle.set()
            if self._closed:
                self._file.close()
        return True
