"""Memory that ranks of one node share: one piece, in which each has a part after that of the other.

The process control thread gives the processes of a job on a node a table in common. The first rank
puts new memory there for the others to find.
"""

from __future__ import annotations

from itertools import accumulate
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vmpp_mpi._communicators._comm import Intracomm

_NUMBER: Final = Struct("<q")
_KEY: Final = "mpi.shared window"


def share(comm: Intracomm, size: int) -> list[memoryview]:
    """Return the memory of all ranks of *comm*, of which this one wants *size* bytes.

    All ranks call it, and share a node.
    """
    state = comm._get()
    table = bytearray(_NUMBER.size * state.size)
    comm.Allgather(_NUMBER.pack(size), table)
    sizes = [number for (number,) in _NUMBER.iter_unpack(table)]
    shared = state.library.process.shared
    assert shared is not None
    number = bytearray(_NUMBER.size)
    if state.rank == 0:
        made = shared.get(_KEY, 0) + 1
        shared[_KEY] = made
        shared[_KEY, made] = bytearray(sum(sizes)), state.size
        number[:] = _NUMBER.pack(made)
    comm.Bcast(number)
    memory = memoryview(_taken(shared, (_KEY, *_NUMBER.unpack(number))))
    ends = list(accumulate(sizes))
    return [memory[end - own : end] for end, own in zip(ends, sizes, strict=True)]


def _taken(shared: dict[Any, Any], key: tuple[str, int]) -> bytearray:
    """Return memory from the table; the last rank that takes it takes it away."""
    memory: bytearray
    memory, missing = shared.pop(key)
    if missing > 1:
        shared[key] = memory, missing - 1
    return memory
