"""What programs that measure noise have in common: units of work, and files of samples."""

from __future__ import annotations

import argparse
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TextIO

from mpi4py import MPI

import vmpp
from vmpp_images.options import Options, count

Sample = tuple[int, int]
"""Nanoseconds from the first sample's beginning to this one's, and what was measured."""

LOOPS = 32
"""Rounds of a loop in a unit of work where Python's instructions take time by themselves."""


def clock_cost() -> float:
    """Return the seconds that it takes to look at the clock."""
    began = time.perf_counter_ns()
    return (time.perf_counter_ns() - began) / 1e9


def worker(unit: float) -> Callable[[int], object]:
    """Return what does so many units of work, of *unit* seconds each.

    On a real machine a unit is a loop of `LOOPS` rounds, however long that takes.
    """
    try:
        vmpp.compute(0)
    except RuntimeError:
        return _spin

    def work(units: int) -> None:
        vmpp.compute(units * unit)

    return work


def _spin(units: int) -> None:
    for _ in range(units * LOOPS):
        pass


def options(description: str, outname: str) -> argparse.ArgumentParser:
    """Return a parser of the options that all of them have, which are those of ftq."""
    parser = Options(prog=outname, description=description)
    parser.add_argument("-n", "--samples", type=count, default=4096, metavar="N",
                        help="number of samples (default: %(default)s)")  # fmt: skip
    parser.add_argument("-f", "--frequency", type=count, default=1000, metavar="HZ",
                        help="samples a second (default: %(default)s)")  # fmt: skip
    parser.add_argument("-u", "--units", type=count, default=100, metavar="N",
                        help="units of work in a sample (default: %(default)s)")  # fmt: skip
    parser.add_argument("-o", "--outname", default=outname, metavar="NAME",
                        help="write NAME_RANK.dat (default: %(default)s)")  # fmt: skip
    parser.add_argument("-s", "--stdout", action="store_true",
                        help="write the samples of rank 0 to standard output instead")  # fmt: skip
    return parser


@dataclass(frozen=True)
class Recording:
    """The samples of one rank, and what its file says of them in comments."""

    comments: Sequence[str]
    samples: Sequence[Sample]

    def write(self, outname: str, *, stdout: bool) -> None:
        """Write the samples to this rank's file, or rank 0's to standard output."""
        rank = MPI.COMM_WORLD.rank
        if not stdout:
            with open(f"{outname}_{rank}.dat", "w", encoding="ascii") as file:
                self._print(file)
        elif rank == 0:
            self._print(sys.stdout)

    def _print(self, file: TextIO) -> None:
        where = f"rank {MPI.COMM_WORLD.rank} on {socket.gethostname()}"
        lines = [f"# {each}" for each in (*self.comments, where)]
        lines += [f"{when} {value}" for when, value in self.samples]
        file.write("\n".join(lines) + "\n")
