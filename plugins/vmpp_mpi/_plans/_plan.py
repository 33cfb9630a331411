"""Plans, and the looks at arguments that they have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vmpp_collectives import Channel, Reduction
from vmpp_mpi._buffers._buffer import Spec, VSpec, WSpec, is_in_place, recv_spec, send_spec
from vmpp_mpi._errors import ERR_BUFFER, ERR_ROOT
from vmpp_mpi._numbers import whole
from vmpp_mpi._op import Op

if TYPE_CHECKING:
    from vmpp_mpi._datatype import Datatype
    from vmpp_mpi._state import CommState

AnySpec = Spec | VSpec | WSpec


class Plan:
    """A collective operation whose arguments have been looked through.

    Attributes:
        kind: of the operation.
        run: carries it out on a channel, and returns what a lower-case call returns. Can be called
            again and again.
        specs: the buffers, of which some are packed copies.
    """

    __slots__ = ("kind", "run", "specs")

    def __init__(self, kind: int, run: Callable[[Any], Any], *specs: AnySpec | None) -> None:
        self.kind = kind
        self.run = run
        self.specs = specs

    def load(self) -> None:
        """Take in what the program has put into its buffers since it made the call."""
        for spec in self.specs:
            if spec is not None:
                spec.load()


def now(state: CommState, plan: Plan) -> Any:
    """Carry *plan* out in the calling fiber, and return its result."""
    return plan.run(state.route.begin(plan.kind))


# -- arguments -----------------------------------------------------------------------------------


def checked_root(state: CommState, root: Any) -> int:
    """Return *root* as a number.

    Raises:
        MPIError: `ERR_ROOT`: there is no such rank.
    """
    rank = whole(root)
    if not 0 <= rank < state.size:
        raise state.error(ERR_ROOT, f"{rank} in a communicator of {state.size}")
    return rank


def block(spec: Spec, place: int, blocks: int) -> memoryview:
    """Return one of the equal *blocks* of a buffer."""
    length = len(spec.data) // blocks
    return spec.data[place * length : (place + 1) * length]


def agree(channel: Channel, sent: int, expected: int) -> None:
    """Refuse a rank's own block that does not fit its place, as one from another rank would be."""
    if sent != expected:
        raise channel.mismatch(channel.rank, sent, expected)


def sent(state: CommState, buf: Any) -> Spec:
    """Return what a rank sends that is not the root."""
    if is_in_place(buf):
        raise state.error(ERR_BUFFER, "only the root can work in place")
    return send_spec(buf)


def received(state: CommState, buf: Any) -> Spec:
    """Return what a rank receives into that is not the root."""
    if is_in_place(buf):
        raise state.error(ERR_BUFFER, "only the root can work in place")
    return recv_spec(buf)


def given(buf: Any, blocks: int = 1) -> Spec | None:
    """Return what a rank sends, None if it works in place."""
    return None if is_in_place(buf) else send_spec(buf, blocks)


def same_type(one: Spec, other: Spec) -> None:
    """Refuse a send and a receive buffer whose datatypes differ."""
    if one.datatype != other.datatype:
        raise ValueError("mismatch in send and receive MPI datatypes")


def same_shape(one: Spec, other: Spec) -> None:
    """Refuse a send and a receive buffer that differ in datatype or count."""
    same_type(one, other)
    if one.count != other.count:
        raise ValueError(f"mismatch in send count {one.count} and receive count {other.count}")


def reduction(state: CommState, op: Op, datatype: Datatype) -> Reduction:
    """Return how to reduce vectors of *datatype*, which takes the process its time.

    Raises:
        MPIError: `ERR_OP`: the operation is null or does not take such elements.
        TypeError: *op* is no operation.
    """
    if not isinstance(op, Op):
        raise TypeError(f"expected Op, got {type(op).__name__}")
    combine = op.combiner(datatype)
    commutative = op.Is_commutative()
    library = state.library
    rate = library.tuning.reduce_rate
    if not rate:
        return Reduction(combine, datatype.size, commutative)
    charge = library.process.charge

    def timed(low: memoryview, result: memoryview) -> None:
        combine(low, result)
        charge(len(result) * rate // 1000)

    return Reduction(timed, datatype.size, commutative)
