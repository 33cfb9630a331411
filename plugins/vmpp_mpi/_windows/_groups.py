"""Memory that is not contiguous, told in few numbers: strided groups of equal runs of bytes.

What a derived datatype calls the data of some elements is a list of runs in the order of the wire.
A column of a matrix has as many runs as rows, and is one group here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import Final, NamedTuple

import numpy as np

_GROUP: Final = Struct("<qqqq")


class Group(NamedTuple):
    """Some runs of *length* bytes, the first at *offset*, each *stride* bytes after the one before.

    There are *repeat* of them, at least one.
    """

    offset: int
    length: int
    stride: int
    repeat: int

    @property
    def nbytes(self) -> int:
        """Bytes of data."""
        return self.length * self.repeat

    def span(self) -> tuple[int, int]:
        """Return the offsets of the first byte and of the one after the last."""
        last = self.offset + self.stride * (self.repeat - 1)
        return min(self.offset, last), max(self.offset, last) + self.length

    def moved(self, distance: int) -> Group:
        """Return the group *distance* bytes further on."""
        return self._replace(offset=self.offset + distance)

    def single(self) -> list[Group]:
        """Return a group for each run."""
        return [
            Group(self.offset + number * self.stride, self.length, 0, 1)
            for number in range(self.repeat)
        ]

    def view(self, memory: memoryview) -> np.ndarray:
        """Return the runs in *memory* as items of an array."""
        shape, strides = (self.repeat,), (self.stride,)
        return np.ndarray(shape, f"V{self.length}", memory, self.offset, strides)


def grouped(runs: Iterable[tuple[int, int]]) -> list[Group]:
    """Return groups for *runs* of an offset and a length, in their order; empty runs vanish."""
    groups: list[Group] = []
    for offset, length in runs:
        if not length:
            continue
        if groups:
            last = groups[-1]
            if last.repeat == 1 and last.offset + last.length == offset:
                groups[-1] = Group(last.offset, last.length + length, 0, 1)
                continue
            if last.length == length and (
                last.repeat == 1 or last.offset + last.stride * last.repeat == offset
            ):
                stride = offset - last.offset if last.repeat == 1 else last.stride
                groups[-1] = Group(last.offset, length, stride, last.repeat + 1)
                continue
        groups.append(Group(offset, length, 0, 1))
    return groups


def pieces(groups: Iterable[Group], limit: int) -> Iterator[list[Group]]:
    """Yield the groups in pieces of exactly *limit* bytes each, but for the last."""
    todo = list(reversed(list(groups)))
    piece: list[Group] = []
    room = limit
    while todo:
        group = todo.pop()
        if group.nbytes <= room:
            piece.append(group)
            room -= group.nbytes
        else:
            head, tail = _cut(group, room)
            piece += head
            todo += reversed(tail)
            room = 0
        if not room:
            yield piece
            piece, room = [], limit
    if piece:
        yield piece


def _cut(group: Group, nbytes: int) -> tuple[list[Group], list[Group]]:
    """Return what the first *nbytes* of a group are, and what the rest."""
    offset, length, stride, repeat = group
    whole, part = divmod(nbytes, length)
    head, tail = [], []
    if whole:
        head.append(Group(offset, length, stride, whole))
    if part:
        middle = offset + whole * stride
        head.append(Group(middle, part, 0, 1))
        tail.append(Group(middle + part, length - part, 0, 1))
        whole += 1
    if whole < repeat:
        tail.append(Group(offset + whole * stride, length, stride, repeat - whole))
    return head, tail


def encoded(groups: Sequence[Group]) -> bytes:
    """Return the groups in bytes."""
    return b"".join([_GROUP.pack(*group) for group in groups])


def decoded(data: bytes, count: int) -> tuple[list[Group], memoryview]:
    """Return the first *count* groups that `encoded` made bytes of, and the bytes after them."""
    end = count * _GROUP.size
    view = memoryview(data)
    return [Group(*numbers) for numbers in _GROUP.iter_unpack(view[:end])], view[end:]
