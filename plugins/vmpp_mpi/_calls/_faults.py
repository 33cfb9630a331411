"""The calls for programs that tolerate faults: revoke, acknowledge, agree, shrink.

They are those of User-Level Failure Mitigation, which MPI 5 adopts. All but `Revoke` itself work on
communicators that are revoked, or have processes that have failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from vmpp_mpi._buffers._exported import memory_of
from vmpp_mpi._calls._point_to_point import PointToPoint
from vmpp_mpi._communicators._kinds import INTER, INTRA, KINDS
from vmpp_mpi._constants import UNDEFINED
from vmpp_mpi._errors import ERR_OTHER, ERR_PROC_FAILED, ERR_REVOKED
from vmpp_mpi._faults._agreement import Value
from vmpp_mpi._faults._failures import participants, places
from vmpp_mpi._group import Group
from vmpp_mpi._requests._operation import Work
from vmpp_mpi._requests._request import Request
from vmpp_mpi._state import CommState, partition

if TYPE_CHECKING:
    from vmpp.portals import Address

_INT: Final = Struct("=i")
_CHOICE: Final = Struct("<qq")
_HERE, _GONE = _CHOICE.pack(0, 0), _CHOICE.pack(UNDEFINED, 0)
_ATTEMPTS: Final = 8
_ATTEMPT_SHIFT: Final = 20
"""The number of an agreement that is tried again has the number of the attempt above this bit."""


class FaultCalls(PointToPoint):
    """A handle to a communicator, with the calls for programs that tolerate faults."""

    __slots__ = ()

    def Revoke(self) -> None:
        """Make the communicator of no use to any of its processes, and end what they wait for.

        Not collective: one process calls, and calls of all others end with `ERR_REVOKED`.
        """
        state = self._get()
        if state.fault != ERR_REVOKED:
            state.library.faults.revoke(state)

    def Is_revoked(self) -> bool:
        """Return whether the communicator has been revoked, as far as the process knows."""
        return self._get().fault == ERR_REVOKED

    def Get_failed(self) -> Group:
        """Return the processes that are known to have failed, in the order in which they were."""
        state = self._get()
        return Group.of(state.library.faults.failed_of(state), state.library.process.address)

    def Ack_failed(self, num_to_ack: int | None = None) -> int:
        """Acknowledge failures: receives from anybody, and `Agree`, do without these processes.

        Args:
            num_to_ack: how many of the first of `Get_failed`; None: all.

        Returns:
            How many have been acknowledged by now.
        """
        state = self._get()
        known = len(state.library.faults.failed_of(state))
        wanted = known if num_to_ack is None else min(int(num_to_ack), known)
        state.acknowledged = max(state.acknowledged, wanted)
        return state.acknowledged

    def Agree(self, flag: int) -> int:
        """Return the bits that are set in the flags of all processes that have not failed.

        Raises:
            MPIError: `ERR_PROC_FAILED`, on all of them: not all have acknowledged all failures.
        """
        state = self._get()
        return _accepted(state, _agree(state, int(flag), state.next_agreement()))

    def Iagree(self, flag: Any) -> Request:
        """Begin `Agree` on a C int in memory, which has the result when the request is complete.

        Raises:
            TypeError: *flag* is no memory that can be written to.
            ValueError: it is not as long as an int.
        """
        state = self._get()
        memory = memory_of(flag, True)
        if len(memory) != _INT.size:
            raise ValueError(f"expecting {_INT.size} bytes, got {len(memory)}")
        number = state.next_agreement()

        def body() -> None:
            found = _agree(state, _INT.unpack(memory)[0], number)
            _INT.pack_into(memory, 0, found.flag)
            _accepted(state, found)

        return Request._wrap(Work(state, body))

    def Shrink(self) -> Any:
        """Return a communicator of the processes that have not failed."""
        made, body = _shrink(self._get())
        body()
        return self._shrunk()._make(made)

    def Ishrink(self) -> tuple[Any, Request]:
        """Begin `Shrink`: return the communicator, to be used when the request is complete."""
        state = self._get()
        made, body = _shrink(state)
        return self._shrunk()._make(made), Request._wrap(Work(state, body))

    def _shrunk(self) -> Any:
        """Return the class of handles to what shrinking gives: without a topology."""
        return KINDS[INTRA if self._get().remote is None else INTER]


def _agree(state: CommState, flag: int, number: int) -> Value:
    """Agree with the others of a communicator on *flag*, and on who has failed."""
    faults = state.library.faults
    members = participants(state)
    failed = faults.failed_of(state)
    value = Value(flag, places(members, failed), places(members, failed[: state.acknowledged]))
    return faults.agree(state, number, value)


def _accepted(state: CommState, found: Value) -> int:
    """Return the flag that has been agreed on.

    Raises:
        MPIError: `ERR_PROC_FAILED`: not all have acknowledged all failures.
    """
    if found.failed & ~found.acknowledged:
        raise state.error(ERR_PROC_FAILED, "not all have acknowledged all failures")
    return found.flag


def _shrink(state: CommState) -> tuple[CommState, Callable[[], None]]:
    """Return the communicator of those that have not failed, and what it takes to make it."""
    library = state.library
    number = state.next_agreement()
    made = library.announce_communicator(state.rank, state.addresses, state)
    if state.local is not None and state.remote is not None:
        made.connect(state.local, state.remote)

    def body() -> None:
        members = participants(state)
        found = _survivors(state, number)
        lost = {a for place, a in enumerate(members) if found.failed >> place & 1}
        first = found.contexts & -found.contexts
        second = found.contexts & ~first
        own = _without(state.addresses, lost)
        rank = own.index(library.process.address)
        library.contexts.take(2 * (first.bit_length() - 1))
        made.settle(rank, own)
        if state.remote is not None:
            inside = library.contexts.take(2 * ((second & -second).bit_length() - 1))
            local = library.new_communicator(inside, rank, own, state)
            made.connect(local, _without(state.remote, lost))
        library.open_communicator(made, 2 * (first.bit_length() - 1))

    return made, body


def _survivors(state: CommState, number: int) -> Value:
    """Agree on who has failed, and on two contexts that are free on all others at least.

    Raises:
        MPIError: `ERR_OTHER`: there are none.
    """
    library, faults = state.library, state.library.faults
    members = participants(state)
    for attempt in range(_ATTEMPTS):
        with library.contexts.claimed(everything=attempt > 0) as claim:
            failed = places(members, faults.failed_of(state))
            value = Value(contexts=claim, failed=failed)
            found = faults.agree(state, number + (attempt << _ATTEMPT_SHIFT), value)
        if found.contexts & (found.contexts - 1):
            return found
        library.protocol.poll()
    raise state.error(ERR_OTHER, "no contexts are free on all processes")


def _without(addresses: Sequence[Address], lost: set[Address]) -> Sequence[Address]:
    """Return *addresses* without some; all processes share one."""
    table = b"".join([(_GONE if address in lost else _HERE) for address in addresses])
    found = partition(table).members(addresses, 0)
    return addresses if len(found) == len(addresses) else found
