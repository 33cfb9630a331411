"""What the file server keeps of one process: open files by handle, and unfinished lines."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from typing import Final

from vmpp.process import calls
from vmpp.service.filesystem.open_file import OpenFile
from vmpp.service.filesystem.space import View
from vmpp.service.server import Caller
from vmpp.service.sharing import Sharing
from vmpp.service.stdio import Stdio

FIRST: Final = 3
"""The lowest handle that is not a standard stream."""


@dataclass(slots=True)
class Shares:
    """The shared open files of a server, by key."""

    files: dict[int, OpenFile] = field(default_factory=dict)
    made: int = 0

    def offer(self, file: OpenFile) -> Sharing:
        """Let others join *file*."""
        if file.sharing is None:
            self.made += 1
            file.sharing = Sharing(self.made)
            self.files[self.made] = file
        return file.sharing

    def join(self, key: int) -> OpenFile:
        """Return a shared open file, for one more user. Raises OSError(EBADF)."""
        file = self.files.get(key)
        if file is None or file.sharing is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        file.sharing.users += 1
        return file

    def leave(self, file: OpenFile, owner: object) -> None:
        """Close a handle of *owner* to *file*, which ends with its last."""
        sharing = file.sharing
        if sharing is not None:
            sharing.lock.forget(owner)
            sharing.users -= 1
            if sharing.users:
                return
            del self.files[sharing.key]
        file.close()


class FileSession:
    """What the server keeps of one process.

    Attributes:
        caller: the process, and the time of its latest request.
        view: the files that it sees, with its current directory.
        files: its open files by handle.
        held: the unfinished lines of its standard output and error, by handle.
        shares: the open files that processes share.
        stdio: the standard streams of its job.
        ended: whether the process has ended, and can have nothing open any more.
    """

    __slots__ = ("caller", "ended", "files", "held", "shares", "stdio", "view")

    def __init__(self, stdio: Stdio, view: View, shares: Shares) -> None:
        self.caller = Caller(0, 0, 0)
        self.stdio = stdio
        self.view = view
        self.files: dict[int, OpenFile] | None = None
        self.held: dict[int, bytearray] | None = None
        self.shares = shares
        self.ended = False

    def file(self, handle: int) -> OpenFile:
        """Return an open file. Raises OSError(EBADF)."""
        found = self.files.get(handle) if self.files else None
        if found is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return found

    def positioned(self, handle: int) -> OpenFile:
        """Return an open file that has positions. Raises OSError(EBADF, ESPIPE)."""
        if 0 <= handle < FIRST:
            raise OSError(errno.ESPIPE, os.strerror(errno.ESPIPE))
        return self.file(handle)

    def at(self, at: int, path: bytes) -> OpenFile | None:
        """Return the open directory that *path* starts from; None if it needs none.

        Raises:
            OSError: EBADF for a directory that is not open.
        """
        if at == calls.HERE or not path or path.startswith(b"/"):
            return None
        return self.file(at)

    def add(self, file: OpenFile) -> int:
        """Return the handle of a new open *file*."""
        if self.files is None:
            self.files = {}
        handle = FIRST
        while handle in self.files:
            handle += 1
        self.files[handle] = file
        return handle

    def remove(self, handle: int) -> None:
        """Close what a handle stands for. Raises OSError(EBADF)."""
        file = self.file(handle)
        assert self.files is not None
        del self.files[handle]
        self.shares.leave(file, self)

    def sharing(self, handle: int) -> Sharing:
        """Return what the users of a shared file have in common. Raises OSError(EBADF, EINVAL)."""
        found = self.file(handle).sharing
        if found is None:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return found

    def print(self, handle: int, data: bytes) -> None:
        """Send whole lines on and hold the rest."""
        cut = data.rfind(b"\n") + 1
        held = self.held.pop(handle, None) if self.held else None
        if cut:
            lines = data[:cut] if held is None else bytes(held) + data[:cut]
            self.stdio.emit(handle, self.caller.rank, self.caller.time, lines)
            held = None
        if cut < len(data) or held:
            if self.held is None:
                self.held = {}
            self.held[handle] = held or bytearray()
            self.held[handle] += data[cut:]

    def let_out(self) -> None:
        """Send on what is held of unfinished lines."""
        held, self.held = self.held, None
        for handle, data in sorted((held or {}).items()):
            self.stdio.emit(handle, self.caller.rank, self.caller.time, bytes(data))

    def abandon(self) -> None:
        """Close every file: the process has ended, and may not have said so."""
        self.ended = True
        for handle in sorted(self.files or ()):
            self.file(handle).abandon()
        self.close()

    def close(self) -> None:
        """Close every file."""
        for handle in sorted(self.files or ()):
            self.remove(handle)
        self.files = None
