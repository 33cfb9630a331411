"""Plans that move and reduce pickled objects between two groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mpi4py import rc

from vmpp_collectives import Buffer, Kind
from vmpp_mpi import _collectives as algorithms
from vmpp_mpi._constants import PROC_NULL, ROOT
from vmpp_mpi._pickle import pickle
from vmpp_mpi._plans._crossing import LEADER, Crossing, checked_root, idle, partners
from vmpp_mpi._plans._objects import Operator, copied, folded, pickles
from vmpp_mpi._plans._plan import Plan

if TYPE_CHECKING:
    from vmpp_mpi._state import CommState


def bcast(state: CommState, obj: Any, root: int) -> Plan:
    """Return the object that one rank of the other group gives; None in that rank's group."""
    root = checked_root(state, root)
    if root == PROC_NULL:
        return idle(Kind.BCAST)
    if root == ROOT:
        data = pickle.dumps(obj)
        return Plan(Kind.BCAST, lambda ways: ways.across.send(LEADER, data))

    def run(ways: Crossing) -> Any:
        found = ways.across.receive_any(root) if ways.local.rank == LEADER else b""
        return pickle.loads(algorithms.broadcast_pickle(ways.local, found, LEADER))

    return Plan(Kind.BCAST, run)


def gather(state: CommState, sendobj: Any, root: int) -> Plan:
    """Return the objects of one group on one rank of the other, None elsewhere."""
    root = checked_root(state, root)
    if root == PROC_NULL:
        return idle(Kind.GATHER)
    if root == ROOT:
        return Plan(Kind.GATHER, lambda ways: _loaded(ways.across.receive_any(LEADER)))
    data = pickle.dumps(sendobj)

    def run(ways: Crossing) -> None:
        found = algorithms.gather_pickles(ways.local, data, LEADER)
        if found is not None:
            ways.across.send(root, algorithms.joined(found))

    return Plan(Kind.GATHER, run)


def scatter(state: CommState, sendobj: Iterable[Any] | None, root: int) -> Plan:
    """Return the rank's own of the objects that one rank of the other group gives."""
    root = checked_root(state, root)
    if root == PROC_NULL:
        return idle(Kind.SCATTER)
    if root == ROOT:
        data = algorithms.joined(pickles(sendobj, state.reach))
        return Plan(Kind.SCATTER, lambda ways: ways.across.send(LEADER, data))

    def run(ways: Crossing) -> Any:
        found = None
        if ways.local.rank == LEADER:
            found = algorithms.parted(ways.across.receive_any(root))
        return pickle.loads(algorithms.scatter_pickles(ways.local, found, LEADER))

    return Plan(Kind.SCATTER, run)


def allgather(state: CommState, sendobj: Any) -> Plan:
    """Return the objects of the other group on all ranks."""
    data = pickle.dumps(sendobj)

    def run(ways: Crossing) -> list[Any]:
        found = algorithms.gather_pickles(ways.local, data, LEADER)
        packed: Buffer = b""
        if found is not None:
            packed = ways.across.exchange_any(LEADER, algorithms.joined(found), LEADER)
        return _loaded(algorithms.broadcast_pickle(ways.local, packed, LEADER))

    return Plan(Kind.ALLGATHER, run)


def alltoall(state: CommState, sendobj: Iterable[Any]) -> Plan:
    """Send an object to each rank of the other group, and return what each sent."""
    data = pickles(sendobj, state.reach)
    reach = state.reach

    def run(ways: Crossing) -> list[Any]:
        across = ways.across
        found: list[Any] = [None] * reach
        for dest, source in partners(ways):
            if dest < reach and source < reach:
                found[source] = across.exchange_any(dest, data[dest], source)
            elif dest < reach:
                across.send(dest, data[dest])
            elif source < reach:
                found[source] = across.receive_any(source)
        return [pickle.loads(each) for each in found]

    return Plan(Kind.ALLTOALL, run)


def reduce(state: CommState, sendobj: Any, op: Operator, root: int) -> Plan:
    """Return the objects of one group combined in order on one rank of the other."""
    if not rc.fast_reduce:
        return folded(gather(state, sendobj, root), op)
    root = checked_root(state, root)
    if root == PROC_NULL:
        return idle(Kind.REDUCE)
    if root == ROOT:
        return Plan(Kind.REDUCE, lambda ways: pickle.loads(ways.across.receive_any(LEADER)))
    own = copied(sendobj)

    def run(ways: Crossing) -> None:
        result = _reduced(ways, own, op)
        if ways.local.rank == LEADER:
            ways.across.send(root, pickle.dumps(result))

    return Plan(Kind.REDUCE, run)


def allreduce(state: CommState, sendobj: Any, op: Operator) -> Plan:
    """Return the objects of the other group combined in order."""
    if not rc.fast_reduce:
        return folded(allgather(state, sendobj), op)
    own = copied(sendobj)

    def run(ways: Crossing) -> Any:
        result = _reduced(ways, own, op)
        data: Buffer = b""
        if ways.local.rank == LEADER:
            data = ways.across.exchange_any(LEADER, pickle.dumps(result), LEADER)
        return pickle.loads(algorithms.broadcast_pickle(ways.local, data, LEADER))

    return Plan(Kind.ALLREDUCE, run)


def _reduced(ways: Crossing, own: Any, op: Operator) -> Any:
    """Return the objects of the own group combined, on its leader."""
    return algorithms.reduce_objects(ways.local, own, op, LEADER, pickle.dumps, pickle.loads)


def _loaded(packed: Any) -> list[Any]:
    return [pickle.loads(each) for each in algorithms.parted(packed)]
