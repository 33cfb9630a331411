"""What the ranks of a file do together besides moving data: agree, and let one act for all."""

from __future__ import annotations

import os
from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Final

from vmpp_collectives import Reduction, allreduce, barrier, broadcast, exscan
from vmpp_mpi._errors import ERR_NOT_SAME
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._files._trouble import error_class

if TYPE_CHECKING:
    from vmpp_collectives import Channel

_OUTCOME: Final = Struct("<qqq")
"""Error class, number of the host's error, result."""


def _least(lower: memoryview, both: memoryview) -> None:
    one, other = lower.cast("q"), both.cast("q")
    for index, value in enumerate(one):
        if value < other[index]:
            other[index] = value


def _sum(lower: memoryview, both: memoryview) -> None:
    total = int.from_bytes(lower, "little") + int.from_bytes(both, "little")
    both[:] = total.to_bytes(8, "little")


_LEAST: Final = Reduction(_least, 8, True)
_SUM: Final = Reduction(_sum, 8, True)


def largest(channel: Channel, *numbers: int) -> list[int]:
    """Return the largest of the numbers that all ranks give, place by place."""
    vector = memoryview(bytearray(8 * len(numbers)))
    words = vector.cast("q")
    for place, number in enumerate(numbers):
        words[place] = -number
    allreduce(channel, vector, _LEAST)
    return [-word for word in words]


def agree(channel: Channel, *numbers: int) -> None:
    """Return when all ranks have called, with the same numbers.

    Raises:
        MPIError: `ERR_NOT_SAME`, on all of them: the numbers were others on some rank.
    """
    if not numbers:
        barrier(channel)
        return
    found = largest(channel, *numbers, *[-n for n in numbers])
    if [-n for n in found[: len(numbers)]] != found[len(numbers) :]:
        raise MPIError(ERR_NOT_SAME, "ranks call it with different arguments")


def sum_before(channel: Channel, number: int) -> int:
    """Return the sum of the numbers that the ranks below this one give."""
    vector = memoryview(bytearray(number.to_bytes(8, "little")))
    before = memoryview(bytearray(8))
    exscan(channel, vector, before, _SUM)
    return int.from_bytes(before, "little")


def at_root(channel: Channel, act: Callable[[], int | None], about: str = "") -> int:
    """Have rank 0 do something, and return what that comes to on all ranks.

    Args:
        channel: to the others.
        act: does it.
        about: what an error is about.

    Raises:
        MPIError: on all of them: what it did failed.
    """
    return _at_one(channel, 0, act, about)


def at_last(channel: Channel, act: Callable[[], int | None]) -> int:
    """Have the last rank do something; see `at_root`."""
    return _at_one(channel, channel.size - 1, act, "")


def _at_one(channel: Channel, rank: int, act: Callable[[], int | None], about: str) -> int:
    outcome = bytearray(_OUTCOME.size)
    if channel.rank == rank:
        try:
            _OUTCOME.pack_into(outcome, 0, 0, 0, act() or 0)
        except OSError as error:
            _OUTCOME.pack_into(outcome, 0, error_class(error), error.errno or 0, 0)
        except MPIError as error:
            _OUTCOME.pack_into(outcome, 0, error.Get_error_class(), 0, 0)
    broadcast(channel, memoryview(outcome), rank)
    code, number, result = _OUTCOME.unpack(outcome)
    if code:
        reason = os.strerror(number) if number else ""
        raise MPIError(code, ": ".join(filter(None, (reason, about))))
    return int(result)
