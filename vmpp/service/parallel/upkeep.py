"""What the system asks parallel file servers for: to cut and to remove what they have of files."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from vmpp.hardware.stretches import Stretches
from vmpp.portals import Header
from vmpp.process.striping import Cut, Moved, Remove, Sync

if TYPE_CHECKING:
    from vmpp.service.parallel.server import ParallelServer


class Upkeep:
    """Cuts, removes and writes to the host's disk what one server has of files."""

    __slots__ = ("_removed", "_server")

    def __init__(self, server: ParallelServer) -> None:
        self._server = server
        # Numbers are not used again: whoever comes too late must not bring a file back. They are
        # given in order, so where there have been many they follow one another.
        self._removed: Stretches[None] = Stretches()

    def has_removed(self, file: int) -> bool:
        """Return whether a file has been there and is no more."""
        return self._removed.run(file) > file

    def cut(self, serial: int, header: Header, request: Cut) -> None:
        """Keep of a file what belongs to so many bytes of it. Raises OSError: EACCES, EBADMSG."""
        _check_system(header)
        server, layout = self._server, request.layout
        if server.number not in layout.servers or layout.unit < 1 or request.size < 0:
            raise OSError(errno.EBADMSG, os.strerror(errno.EBADMSG))
        length = layout.part_length(layout.servers.index(server.number), request.size)
        server.disk.cut(layout.file, length)
        self._do(serial, lambda: server.files.cut(server.number, layout.file, length))

    def remove(self, serial: int, header: Header, request: Remove) -> None:
        """Keep nothing of a file, whose transfers fail. Raises OSError: EACCES."""
        _check_system(header)
        server, file = self._server, request.file
        self._removed.join(file, file + 1, None)
        server.fail_all(file, errno.ENOENT)
        server.disk.cut(file, 0)
        self._do(serial, lambda: server.files.remove(server.number, file))

    def sync(self, serial: int, _: Header, request: Sync) -> None:
        """Have everything that waits for the disk written."""
        server, file = self._server, request.layout.file
        done = server.disk.cache.flush(server.kernel.engine.now)
        self._do(serial, lambda: server.files.sync(server.number, file), done)

    def _do(self, serial: int, action: Callable[[], object], when: int = 0) -> None:
        """Have the task do something with the host's files, and report it at time *when*."""
        server = self._server
        failed: list[int] = []

        def act() -> None:
            try:
                action()
            except OSError as error:
                failed.append(error.errno or errno.EIO)

        def report(_: object) -> None:
            server.report(serial, Moved(*failed or (0,)))

        server.host.add(act, max(when, server.kernel.engine.now), report)


def _check_system(header: Header) -> None:
    if header.source.group:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
