"""Reads and writes: what all forms of them share, and where in the file each begins.

An `Access` is prepared when it is called for, and carried out by its `run`: at once by a blocking
call, in a further fiber of the process by one that does not block or is ended by another call. The
error handler has not been told of the errors that come out of here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from vmpp_mpi._buffers._buffer import recv_spec, send_spec
from vmpp_mpi._constants import ANY_SOURCE, ANY_TAG, MODE_RDONLY, MODE_WRONLY
from vmpp_mpi._errors import ERR_ACCESS, ERR_ARG, ERR_IO, ERR_READ_ONLY
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._files import _collective as collective
from vmpp_mpi._files._collective import Part
from vmpp_mpi._files._state import failure
from vmpp_mpi._files._together import at_last, sum_before
from vmpp_mpi._numbers import whole
from vmpp_mpi._requests._operation import Work

if TYPE_CHECKING:
    from vmpp_collectives import Channel
    from vmpp_mpi._files._state import FileState
    from vmpp_mpi._status import Status


_FARTHEST: Final = 1 << 62
"""No access begins at so many bytes of data: with its displacement it is within 64 bits."""


class Access:
    """A read or a write, with the view of the file that there was when it was called for.

    Attributes:
        writing: whether it writes.
        etypes: how many elementary datatypes it moves.
        nbytes: bytes of the buffer that have been moved; known once it has run.

    Args:
        file: to read or write.
        buf: what a program gives as a buffer.
        writing: whether it is written to the file.

    Raises:
        MPIError: `ERR_READ_ONLY` or `ERR_ACCESS`: the file is not open for this; `ERR_IO`: the
            buffer is no whole number of elementary datatypes.
        TypeError, ValueError, BufferError: *buf* is nothing to move.
    """

    __slots__ = ("_begin", "_channel", "_data", "_file", "_offset", "_spec", "_view", "etypes",
                 "nbytes", "writing")  # fmt: skip

    def __init__(self, file: FileState, buf: Any, writing: bool) -> None:
        if writing and file.amode & MODE_RDONLY:
            raise MPIError(ERR_READ_ONLY, "the file is open for reading")
        if not writing and file.amode & MODE_WRONLY:
            raise MPIError(ERR_ACCESS, "the file is open for writing")
        self._file = file
        self._view = view = file.view
        self._spec = spec = send_spec(buf) if writing else recv_spec(buf)
        self.writing = writing
        self._data = view.rep.encode(spec) if writing else view.rep.room(spec)
        self.etypes, rest = divmod(len(self._data), view.unit)
        if rest:
            raise MPIError(ERR_IO, f"{len(self._data)} bytes are no whole number of etypes")
        self.nbytes = 0
        # Of the class, not bound: a buffer in a cycle of references would live on for a while.
        self._begin: Callable[[Access], int] = Access._offset_given
        self._offset = 0
        self._channel: Channel | None = None

    # -- where it begins ---------------------------------------------------------------------------

    def at(self, offset: Any) -> Access:
        """Let it begin at an *offset* in elementary datatypes.

        Raises:
            MPIError: `ERR_ARG`: it is negative; `ERR_UNSUPPORTED_OPERATION`: the file is accessed
                sequentially.
        """
        self._file.refuse_sequential()
        offset = whole(offset)
        if not 0 <= offset <= _FARTHEST // self._view.unit:
            raise MPIError(ERR_ARG, f"offset {offset} is negative, or too large for any file")
        self._offset = offset
        return self

    def at_own_pointer(self) -> Access:
        """Let it begin at the individual pointer, and move that; raises as `at`."""
        file = self._file
        self.at(file.position)
        file.position += self.etypes
        return self

    def at_shared_pointer(self) -> Access:
        """Let it begin at the shared pointer, which it moves in one step when it runs."""
        self._begin = Access._offset_shared
        return self

    def together(self) -> Access:
        """Make it collective.

        Raises:
            MPIError: `ERR_IO`: another has been begun and not ended.
        """
        self._channel = self._file.together()
        return self

    def in_order(self) -> Access:
        """Make it collective, from the shared pointer on, in the order of the ranks."""
        self.together()
        self._begin = Access._offset_ordered
        return self

    def _offset_given(self) -> int:
        return self._offset

    def _offset_shared(self) -> int:
        return self._file.store.move_pointer(self.etypes)

    def _offset_ordered(self) -> int:
        channel = self._channel
        assert channel is not None
        before = sum_before(channel, self.etypes)
        # The last rank knows how much all of them access.
        return before + at_last(
            channel, lambda: self._file.store.move_pointer(before + self.etypes)
        )

    # -- doing it ----------------------------------------------------------------------------------

    def run(self) -> None:
        """Carry it out; blocks.

        Raises:
            MPIError: it failed.
        """
        try:
            self._run()
        except OSError as error:
            raise failure(error) from None

    def _run(self) -> None:
        file, view = self._file, self._view
        runs = view.runs(self._begin(self) * view.unit, len(self._data))
        if file.atomic:
            # Data that several requests move are seen by nobody before all of them are there.
            file.store.lock()
            try:
                self._move(runs, None)
            finally:
                file.store.unlock()
        else:
            self._move(runs, self._channel)

    def _move(self, runs: Any, channel: Channel | None) -> None:
        file, data = self._file, self._data
        ascending = self._view.ascending
        if channel is not None:
            part = Part(channel, file.candidates, file.store, file.hints, runs, data, ascending)
            if self.writing:
                collective.write(part)
                self.nbytes = self._spec.nbytes
            else:
                self._take(collective.read(part))
        elif self.writing:
            file.store.write(runs, data)
            self.nbytes = self._spec.nbytes
        else:
            self._take(file.store.read(runs, data, file.hints, ascending))

    def _take(self, found: int) -> None:
        self.nbytes = self._view.rep.decode(self._data[:found], self._spec)

    def fill(self, status: Status, error: int = 0) -> None:
        """Tell *status* how much has been moved."""
        status.fill(ANY_SOURCE, ANY_TAG, self.nbytes, error)


class AccessWork(Work):
    """An access that a further fiber of the process carries out."""

    __slots__ = ("_access",)

    def __init__(self, file: FileState, access: Access) -> None:
        self._access = access
        owner: Any = file
        super().__init__(owner, access.run)

    def fill(self, status: Status, error: int = 0) -> None:
        """Tell *status* how much has been moved."""
        self._access.fill(status, error)
