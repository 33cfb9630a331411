"""What NX knows of a process's open files, beside what the process knows of them anyway."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vmpp.process import calls
from vmpp.process.striped import StripedFile
from vmpp_nx._errors import Refused

if TYPE_CHECKING:
    from vmpp.process.files import Files
    from vmpp.process.open_files import OpenFile
    from vmpp_nx._files._modes import Mode
    from vmpp_nx._state import State


@contextmanager
def system(name: object = "") -> Iterator[None]:
    """Have what the system refuses refused by NX; *name* is the file's. Raises Refused."""
    try:
        yield
    except OSError as error:
        raise Refused(error.errno or 0, f"{name}" if name else "") from None


class NxFile:
    """One descriptor, as NX has it.

    Attributes:
        state: of the process.
        fd: the descriptor.
        files: all open files of the process.
        open: what the process knows of its file.
        mode: how nodes share the file.
        position: where the next byte is; None while that is the descriptor's own position.
        name: path and flags that it was opened by, if all nodes have opened it together.
        common: descriptor of the open file that all nodes have in common, for its pointer and its
            lock; None if they have none.
    """

    __slots__ = ("common", "fd", "files", "mode", "name", "open", "position", "state")

    def __init__(self, state: State, fd: int, mode: Mode) -> None:
        self.state = state
        self.fd = fd
        self.files: Files = state.process.files
        self.open: OpenFile = self.files.lookup(fd)
        self.mode = mode
        self.position: int | None = None
        self.common: int | None = None
        self.name: tuple[str, int] | None = None

    # -- the own pointer -------------------------------------------------------------------------

    def tell(self) -> int:
        """Return where the own pointer stands."""
        return self.files.tell(self.fd) if self.position is None else self.position

    def move(self, position: int) -> None:
        """Set the own pointer."""
        if self.position is None:
            self.files.lseek(self.fd, position, os.SEEK_SET)
        else:
            self.position = position

    # -- what all nodes have in common -----------------------------------------------------------

    @property
    def shared(self) -> int:
        """The descriptor by which nodes find the common pointer and lock."""
        assert self.common is not None
        return self.common

    def move_common(self, count: int) -> int:
        """Move the pointer that all have in common, and return where it was, in one step."""
        return self.files.move_pointer(self.shared, count)

    def set_common(self, position: int) -> None:
        """Set the pointer that all have in common."""
        self.files.set_pointer(self.shared, position)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Have the file alone, among those who ask for that."""
        self.files.lock(self.shared)
        try:
            yield
        finally:
            self.files.unlock(self.shared)

    # -- the file --------------------------------------------------------------------------------

    def size(self) -> int:
        """Return the length of the file in bytes, as it is now."""
        return self.files.call(calls.Fstat(self.open.handle)).size

    def in_one_piece(self, offset: int, length: int, pieces: int) -> bool:
        """Return whether one request moves these bytes, so that nobody sees part of them."""
        if pieces > 1:
            return False
        if isinstance(self.open, StripedFile):
            unit = self.open.layout.unit
            return offset // unit == (offset + max(length, 1) - 1) // unit
        return length <= calls.MOST


class NxFiles:
    """The descriptors that a process has used NX's calls with."""

    __slots__ = ("_files", "_state")

    def __init__(self, state: State) -> None:
        self._state = state
        self._files: dict[int, NxFile] = {}

    def enter(self, file: NxFile) -> NxFile:
        """Know a file by its descriptor from now on."""
        self._files[file.fd] = file
        return file

    def find(self, fd: int, usual: Mode) -> NxFile:
        """Return the file of a descriptor, in its *usual* mode if it is new.

        Raises:
            Refused: EBADF: there is none.
        """
        if hasattr(fd, "fileno"):
            fd = fd.fileno()
        with system():
            there = self._state.process.files.lookup(fd)
        found = self._files.get(fd)
        if found is not None and found.open is there:
            return found
        if found is not None:
            # It has been closed, and the number has been given to another file.
            self._leave(found)
        return self.enter(NxFile(self._state, fd, usual))

    def _leave(self, file: NxFile) -> None:
        del self._files[file.fd]
        if file.common not in (None, file.fd):
            with system():
                file.files.close(file.shared)
