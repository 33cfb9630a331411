"""Processes of other jobs: spawned, or met at a port; each time it ends in two groups joined.

The system starts jobs and connects them, which lets their processes send to each other. A spawned
job needs no word from its parents: they choose a context that is free on all of them, as any is on
processes that have not begun, and leave it with their addresses in the job's parcel. Who connects
at a port finds the process that accepts there by its address, and knocks by a message of MPI's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from operator import index
from struct import Struct
from typing import TYPE_CHECKING, Final
from zlib import crc32

from vmpp.portals import Address
from vmpp.process import jobs
from vmpp_mpi._collectives import OwnKind, broadcast_pickle
from vmpp_mpi._communicators import _between as between
from vmpp_mpi._communicators._making import duplicated
from vmpp_mpi._dynamic import _addresses
from vmpp_mpi._dynamic._ports import own_ports
from vmpp_mpi._dynamic._system import ask, jobs_of
from vmpp_mpi._errors import ERR_PORT, ERR_ROOT, ERR_SPAWN
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._local import local
from vmpp_mpi._state import CommState, MPIState

if TYPE_CHECKING:
    from vmpp_collectives import Channel

_NUMBER: Final = Struct("<I")
_ACCEPTING, _CONNECTING = range(2)
"""What the two processes that talk at a port are known as to each other."""


def root_of(state: CommState, root: int) -> int:
    """Return *root* if there is such a rank.

    Raises:
        MPIError: `ERR_ROOT`: there is none.
    """
    root = index(root)
    if not 0 <= root < state.size:
        raise state.error(ERR_ROOT, f"root {root} in a communicator of {state.size}")
    return root


def spawn(
    state: CommState, commands: Sequence[jobs.Command], root: int
) -> tuple[CommState, list[int]]:
    """Start *commands*, which count on *root* only, as one job: a collective operation.

    Returns:
        A communicator with the new processes, and how many there are of each command.

    Raises:
        MPIError: `ERR_SPAWN`, on all ranks: they cannot be started; the text says why.
    """
    library = state.library
    group = duplicated(state)
    context = library.agree_context(state.channel.begin(OwnKind.CREATE_INTERCOMM))
    made = library.new_communicator(context, state.rank, state.addresses, state)

    def start() -> bytes:
        parcel = _NUMBER.pack(context) + _addresses.pack(state.addresses)
        request = jobs.Spawn(list(commands), jobs_of(state.addresses), parcel)
        started = ask(jobs.LAUNCHER, request, ERR_SPAWN)
        table = _addresses.pack(
            [
                Address(node, pid, rank, started.job)
                for rank, (node, pid) in enumerate(zip(started.nodes, started.pids, strict=True))
            ]
        )
        counts = b"".join(map(_NUMBER.pack, started.counts))
        return _NUMBER.pack(len(counts)) + counts + table

    try:
        found = _by_root(state, root, start)
    except MPIError:
        group.release()
        made.release()
        raise
    (length,) = _NUMBER.unpack_from(found)
    begin = _NUMBER.size
    counts = [number for (number,) in _NUMBER.iter_unpack(found[begin : begin + length])]
    remote = _addresses.unpack(found[begin + length :], library.process.job)
    made.connect(group, remote)
    return made, counts


def adopt(library: MPIState) -> None:
    """Make the communicator with the parents, in a process that was spawned."""
    job = library.process.job
    (context,) = _NUMBER.unpack_from(job.parcel)
    parents = _addresses.unpack(job.parcel[_NUMBER.size :], job)
    rank, addresses = library.process.rank, job.addresses
    library.take_context(context)
    made = library.new_communicator(context, rank, addresses)
    made.name = "MPI_COMM_PARENT"
    group = library.new_communicator(library.take_context(), rank, addresses)
    made.connect(group, parents)
    library.parent = made


def accept(state: CommState, port: str, root: int) -> CommState:
    """Wait for a group that connects at *port*, and return a communicator with it.

    Raises:
        MPIError: `ERR_PORT`, on all ranks: *root* has no such port open.
    """
    library = state.library
    own = library.process.address

    def open_the_door() -> bytes:
        if port not in own_ports():
            raise MPIError(ERR_PORT, f"port {port!r} is not one that this process has open")
        knock = _door(library, port, (own, own), _ACCEPTING).receive_any(_CONNECTING)
        (caller,) = _addresses.unpack(bytes(knock), library.process.job)
        serial = _NUMBER.pack(next(local("mpi.accepted", count)))
        _door(library, port, (own, caller), _ACCEPTING).send(_CONNECTING, serial)
        return serial + bytes(knock)

    found = _by_root(state, root, open_the_door)
    caller = _addresses.unpack(found[_NUMBER.size :], library.process.job)[0]
    serial = found[: _NUMBER.size]
    return _joined(state, root, port, serial, (own, caller), _ACCEPTING)


def connect(state: CommState, port: str, root: int) -> CommState:
    """Return a communicator with the group that accepts at *port*, as soon as one does.

    Raises:
        MPIError: `ERR_PORT`, on all ranks: nobody has such a port open.
    """
    library = state.library
    own = library.process.address

    def knock() -> bytes:
        request = jobs.Reach(port, jobs_of(state.addresses))
        place = ask(jobs.LAUNCHER, request, ERR_PORT)
        owner = _addresses.pack([Address(place.node, place.pid, place.rank, place.job)])
        ends = _addresses.unpack(owner, library.process.job)[0], own
        door = _door(library, port, ends, _CONNECTING)
        door.send(_ACCEPTING, _addresses.pack([own]))
        return bytes(door.receive_any(_ACCEPTING)) + owner

    found = _by_root(state, root, knock)
    owner = _addresses.unpack(found[_NUMBER.size :], library.process.job)[0]
    return _joined(state, root, port, found[: _NUMBER.size], (owner, own), _CONNECTING)


def _joined(
    state: CommState,
    root: int,
    port: str,
    serial: bytes,
    ends: tuple[Address, Address],
    own: int,
) -> CommState:
    """Return the communicator with the group that was met at *port*, the meeting being *serial*."""
    exchange: between.Exchange = between.leave_to_leader
    if state.rank == root:
        channel = _door(state.library, f"{port} {_NUMBER.unpack(serial)[0]}", ends, own)
        exchange = lambda data: channel.exchange_any(1 - own, data, 1 - own)  # noqa: E731
    return between.connect(state, root, exchange)


def _door(library: MPIState, name: str, ends: tuple[Address, Address], own: int) -> Channel:
    """Return the way between the two processes that talk at a port."""
    return library.group_channel(ends, own, crc32(name.encode()), leaders=True)


def _by_root(state: CommState, root: int, act: Callable[[], bytes]) -> bytes:
    """Return what *act* returns on *root*, on all ranks, or raise what it raises there."""
    outcome = b""
    if state.rank == root:
        try:
            outcome = _NUMBER.pack(0) + act()
        except MPIError as error:
            outcome = _NUMBER.pack(error.Get_error_class()) + error.detail.encode()
    channel = state.channel.begin(OwnKind.CREATE_INTERCOMM)
    outcome = bytes(broadcast_pickle(channel, outcome, root))
    (code,) = _NUMBER.unpack_from(outcome)
    if code:
        raise state.error(code, outcome[_NUMBER.size :].decode())
    return outcome[_NUMBER.size :]
