"""The module that a program gets as ``mpi4py.MPI``.

One module serves all ranks: what is a rank's own is found through the process that is running. The
names are those of mpi4py 4.1, all of them but those of a C library's objects in memory.
"""

# ruff: noqa: F401, N999 - this module collects names, under the one that programs know

from __future__ import annotations

from typing import Any as _Any

from vmpp_mpi import _constants, _errhandler, _errors, _group, _info, _op, _special
from vmpp_mpi._communicators._comm import COMM_NULL, COMM_SELF, COMM_WORLD, Comm, Intracomm
from vmpp_mpi._communicators._comm import comm_lock as _comm_lock
from vmpp_mpi._communicators._comm import comm_lock_table as _comm_lock_table
from vmpp_mpi._communicators._comm import commctx_intra as _commctx_intra
from vmpp_mpi._communicators._intercomm import Intercomm
from vmpp_mpi._communicators._intercomm import commctx_inter as _commctx_inter
from vmpp_mpi._datatype import Datatype, _predefined
from vmpp_mpi._datatype import datatype_create as _datatype_create
from vmpp_mpi._datatype import datatype_decode as _datatype_decode
from vmpp_mpi._datatype import typealign as _typealign
from vmpp_mpi._datatype import typecode as _typecode
from vmpp_mpi._docs import present as _present
from vmpp_mpi._dynamic._ports import (
    Close_port,
    Lookup_name,
    Open_port,
    Publish_name,
    Unpublish_name,
)
from vmpp_mpi._errhandler import Errhandler
from vmpp_mpi._errors import (
    Add_error_class,
    Add_error_code,
    Add_error_string,
    Exception,  # noqa: A004 - MPI's name for it
    Get_error_class,
    Get_error_string,
    Remove_error_class,
    Remove_error_code,
    Remove_error_string,
)
from vmpp_mpi._files._datarep import Register_datarep
from vmpp_mpi._files._file import FILE_NULL, File
from vmpp_mpi._group import Group
from vmpp_mpi._info import Info
from vmpp_mpi._op import Op
from vmpp_mpi._pickle import Pickle, pickle
from vmpp_mpi._requests._grequest import Grequest
from vmpp_mpi._requests._message import MESSAGE_NO_PROC, MESSAGE_NULL, Message
from vmpp_mpi._requests._request import REQUEST_NULL, Prequest, Request
from vmpp_mpi._runtime import (
    Aint_add,
    Aint_diff,
    Alloc_mem,
    Attach_buffer,
    Detach_buffer,
    Finalize,
    Flush_buffer,
    Free_mem,
    Get_abi_fortran_info,
    Get_abi_info,
    Get_abi_version,
    Get_address,
    Get_hw_resource_info,
    Get_library_version,
    Get_processor_name,
    Get_version,
    Iflush_buffer,
    Init,
    Init_thread,
    Is_finalized,
    Is_initialized,
    Is_thread_main,
    Pcontrol,
    Query_thread,
    Wtick,
    Wtime,
    get_vendor,
)
from vmpp_mpi._runtime import addressof as _addressof
from vmpp_mpi._runtime import handleof as _handleof
from vmpp_mpi._runtime import set_abort_status as _set_abort_status
from vmpp_mpi._runtime import sizeof as _sizeof
from vmpp_mpi._session import SESSION_NULL, Session
from vmpp_mpi._special import BottomType, BufferAutomaticType, InPlaceType
from vmpp_mpi._status import Status
from vmpp_mpi._topologies._topology import (
    Cartcomm,
    Compute_dims,
    Distgraphcomm,
    Graphcomm,
    Topocomm,
)

_typedict = _predefined.BY_CODE
_typedict_c = _predefined.BY_CODE_C
_typedict_f = _predefined.BY_CODE_FORTRAN

_NAME = "mpi4py.MPI"
"""The name under which programs know this module, and pickles its classes."""


_LATER = ("WIN_NULL", "Win", "buffer", "memory")
"""Names that are there when they are asked for."""


def _offer() -> None:
    """Take in the constants, and make the names look as if they came from mpi4py."""
    here = globals()
    kinds: dict[_Any, type | tuple[type, ...]] = {
        _constants: int,
        _errors: int,
        _predefined: Datatype,
        _op: Op,
        _group: Group,
        _info: Info,
        _errhandler: Errhandler,
        _special: (BottomType, InPlaceType, BufferAutomaticType),
    }
    for module, kind in kinds.items():
        for name, value in vars(module).items():
            if name.isupper() and name[0] != "_" and isinstance(value, kind):
                here[name] = value
        del here[module.__name__.rpartition(".")[2]]
    del here["MAX_TAG"], here["annotations"]  # not of MPI
    _present(here, _NAME)


_offer()

__all__ = sorted(name for name in (*globals(), *_LATER) if name[0] != "_")  # noqa: PLE0605


def __getattr__(name: str) -> _Any:
    """Return what exports memory at its first use (PEP 562), because it needs NumPy."""
    if name not in _LATER:
        raise AttributeError(f"module {_NAME!r} has no attribute {name!r}")
    from vmpp_mpi._buffers._memory import buffer  # noqa: PLC0415 - see above
    from vmpp_mpi._windows._win import WIN_NULL, Win  # noqa: PLC0415 - see above

    late = {"buffer": buffer, "memory": buffer, "Win": Win, "WIN_NULL": WIN_NULL}
    _present({"buffer": buffer, "Win": Win}, _NAME)
    globals().update(late)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
