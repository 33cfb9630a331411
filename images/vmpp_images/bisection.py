"""Bisection bandwidth: messages between two halves of the machine, all at once.

The processes are halved across the longest side of the places where their nodes stand. Each of one
half sends to the one opposite, in the other half, all in the same moment; with --partners, to
several of them, one after the other, which spreads the messages over all links of the cut. What
comes across in a second is compared with the bisection width of the machine's topology times the
rate of a link. Routing may not use all links of the cut, and a timing without contention none of
them up; give the job all the machine's nodes, and take the timing 'fair' or 'wormhole'.

    vmpp run -n 64 --network-timing fair bisect
    vmpp run -n 64 --topology dragonfly --network-timing wormhole:adaptive bisect --partners 8
    mpiexec -n 64 python bisection.py

On a machine that is not a virtual one the halves are those by rank, and nothing is compared.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from mpi4py import MPI

from vmpp_images.options import Options, count

SIZES = (1 << 10, 1 << 15, 1 << 20)
BEYOND = (
    "over 100 %: messages do not share links under this timing (take 'fair' or 'wormhole'), or "
    "more links lead across than these"
)


class Halves(NamedTuple):
    """Two halves of the processes, who are opposite each other, and the cut between them.

    Attributes:
        left, right: ranks; one at a place of the one is opposite one at that of the other.
        cut: where it is, in words.
        width: links that lead across in one direction; None if nobody knows.
        link_rate: of one of them, in bytes a second.
    """

    left: Sequence[int]
    right: Sequence[int]
    cut: str
    width: int | None = None
    link_rate: float = 0.0


def halves(size: int, along: int | None) -> Halves:
    """Halve the processes; *along* says across which side, None across the longest."""
    try:
        import vmpp  # noqa: PLC0415 - elsewhere there is none

        nodes = vmpp.node_map()
    except (ImportError, RuntimeError):
        return Halves(range(size // 2), range(size - size // 2, size), "by rank")
    places = [nodes.coordinates(rank) for rank in range(size)]
    sides = [len(set(column)) for column in zip(*places, strict=True)]
    if along is None:
        along = max(range(len(sides)), key=lambda side: (sides[side], side))
    if not 0 <= along < len(sides):
        raise SystemExit(f"bisect: --along: the places have dimensions 0 to {len(sides) - 1}")
    order = sorted(range(size), key=lambda rank: (places[rank][along], nodes.nodes[rank]))
    left, right = order[: size // 2], order[size - size // 2 :]
    cut = f"across dimension {along} of {' x '.join(map(str, sides))} places"
    for half in (left, right):
        half.sort(key=lambda rank: nodes.nodes[rank])
    return Halves(left, right, cut, nodes.bisection, nodes.link_rate)


def crossing(comm: MPI.Comm, found: Halves, partners: int, nbytes: int, rounds: int) -> float:
    """Return how long one round takes until the last message is in, on average."""
    sends, receives = ranks(comm.rank, found, partners)
    out, into = np.zeros(nbytes, np.uint8), np.empty((len(receives), nbytes), np.uint8)
    took = 0.0
    for _ in range(rounds):
        requests = [comm.Irecv(into[place], rank) for place, rank in enumerate(receives)]
        comm.Barrier()
        began = MPI.Wtime()
        requests += [comm.Isend(out, rank) for rank in sends]
        MPI.Request.Waitall(requests)
        took += comm.allreduce(MPI.Wtime() - began, MPI.MAX)
    return took / rounds


def ranks(rank: int, found: Halves, partners: int) -> tuple[list[int], list[int]]:
    """Return whom *rank* sends to, in turn, and whom it receives from."""
    count = len(found.left)
    if rank in found.left:
        place = found.left.index(rank)
        return [found.right[(place + step) % count] for step in range(partners)], []
    if rank in found.right:
        place = found.right.index(rank)
        return [], [found.left[(place - step) % count] for step in range(partners)]
    return [], []


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = Options(prog="bisect", description="Measure bisection bandwidth.")
    parser.add_argument("--nbytes", type=count, nargs="+", default=SIZES, metavar="N",
                        help="bytes of a message; several make as many lines")  # fmt: skip
    parser.add_argument("--partners", type=count, default=1, metavar="N",
                        help="of every process, in the other half")  # fmt: skip
    parser.add_argument("--along", type=int, metavar="D",
                        help="dimension to cut across; by default the longest")  # fmt: skip
    parser.add_argument("--rounds", type=count, default=3, metavar="N",
                        help="how often all send, for a mean")  # fmt: skip
    return parser.parse_args(arguments)


def main() -> None:
    """Measure, and have rank 0 print a table."""
    chosen = options()
    comm = MPI.COMM_WORLD
    if comm.size < 2:
        raise SystemExit("bisect: two halves have at least two processes")
    found = halves(comm.size, chosen.along)
    pairs = len(found.left)
    if chosen.partners > pairs:
        raise SystemExit(f"bisect: --partners: the other half has {pairs} processes")
    most = 0.0
    limit = None if found.width is None else found.width * found.link_rate
    if comm.rank == 0:
        print(f"{pairs} to {pairs} processes, {found.cut}, {chosen.partners} to each")
        if limit is not None:
            print(f"bisection: {found.width} links of {rate(found.link_rate)}: {rate(limit)}")
        print(f"{'bytes':>10} {'time':>14} {'a process':>12} {'across':>12}{'':>3}of bisection")
    for nbytes in chosen.nbytes:
        took = crossing(comm, found, chosen.partners, nbytes, chosen.rounds)
        across = pairs * chosen.partners * nbytes / took
        most = max(most, across / limit if limit else 0.0)
        share = "" if limit is None else f"{100 * across / limit:>11.1f} %"
        if comm.rank == 0:
            line = (
                f"{nbytes:>10} {took * 1e6:>11.3f} us {rate(across / pairs):>12} {rate(across):>12}"
            )
            print(f"{line}   {share}".rstrip())
    if comm.rank == 0 and most > 1:
        print(BEYOND)


def rate(number: float) -> str:
    """Return bytes a second in a unit that suits them."""
    for size, unit in ((1e12, "TB/s"), (1e9, "GB/s"), (1e6, "MB/s")):
        if number >= size:
            return f"{number / size:.2f} {unit}"
    return f"{number / 1e3:.2f} kB/s"


if __name__ == "__main__":
    main()
