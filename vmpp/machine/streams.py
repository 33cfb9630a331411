"""The host's ends of a job's standard streams."""

from __future__ import annotations

import io
import os
from typing import Any

import trio

from vmpp.kernel import Trace
from vmpp.service.files import Sink


class Capture:
    """Keeps what a job writes, in `data`."""

    __slots__ = ("data",)

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, rank: int, time_ps: int, data: bytes) -> None:
        """Take a line."""
        self.data += data


class StreamSink:
    """Passes what a job writes on to a binary file of the host, line by line."""

    __slots__ = ("_file",)

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, rank: int, time_ps: int, data: bytes) -> None:
        """Take a line.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        self._file.write(data)
        self._file.flush()


class Traced:
    """Notes what goes to a sink in the digest of the run."""

    __slots__ = ("_sink", "_trace")

    def __init__(self, sink: Sink, trace: Trace) -> None:
        self._sink = sink
        self._trace = trace

    def write(self, rank: int, time_ps: int, data: bytes) -> None:
        """Note a line with its writer and time, and pass it on."""
        self._trace.output(b"%d %d %s" % (rank, time_ps, data))
        self._sink.write(rank, time_ps, data)


class HostInput:
    """Reads a file of the host, or bytes, without keeping the host's other tasks waiting."""

    __slots__ = ("_file",)

    def __init__(self, file: Any) -> None:
        self._file = io.BytesIO(file) if isinstance(file, bytes) else file

    async def read(self, n: int) -> bytes:
        """Return up to *n* bytes as soon as there are any, none at the end."""
        try:
            fd = self._file.fileno()
        except (AttributeError, OSError):
            data: bytes = self._file.read(n)
            return data
        try:
            await trio.lowlevel.wait_readable(fd)
        except PermissionError:
            # A regular file is always readable, and cannot be waited for.
            await trio.lowlevel.checkpoint()
        return os.read(fd, n)
