"""Files that all ranks of a communicator read and write, each what it sees of them."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import TYPE_CHECKING, AnyStr, Final, Self

from vmpp_mpi._constants import (
    DISPLACEMENT_CURRENT,
    MODE_RDONLY,
    MODE_SEQUENTIAL,
    SEEK_CUR,
    SEEK_END,
    SEEK_SET,
)
from vmpp_mpi._datatype import BYTE, Datatype
from vmpp_mpi._errhandler import ERRORS_RETURN
from vmpp_mpi._erring import Erring
from vmpp_mpi._errors import ERR_ARG, ERR_TYPE
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._files._access_calls import AccessCalls
from vmpp_mpi._files._state import FileState, Handling, no_file
from vmpp_mpi._files._together import agree, at_root
from vmpp_mpi._group import Group
from vmpp_mpi._handle import forget, predefine
from vmpp_mpi._info import INFO_NULL, Info
from vmpp_mpi._numbers import whole

if TYPE_CHECKING:
    from vmpp_mpi._communicators._comm import Intracomm


class File(Erring[FileState], AccessCalls):
    """A file open on the ranks of a communicator. Null when made of nothing, and once closed.

    A file's errors raise exceptions unless the program sets another error handler. Errors about no
    open file, of `Open` and `Delete` say, are treated as those of `FILE_NULL`.
    """

    __slots__ = ()

    _default_errhandler = ERRORS_RETURN

    def __new__(cls, file: File | None = None) -> Self:
        """Make a second handle to what *file* refers to."""
        return cls._copy(file)

    # -- opening and closing -----------------------------------------------------------------------

    @classmethod
    def Open(
        cls,
        comm: Intracomm,
        filename: PathLike[AnyStr] | str | bytes,
        amode: int = MODE_RDONLY,
        info: Info = INFO_NULL,
    ) -> Self:
        """Open a file on all ranks of a communicator; all call.

        Args:
            comm: the ranks.
            filename: of the file, which rank 0 opens; it has to be the same file for all.
            amode: how it will be accessed, the same for all.
            info: hints.

        Raises:
            MPIError: `ERR_AMODE`: the modes do not go together; `ERR_NOT_SAME`: they are not the
                same everywhere; `ERR_NO_SUCH_FILE`, `ERR_FILE_EXISTS`, `ERR_ACCESS`,
                `ERR_READ_ONLY`, `ERR_BAD_FILE`...: as the file server says.
        """
        from vmpp_mpi._files._open import opened  # noqa: PLC0415 - needs NumPy

        state = comm._get()
        with no_file().guarded():
            file = opened(state, filename, whole(amode), info)
        handle = cls.__new__(cls)
        handle._ref = file
        return handle

    def Close(self) -> None:
        """Close the file on all ranks, and make the handle null; all call.

        Raises:
            MPIError: `ERR_IO`: a collective access has been begun and not ended.
        """
        from vmpp_mpi._files._open import close  # noqa: PLC0415 - needs NumPy

        file = self._get()
        with file.guarded():
            file.refuse_split()
            try:
                close(file)
            finally:
                forget(self)

    def free(self) -> None:
        """Close the file if the handle is not null."""
        if self._ref is not None:
            self.Close()

    @classmethod
    def Delete(cls, filename: PathLike[AnyStr] | str | bytes, info: Info = INFO_NULL) -> None:
        """Delete a file.

        Raises:
            MPIError: `ERR_NO_SUCH_FILE`: there is none; otherwise as `Open`.
        """
        from vmpp_mpi._files._open import deleted  # noqa: PLC0415 - needs NumPy

        deleted(filename)

    # -- size --------------------------------------------------------------------------------------

    def Set_size(self, size: int) -> None:
        """Cut or extend the file to *size* bytes; all ranks call, with the same size.

        Raises:
            MPIError: `ERR_ARG`: the size is negative; `ERR_NOT_SAME`: it differs.
        """
        file, size = self._get(), whole(size)
        self._as_one(lambda: file.store.truncate(size), size, size=size)

    def Preallocate(self, size: int) -> None:
        """Extend the file to *size* bytes if it is shorter; raises as `Set_size`."""
        file, size = self._get(), whole(size)

        def extend() -> None:
            if file.store.size() < size:
                file.store.truncate(size)

        self._as_one(extend, size, size=size)

    def _as_one(self, act: Callable[[], int | None], *numbers: int, **positive: int) -> None:
        """Have rank 0 act when all have called with the same *numbers*; refuse negative ones."""
        file = self._get()
        with file.guarded():
            _refuse_negative(**positive)
            channel = file.together()
            agree(channel, *numbers)
            at_root(channel, act)

    def Get_size(self) -> int:
        """Return the size of the file in bytes."""
        file = self._get()
        with file.guarded():
            return file.store.size()

    @property
    def size(self) -> int:
        """Size of the file in bytes."""
        return self.Get_size()

    def Sync(self) -> None:
        """Let other ranks see what this one has written, and the disk have it; all ranks call."""
        file = self._get()
        with file.guarded():
            file.sync(file.together())

    # -- what it is --------------------------------------------------------------------------------

    def Get_amode(self) -> int:
        """Return the access mode with which it was opened."""
        return self._get().amode

    @property
    def amode(self) -> int:
        """Access mode with which it was opened."""
        return self.Get_amode()

    def Get_group(self) -> Group:
        """Return the group of the ranks that have it open."""
        comm = self._get().comm
        return Group.of(comm.addresses, comm.library.process.address, comm.rank)

    @property
    def group(self) -> Group:
        """Group of the ranks that have it open."""
        return self.Get_group()

    @property
    def group_size(self) -> int:
        """How many ranks have it open."""
        return self._get().comm.size

    @property
    def group_rank(self) -> int:
        """Rank of the process among those."""
        return self._get().comm.rank

    def Set_info(self, info: Info) -> None:
        """Give hints about how it will be used; all ranks call.

        Those that vmpp does not know, or whose values make no sense, change nothing.
        """
        self._get().heed(info)

    def Get_info(self) -> Info:
        """Return the hints in use."""
        return Info.Create(self._get().hints.items())

    @property
    def info(self) -> Info:
        """Hints in use."""
        return self.Get_info()

    @info.setter
    def info(self, value: Info) -> None:
        self.Set_info(value)

    # -- views -------------------------------------------------------------------------------------

    def Set_view(
        self,
        disp: int = 0,
        etype: Datatype = BYTE,
        filetype: Datatype | None = None,
        datarep: str = "native",
        info: Info = INFO_NULL,
    ) -> None:
        """Say what of the file the rank sees, and set all pointers to 0; all ranks call.

        Args:
            disp: where what it sees begins, in bytes; `DISPLACEMENT_CURRENT`, and nothing else, if
                the file is accessed sequentially.
            etype: the elementary datatype, in which offsets are counted.
            filetype: what it sees, laid down again and again from *disp* on; *etype* by default.
            datarep: how data are represented in the file: ``native``, ``internal``, ``external32``
                or a registered one.
            info: hints.

        Raises:
            MPIError: `ERR_ARG`: the displacement is negative, or the filetype is none for a file;
                `ERR_TYPE`: a datatype is null or not committed; `ERR_UNSUPPORTED_DATAREP`: there is
                no such representation; `ERR_NOT_SAME`: the ranks' etypes have different sizes.
        """
        from vmpp_mpi._files._datarep import representation  # noqa: PLC0415 - as `_view`
        from vmpp_mpi._files._view import View  # noqa: PLC0415 - needs NumPy

        file = self._get()
        filetype = etype if filetype is None else filetype
        with file.guarded():
            disp = _displacement(file, whole(disp))
            for datatype in (etype, filetype):
                if not datatype._get().committed:
                    raise MPIError(ERR_TYPE, "the datatype has not been committed")
            rep = representation(datarep)
            view = View(disp, Datatype(etype), Datatype(filetype), rep)
            wrong = view.problem(not file.amode & MODE_RDONLY)
            if wrong:
                raise MPIError(ERR_ARG, wrong)
        self._as_one(lambda: file.store.set_pointer(0), view.unit)
        file.heed(info)
        file.view, file.position = view, 0

    def Get_view(self) -> tuple[int, Datatype, Datatype, str]:
        """Return displacement, elementary datatype, filetype and data representation.

        Datatypes that are not predefined are new ones, for the program to free.
        """
        view = self._get().view
        etype, filetype = [
            Datatype(each) if each.is_predefined else each.Dup()
            for each in (view.etype, view.filetype)
        ]
        return view.disp, etype, filetype, view.rep.name

    def Get_type_extent(self, datatype: Datatype) -> int:
        """Return the extent of a datatype in the file, in bytes."""
        file = self._get()
        with file.guarded():
            return file.view.rep.in_file(datatype).extent

    def Get_byte_offset(self, offset: int) -> int:
        """Return where in the file, in bytes, an offset in the view is.

        Raises:
            MPIError: `ERR_ARG`: the offset is negative.
        """
        file, offset = self._get(), whole(offset)
        with file.guarded():
            file.refuse_sequential()
            _refuse_negative(offset=offset)
        return file.view.byte_offset(offset * file.view.unit)

    # -- pointers ----------------------------------------------------------------------------------

    def Seek(self, offset: int, whence: int = SEEK_SET) -> None:
        """Move the individual pointer.

        Args:
            offset: in elementary datatypes.
            whence: from where: the beginning, the pointer (`SEEK_CUR`) or the end (`SEEK_END`).

        Raises:
            MPIError: `ERR_ARG`: no such *whence*, or the position is negative.
        """
        file = self._get()
        with file.guarded():
            file.refuse_sequential()
            file.position = _sought(file, whole(offset), whole(whence), lambda: file.position)

    def Get_position(self) -> int:
        """Return the individual pointer, in elementary datatypes."""
        file = self._get()
        with file.guarded():
            file.refuse_sequential()
        return file.position

    def Seek_shared(self, offset: int, whence: int = SEEK_SET) -> None:
        """Move the shared pointer; all ranks call, with the same arguments. Raises as `Seek`."""
        file, offset, whence = self._get(), whole(offset), whole(whence)

        def move() -> None:
            position = _sought(file, offset, whence, lambda: file.store.move_pointer(0))
            file.store.set_pointer(position)

        with file.guarded():
            file.refuse_sequential()
        self._as_one(move, offset, whence)

    def Get_position_shared(self) -> int:
        """Return the shared pointer, in elementary datatypes."""
        file = self._get()
        with file.guarded():
            file.refuse_sequential()
            return file.store.move_pointer(0)

    # -- consistency -------------------------------------------------------------------------------

    def Set_atomicity(self, flag: bool) -> None:
        """Say whether accesses are atomic: each is seen whole or not at all; all ranks call."""
        file = self._get()
        with file.guarded():
            agree(file.together(), bool(flag))
        file.atomic = bool(flag)

    def Get_atomicity(self) -> bool:
        """Return whether accesses are atomic."""
        return self._get().atomic

    @property
    def atomicity(self) -> bool:
        """Whether accesses are atomic."""
        return self.Get_atomicity()

    @atomicity.setter
    def atomicity(self, value: bool) -> None:
        self.Set_atomicity(value)

    def _holder(self) -> Handling:
        return no_file() if self._ref is None else self._ref

    @classmethod
    def _handle_to(cls, holder: Handling) -> File:
        return File._wrap(holder if isinstance(holder, FileState) else None)


File._family = (File,)

FILE_NULL: Final = predefine("FILE_NULL", File())


def _refuse_negative(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 0:
            raise MPIError(ERR_ARG, f"{name} {number} is negative")


def _displacement(file: FileState, disp: int) -> int:
    """Return where a view begins, of a file accessed sequentially at the shared pointer."""
    if not file.amode & MODE_SEQUENTIAL:
        _refuse_negative(displacement=disp)
        return disp
    if disp != DISPLACEMENT_CURRENT:
        raise MPIError(ERR_ARG, "MODE_SEQUENTIAL needs DISPLACEMENT_CURRENT")
    return file.view.byte_offset(file.store.move_pointer(0) * file.view.unit)


def _sought(file: FileState, offset: int, whence: int, current: Callable[[], int]) -> int:
    """Return the position that a pointer is moved to, in elementary datatypes."""
    if whence == SEEK_CUR:
        offset += current()
    elif whence == SEEK_END:
        view = file.view
        offset += -(-view.bytes_before(file.store.size()) // view.unit)
    elif whence != SEEK_SET:
        raise MPIError(ERR_ARG, f"there is no whence {whence}")
    if offset < 0:
        raise MPIError(ERR_ARG, f"position {offset} is negative")
    return offset
