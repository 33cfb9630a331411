"""Reductions over the ranks below."""

from __future__ import annotations

from vmpp_mpi._collectives._channel import Channel, Reduction


def scan(channel: Channel, vector: memoryview, reduction: Reduction) -> None:
    """Replace *vector* by the reduction of ranks 0 to the own: recursive doubling, log p steps."""
    _doubling(channel, bytearray(vector), vector, reduction, started=True)


def exscan(channel: Channel, vector: memoryview, out: memoryview, reduction: Reduction) -> None:
    """Leave in *out* the reduction of *vector* over the ranks below the own; nothing on rank 0."""
    _doubling(channel, bytearray(vector), out, reduction, started=False)


def _doubling(
    channel: Channel, own: bytearray, out: memoryview, reduction: Reduction, *, started: bool
) -> None:
    """Combine what *own* covers, a run of ranks, with the runs beside it, doubling it each step.

    Args:
        channel: to the other ranks.
        own: the rank's vector; used up.
        out: takes the result, from the runs below.
        reduction: how to combine.
        started: whether *out* holds a vector to start from.
    """
    rank, size = channel.rank, channel.size
    if len(out) == 0:
        return
    combine = reduction.combine
    run, other = memoryview(own), memoryview(bytearray(len(own)))
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
