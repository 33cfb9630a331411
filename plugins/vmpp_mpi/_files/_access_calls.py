"""The calls that read and write: blocking or not, on one's own or together, in one part or two."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vmpp_mpi._errors import ERR_FILE, ERR_IO
from vmpp_mpi._files._state import FileState, no_file
from vmpp_mpi._handle import Handle
from vmpp_mpi._requests._request import Request

if TYPE_CHECKING:
    from vmpp_mpi._files._access import Access
    from vmpp_mpi._status import Status


def _reading(file: FileState, buf: Any) -> Access:
    from vmpp_mpi._files._access import Access  # noqa: PLC0415 - needs NumPy

    return Access(file, buf, False)


def _writing(file: FileState, buf: Any) -> Access:
    from vmpp_mpi._files._access import Access  # noqa: PLC0415 - needs NumPy

    return Access(file, buf, True)


class AccessCalls(Handle[FileState]):
    """What a handle to a file offers for reading and writing.

    A buffer is given as to the calls that send and receive. Offsets and pointers are counted in
    elementary datatypes of the view. All raise `MPIError`: `ERR_READ_ONLY` or `ERR_ACCESS`, the
    file is not open for this; `ERR_IO`, the buffer is no whole number of elementary datatypes, or
    the file server failed; `ERR_UNSUPPORTED_OPERATION`, the file is accessed sequentially and the
    call has an offset or individual pointer; `ERR_ARG`, an offset is negative; `ERR_CONVERSION`, a
    data representation's function failed.
    """

    __slots__ = ()

    _error = ERR_FILE

    def _get(self) -> FileState:
        """Return what the handle refers to. Raises `ERR_FILE`: nothing."""
        file = self._ref
        if file is None:
            raise no_file().error(ERR_FILE, "null handle")
        return file

    # -- in which form -----------------------------------------------------------------------------

    def _now(self, prepare: Callable[[FileState], Access], status: Status | None) -> None:
        """Carry an access out."""
        file = self._get()
        with file.guarded():
            access = prepare(file)
            access.run()
        if status is not None:
            access.fill(status)

    def _later(self, prepare: Callable[[FileState], Access]) -> Request:
        """Begin an access in a further fiber, and return the request for it."""
        from vmpp_mpi._files._access import AccessWork  # noqa: PLC0415 - needs NumPy

        file = self._get()
        with file.guarded():
            access = prepare(file)
        return Request._wrap(AccessWork(file, access))

    def _begin(self, name: str, prepare: Callable[[FileState], Access]) -> None:
        """Begin a collective access that another call will end."""
        from vmpp_mpi._files._access import AccessWork  # noqa: PLC0415 - needs NumPy

        file = self._get()
        with file.guarded():
            access = prepare(file)
        file.split = name, AccessWork(file, access)

    def _end(self, name: str, status: Status | None) -> None:
        """End the collective access that has been begun."""
        file = self._get()
        split = file.split
        if split is None or split[0] != name:
            begun = "nothing" if split is None else split[0]
            raise file.error(ERR_IO, f"{name} is to be ended, and {begun} has been begun")
        file.split = None
        Request._wrap(split[1]).Wait(status)

    # -- with explicit offsets ------------------------------------------------------------------

    def Read_at(self, offset: int, buf: Any, status: Status | None = None) -> None:
        """Read into *buf* at an offset."""
        self._now(lambda file: _reading(file, buf).at(offset), status)

    def Iread_at(self, offset: int, buf: Any) -> Request:
        """Begin to read into *buf* at an offset."""
        return self._later(lambda file: _reading(file, buf).at(offset))

    def Read_at_all(self, offset: int, buf: Any, status: Status | None = None) -> None:
        """Read into *buf* at an offset together; all ranks call."""
        self._now(lambda file: _reading(file, buf).at(offset).together(), status)

    def Iread_at_all(self, offset: int, buf: Any) -> Request:
        """Begin to read into *buf* at an offset together; all ranks call."""
        return self._later(lambda file: _reading(file, buf).at(offset).together())

    def Read_at_all_begin(self, offset: int, buf: Any) -> None:
        """Begin what `Read_at_all_end` ends; all ranks call."""
        self._begin("Read_at_all", lambda file: _reading(file, buf).at(offset).together())

    def Read_at_all_end(self, buf: Any, status: Status | None = None) -> None:
        """Wait for the end of what `Read_at_all_begin` has begun."""
        self._end("Read_at_all", status)

    def Write_at(self, offset: int, buf: Any, status: Status | None = None) -> None:
        """Write *buf* at an offset."""
        self._now(lambda file: _writing(file, buf).at(offset), status)

    def Iwrite_at(self, offset: int, buf: Any) -> Request:
        """Begin to write *buf* at an offset."""
        return self._later(lambda file: _writing(file, buf).at(offset))

    def Write_at_all(self, offset: int, buf: Any, status: Status | None = None) -> None:
        """Write *buf* at an offset together; all ranks call."""
        self._now(lambda file: _writing(file, buf).at(offset).together(), status)

    def Iwrite_at_all(self, offset: int, buf: Any) -> Request:
        """Begin to write *buf* at an offset together; all ranks call."""
        return self._later(lambda file: _writing(file, buf).at(offset).together())

    def Write_at_all_begin(self, offset: int, buf: Any) -> None:
        """Begin what `Write_at_all_end` ends; all ranks call."""
        self._begin("Write_at_all", lambda file: _writing(file, buf).at(offset).together())

    def Write_at_all_end(self, buf: Any, status: Status | None = None) -> None:
        """Wait for the end of what `Write_at_all_begin` has begun."""
        self._end("Write_at_all", status)

    # -- with individual pointers ------------------------------------------------------------------

    def Read(self, buf: Any, status: Status | None = None) -> None:
        """Read into *buf* at the individual pointer."""
        self._now(lambda file: _reading(file, buf).at_own_pointer(), status)

    def Iread(self, buf: Any) -> Request:
        """Begin to read into *buf* at the individual pointer."""
        return self._later(lambda file: _reading(file, buf).at_own_pointer())

    def Read_all(self, buf: Any, status: Status | None = None) -> None:
        """Read into *buf* at the individual pointer together; all ranks call."""
        self._now(lambda file: _reading(file, buf).at_own_pointer().together(), status)

    def Iread_all(self, buf: Any) -> Request:
        """Begin to read into *buf* at the individual pointer together; all ranks call."""
        return self._later(lambda file: _reading(file, buf).at_own_pointer().together())

    def Read_all_begin(self, buf: Any) -> None:
        """Begin what `Read_all_end` ends; all ranks call."""
        self._begin("Read_all", lambda file: _reading(file, buf).at_own_pointer().together())

    def Read_all_end(self, buf: Any, status: Status | None = None) -> None:
        """Wait for the end of what `Read_all_begin` has begun."""
        self._end("Read_all", status)

    def Write(self, buf: Any, status: Status | None = None) -> None:
        """Write *buf* at the individual pointer."""
        self._now(lambda file: _writing(file, buf).at_own_pointer(), status)

    def Iwrite(self, buf: Any) -> Request:
        """Begin to write *buf* at the individual pointer."""
        return self._later(lambda file: _writing(file, buf).at_own_pointer())

    def Write_all(self, buf: Any, status: Status | None = None) -> None:
        """Write *buf* at the individual pointer together; all ranks call."""
        self._now(lambda file: _writing(file, buf).at_own_pointer().together(), status)

    def Iwrite_all(self, buf: Any) -> Request:
        """Begin to write *buf* at the individual pointer together; all ranks call."""
        return self._later(lambda file: _writing(file, buf).at_own_pointer().together())

    def Write_all_begin(self, buf: Any) -> None:
        """Begin what `Write_all_end` ends; all ranks call."""
        self._begin("Write_all", lambda file: _writing(file, buf).at_own_pointer().together())

    def Write_all_end(self, buf: Any, status: Status | None = None) -> None:
        """Wait for the end of what `Write_all_begin` has begun."""
        self._end("Write_all", status)

    # -- with the shared pointer ------------------------------------------------------------------

    def Read_shared(self, buf: Any, status: Status | None = None) -> None:
        """Read into *buf* at the shared pointer."""
        self._now(lambda file: _reading(file, buf).at_shared_pointer(), status)

    def Iread_shared(self, buf: Any) -> Request:
        """Begin to read into *buf* at the shared pointer."""
        return self._later(lambda file: _reading(file, buf).at_shared_pointer())

    def Read_ordered(self, buf: Any, status: Status | None = None) -> None:
        """Read into *buf* from the shared pointer on, in the order of the ranks; all call."""
        self._now(lambda file: _reading(file, buf).in_order(), status)

    def Read_ordered_begin(self, buf: Any) -> None:
        """Begin what `Read_ordered_end` ends; all ranks call."""
        self._begin("Read_ordered", lambda file: _reading(file, buf).in_order())

    def Read_ordered_end(self, buf: Any, status: Status | None = None) -> None:
        """Wait for the end of what `Read_ordered_begin` has begun."""
        self._end("Read_ordered", status)

    def Write_shared(self, buf: Any, status: Status | None = None) -> None:
        """Write *buf* at the shared pointer."""
        self._now(lambda file: _writing(file, buf).at_shared_pointer(), status)

    def Iwrite_shared(self, buf: Any) -> Request:
        """Begin to write *buf* at the shared pointer."""
        return self._later(lambda file: _writing(file, buf).at_shared_pointer())

    def Write_ordered(self, buf: Any, status: Status | None = None) -> None:
        """Write *buf* from the shared pointer on, in the order of the ranks; all call."""
        self._now(lambda file: _writing(file, buf).in_order(), status)

    def Write_ordered_begin(self, buf: Any) -> None:
        """Begin what `Write_ordered_end` ends; all ranks call."""
        self._begin("Write_ordered", lambda file: _writing(file, buf).in_order())

    def Write_ordered_end(self, buf: Any, status: Status | None = None) -> None:
        """Wait for the end of what `Write_ordered_begin` has begun."""
        self._end("Write_ordered", status)
