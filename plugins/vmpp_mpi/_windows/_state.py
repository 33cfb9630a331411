"""What a rank has of a window, and of all its windows together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from struct import Struct
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from vmpp.process.memory import NodeMemory
from vmpp_mpi._communicators._comm import Intracomm
from vmpp_mpi._communicators._making import duplicated
from vmpp_mpi._constants import PROC_NULL, WIN_FLAVOR_DYNAMIC
from vmpp_mpi._erring import OnError, failure
from vmpp_mpi._errors import (
    ERR_COMM,
    ERR_DISP,
    ERR_PROC_FAILED,
    ERR_RANK,
    ERR_RMA_RANGE,
    ERR_RMA_SYNC,
)
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._local import local
from vmpp_mpi._numbers import whole
from vmpp_mpi._state import mpi_state
from vmpp_mpi._windows._access import Access
from vmpp_mpi._windows._epochs import Epochs
from vmpp_mpi._windows._origin import Origin
from vmpp_mpi._windows._outstanding import Outstanding
from vmpp_mpi._windows._placing import Place, groups_of
from vmpp_mpi._windows._target import Target
from vmpp_mpi._windows._wire import Kind, Notice

if TYPE_CHECKING:
    from vmpp.portals import Address
    from vmpp_mpi._errhandler import Errhandler
    from vmpp_mpi._state import MPIState
    from vmpp_mpi._windows._groups import Group

_ENTRY: Final = Struct("<qq")


class Extents:
    """How large the memory of each rank of a window is, and in which units it is addressed.

    Args:
        table: for each rank the size and the unit in bytes, as 64-bit integers.
    """

    __slots__ = ("__weakref__", "sizes", "units")

    def __init__(self, table: bytes) -> None:
        numbers = memoryview(table).cast("q").tolist()
        self.sizes, self.units = numbers[::2], numbers[1::2]


_known: Final[WeakValueDictionary[bytes, Extents]] = WeakValueDictionary()


def _extents(table: bytes) -> Extents:
    """Return the extents of a window; all its ranks share one."""
    found = _known.get(table)
    if found is None:
        found = _known[table] = Extents(table)
    return found


class Windows:
    """All windows of a process.

    Attributes:
        origin: its side as one that accesses others' memory.
        target: its side as one whose memory is accessed.
        open: the windows that have not been freed, by number.
    """

    __slots__ = ("open", "origin", "target")

    def __init__(self) -> None:
        library = mpi_state()
        self.origin = Origin(library)
        self.target = Target(library)
        library.faults.listeners.append(self.target.lose)
        self.open: dict[int, WindowState] = {}


def windows() -> Windows:
    """Return the windows of the running process."""
    return local("mpi.windows", Windows)


class WindowState:
    """A rank's view of one window.

    Attributes:
        library: of the rank.
        comm: a communicator of its own, of the window's group. Its context, which is the same on
            all ranks, is the window's number.
        number: of the window.
        rank: of the process in the window.
        size: number of processes.
        addresses: of the processes, by rank.
        flavor: how it was made.
        memory: what the process exposes; empty for a dynamic window.
        unit: of displacements in it, in bytes.
        extents: of all ranks' memory; None for a dynamic window.
        shared: the memory of all ranks, if they share it; empty if they do not.
        taken: memory that the node gave for the window; None if it is the program's.
        exposed: what the target's side has of it.
        origin: the origin's side of the process.
        epochs: what may be called now.
        granted: ranks whose lock the process has.
        outstanding: accesses that have been begun and not been waited for.
        unposted: ranks that `Start` named, and that may not have called `Post`.
        unchecked: whether targets are accessed without asking for their locks.
        name: as the program named it.
        errhandler: what to do about errors, as the program set it; None means to raise exceptions.
        on_error: called about an error before it is raised, None if nothing is.
        attributes: what the program attached, by key.
        info: hints of the program, None if it gave none.
        closed: whether it has been freed.
    """

    __slots__ = (
        "_asked", "_unlocked", "_windows", "addresses", "attributes", "closed", "comm", "epochs",
        "errhandler", "exposed", "extents", "flavor", "granted", "info", "library", "memory",
        "name", "number", "on_error", "origin", "outstanding", "rank", "shared", "size", "taken",
        "unchecked", "unit", "unposted",
    )  # fmt: skip

    def __init__(self, comm: Intracomm, flavor: int, memory: memoryview, unit: int) -> None:
        state = comm._get()
        if comm.Is_inter():
            raise state.error(ERR_COMM, "a window needs a communicator of one group")
        made = duplicated(state)
        self.library: MPIState = state.library
        self.comm = Intracomm._make(made)
        made.errhandler, made.on_error = None, self._tell
        self.number = made.context
        self.rank = made.rank
        self.size = made.size
        self.addresses: Sequence[Address] = made.addresses
        self.flavor: int = flavor
        self.memory: memoryview = memory
        self.shared: Sequence[memoryview] = ()
        self.taken: bytearray | None = None
        self.unit: int = unit
        self.epochs = Epochs(partial(self.error, ERR_RMA_SYNC))
        self.granted: dict[int, None] = {}
        self.unposted: dict[int, None] = {}
        self.unchecked = False
        self.name = ""
        self.errhandler: Errhandler | None = None
        self.on_error: OnError | None = None
        self.attributes: dict[int, Any] | None = None
        self.info: Any = None
        self.closed = False
        self._asked: dict[int, Access] = {}
        self._unlocked: dict[int, None] = {}
        self.outstanding = Outstanding(self.library.protocol)
        self._windows = windows()
        self.origin = self._windows.origin
        self.exposed = self._windows.target.open(self.number)
        self._windows.open[self.number] = self
        self.extents: Extents | None = None
        # Nobody returns from what follows before all ranks serve the window.
        if flavor == WIN_FLAVOR_DYNAMIC:
            self.comm.Barrier()
        else:
            self._windows.target.expose(self.exposed, memory)
            self.extents = self._agree_extents()

    def _agree_extents(self) -> Extents:
        table = bytearray(_ENTRY.size * self.size)
        self.comm.Allgather(_ENTRY.pack(len(self.memory), self.unit), table)
        return _extents(bytes(table))

    def error(self, code: int, detail: str = "") -> MPIError:
        """Treat an error as the window's error handler wants it.

        Returns:
            The exception to be raised, if the handler lets the program go on at all.
        """
        return failure(self, code, detail)

    def _tell(self, _: Any, error: MPIError) -> None:
        """Tell the window's error handler of an error in its communicator."""
        if self.on_error is not None:
            self.on_error(self, error)

    def check_rank(self, given: Any) -> int:
        """Return a *given* rank as a number.

        Raises:
            MPIError: `ERR_RANK`: there is none such, and it is not `PROC_NULL`.
        """
        rank: int = whole(given)
        if rank != PROC_NULL and not 0 <= rank < self.size:
            raise self.error(ERR_RANK, f"{rank} in a window of {self.size}")
        return rank

    # -- accesses ------------------------------------------------------------------------------

    def reach(self, rank: int, by_request: bool) -> None:
        """Get ready to access memory of *rank*.

        Its lock is waited for after `Lock_all`, and that it has posted after `Start`.

        Raises:
            MPIError: `ERR_RMA_SYNC`: it may not be accessed now.
        """
        self.epochs.access(rank, by_request)
        if self.epochs.all_locked and rank not in self.granted:
            self.acquire(rank, exclusive=False)
        elif rank in self.unposted:
            self.await_posts([rank])

    def placed(self, rank: int, place: Place) -> list[Group]:
        """Return which bytes of the memory of *rank* a target argument names.

        Raises:
            MPIError: `ERR_DISP`: the displacement is negative; `ERR_COUNT`, `ERR_RMA_RANGE`: there
                are not so many bytes.
        """
        extents = self.extents
        if place.disp < 0:
            raise self.error(ERR_DISP, f"displacement {place.disp} is negative")
        if extents is None:
            return groups_of(place, place.disp)
        groups = groups_of(place, place.disp * extents.units[rank])
        size = extents.sizes[rank]
        for group in groups:
            begin, end = group.span()
            if begin < 0 or end > size:
                raise self.error(
                    ERR_RMA_RANGE, f"bytes {begin} to {end} of the {size} that rank {rank} exposes"
                )
        return groups

    def acknowledged(self, rank: int) -> Access:
        """Begin an access to memory of *rank*; see `Origin.acknowledged`."""
        return self.origin.acknowledged(self.addresses[rank], self.number)

    def replied(self, rank: int, blocks: list[memoryview]) -> Access:
        """Begin an access to memory of *rank*; see `Origin.replied`."""
        return self.origin.replied(self.addresses[rank], self.number, blocks)

    def begun(self, rank: int, access: Access) -> Access:
        """Remember an access until it is flushed."""
        self.outstanding.add(rank, access)
        return access

    def flush(self, ranks: Iterable[int] | None = None, local_only: bool = False) -> None:
        """Wait until accesses to *ranks*, to all by default, are done.

        With *local_only*, that they are done with the origin's buffers is enough.

        Raises:
            MPIError: one ended with an error.
        """
        failed = self.outstanding.wait(ranks, local_only)
        if failed:
            raise self.error(failed)

    # -- notices -----------------------------------------------------------------------------------

    def arrived(self, notice: Notice, ranks: Iterable[int]) -> bool:
        """Return whether each of *ranks* has sent a notice that has not been used."""
        self.origin.drain()
        notices = self.origin.notices
        return all(notices[self.number, notice, rank] > 0 for rank in ranks)

    def consume(self, notice: Notice, ranks: Iterable[int]) -> None:
        """Use up a notice of each of *ranks*, be it still to come."""
        for rank in ranks:
            self.origin.notices[self.number, notice, rank] -= 1

    def await_notices(self, notice: Notice, ranks: Sequence[int]) -> None:
        """Block until each of *ranks* has sent a notice, and use these up."""
        while not self.arrived(notice, ranks):
            self._wait_for_notice(notice, ranks)
        self.consume(notice, ranks)

    def await_posts(self, ranks: Sequence[int]) -> None:
        """Block until *ranks*, which `Start` named, have called `Post`."""
        while not self.arrived(Notice.POSTED, [rank for rank in ranks if rank in self.unposted]):
            self._wait_for_notice(Notice.POSTED, ranks)
        for rank in ranks:
            if rank in self.unposted:
                del self.unposted[rank]
                self.consume(Notice.POSTED, [rank])

    def _wait_for_notice(self, notice: Notice, ranks: Sequence[int]) -> None:
        """Wait until something has come, unless one of *ranks* has failed that is to send a notice.

        Raises:
            MPIError: `ERR_PROC_FAILED`: so it is.
        """
        faults = self.library.protocol.faults
        if faults is not None:
            for rank in ranks:
                if self.addresses[rank] in faults.failed and not self.arrived(notice, [rank]):
                    raise self.error(ERR_PROC_FAILED, f"rank {rank}")
        self.library.process.wait(self.origin.events)

    # -- locks ---------------------------------------------------------------------------------

    def acquire(self, rank: int, exclusive: bool) -> None:
        """Wait for the lock of a rank, unless the program says that nobody else wants it."""
        if self.unchecked:
            return
        access = self._asked.get(rank)
        if access is None:
            access = self._asked[rank] = self.replied(rank, [memoryview(b"")])
            self.origin.lock(access, exclusive)
        self.library.protocol.wait(access)
        self._asked.pop(rank, None)
        if access.error:
            raise self.error(access.error, f"rank {rank} cannot be locked")
        self.granted[rank] = None

    def release(self, rank: int) -> None:
        """Give the lock of a rank back, if the process has it."""
        if rank in self.granted:
            del self.granted[rank]
            self._unlocked[rank] = None
            self.origin.unlock(self.addresses[rank], self.number)

    # -- the end -------------------------------------------------------------------------------

    def close(self) -> None:
        """Free the window, when all ranks want it."""
        self._confirm_unlocks()
        try:
            self.flush()
            self.comm.Barrier()
        finally:
            self._windows.target.close(self.exposed)
            del self._windows.open[self.number]
            self._forget_notices()
            self.comm.Free()
            self.closed = True
            if isinstance(self.taken, NodeMemory):
                self.taken.give_back()

    def _confirm_unlocks(self) -> None:
        """Begin what is answered after all locks have been given back: an empty put.

        Otherwise one might be given back late, in another window that has the number then.
        """
        for rank in self._unlocked:
            access = self.acknowledged(rank)
            self.origin.ask(access, Kind.PUT, [])
            self.begun(rank, access)

    def _forget_notices(self) -> None:
        """Forget the notices that came; those that are still to come are known to be used."""
        self.origin.drain()
        notices = self.origin.notices
        for key in [key for key, count in notices.items() if key[0] == self.number and count >= 0]:
            del notices[key]
