"""Communicators of two groups, as far as mpi4py's own modules name them at import.

No call makes such a communicator yet, so a handle of this class is null: every call on it raises
`ERR_COMM`, as on any null communicator.
"""

from __future__ import annotations

from typing import NoReturn

from vmpp_mpi._comm import Comm
from vmpp_mpi._errors import ERR_COMM
from vmpp_mpi._errors import Exception as MPIError


class Intercomm(Comm):
    """A handle to a communicator of two groups."""

    __slots__ = ()


def commctx_inter(comm: Intercomm) -> NoReturn:
    """Refuse to make a communicator beside *comm*, which is null (``MPI._commctx_inter``)."""
    comm._get()
    raise MPIError(ERR_COMM, "not a communicator of two groups")
