"""The layouts of MPI's constructors of datatypes, from those of the datatypes they are made of.

Displacements and strides of ``h`` constructors are in bytes, others in extents of the old datatype.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Final

from vmpp_mpi._constants import (
    DISTRIBUTE_BLOCK,
    DISTRIBUTE_CYCLIC,
    DISTRIBUTE_DFLT_DARG,
    DISTRIBUTE_NONE,
    ORDER_C,
    ORDER_FORTRAN,
)
from vmpp_mpi._datatype._layout import Layout, join, place, repeat, resize
from vmpp_mpi._errors import ERR_ARG, ERR_COUNT
from vmpp_mpi._errors import Exception as MPIError


def contiguous(old: Layout, count: int) -> Layout:
    """Return *count* elements side by side."""
    _natural(count)
    return repeat(old, count, old.extent)


def vector(old: Layout, count: int, blocklength: int, stride: int) -> Layout:
    """Return *count* blocks of equal length, a *stride* apart."""
    return hvector(old, count, blocklength, stride * old.extent)


def hvector(old: Layout, count: int, blocklength: int, stride: int) -> Layout:
    """Return *count* blocks of equal length, a *stride* in bytes apart."""
    _natural(count, blocklength)
    return repeat(repeat(old, blocklength, old.extent), count, stride)


def indexed(old: Layout, blocklengths: Sequence[int], displacements: Sequence[int]) -> Layout:
    """Return blocks of any length at any displacements."""
    return hindexed(old, blocklengths, [displ * old.extent for displ in displacements])


def hindexed(old: Layout, blocklengths: Sequence[int], displacements: Sequence[int]) -> Layout:
    """Return blocks of any length at any displacements in bytes."""
    return struct(blocklengths, displacements, [old] * len(blocklengths))


def indexed_block(old: Layout, blocklength: int, displacements: Sequence[int]) -> Layout:
    """Return blocks of equal length at any displacements."""
    return hindexed_block(old, blocklength, [displ * old.extent for displ in displacements])


def hindexed_block(old: Layout, blocklength: int, displacements: Sequence[int]) -> Layout:
    """Return blocks of equal length at any displacements in bytes."""
    _natural(blocklength)
    block = repeat(old, blocklength, old.extent)
    return join((displ, block) for displ in displacements)


def struct(
    blocklengths: Sequence[int], displacements: Sequence[int], olds: Sequence[Layout]
) -> Layout:
    """Return blocks of any datatypes and lengths at displacements in bytes."""
    _natural(*blocklengths)
    return join(
        (displ, repeat(old, length, old.extent))
        for length, displ, old in zip(blocklengths, displacements, olds, strict=True)
    )


def subarray(
    old: Layout, sizes: Sequence[int], subsizes: Sequence[int], starts: Sequence[int], order: int
) -> Layout:
    """Return a part of an array, with the extent of the whole array.

    Raises:
        MPIError: `ERR_ARG`: the part does not lie in the array, which has a dimension at least.
    """
    _require(len(sizes) > 0, "an array without dimensions")
    for size, subsize, start in zip(sizes, subsizes, starts, strict=True):
        _require(
            0 < subsize <= size and 0 <= start <= size - subsize,
            f"{subsize} from {start} on of {size} elements",
        )
    found, stride = old, old.extent
    for dim in _fastest_first(len(sizes), order):
        found = place(repeat(found, subsizes[dim], stride), starts[dim] * stride)
        stride *= sizes[dim]
    return resize(found, 0, stride)


def darray(
    old: Layout,
    size: int,
    rank: int,
    gsizes: Sequence[int],
    distribs: Sequence[int],
    dargs: Sequence[int],
    psizes: Sequence[int],
    order: int,
) -> Layout:
    """Return a process's part of an array that is distributed over a grid of processes.

    Raises:
        MPIError: `ERR_ARG`: the grid does not have *size* processes, *rank* is none of them, or a
            distribution does not cover its dimension.
    """
    _require(len(gsizes) > 0, "an array without dimensions")
    _require(0 <= rank < size, f"rank {rank} of {size}")
    _require(min(*gsizes, *psizes) > 0, f"an array of {list(gsizes)} on {list(psizes)}")
    _require(prod(psizes) == size, f"{size} processes in a grid of {list(psizes)}")
    coords = _coordinates(rank, psizes)
    found, stride = old, old.extent
    for dim in _fastest_first(len(gsizes), order):
        deal = _DISTRIBUTIONS.get(distribs[dim])
        _require(deal is not None, f"distribution {distribs[dim]}")
        assert deal is not None
        shares = deal(gsizes[dim], dargs[dim], psizes[dim], coords[dim])
        found = join(
            (first * stride, repeat(repeat(found, length, stride), count, step * stride))
            for first, length, count, step in shares
        )
        stride *= gsizes[dim]
    return resize(found, 0, stride)


Share = tuple[int, int, int, int]
"""First index, number of indices in a block, number of blocks, distance of blocks."""


def _undistributed(gsize: int, darg: int, psize: int, coord: int) -> list[Share]:
    _require(psize == 1, f"a dimension that is not distributed on {psize} processes")
    return [(0, gsize, 1, gsize)]


def _blocks(gsize: int, darg: int, psize: int, coord: int) -> list[Share]:
    length = -(-gsize // psize) if darg == DISTRIBUTE_DFLT_DARG else darg
    _require(length > 0 and length * psize >= gsize, f"blocks of {length} for {gsize} elements")
    first = coord * length
    return [(first, max(min(length, gsize - first), 0), 1, length)]


def _cyclic(gsize: int, darg: int, psize: int, coord: int) -> list[Share]:
    length = 1 if darg == DISTRIBUTE_DFLT_DARG else darg
    _require(length > 0, f"cyclic blocks of {length}")
    first, step = coord * length, psize * length
    full = max((gsize - first - length) // step + 1, 0)
    begun = first + full * step
    rest = max(min(length, gsize - begun), 0)
    return [(first, length, full, step), (begun, rest, 1, step)]


_DISTRIBUTIONS: Final = {
    DISTRIBUTE_NONE: _undistributed,
    DISTRIBUTE_BLOCK: _blocks,
    DISTRIBUTE_CYCLIC: _cyclic,
}


def _coordinates(rank: int, psizes: Sequence[int]) -> list[int]:
    """Return the coordinates of *rank* in a grid, whose last coordinate changes fastest."""
    coords = []
    for psize in reversed(psizes):
        rank, coord = divmod(rank, psize)
        coords.append(coord)
    return coords[::-1]


def _fastest_first(ndims: int, order: int) -> Sequence[int]:
    _require(order in (ORDER_C, ORDER_FORTRAN), f"order {order}")
    return range(ndims) if order == ORDER_FORTRAN else range(ndims - 1, -1, -1)


def _natural(*counts: int) -> None:
    for count in counts:
        if count < 0:
            raise MPIError(ERR_COUNT, f"negative count {count}")


def _require(fulfilled: bool, otherwise: str) -> None:
    if not fulfilled:
        raise MPIError(ERR_ARG, otherwise)
