"""How long messages take while another job has its share of the nodes.

Ranks 0 and 1, 2 and 3, and so on, bat a message to and fro, and note how long each one is on its
way. They wait for it as libraries on user-level networks do: they look again and again, and do not
give up the CPU. Two copies on the same nodes show what coordination is for. Where every node
shares its CPU by itself, a message often finds its receiver descheduled and waits for its next time
slice; where the slices of a job line up, both have the CPU at once, and messages take as long as if
the job were alone but for the few that a slice's end catches on their way.

The ranks begin one after the other within a few milliseconds, as the nodes of real machines do,
which have no common clock: where they share nodes without coordination, so do their slices.

    vmpp run -n 2 --copies 2 --pct rr:2ms gang
    vmpp run -n 2 --copies 2 --pct gang:2ms gang --plot latencies.png
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

import vmpp
from vmpp_images.options import Options, above_zero, from_zero

SHARES = (50, 90, 99, 100)
"""Of the messages, in percent, for which the time is told that they took at the most."""
OVER = -1.0
"""In the place of a message's time of departure: it is the last one."""


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = Options(prog="gang", description="Measure latencies of messages.")
    parser.add_argument("--seconds", type=above_zero, default=0.1, help="how long to measure")
    parser.add_argument(
        "--look", type=above_zero, default=5.0, help="us between two looks at the queue"
    )
    parser.add_argument(
        "--work", type=from_zero, default=50.0, help="us of work between two messages"
    )
    parser.add_argument("--spread", type=from_zero, default=10.0, help="ms over which ranks begin")
    parser.add_argument("--plot", metavar="FILE", help="draw the distribution")
    return parser.parse_args(arguments)


class Batting:
    """One rank's side of the game with its partner."""

    def __init__(self, comm: MPI.Comm, look: float, work: float) -> None:
        self.comm = comm
        self.partner = comm.rank ^ 1
        self.look = look * 1e-6
        self.work = work * 1e-6
        self.latencies: list[float] = []
        self._buffer = np.zeros(1)

    def play(self, seconds: float) -> None:
        """Bat to and fro for so long."""
        end = MPI.Wtime() + seconds
        if self.comm.rank % 2 == 0:
            while MPI.Wtime() < end:
                self._send(MPI.Wtime())
                self._receive()
            self._send(OVER)
        else:
            while self._receive():
                self._send(MPI.Wtime())

    def _send(self, departure: float) -> None:
        self._buffer[0] = departure
        self.comm.Send(self._buffer, self.partner)

    def _receive(self) -> bool:
        """Take a message, note how long it was on its way, and work; return False for the last."""
        while not self.comm.Iprobe(self.partner):
            vmpp.compute(self.look)
        self.comm.Recv(self._buffer, self.partner)
        departure = self._buffer[0]
        if departure == OVER:
            return False
        self.latencies.append(MPI.Wtime() - departure)
        vmpp.compute(self.work)
        return True


def table(latencies: NDArray[np.float64]) -> str:
    """Return the distribution of *latencies* (seconds) in words and as bars, a factor of 2 each."""
    micro = np.sort(latencies) * 1e6
    lines = [f"latency of {micro.size} messages: {micro.mean():.1f} us on average"]
    for share in SHARES:
        within = np.percentile(micro, share, method="inverted_cdf")
        lines.append(f"  {share:3d} % within {within:9.1f} us")
    edges = 2.0 ** np.arange(np.floor(np.log2(micro[0])), np.ceil(np.log2(micro[-1])) + 1)
    counts, _ = np.histogram(micro, np.append(edges, np.inf))
    for low, count in zip(edges, counts, strict=True):
        if count:
            share = count / micro.size
            bar = "#" * max(1, round(40 * share))
            lines.append(f"  from {low:9.1f} us {100 * share:5.1f} % {bar}")
    return "\n".join(lines)


def plot(latencies: NDArray[np.float64], file: str) -> None:
    """Draw what share of *latencies* (seconds) is within which time."""
    # Whoever wants no picture need not wait for it.
    from matplotlib.figure import Figure  # noqa: PLC0415

    micro = np.sort(latencies) * 1e6
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.step(micro, np.arange(1, micro.size + 1) / micro.size, where="post")
    axes.set(
        xscale="log",
        xlabel="latency, us",
        ylabel="share of messages",
        ylim=(0, 1.02),
        title=f"{micro.size} messages",
    )
    axes.grid(alpha=0.3)
    figure.savefig(file, dpi=120)


def main() -> None:
    """Play, and have rank 0 say what came of it."""
    chosen = options()
    comm = MPI.COMM_WORLD
    if comm.size % 2:
        raise SystemExit("gang: ranks play in pairs; take an even number of them")
    time.sleep(random.uniform(0, chosen.spread * 1e-3))
    game = Batting(comm, chosen.look, chosen.work)
    game.play(chosen.seconds)
    # The first one may have waited for a partner that had not begun.
    gathered = comm.gather(game.latencies[1:])
    if gathered is None:
        return
    latencies = np.array([latency for each in gathered for latency in each])
    print(table(latencies))
    if chosen.plot:
        plot(latencies, chosen.plot)
        print(f"wrote {chosen.plot}")


if __name__ == "__main__":
    main()
