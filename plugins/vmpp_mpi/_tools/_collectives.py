"""Whether the ranks of a communicator make the same collective calls with arguments that agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from vmpp.machine.report import ranges
from vmpp_mpi._buffers._buffer import (
    is_in_place,
    recv_spec,
    recv_vspec,
    recv_wspec,
    send_spec,
    send_vspec,
    send_wspec,
)
from vmpp_mpi._op import Op
from vmpp_mpi._state import CommState
from vmpp_mpi._tools._calls import Call
from vmpp_mpi._tools._findings import Findings, site
from vmpp_mpi._tools._message_type import MessageType

EVERY: Final = -1
"""In the place of a rank: all of them."""

Agreement = tuple[MessageType | None, dict[int, MessageType], dict[int, MessageType]]
"""What must be equal on all ranks, what goes to a rank, and what is expected from one."""

Describe = Callable[[CommState, "dict[str, Any]"], Agreement]


def _uniform(*names: str) -> Describe:
    """Describe a call whose buffers have one signature on all ranks: the first that is given."""

    def describe(state: CommState, arguments: dict[str, Any]) -> Agreement:
        given = [arguments[name] for name in names if not is_in_place(arguments[name])]
        return _whole(given[0]), {}, {}

    return describe


def _block(state: CommState, arguments: dict[str, Any]) -> Agreement:
    """Describe a call in which every rank has one block for every other."""
    spec = recv_spec(arguments["recvbuf"], state.size)
    return MessageType.of(spec.datatype, spec.count // state.size), {}, {}


def _gather(state: CommState, arguments: dict[str, Any]) -> Agreement:
    root = arguments["root"]
    if state.rank != root:
        return None, {root: _whole(arguments["sendbuf"])}, {}
    spec = recv_spec(arguments["recvbuf"], state.size)
    return None, {}, {EVERY: MessageType.of(spec.datatype, spec.count // state.size)}


def _gatherv(state: CommState, arguments: dict[str, Any]) -> Agreement:
    root = arguments["root"]
    if state.rank != root:
        return None, {root: _whole(arguments["sendbuf"])}, {}
    return None, {}, _by_rank(recv_vspec(arguments["recvbuf"], state.size))


def _scatter(state: CommState, arguments: dict[str, Any]) -> Agreement:
    root = arguments["root"]
    if state.rank != root:
        return None, {}, {root: _whole(arguments["recvbuf"], True)}
    spec = send_spec(arguments["sendbuf"], state.size)
    return None, {EVERY: MessageType.of(spec.datatype, spec.count // state.size)}, {}


def _scatterv(state: CommState, arguments: dict[str, Any]) -> Agreement:
    root = arguments["root"]
    if state.rank != root:
        return None, {}, {root: _whole(arguments["recvbuf"], True)}
    return None, _by_rank(send_vspec(arguments["sendbuf"], state.size)), {}


def _allgatherv(state: CommState, arguments: dict[str, Any]) -> Agreement:
    expected = _by_rank(recv_vspec(arguments["recvbuf"], state.size))
    if is_in_place(arguments["sendbuf"]):
        return None, {EVERY: expected[state.rank]}, expected
    return None, {EVERY: _whole(arguments["sendbuf"])}, expected


def _alltoallv(state: CommState, arguments: dict[str, Any]) -> Agreement:
    expected = _by_rank(recv_vspec(arguments["recvbuf"], state.size))
    if is_in_place(arguments["sendbuf"]):
        return None, expected, expected
    return None, _by_rank(send_vspec(arguments["sendbuf"], state.size)), expected


def _alltoallw(state: CommState, arguments: dict[str, Any]) -> Agreement:
    into = recv_wspec(arguments["recvbuf"], state.size).blocks
    expected = {peer: MessageType.of(spec.datatype, spec.count) for peer, spec in enumerate(into)}
    if is_in_place(arguments["sendbuf"]):
        return None, expected, expected
    given = send_wspec(arguments["sendbuf"], state.size).blocks
    return (
        None,
        {peer: MessageType.of(spec.datatype, spec.count) for peer, spec in enumerate(given)},
        expected,
    )


def _nothing(state: CommState, arguments: dict[str, Any]) -> Agreement:
    return None, {}, {}


def _whole(buffer: Any, receiving: bool = False) -> MessageType:
    spec = recv_spec(buffer) if receiving else send_spec(buffer)
    return MessageType.of(spec.datatype, spec.count)


def _by_rank(spec: Any) -> dict[int, MessageType]:
    return {peer: MessageType.of(spec.datatype, count) for peer, count in enumerate(spec.counts)}


_BUFFERED: Final[dict[str, Describe]] = {
    "Allgather": _block,
    "Allgatherv": _allgatherv,
    "Allreduce": _uniform("sendbuf", "recvbuf"),
    "Alltoall": _block,
    "Alltoallv": _alltoallv,
    "Alltoallw": _alltoallw,
    "Barrier": _nothing,
    "Bcast": _uniform("buf"),
    "Exscan": _uniform("sendbuf", "recvbuf"),
    "Gather": _gather,
    "Gatherv": _gatherv,
    "Reduce": _uniform("sendbuf", "recvbuf"),
    "Reduce_scatter": _uniform("sendbuf", "recvbuf"),
    "Reduce_scatter_block": _uniform("sendbuf", "recvbuf"),
    "Scan": _uniform("sendbuf", "recvbuf"),
    "Scatter": _scatter,
    "Scatterv": _scatterv,
}

_OF_OBJECTS: Final = (
    "barrier", "bcast", "gather", "scatter", "allgather", "alltoall", "reduce", "allreduce",
    "scan", "exscan", "neighbor_allgather", "neighbor_alltoall",
)  # fmt: skip

_OF_NEIGHBOURS: Final = (
    "Neighbor_allgather", "Neighbor_allgatherv", "Neighbor_alltoall", "Neighbor_alltoallv",
    "Neighbor_alltoallw",
)  # fmt: skip

_OF_COMMUNICATORS: Final = (
    "Agree", "Clone", "Create", "Create_cart", "Create_dist_graph", "Create_dist_graph_adjacent",
    "Create_graph", "Create_intercomm", "Disconnect", "Dup", "Dup_with_info", "Free", "Iagree",
    "Idup", "Idup_with_info", "Ishrink", "Merge", "Shrink", "Split", "Split_type", "Sub",
    "Spawn", "Spawn_multiple", "Accept", "Connect",
)  # fmt: skip


_OF_FILES: Final = (
    "Close", "Iread_all", "Iread_at_all", "Iwrite_all", "Iwrite_at_all", "Preallocate",
    "Read_all", "Read_all_begin", "Read_all_end", "Read_at_all", "Read_at_all_begin",
    "Read_at_all_end", "Read_ordered", "Read_ordered_begin", "Read_ordered_end", "Seek_shared",
    "Set_atomicity", "Set_info", "Set_size", "Set_view", "Sync", "Write_all", "Write_all_begin",
    "Write_all_end", "Write_at_all", "Write_at_all_begin", "Write_at_all_end", "Write_ordered",
    "Write_ordered_begin", "Write_ordered_end",
)  # fmt: skip


def _forms(name: str) -> Iterable[str]:
    """Return the names under which a collective can be called: it, begun, and persistent."""
    return name, f"I{name.lower()}", f"{name}_init"


COLLECTIVES: Final[dict[str, Describe]] = {
    **{form: describe for name, describe in _BUFFERED.items() for form in _forms(name)},
    **{form: _nothing for name in _OF_NEIGHBOURS for form in _forms(name)},
    **dict.fromkeys((*_OF_OBJECTS, *_OF_COMMUNICATORS, *_OF_FILES), _nothing),
}
"""By the name of a method how its arguments have to agree."""


class _Entry:
    """What one rank has called as the n-th collective on a communicator."""

    __slots__ = ("agreement", "call", "rank")

    def __init__(self, call: Call, rank: int, agreement: Agreement) -> None:
        self.call = call
        self.rank = rank
        self.agreement = agreement


class CollectiveChecks:
    """The collective calls of all ranks on all communicators, held against each other.

    A rank's n-th call on a communicator belongs to the others' n-th. Of a call that has been found
    to differ no more is said.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._entries: dict[tuple[Any, int], list[_Entry]] = {}
        # By communicator, how many calls each rank had made by the end of its program.
        self._ended: dict[Any, dict[int, int]] = {}
        self._spoilt: set[tuple[Any, int]] = set()

    def check(self, call: Call, state: CommState, key: Any, number: int) -> None:
        """Hold a *call*, the *number*-th on the communicator *key*, against those of others."""
        describe = COLLECTIVES[call.name]
        try:
            agreement = describe(state, dict(call.arguments))
        except Exception:
            # The call itself will say what is wrong with its arguments.
            agreement = None, {}, {}
        if state.remote is not None:
            agreement = None, {}, {}
        entry = _Entry(call, state.rank, agreement)
        place = key, number
        others = self._entries.setdefault(place, [])
        if place not in self._spoilt and others:
            difference = self._difference(entry, others, state)
            if difference is not None:
                what, other = difference
                self._spoilt.add(place)
                self._findings.add(
                    f"collective calls on {state.name or 'a communicator'} do not match: {what}",
                    call.rank,
                    site(call, f"rank {entry.rank}"),
                    site(other.call, f"rank {other.rank}"),
                )
        others.append(entry)
        if len(others) == state.size:
            del self._entries[place]

    def end(self, key: Any, rank: int, calls: int) -> None:
        """Note that the program of *rank* has ended after so many *calls* on a communicator."""
        self._ended.setdefault(key, {})[rank] = calls

    def finish(self) -> None:
        """At the end of the job, note calls that some ranks made and others ended without."""
        for (key, number), entries in self._entries.items():
            call = min(entries, key=lambda entry: entry.rank).call
            missing = [rank for rank, calls in self._ended.get(key, {}).items() if calls < number]
            if missing and (key, number) not in self._spoilt:
                self._findings.add(
                    f"a collective call is never made by {ranges(sorted(missing))}",
                    call.rank,
                    site(call),
                )

    def _difference(
        self, entry: _Entry, others: list[_Entry], state: CommState
    ) -> tuple[str, _Entry] | None:
        first = others[0]
        named = _named_difference(entry.call, first.call, inter=state.remote is not None)
        if named is not None:
            return named, first
        mine, expected = entry.agreement[0], first.agreement[0]
        if mine and expected and mine.mismatch(expected, exact=True):
            return f"{mine} and {expected}", first
        if entry.agreement[1] or entry.agreement[2]:
            for other in others:
                what = _pair_difference(entry, other) or _pair_difference(other, entry)
                if what is not None:
                    return what, other
        return None


def _named_difference(one: Call, other: Call, *, inter: bool) -> str | None:
    """Return how two calls differ in name, root or operation."""
    if one.name != other.name:
        return f"{one.name} and {other.name}"
    for argument in () if inter else ("root",):
        mine, theirs = one.arguments.get(argument), other.arguments.get(argument)
        if mine != theirs:
            return f"{argument} {mine} and {argument} {theirs}"
    mine, theirs = one.arguments.get("op"), other.arguments.get("op")
    if isinstance(mine, Op) and isinstance(theirs, Op) and mine and theirs:
        names = mine._get().name, theirs._get().name
        if names[0] != names[1]:
            return f"operation {names[0]} and operation {names[1]}"
    return None


def _pair_difference(sender: _Entry, receiver: _Entry) -> str | None:
    """Return how what one rank sends to another differs from what that expects of it."""
    given, expected = sender.agreement[1], receiver.agreement[2]
    sent = given.get(receiver.rank, given.get(EVERY))
    wanted = expected.get(sender.rank, expected.get(EVERY))
    if sent is None or wanted is None:
        return None
    return sent.mismatch(wanted, exact=True)
