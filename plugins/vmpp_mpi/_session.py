"""Sessions: ways into MPI that know nothing of each other, and the process sets they begin with.

A session names sets of processes. A group is made of a set, and a communicator of a group. What is
made of a session's groups uses the session's memory for buffered sends, and no other's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import TYPE_CHECKING, Any, Final, Self

from vmpp_mpi._buffers._send_buffer import SendBuffer
from vmpp_mpi._calls._buffers import BufferCalls
from vmpp_mpi._constants import (
    THREAD_FUNNELED,
    THREAD_MULTIPLE,
    THREAD_SERIALIZED,
    THREAD_SINGLE,
)
from vmpp_mpi._errhandler import Errhandler
from vmpp_mpi._erring import Erring, OnError, failure
from vmpp_mpi._errors import ERR_ARG, ERR_SESSION
from vmpp_mpi._group import Group
from vmpp_mpi._handle import forget, predefine
from vmpp_mpi._info import INFO_NULL, Info
from vmpp_mpi._runtime import Query_thread
from vmpp_mpi._state import MPIState, mpi_state

if TYPE_CHECKING:
    from vmpp.portals import Address

_LEVELS: Final = {
    THREAD_SINGLE: "MPI_THREAD_SINGLE",
    THREAD_FUNNELED: "MPI_THREAD_FUNNELED",
    THREAD_SERIALIZED: "MPI_THREAD_SERIALIZED",
    THREAD_MULTIPLE: "MPI_THREAD_MULTIPLE",
}


class SessionState:
    """A rank's view of one session.

    Attributes:
        library: of the rank.
        hints: what the program gave, by key.
        buffer: for the buffered sends on communicators that are made of its groups, None for none.
        errhandler: what to do about errors, as the program set it; None means to raise exceptions.
        on_error: called about an error before it is raised, None if nothing is.
    """

    __slots__ = ("buffer", "errhandler", "hints", "library", "on_error")

    def __init__(self, library: MPIState, hints: dict[str, str]) -> None:
        self.library = library
        self.hints = hints
        self.buffer: SendBuffer | None = None
        self.errhandler: Errhandler | None = None
        self.on_error: OnError | None = None

    def members(self, name: str) -> Sequence[Address]:
        """Return the processes of the set of that name.

        Raises:
            MPIError: `ERR_ARG`: there is none.
        """
        found = _SETS.get(name)
        if found is None:
            raise failure(self, ERR_ARG, f"no process set is called {name!r}")
        return found(self.library)


class Session(BufferCalls[SessionState], Erring[SessionState]):
    """A session. Null when made of nothing."""

    __slots__ = ()

    _error = ERR_SESSION

    def __new__(cls, session: Session | None = None) -> Self:
        """Make a second handle to what *session* refers to."""
        return cls._copy(session)

    @classmethod
    def Init(cls, info: Info = INFO_NULL, errhandler: Errhandler | None = None) -> Self:
        """Begin a session, whether MPI is initialised or not.

        Args:
            info: hints, which `Get_info` tells again.
            errhandler: what becomes of errors.
        """
        session = cls._wrap(SessionState(mpi_state(), dict(info.items())))
        if errhandler is not None:
            session.Set_errhandler(errhandler)
        return session

    def Finalize(self) -> None:
        """End the session when its buffered sends are done, and make the handle null.

        Raises:
            MPIError: `ERR_SESSION`: it is null.
        """
        self.Flush_buffer()
        forget(self)

    def free(self) -> None:
        """End the session, if there is one."""
        if self._ref is not None:
            self.Finalize()

    def Get_num_psets(self, info: Info = INFO_NULL) -> int:
        """Return the number of process sets."""
        self._get()
        return len(_SETS)

    def Get_nth_pset(self, n: int, info: Info = INFO_NULL) -> str:
        """Return the name of process set number *n*, counted from 0.

        They are ``mpi://WORLD``, all processes of the job; ``mpi://SELF``, the one that asks; and
        ``vmpp://PROGRAM``, those of the job that run the same program, where it was started with
        several.

        Raises:
            MPIError: `ERR_ARG`: there are not so many.
        """
        state = self._get()
        if not 0 <= index(n) < len(_SETS):
            raise failure(state, ERR_ARG, f"process set {n} of {len(_SETS)}")
        return list(_SETS)[n]

    def Get_info(self) -> Info:
        """Return the hints, and the level of thread support as ``thread_level``."""
        hints = self._get().hints
        return Info.Create({**hints, "thread_level": _LEVELS[Query_thread()]})

    def Get_pset_info(self, pset_name: str) -> Info:
        """Return the number of processes in a set as ``mpi_size``.

        Raises:
            MPIError: `ERR_ARG`: there is no such set.
        """
        return Info.Create({"mpi_size": str(len(self._get().members(pset_name)))})

    def Create_group(self, pset_name: str) -> Group:
        """Return the group of the processes in a set.

        Raises:
            MPIError: `ERR_ARG`: there is no such set.
        """
        state = self._get()
        own = state.library.process.address
        return Group.of(state.members(pset_name), own, session=state)


Session._family = (Session,)

SESSION_NULL: Final = predefine("SESSION_NULL", Session())


def _world(library: MPIState) -> Sequence[Address]:
    return library.process.job.addresses


def _self(library: MPIState) -> Sequence[Address]:
    return (library.process.address,)


def _program(library: MPIState) -> Sequence[Address]:
    job, rank = library.process.job, library.process.rank
    part = job.part(rank)
    return tuple(address for other, address in enumerate(job.addresses) if job.part(other) == part)


_SETS: Final[dict[str, Callable[[MPIState], Sequence[Any]]]] = {
    "mpi://WORLD": _world,
    "mpi://SELF": _self,
    "vmpp://PROGRAM": _program,
}
