"""Copies between a buffer and data that follow one another without gaps, many stretches at once.

Both ways take the stretches as two arrays, offsets in the buffer and lengths. Stretches of one
length go through NumPy as one copy; of short ones the single bytes do; long ones are copied one by
one, where the copying itself takes most of the time.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

_LONG: Final = 256
"""Bytes on average from which on stretches are copied one by one."""


def gather(buffer: Any, offsets: Integers, lengths: Integers) -> memoryview:
    """Return what stretches of *buffer* have, one after the other; a view of it if it is one."""
    if len(offsets) == 1:
        begin, length = int(offsets[0]), int(lengths[0])
        return memoryview(buffer)[begin : begin + length]
    if not len(offsets):
        return memoryview(bytearray())
    data = memoryview(bytearray(int(lengths.sum())))
    _copy(buffer, offsets, lengths, data, into=False)
    return data


def scatter(data: Any, buffer: memoryview, offsets: Integers, lengths: Integers) -> None:
    """Store *data*, stretch after stretch, into a *buffer*; later ones win where they overlap."""
    if len(offsets) == 1:
        begin = int(offsets[0])
        buffer[begin : begin + int(lengths[0])] = data
    elif len(offsets):
        _copy(buffer, offsets, lengths, data, into=True)


def _copy(buffer: Any, offsets: Integers, lengths: Integers, data: Any, *, into: bool) -> None:
    length = int(lengths[0])
    total = int(lengths.sum())
    if total >= _LONG * len(lengths):
        _one_by_one(buffer, offsets, lengths, data, into)
        return
    left = np.frombuffer(buffer, np.uint8)
    right = np.frombuffer(data, np.uint8)[:total]
    if length and (lengths == length).all() and not (offsets % length).any():
        whole = len(left) - len(left) % length
        left, right = left[:whole].view(f"V{length}"), right.view(f"V{length}")
        where = offsets // length
    else:
        before = np.cumsum(lengths) - lengths
        where = np.repeat(offsets - before, lengths) + np.arange(total)
    if into:
        left[where] = right
    else:
        right[:] = left[where]


def _one_by_one(buffer: Any, offsets: Integers, lengths: Integers, data: Any, into: bool) -> None:
    buffer, data, done = memoryview(buffer), memoryview(data), 0
    for offset, length in zip(offsets.tolist(), lengths.tolist(), strict=True):
        if into:
            buffer[offset : offset + length] = data[done : done + length]
        else:
            data[done : done + length] = buffer[offset : offset + length]
        done += length
