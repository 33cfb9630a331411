"""The functions of MPI that belong to no object: starting and ending, clocks, memory, versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mpi4py

from vmpp.engine import SECOND, current_process
from vmpp.process.clocks import CLOCK_READ
from vmpp.process.memory import NodeMemory
from vmpp_mpi._buffers._send_buffer import Flush, SendBuffer
from vmpp_mpi._constants import SUBVERSION, THREAD_MULTIPLE, VERSION
from vmpp_mpi._datatype import AINT, COUNT, OFFSET, _predefined
from vmpp_mpi._errors import ERR_ARG, ERR_BUFFER, ERR_NO_MEM, ERR_OTHER
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._handle import AnyHandle
from vmpp_mpi._info import INFO_NULL, Info
from vmpp_mpi._local import local
from vmpp_mpi._requests._request import Request
from vmpp_mpi._special import Special
from vmpp_mpi._state import mpi_state
from vmpp_mpi._status import Status
from vmpp_mpi._version import VENDOR, VENDOR_VERSION

if TYPE_CHECKING:
    from vmpp_mpi._buffers._memory import buffer

_TICK: Final = 1e-12
_WORD: Final = 8
_STATUS_WORDS: Final = 3
_FORTRAN_SIZES: Final[dict[str, tuple[object, ...]]] = {
    "logical": (1, 2, 4, 8, 16),
    "integer": (1, 2, 4, 8, 16),
    "real": (2, 4, 8, 16),
    "complex": (4, 8, 16, 32),
    "double_complex": ("",),
}
"""Of each Fortran type, the sizes in bytes that may be told of in its declaration."""


class _Start:
    """How a rank has started MPI, and how it wants to leave.

    Attributes:
        initialized: whether MPI is: at import, unless the program told mpi4py not to.
        abort_status: with which status the library ends the job when the rank ends, 0 for not.
    """

    __slots__ = ("abort_status", "initialized")

    def __init__(self) -> None:
        self.initialized = bool(mpi4py.rc.initialize)
        self.abort_status = 0


def _start() -> _Start:
    return local("mpi.start", _Start)


def Init() -> None:
    """Initialise MPI, in a program that set ``mpi4py.rc.initialize`` to False.

    Raises:
        MPIError: of class `ERR_OTHER`: MPI is initialised or finalized.
    """
    if _start().initialized:
        raise MPIError(ERR_OTHER, "MPI is initialised already")
    _start().initialized = True


def Init_thread(required: int = THREAD_MULTIPLE) -> int:
    """Initialise MPI and return the level of thread support, whatever is *required*."""
    Init()
    return Query_thread()


def Finalize() -> None:
    """Leave MPI.

    Raises:
        MPIError: of class `ERR_OTHER`: MPI is not initialised, or finalized already.
    """
    state = mpi_state()
    if not _start().initialized or state.finalized:
        raise MPIError(ERR_OTHER, "MPI is not initialised, or finalized already")
    state.finalize()


def Is_initialized() -> bool:
    """Return whether MPI has been initialised."""
    return _start().initialized


def Is_finalized() -> bool:
    """Return whether MPI has been finalized."""
    return mpi_state().finalized


def Query_thread() -> int:
    """Return the level of thread support: all threads of a process may call MPI at any time."""
    return THREAD_MULTIPLE


def Is_thread_main() -> bool:
    """Return whether the thread that calls initialised MPI: the one the process began with."""
    return mpi_state().process.in_main_fiber


def Get_version() -> tuple[int, int]:
    """Return the version of the MPI standard whose interface this is."""
    return VERSION, SUBVERSION


def Get_library_version() -> str:
    """Return the name and version of this library."""
    return f"{VENDOR} {'.'.join(map(str, VENDOR_VERSION))}"


def Get_abi_version() -> tuple[int, int]:
    """Return the version of MPI's binary interface: -1, for there is nothing to link with."""
    return -1, -1


def Get_abi_info() -> Info:
    """Return what a binary interface would tell: the sizes of MPI's own integers in bytes."""
    sizes = {"aint": AINT, "count": COUNT, "offset": OFFSET}
    return Info.Create({f"mpi_{name}_size": str(kind.size) for name, kind in sizes.items()})


def Get_abi_fortran_info() -> Info:
    """Return what a binary interface would tell of Fortran's types: sizes, and which there are."""
    info = Info.Create()
    for name in ("logical", "integer", "real", "double_precision"):
        info[f"mpi_{name}_size"] = str(getattr(_predefined, name.upper()).size)
    for name, sizes in _FORTRAN_SIZES.items():
        for size in sizes:
            there = bool(getattr(_predefined, f"{name}{size}".upper()))
            info[f"mpi_{name}{size}_supported"] = "true" if there else "false"
    return info


def get_vendor() -> tuple[str, tuple[int, int, int]]:
    """Return the name and version of this library."""
    return VENDOR, VENDOR_VERSION


def Get_processor_name() -> str:
    """Return the name of the node that the rank runs on."""
    process = mpi_state().process
    return process.job.node_name(process.rank)


def Get_hw_resource_info() -> Info:
    """Return the kinds of hardware that the rank may use one instance of only, as its keys.

    ``vmpp://machine``, ``vmpp://partition``, ``vmpp://node`` and ``vmpp://cpu``: a process runs on
    one processor of one node, and does not move.
    """
    kinds = ("machine", "partition", "node", "cpu")
    return Info.Create({f"vmpp://{kind}": "true" for kind in kinds})


def Wtime() -> float:
    """Return the rank's virtual time in seconds. Reading it takes a little time itself."""
    process = current_process()
    if process is None:
        raise MPIError(ERR_OTHER, "not in a process of a machine")
    process.charge(CLOCK_READ)
    return process.clock / SECOND


def Wtick() -> float:
    """Return the resolution of `Wtime` in seconds."""
    return _TICK


def Pcontrol(level: int) -> None:
    """Set the level of profiling; there is no profiler to be told."""


def Alloc_mem(size: int, info: Info = INFO_NULL) -> buffer:
    """Return *size* bytes of memory, as good as any other for messages.

    Raises:
        MPIError: of class `ERR_ARG`: the size is negative; `ERR_NO_MEM`: the node has not so much.
    """
    from vmpp_mpi._buffers._memory import buffer  # noqa: PLC0415 - needs NumPy

    if size < 0:
        raise MPIError(ERR_ARG, f"size {size}")
    try:
        return buffer.allocate(size)
    except MemoryError as error:
        raise MPIError(ERR_NO_MEM, str(error)) from None


def Free_mem(mem: buffer) -> None:
    """Free what `Alloc_mem` returned."""
    memory = mem.obj
    mem.release()
    if isinstance(memory, NodeMemory):
        memory.give_back()


def Get_address(location: Any) -> int:
    """Return the address of a buffer, 0 for `BOTTOM`, a negative number for what is none.

    It is one of the host's and differs from run to run, whereas differences within a buffer do not.

    Raises:
        TypeError: *location* is no buffer.
    """
    from vmpp_mpi._buffers._memory import buffer  # noqa: PLC0415 - needs NumPy

    if location is None:
        return 0
    if isinstance(location, Special):
        return int(location)
    return (location if isinstance(location, buffer) else buffer(location)).address


def Aint_add(base: int, disp: int) -> int:
    """Return the address *disp* bytes after *base*."""
    return base + disp


def Aint_diff(addr1: int, addr2: int) -> int:
    """Return the distance from address *addr2* to *addr1*, in bytes."""
    return addr1 - addr2


def Attach_buffer(buf: Any) -> None:
    """Give MPI memory for buffered sends; None or `BUFFER_AUTOMATIC` for as much as it takes.

    Raises:
        MPIError: of class `ERR_BUFFER`: a buffer is attached already.
        TypeError, BufferError: *buf* is no buffer that can be written to.
    """
    state = mpi_state()
    if state.buffer is not None:
        raise MPIError(ERR_BUFFER, "a buffer is attached already")
    state.buffer = SendBuffer.of(buf)


def Detach_buffer() -> Any:
    """Take the memory for buffered sends back, once all that is in it has been sent.

    Returns:
        What was given to `Attach_buffer`, None if nothing was.
    """
    state = mpi_state()
    buffer, state.buffer = state.buffer, None
    return None if buffer is None else buffer.detach(state.protocol)


def Flush_buffer() -> None:
    """Wait until all that is in the memory for buffered sends has been sent."""
    state = mpi_state()
    if state.buffer is not None:
        state.buffer.flush(state.protocol)


def Iflush_buffer() -> Request:
    """Return a request for the end of all that is in the memory for buffered sends by now."""
    state = mpi_state()
    return Request._wrap(Flush(state.myself, state.buffer))


def sizeof(arg: Any) -> int:
    """Return the bytes that a handle or status, or one of that class, takes in C.

    Raises:
        TypeError: *arg* is neither.
    """
    kind = arg if isinstance(arg, type) else type(arg)
    if issubclass(kind, AnyHandle):
        return _WORD
    if issubclass(kind, Status):
        return _STATUS_WORDS * _WORD
    raise TypeError("expecting an MPI type or instance")


def addressof(arg: Any) -> int:
    """Return the address of a handle or status in memory: one of the host's, as in `Get_address`.

    Raises:
        TypeError: *arg* is neither.
    """
    sizeof(arg)
    return id(arg)


def handleof(arg: Any) -> int:
    """Return the number of a handle, or the address of a status, as in C.

    Raises:
        TypeError: *arg* is neither.
    """
    if isinstance(arg, Status):
        return addressof(arg)
    if not isinstance(arg, AnyHandle):
        raise TypeError("expecting an MPI handle")
    return arg.handle


def set_abort_status(status: int) -> None:
    """Say with which status the process shall end its whole job (``mpi4py.run``), when it ends."""
    _start().abort_status = int(status)


def abort_status() -> int:
    """Return what `set_abort_status` was told, 0 if nothing."""
    return _start().abort_status
