"""Windows: memory that the processes of a group let each other access.

A module apart because it needs NumPy, as `vmpp_mpi._buffers._memory` does and for the same reason.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from typing import Any, Final, NoReturn, Self

import numpy as np

from vmpp.process.memory import taken
from vmpp_mpi._attributes import AttributeCalls
from vmpp_mpi._buffers._exported import memory_of
from vmpp_mpi._buffers._memory import buffer
from vmpp_mpi._communicators._comm import COMM_SELF, Intracomm
from vmpp_mpi._constants import (
    MAX_OBJECT_NAME,
    PROC_NULL,
    WIN_BASE,
    WIN_CREATE_FLAVOR,
    WIN_DISP_UNIT,
    WIN_FLAVOR_ALLOCATE,
    WIN_FLAVOR_CREATE,
    WIN_FLAVOR_DYNAMIC,
    WIN_FLAVOR_SHARED,
    WIN_MODEL,
    WIN_SIZE,
    WIN_UNIFIED,
)
from vmpp_mpi._erring import ErrorCalls
from vmpp_mpi._errors import (
    ERR_DISP,
    ERR_NO_MEM,
    ERR_RMA_ATTACH,
    ERR_RMA_FLAVOR,
    ERR_RMA_SHARED,
    ERR_SIZE,
    ERR_WIN,
)
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._group import Group
from vmpp_mpi._handle import forget, predefine
from vmpp_mpi._info import INFO_NULL, HintCalls, Info
from vmpp_mpi._special import BOTTOM
from vmpp_mpi._windows._communication import CommunicationCalls
from vmpp_mpi._windows._shared import share
from vmpp_mpi._windows._state import WindowState, windows
from vmpp_mpi._windows._synchronisation import SynchronisationCalls

# A class written in Python can export memory only by deriving from one that does, before 3.12.
_Exporter: Any = np.ndarray
_BYTE: Final = np.dtype("u1")
_NO_MEMORY: Final = memoryview(bytearray())


class Win(
    CommunicationCalls,
    SynchronisationCalls,
    AttributeCalls[WindowState],
    HintCalls[WindowState],
    ErrorCalls[WindowState],
    _Exporter,  # type: ignore[misc] # as above
):
    """A window: memory that a group's processes let each other access. Exports its own memory.

    Null when made of nothing.
    """

    __slots__ = ("_ref",)
    __module__ = "mpi4py.MPI"  # where programs know it from

    _error = ERR_WIN

    def __new__(cls, win: Win | None = None) -> Self:
        """Make a second handle to what *win* refers to."""
        return cls._copy(win)

    @classmethod
    def _wrap(cls, ref: WindowState | None) -> Self:
        memory = _NO_MEMORY if ref is None else ref.memory
        handle: Self = _Exporter.__new__(cls, (len(memory),), _BYTE, memory)
        handle._ref = ref
        return handle

    def _get(self) -> WindowState:
        state = super()._get()
        if state.closed:
            raise MPIError(self._error, "the window has been freed")
        return state

    # -- making and freeing ------------------------------------------------------------------------

    @classmethod
    def Create(
        cls,
        memory: Any,
        disp_unit: int = 1,
        info: Info = INFO_NULL,
        comm: Intracomm = COMM_SELF,
    ) -> Self:
        """Return a window of *memory*, `BOTTOM` or None for none; a collective operation.

        Args:
            memory: what this rank exposes.
            disp_unit: in how many bytes displacements into it count.
            info: hints.
            comm: of the processes.

        Raises:
            MPIError: `ERR_DISP`: the unit is not positive; `ERR_COMM`: the communicator is null or
                has two groups.
            TypeError, BufferError: *memory* is none, or not contiguous, or cannot be written to.
        """
        exposed = memory_of(memory, True) if _is_memory(memory) else _NO_MEMORY
        return cls._opened(comm, WIN_FLAVOR_CREATE, exposed, disp_unit, info)

    @classmethod
    def Allocate(
        cls,
        size: int,
        disp_unit: int = 1,
        info: Info = INFO_NULL,
        comm: Intracomm = COMM_SELF,
    ) -> Self:
        """Return a window of new memory, *size* bytes on this rank; see `Create`.

        Raises:
            MPIError: besides the reasons of `Create`, `ERR_SIZE`: the size is negative;
                `ERR_NO_MEM`: the node has not so much.
        """
        memory = _allocated(comm, size)
        made = cls._opened(comm, WIN_FLAVOR_ALLOCATE, memoryview(memory), disp_unit, info)
        made._get().taken = memory
        return made

    @classmethod
    def Allocate_shared(
        cls,
        size: int,
        disp_unit: int = 1,
        info: Info = INFO_NULL,
        comm: Intracomm = COMM_SELF,
    ) -> Self:
        """Return a window of new memory that all its ranks can load from and store to.

        The memory of each rank follows that of the rank before it.

        Raises:
            MPIError: besides the reasons of `Allocate`, `ERR_RMA_SHARED`: the ranks are not of one
                node and job (see `Comm.Split_type`).
        """
        state = comm._get()
        first = state.addresses[0]
        for address in state.addresses:
            if (address.nid, address.group) != (first.nid, first.group):
                raise state.error(ERR_RMA_SHARED, "ranks on several nodes share no memory")
        memory = _allocated(comm, size)
        memories = [memoryview(memory)] if state.size == 1 else share(comm, len(memory))
        made = cls._opened(comm, WIN_FLAVOR_SHARED, memories[state.rank], disp_unit, info)
        made._get().taken = memory
        if state.size > 1:
            made._get().shared = memories
        return made

    @classmethod
    def Create_dynamic(cls, info: Info = INFO_NULL, comm: Intracomm = COMM_SELF) -> Self:
        """Return a window to which each rank attaches memory at any time.

        Displacements into it are addresses at the target, as its `Get_address` tells them.
        """
        return cls._opened(comm, WIN_FLAVOR_DYNAMIC, _NO_MEMORY, 1, info)

    @classmethod
    def _opened(
        cls, comm: Intracomm, flavor: int, memory: memoryview, disp_unit: int, info: Info
    ) -> Self:
        unit = index(disp_unit)
        if unit <= 0:
            raise comm._get().error(ERR_DISP, f"displacement unit {unit} is not positive")
        state = WindowState(comm, flavor, memory, unit)
        state.info = info.Dup() if info else None
        return cls._wrap(state)

    def Attach(self, memory: Any) -> None:
        """Expose *memory* in a dynamic window.

        Raises:
            MPIError: `ERR_RMA_FLAVOR`: the window is not dynamic; `ERR_RMA_ATTACH`: a part of the
                memory is attached already.
            TypeError, BufferError: as `Create`.
        """
        state = self._dynamic()
        exposed = memory_of(memory, True)
        base = buffer(exposed).address
        if state.exposed.overlaps(base, base + len(exposed)):
            raise state.error(ERR_RMA_ATTACH, "the memory is attached already, at least in part")
        windows().target.expose(state.exposed, exposed, base)

    def Detach(self, memory: Any) -> None:
        """Expose *memory* no more.

        Raises:
            MPIError: `ERR_RMA_FLAVOR`: the window is not dynamic; `ERR_RMA_ATTACH`: the memory is
                not attached.
        """
        state = self._dynamic()
        base = buffer(memory_of(memory, True)).address
        for region in state.exposed.regions.values():
            if region.base == base:
                windows().target.withdraw(state.exposed, region)
                return
        raise state.error(ERR_RMA_ATTACH, "the memory is not attached")

    def _dynamic(self) -> WindowState:
        state = self._get()
        if state.flavor != WIN_FLAVOR_DYNAMIC:
            raise state.error(ERR_RMA_FLAVOR, "memory is attached to dynamic windows only")
        return state

    def Free(self) -> None:
        """Free the window, when all ranks have called, and make the handle null.

        Raises:
            MPIError: `ERR_RMA_SYNC`: within an epoch; `ERR_WIN`: the handle is null.
        """
        state = self._get()
        state.epochs.free()
        self._delete_attributes()
        try:
            state.close()
        finally:
            forget(self)

    def free(self) -> None:
        """Free the window if there is one."""
        if self._ref is not None:
            self.Free()

    # -- what it is --------------------------------------------------------------------------------

    def Shared_query(self, rank: int) -> tuple[buffer, int]:
        """Return the memory of a rank that this one can load from and store to, and its unit.

        It is empty if that rank is on another node. `PROC_NULL` is for the first rank that has any.

        Raises:
            MPIError: `ERR_RMA_FLAVOR`: the window is dynamic; `ERR_RANK`.
        """
        state = self._get()
        extents = state.extents
        if extents is None:
            raise state.error(ERR_RMA_FLAVOR, "a dynamic window has no memory of its own")
        rank = state.check_rank(rank)
        if rank == PROC_NULL:
            rank = next((other for other, size in enumerate(extents.sizes) if size), 0)
        if state.shared:
            memory = state.shared[rank]
        else:
            memory = state.memory if rank == state.rank else _NO_MEMORY
        return _buffer(memory, self), extents.units[rank]

    def tomemory(self) -> buffer:
        """Return the memory that this rank exposes; empty for a dynamic window."""
        return _buffer(self._get().memory, self)

    def Get_group(self) -> Group:
        """Return the group of its processes."""
        state = self._get()
        return Group.of(state.addresses, state.library.process.address, state.rank)

    @property
    def group(self) -> Group:
        """Group of its processes."""
        return self.Get_group()

    @property
    def group_size(self) -> int:
        """Number of processes."""
        return self._get().size

    @property
    def group_rank(self) -> int:
        """Rank of the process that calls."""
        return self._get().rank

    @property
    def attrs(self) -> tuple[int, int, int]:
        """Address, size and displacement unit of this rank's memory."""
        state = self._get()
        return _address(state), len(state.memory), state.unit

    @property
    def flavor(self) -> int:
        """How it was made: `WIN_FLAVOR_CREATE` say."""
        return self._get().flavor

    @property
    def model(self) -> int:
        """Its memory model: `WIN_UNIFIED`, as there is one copy of its memory."""
        self._get()
        return WIN_UNIFIED

    def Get_name(self) -> str:
        """Return its name, empty unless the program gave it one."""
        return "MPI_WIN_NULL" if self._ref is None else self._ref.name

    def Set_name(self, name: str) -> None:
        """Give it a name, for this rank."""
        self._get().name = name[:MAX_OBJECT_NAME]

    @property
    def name(self) -> str:
        """Its name."""
        return self.Get_name()

    @name.setter
    def name(self, value: str) -> None:
        self.Set_name(value)

    # -- attributes -------------------------------------------------------------------

    def _constant_attribute(self, keyval: int) -> int | None:
        known = _CONSTANT_ATTRIBUTES.get(keyval)
        return None if known is None else known(self._get())

    def _attribute_error(self, code: int, detail: str) -> MPIError:
        return self._get().error(code, detail)

    # -- what an array does otherwise ----------------------------------------------------------

    def __ne__(self, other: object, /) -> bool:
        return not self == other

    def __reduce_ex__(self, protocol: Any, /) -> Any:
        return self.__reduce__()


def _hidden(name: str) -> property:
    def missing(win: Win) -> NoReturn:
        raise AttributeError(f"{type(win).__name__!r} object has no attribute {name!r}")

    return property(missing)


_KEPT: Final = ("__class__", "__new__", "__array_finalize__", "__buffer__", "__release_buffer__")
_PROTOCOLS: Final = ("__array_interface", "__array_namespace", "__array_struct", "__dlpack")
"""What exporters of memory are asked whether they have it; None would be an answer."""


def _hide_array() -> None:
    """Take back what windows have from arrays, but for their memory."""
    for name in dir(_Exporter):
        found = getattr(Win, name)
        if name in _KEPT or found is None or found is not getattr(_Exporter, name):
            continue
        if hasattr(object, name):
            setattr(Win, name, getattr(object, name))
        elif name.startswith("__") and not name.startswith(_PROTOCOLS):
            setattr(Win, name, None)  # there is no such operation
        else:
            setattr(Win, name, _hidden(name))


_hide_array()
Win._family = (Win,)

WIN_NULL: Final = predefine("WIN_NULL", Win())


def _is_memory(memory: Any) -> bool:
    return memory is not None and memory is not BOTTOM


def _allocated(comm: Intracomm, size: int) -> bytearray:
    nbytes = index(size)
    if nbytes < 0:
        raise comm._get().error(ERR_SIZE, f"size {nbytes} is negative")
    try:
        return taken(nbytes)
    except MemoryError as error:
        raise comm._get().error(ERR_NO_MEM, str(error)) from None


def _buffer(memory: memoryview, owner: Any) -> buffer:
    return buffer._over(memory, owner if len(memory) else None)


def _address(state: WindowState) -> int:
    return _buffer(state.memory, state).address


_CONSTANT_ATTRIBUTES: Final[dict[int, Callable[[WindowState], int]]] = {
    WIN_BASE: _address,
    WIN_SIZE: lambda state: len(state.memory),
    WIN_DISP_UNIT: lambda state: state.unit,
    WIN_CREATE_FLAVOR: lambda state: state.flavor,
    WIN_MODEL: lambda state: WIN_UNIFIED,
}
