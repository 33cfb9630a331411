"""Pieces: the data of an element as a few regular sets of runs.

A piece is ``(wire, offset, run, dims)``: runs of *run* bytes that begin at *wire* in the packed
data and at *offset* in memory, repeated by each of *dims*, outermost first: ``(count, stride in
memory, stride on the wire)``. So a column of an array is one piece, however long it is, and a piece
is one strided copy of NumPy's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import TypeAlias

Dim: TypeAlias = tuple[int, int, int]
"""Count, stride in memory, stride on the wire."""

Piece: TypeAlias = tuple[int, int, int, tuple[Dim, ...]]
"""Where it begins on the wire and in memory, length of a run, dimensions."""

Run: TypeAlias = tuple[int, int]
"""Offset and length of a stretch of data, in bytes."""


def repeated(pieces: tuple[Piece, ...], size: int, count: int, stride: int) -> tuple[Piece, ...]:
    """Return *pieces* of *size* bytes in all *count* times, *stride* bytes apart in memory."""
    if count == 1:
        return pieces
    if count == 0:
        return ()
    return tuple([_repeated(piece, size, count, stride) for piece in pieces])


def _repeated(piece: Piece, size: int, count: int, stride: int) -> Piece:
    wire, offset, run, dims = piece
    if not dims:
        if stride == size == run:
            return wire, offset, run * count, ()
        return wire, offset, run, ((count, stride, size),)
    number, step, wire_step = dims[0]
    if stride == number * step and size == number * wire_step:
        return wire, offset, run, ((number * count, step, wire_step), *dims[1:])
    return wire, offset, run, ((count, stride, size), *dims)


def merged(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Return *pieces* with what touches made one, and with regular series made one.

    The given ones follow one another on the wire.
    """
    return tuple(_series(list(_touching(pieces))))


def _touching(pieces: Sequence[Piece]) -> Iterator[Piece]:
    if not pieces:
        return
    wire, offset, run, dims = pieces[0]
    for piece in pieces[1:]:
        if not dims and not piece[3] and piece[0] == wire + run and piece[1] == offset + run:
            run += piece[2]
            continue
        yield wire, offset, run, dims
        wire, offset, run, dims = piece
    yield wire, offset, run, dims


def _series(pieces: list[Piece]) -> Iterator[Piece]:
    """Yield *pieces*, those that differ by the same steps as one with a further dimension."""
    begin, total = 0, len(pieces)
    while begin < total:
        wire, offset, run, dims = pieces[begin]
        end = begin + 1
        if end < total and pieces[end][2:] == (run, dims):
            wire_step, step = pieces[end][0] - wire, pieces[end][1] - offset
            while (
                end < total
                and pieces[end][2:] == (run, dims)
                and pieces[end][0] == wire + (end - begin) * wire_step
                and pieces[end][1] == offset + (end - begin) * step
            ):
                end += 1
            # A series of two might be the end of one and the beginning of another.
            if end - begin > 2 or end - begin == total:
                yield wire, offset, run, ((end - begin, step, wire_step), *dims)
                begin = end
                continue
        yield pieces[begin]
        begin += 1


def number_of_runs(pieces: Sequence[Piece]) -> int:
    """Return how many runs *pieces* have."""
    return sum(prod([count for count, _, _ in dims]) for _, _, _, dims in pieces)


def spread(pieces: Sequence[Piece]) -> Iterator[tuple[int, int, int]]:
    """Yield (offset on the wire, offset in memory, length) of each run, piece by piece."""
    for wire, offset, run, dims in pieces:
        if not dims:
            yield wire, offset, run
        else:
            for wire_step, step in _steps(dims):
                yield wire + wire_step, offset + step, run


def _steps(dims: Sequence[Dim]) -> list[tuple[int, int]]:
    """Return the offsets on the wire and in memory that *dims* lead to."""
    steps = [(0, 0)]
    for count, stride, wire_stride in dims:
        steps = [
            (wire + index * wire_stride, offset + index * stride)
            for wire, offset in steps
            for index in range(count)
        ]
    return steps


def runs(pieces: Sequence[Piece]) -> list[Run]:
    """Return offset and length of each stretch of data, in the order of the wire."""
    ordered = list(spread(pieces))
    if len(pieces) > 1:
        ordered.sort()
    found: list[Run] = []
    begin = end = 0
    for _, offset, length in ordered:
        if offset == end and end > begin:
            end += length
            continue
        if end > begin:
            found.append((begin, end - begin))
        begin, end = offset, offset + length
    if end > begin:
        found.append((begin, end - begin))
    return found
