"""What becomes of an exception in a function of the program's that MPI calls."""

from __future__ import annotations

import traceback

from vmpp_mpi._errors import ERR_OTHER
from vmpp_mpi._errors import Exception as MPIError


def reported(error: BaseException) -> int:
    """Print the traceback of *error* on the rank's standard error; return its error class.

    The call that led to the function raises that class: `ERR_OTHER`, unless it is MPI's own.
    """
    traceback.print_exception(error)
    return error.Get_error_class() if isinstance(error, MPIError) else ERR_OTHER
