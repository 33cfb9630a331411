"""Plans that move and reduce pickled objects, within one group."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce as fold
from typing import TYPE_CHECKING, Any

from mpi4py import rc

from vmpp_collectives import Channel, Kind
from vmpp_mpi import _collectives as algorithms
from vmpp_mpi._pickle import pickle
from vmpp_mpi._plans._plan import Plan, checked_root

if TYPE_CHECKING:
    from vmpp_mpi._state import CommState

Operator = Callable[[Any, Any], Any]


def bcast(state: CommState, obj: Any, root: int) -> Plan:
    """Return the object that *root* gives."""
    root = checked_root(state, root)
    data = pickle.dumps(obj) if state.rank == root else b""

    def run(channel: Channel) -> Any:
        return pickle.loads(algorithms.broadcast_pickle(channel, data, root))

    return Plan(Kind.BCAST, run)


def gather(state: CommState, sendobj: Any, root: int) -> Plan:
    """Return the objects of all ranks on *root*, None elsewhere."""
    root = checked_root(state, root)
    data = pickle.dumps(sendobj)

    def run(channel: Channel) -> list[Any] | None:
        found = algorithms.gather_pickles(channel, data, root)
        return None if found is None else [pickle.loads(each) for each in found]

    return Plan(Kind.GATHER, run)


def scatter(state: CommState, sendobj: Iterable[Any] | None, root: int) -> Plan:
    """Return the rank's own of the objects that *root* gives, one for each rank."""
    root = checked_root(state, root)
    data = pickles(sendobj, state.size) if state.rank == root else None

    def run(channel: Channel) -> Any:
        return pickle.loads(algorithms.scatter_pickles(channel, data, root))

    return Plan(Kind.SCATTER, run)


def allgather(state: CommState, sendobj: Any) -> Plan:
    """Return the objects of all ranks on all ranks."""
    data = pickle.dumps(sendobj)

    def run(channel: Channel) -> list[Any]:
        return [pickle.loads(each) for each in algorithms.allgather_pickles(channel, data)]

    return Plan(Kind.ALLGATHER, run)


def alltoall(state: CommState, sendobj: Iterable[Any]) -> Plan:
    """Send an object to each rank, and return what each sent."""
    data = pickles(sendobj, state.size)

    def run(channel: Channel) -> list[Any]:
        return [pickle.loads(each) for each in algorithms.alltoall_pickles(channel, data)]

    return Plan(Kind.ALLTOALL, run)


def reduce(state: CommState, sendobj: Any, op: Operator, root: int) -> Plan:
    """Return the objects of all ranks combined in their order on *root*, None elsewhere."""
    if not rc.fast_reduce:
        return folded(gather(state, sendobj, root), op)
    root = checked_root(state, root)
    own = copied(sendobj)

    def run(channel: Channel) -> Any:
        return algorithms.reduce_objects(channel, own, op, root, pickle.dumps, pickle.loads)

    return Plan(Kind.REDUCE, run)


def allreduce(state: CommState, sendobj: Any, op: Operator) -> Plan:
    """Return the objects of all ranks combined in their order."""
    if not rc.fast_reduce:
        return folded(allgather(state, sendobj), op)
    own = copied(sendobj)

    def run(channel: Channel) -> Any:
        result = algorithms.reduce_objects(channel, own, op, 0, pickle.dumps, pickle.loads)
        data = pickle.dumps(result) if channel.rank == 0 else b""
        return pickle.loads(algorithms.broadcast_pickle(channel, data, 0))

    return Plan(Kind.ALLREDUCE, run)


def scan(state: CommState, sendobj: Any, op: Operator) -> Plan:
    """Return the objects of the ranks up to the own, combined in their order."""
    return Plan(Kind.SCAN, lambda channel: _scan(channel, sendobj, op, inclusive=True))


def exscan(state: CommState, sendobj: Any, op: Operator) -> Plan:
    """Return the objects of the ranks below the own combined, None on rank 0."""
    return Plan(Kind.EXSCAN, lambda channel: _scan(channel, sendobj, op, inclusive=False))


def _scan(channel: Channel, sendobj: Any, op: Operator, *, inclusive: bool) -> Any:
    return algorithms.scan_objects(
        channel, sendobj, op, pickle.dumps, pickle.loads, inclusive=inclusive
    )


def folded(gathering: Plan, op: Operator) -> Plan:
    """Return the plan that combines in order what another one gathers."""

    def run(channel: Channel) -> Any:
        found = gathering.run(channel)
        return None if found is None else fold(op, found)

    return Plan(gathering.kind, run)


def pickles(objects: Iterable[Any] | None, size: int) -> list[bytes]:
    """Return the pickle of each object, one for each rank.

    Raises:
        ValueError: there are more or fewer objects than ranks.
    """
    if objects is None:
        return [pickle.dumps(None)] * size
    items = list(objects)
    if len(items) != size:
        raise ValueError(f"expecting {size} items, got {len(items)}")
    return [pickle.dumps(item) for item in items]


def copied(obj: Any) -> Any:
    """Return a copy of what the program gives, which an operator may change in place."""
    return pickle.loads(pickle.dumps(obj))
