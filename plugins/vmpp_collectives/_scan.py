"""Reductions over the ranks below."""

from __future__ import annotations

from vmpp_collectives._channel import Channel, Reduction
from vmpp_collectives._choice import Algorithm, Family, Rule


def recursive_doubling(
    channel: Channel, own: memoryview, out: memoryview, reduction: Reduction, started: bool
) -> None:
    """Combine runs of ranks with those beside them, doubling them: log2 p steps.

    Args:
        channel: to the other ranks.
        own: the rank's vector; used up.
        out: takes the result, from the runs below.
        reduction: how to combine.
        started: whether *out* holds a vector to start from.
    """
    rank, size = channel.rank, channel.size
    combine = reduction.combine
    run, other = own, memoryview(bytearray(len(own)))
    bit = 1
    while bit < size:
        peer = rank ^ bit
        if peer < size:
            channel.exchange(peer, run, peer, other)
            if peer < rank:
                if started:
                    combine(other, out)
                else:
                    out[:] = other
                    started = True
                combine(other, run)
            elif reduction.commutative:
                combine(other, run)
            else:
                combine(run, other)
                run, other = other, run
        bit <<= 1


def linear(
    channel: Channel, own: memoryview, out: memoryview, reduction: Reduction, started: bool
) -> None:
    """Pass what the ranks so far make together from each rank to the next: p - 1 steps.

    Arguments are those of `recursive_doubling`.
    """
    rank = channel.rank
    if rank:
        below = memoryview(bytearray(len(own)))
        channel.receive(rank - 1, below)
        if started:
            reduction.combine(below, out)
        else:
            out[:] = below
        reduction.combine(below, own)
    if rank + 1 < channel.size:
        channel.send(rank + 1, own)


_ALGORITHMS = (Algorithm("recursive-doubling", recursive_doubling), Algorithm("linear", linear))
SCAN = Family("scan", "the vector", _ALGORITHMS, (Rule("recursive-doubling"),))
EXSCAN = Family("exscan", "the vector", _ALGORITHMS, (Rule("recursive-doubling"),))


def scan(channel: Channel, vector: memoryview, reduction: Reduction) -> None:
    """Replace *vector* by the reduction of ranks 0 to the own."""
    if len(vector):
        run = SCAN.choose(channel, len(vector), reduction)
        run(channel, memoryview(bytearray(vector)), vector, reduction, True)


def exscan(channel: Channel, vector: memoryview, out: memoryview, reduction: Reduction) -> None:
    """Leave in *out* the reduction of *vector* over the ranks below the own; nothing on rank 0."""
    if len(vector):
        run = EXSCAN.choose(channel, len(vector), reduction)
        run(channel, memoryview(bytearray(vector)), out, reduction, False)
