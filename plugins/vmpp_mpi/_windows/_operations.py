"""Put, get and the atomic operations: how each becomes portal operations and requests.

Contiguous memory of a target is written and read by one portal operation, whatever its length. A
few separate stretches take one each. Else, and for what has to be atomic, requests say where the
data belong. In a dynamic window a target is first asked which of its regions has an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate as running_sums
from typing import TYPE_CHECKING, Any, Final

from vmpp_mpi._buffers._buffer import Spec, recv_spec, send_spec
from vmpp_mpi._constants import PROC_NULL
from vmpp_mpi._datatype import BYTE, Datatype
from vmpp_mpi._errors import ERR_COUNT, ERR_OP, ERR_TYPE
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._op import NO_OP, REPLACE, Op
from vmpp_mpi._windows._groups import Group, pieces
from vmpp_mpi._windows._placing import Place, element_of, place_of
from vmpp_mpi._windows._wire import LOCATION, LONGEST_REQUEST, Kind

if TYPE_CHECKING:
    from vmpp_mpi._windows._access import Access
    from vmpp_mpi._windows._state import WindowState

_FEW: Final = 4
"""Up to so many runs are put or got by a portal operation each."""

_NOBODY: Final = Spec(memoryview(b""), 0, BYTE)
"""What is sent to, and received from, `PROC_NULL`."""


def put(
    state: WindowState, origin: Any, target_rank: Any, target: Any, by_request: bool = False
) -> Access | None:
    """Begin to write *origin* to memory of a target; None if there is nothing to do."""
    rank = state.check_rank(target_rank)
    if rank == PROC_NULL:
        _skip(state, target, by_request)
        return None
    spec = send_spec(origin)
    place = place_of(target, spec)
    groups = _checked(state, rank, place, len(spec.data), by_request)
    if not groups:
        return None
    runs = _runs(groups)
    regions = [_region(state, rank, *run) for run in runs or ()]
    access = state.acknowledged(rank)
    access.local = _copied(state, spec)
    if runs is None:
        for piece, data in _cut(groups, spec.data, LONGEST_REQUEST):
            state.origin.ask(access, Kind.PUT, piece, [data])
    else:
        parts = _split(spec.data, [length for _, length in runs])
        for (key, where), data in zip(regions, parts, strict=True):
            state.origin.write(access, key, where, data)
    return state.begun(rank, access)


def get(
    state: WindowState, origin: Any, target_rank: Any, target: Any, by_request: bool = False
) -> Access | None:
    """Begin to read memory of a target into *origin*; None if there is nothing to do."""
    rank = state.check_rank(target_rank)
    if rank == PROC_NULL:
        _skip(state, target, by_request)
        return None
    spec = recv_spec(origin)
    place = place_of(target, spec)
    groups = _checked(state, rank, place, len(spec.data), by_request)
    if not groups:
        return None
    runs = _runs(groups)
    regions = [_region(state, rank, *run) for run in runs or ()]
    if runs is None:
        requests = _cut(groups, spec.data, LONGEST_REQUEST)
        access = state.replied(rank, [data for _, data in requests])
        for piece, _ in requests:
            state.origin.ask(access, Kind.GET, piece)
    else:
        access = state.replied(rank, _split(spec.data, [length for _, length in runs]))
        for (key, where), (_, length) in zip(regions, runs, strict=True):
            state.origin.read(access, key, where, length)
    access.deliver = spec.deliver
    return state.begun(rank, access)


def accumulate(
    state: WindowState,
    origin: Any,
    target_rank: Any,
    target: Any,
    op: Op,
    by_request: bool = False,
) -> Access | None:
    """Begin to combine *origin* with memory of a target; None if there is nothing to do."""
    rank = state.check_rank(target_rank)
    if rank == PROC_NULL:
        _skip(state, target, by_request)
        return None
    spec = send_spec(origin)
    place = place_of(target, spec)
    groups = _checked(state, rank, place, len(spec.data), by_request)
    if not groups:
        _check_op(state, op)
        return None
    element = _element(state, place.datatype, spec.datatype)
    _check_op(state, op, element)
    access = state.acknowledged(rank)
    access.local = _copied(state, spec)
    numbers = {"op": op.handle, "datatype": element.handle}
    for piece, data in _cut(groups, spec.data, _limit(element)):
        state.origin.ask(access, Kind.ACCUMULATE, piece, [data], **numbers)
    return state.begun(rank, access)


def get_accumulate(
    state: WindowState,
    origin: Any,
    result: Any,
    target_rank: Any,
    target: Any,
    op: Op,
    by_request: bool = False,
) -> Access | None:
    """Begin to combine *origin* with memory of a target, and to get what was there before."""
    rank = state.check_rank(target_rank)
    if rank == PROC_NULL:
        _skip(state, target, by_request)
        return None
    spec = send_spec(origin)
    return fetch(state, spec, recv_spec(result), rank, place_of(target, spec), op, by_request)


def fetch(
    state: WindowState,
    spec: Spec,
    result: Spec,
    rank: int,
    place: Place,
    op: Op,
    by_request: bool = False,
) -> Access | None:
    """Begin an atomic operation that brings what was there before into *result*."""
    groups = _checked(state, rank, place, len(result.data), by_request)
    given = None if op == NO_OP else spec.data
    if given is not None:
        _check_length(state, place, len(given))
    if not groups:
        _check_op(state, op)
        return None
    element = _element(
        state, place.datatype, result.datatype, spec.datatype if given is not None else None
    )
    _check_op(state, op, element, fetching=True)
    requests = _cut(groups, result.data, _limit(element))
    access = state.replied(rank, [data for _, data in requests])
    numbers = {"op": op.handle, "datatype": element.handle}
    begin = 0
    for piece, data in requests:
        end = begin + len(data)
        brought = () if given is None else [given[begin:end]]
        state.origin.ask(access, Kind.FETCH, piece, brought, **numbers)
        begin = end
    access.deliver = result.deliver
    return state.begun(rank, access)


def swap(
    state: WindowState, spec: Spec, compare: Spec, result: Spec, rank: int, place: Place
) -> Access | None:
    """Begin to replace an element if it equals *compare*, and to get what was there before."""
    element = _element(state, place.datatype, result.datatype)
    basic = element._get().number
    if basic is None or basic.kind[:1] not in ("i", "u", "b"):
        raise state.error(ERR_TYPE, "Compare_and_swap takes whole numbers, logicals and bytes")
    groups = _checked(state, rank, place, len(result.data), False)
    access = state.replied(rank, [result.data])
    state.origin.ask(access, Kind.SWAP, groups, [compare.data, spec.data])
    access.deliver = result.deliver
    return state.begun(rank, access)


def _skip(state: WindowState, target: Any, by_request: bool) -> None:
    """Check the arguments of an operation on nobody's memory."""
    place_of(target, _NOBODY)
    state.epochs.access(None, by_request)


def _checked(
    state: WindowState, rank: int, place: Place, nbytes: int, by_request: bool
) -> list[Group]:
    """Return the bytes of the target for an operation that moves *nbytes*."""
    state.reach(rank, by_request)
    _check_length(state, place, nbytes)
    return state.placed(rank, place)


def _check_length(state: WindowState, place: Place, nbytes: int) -> None:
    if place.count < 0:
        raise state.error(ERR_COUNT, f"{place.count} elements at the target")
    if not place.datatype._get().committed:
        raise state.error(ERR_TYPE, "the target's datatype is not committed")
    there = place.count * place.datatype.size
    if there != nbytes:
        raise state.error(ERR_TYPE, f"{nbytes} bytes at the origin, {there} at the target")


def _element(state: WindowState, there: Datatype, *here: Datatype | None) -> Datatype:
    """Return the predefined datatype of which atomic operations work on elements.

    Numbers of one representation are as good as each other: C's long and a 64-bit integer.
    """
    element = element_of(there)
    for datatype in here:
        if datatype is None or (datatype._ref is there._ref and element is not None):
            continue
        if element is None or _kinds(element) != _kinds(element_of(datatype)):
            raise state.error(
                ERR_TYPE, "an atomic operation needs the same predefined elements on both sides"
            )
    assert element is not None
    return element


def _kinds(element: Datatype | None) -> list[str]:
    number = None if element is None else element._get().number
    return [] if number is None else [part.kind for part in number.parts or (number,)]


def _check_op(
    state: WindowState, op: Op, element: Datatype | None = None, *, fetching: bool = False
) -> None:
    """Refuse an operation that is not predefined, or not for such elements, if there are any."""
    if op._get().user:
        raise state.error(ERR_OP, "one-sided operations take predefined operations only")
    if element is None or op == REPLACE or (op == NO_OP and fetching):
        return
    try:
        op.combiner(element)
    except MPIError as error:
        raise state.error(error.Get_error_code(), error.detail) from None


def _copied(state: WindowState, spec: Spec) -> bool:
    """Return whether a program's buffer may be used again as soon as its bytes are sent."""
    return spec.base is not None or len(spec.data) <= state.origin.short


def _limit(element: Datatype) -> int:
    """Return how many bytes of whole elements go in one request."""
    size = element.size
    return LONGEST_REQUEST // size * size


def _runs(groups: Sequence[Group]) -> list[tuple[int, int]] | None:
    """Return offset and length of each run, None if there are more than a few."""
    if sum(group.repeat for group in groups) > _FEW:
        return None
    return [(run.offset, run.length) for group in groups for run in group.single()]


def _split(data: memoryview, lengths: Sequence[int]) -> list[memoryview]:
    ends = list(running_sums(lengths))
    return [data[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def _cut(
    groups: Sequence[Group], data: memoryview, limit: int
) -> list[tuple[list[Group], memoryview]]:
    """Return groups and their data in pieces of at most *limit* bytes."""
    if len(data) <= limit:
        return [(list(groups), data)]
    parts = list(pieces(groups, limit))
    lengths = [sum(group.nbytes for group in part) for part in parts]
    return list(zip(parts, _split(data, lengths), strict=True))


def _region(state: WindowState, rank: int, offset: int, length: int) -> tuple[int, int]:
    """Return the key of the region at *rank* that has these bytes, and where in it they begin.

    A dynamic window's target is asked, which answers whatever its program does.

    Raises:
        MPIError: `ERR_RMA_RANGE`: no one region has them all.
    """
    if state.extents is not None:
        return 0, offset
    answer = bytearray(LOCATION.size)
    access = state.replied(rank, [memoryview(answer)])
    state.origin.ask(access, Kind.LOCATE, [Group(offset, length, 0, 1)])
    state.library.protocol.wait(access)
    if access.error:
        raise state.error(
            access.error, f"rank {rank} has attached no memory with the {length} bytes at {offset}"
        )
    key, base = LOCATION.unpack(answer)
    return key, offset - base
