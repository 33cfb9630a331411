"""What collective operations of two groups go by, and what their plans have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from vmpp_collectives import Channel
from vmpp_mpi._constants import PROC_NULL, ROOT
from vmpp_mpi._errors import ERR_ROOT
from vmpp_mpi._numbers import whole
from vmpp_mpi._plans._plan import AnySpec, Plan

if TYPE_CHECKING:
    from vmpp_mpi._state import CommState

LEADER = 0
"""The rank in each group that talks to the other group for all."""


class Crossing:
    """The ways of one operation of two groups.

    Attributes:
        local: to the other ranks of the own group.
        across: to the ranks of the other group.
    """

    __slots__ = ("across", "local")

    def __init__(self, local: Channel, across: Channel) -> None:
        self.local = local
        self.across = across

    def begin(self, kind: int) -> Crossing:
        """Turn to the next operation of the communicator, of this *kind*."""
        self.local.begin(kind)
        self.across.begin(kind)
        return self

    def apart(self, kind: int, failure: Callable[[str], Exception]) -> Crossing:
        """Return ways for the next operation alone; see `Channel.apart`."""
        return Crossing(self.local.apart(kind, failure), self.across.apart(kind, failure))


def checked_root(state: CommState, root: Any) -> int:
    """Return *root* as a number: a rank of the other group, `ROOT` or `PROC_NULL`.

    Raises:
        MPIError: `ERR_ROOT`: it is nothing of this.
    """
    rank = whole(root)
    if not 0 <= rank < state.reach and rank not in (ROOT, PROC_NULL):
        raise state.error(ERR_ROOT, f"{rank} in a remote group of {state.reach}")
    return rank


def idle(kind: int, *specs: AnySpec | None) -> Plan:
    """Return the plan of a rank beside the root, which has nothing to do."""
    return Plan(kind, _nothing, *specs)


def _nothing(ways: Crossing) -> None:
    """Do nothing."""


def exchange(ways: Crossing, give: Sequence[memoryview], take: Sequence[memoryview]) -> None:
    """Send ``give[i]`` to rank i of the other group and receive ``take[i]`` from it.

    In as many steps as the larger group has ranks, in each of which a rank talks to one at most.
    Empty blocks send nothing.
    """
    across = ways.across
    reach = across.size
    for dest, source in partners(ways):
        out = give[dest] if dest < reach and len(give[dest]) else None
        into = take[source] if source < reach and len(take[source]) else None
        if out is not None and into is not None:
            across.exchange(dest, out, source, into)
        elif out is not None:
            across.send(dest, out)
        elif into is not None:
            across.receive(source, into)


def partners(ways: Crossing) -> Iterator[tuple[int, int]]:
    """Yield whom the rank sends to and whom it receives from in each step of a complete exchange.

    A number beyond the other group stands for nobody.
    """
    rank = ways.across.rank
    steps = max(ways.across.size, ways.local.size)
    for step in range(steps):
        yield (rank + step) % steps, (rank - step) % steps
