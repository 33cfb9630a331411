"""A checkpoint: every process writes its block of a field to one striped file, and reads it again.

The field is a square array of numbers, laid out row by row in the file, and divided into blocks
over a grid of processes. So the rows of a block lie apart, between those of its neighbours. They
are written in three ways: one by one with the calls of the operating system; by every process with
one access of its own, which names all its rows; and by all processes together, in two phases. What
all processes move in a second is told for each way, in the machine's time.

    vmpp run -n 16 --machine paragon checkpoint
    vmpp run -n 64 --machine paragon checkpoint --side 4096 --factor 16 --unit 262144
    mpiexec -n 16 python checkpoint.py --folder /scratch
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from mpi4py import MPI

from vmpp_images.options import Options, count

ITEM = 8
"""Bytes of a number."""


class Block(NamedTuple):
    """A process's part of the field: where it begins, and its numbers."""

    row: int
    column: int
    numbers: np.ndarray


class Way(NamedTuple):
    """How a block is written and read, and what that is called."""

    name: str
    write: Callable[[str, Block], None]
    read: Callable[[str, Block], None]


def block_of(comm: MPI.Intracomm, side: int) -> Block:
    """Return the calling process's block, every number of which says where in the field it is."""
    down, across = MPI.Compute_dims(comm.size, 2)
    rows, columns = side // down, side // across
    row, column = comm.rank // across * rows, comm.rank % across * columns
    numbers = np.add.outer(np.arange(row, row + rows) * side, np.arange(column, column + columns))
    return Block(row, column, numbers.astype("f8"))


def row_by_row(side: int) -> Way:
    """Access rows one after the other, as a program does that knows nothing of parallel files."""

    def each(block: Block) -> list[tuple[memoryview, int]]:
        offsets = (np.arange(len(block.numbers)) + block.row) * side + block.column
        rows = [memoryview(row).cast("B") for row in block.numbers]
        return [(row, ITEM * int(at)) for row, at in zip(rows, offsets, strict=True)]

    def write(path: str, block: Block) -> None:
        fd = os.open(path, os.O_WRONLY)
        for row, offset in each(block):
            os.pwrite(fd, row, offset)
        # As MPI does when a file is closed: a checkpoint is to be on the disks.
        os.fsync(fd)
        os.close(fd)

    def read(path: str, block: Block) -> None:
        fd = os.open(path, os.O_RDONLY)
        for row, offset in each(block):
            os.preadv(fd, [row], offset)
        os.close(fd)

    return Way("row by row", write, read)


def at_once(comm: MPI.Intracomm, side: int, *, together: bool) -> Way:
    """Access all rows of a block by one call, of each process or of all of them together."""

    def opened(path: str, block: Block, mode: int) -> MPI.File:
        file = MPI.File.Open(comm, path, mode)
        shape, place = list(block.numbers.shape), [block.row, block.column]
        view = MPI.DOUBLE.Create_subarray([side, side], shape, place).Commit()
        file.Set_view(0, MPI.DOUBLE, view)
        view.Free()
        return file

    def write(path: str, block: Block) -> None:
        file = opened(path, block, MPI.MODE_WRONLY)
        (file.Write_all if together else file.Write)(block.numbers)
        file.Close()

    def read(path: str, block: Block) -> None:
        file = opened(path, block, MPI.MODE_RDONLY)
        (file.Read_all if together else file.Read)(block.numbers)
        file.Close()

    return Way("together" if together else "all rows at once", write, read)


def timed(comm: MPI.Intracomm, act: Callable[[str, Block], None], path: str, block: Block) -> float:
    """Return how long an access takes until the last process is done."""
    comm.Barrier()
    began = MPI.Wtime()
    act(path, block)
    took: float = comm.allreduce(MPI.Wtime() - began, MPI.MAX)
    return took


def make(comm: MPI.Intracomm, path: str, chosen: argparse.Namespace) -> str:
    """Make an empty file, striped as was asked for, and say how it is striped."""
    hints = MPI.Info.Create()
    for key, value in (("striping_factor", chosen.factor), ("striping_unit", chosen.unit)):
        if value is not None:
            hints.Set(key, str(value))
    if comm.rank == 0 and os.path.exists(path):
        os.unlink(path)
    comm.Barrier()
    file = MPI.File.Open(comm, path, MPI.MODE_WRONLY | MPI.MODE_CREATE, hints)
    found = file.Get_info()
    said = f"{found.Get('striping_unit')} bytes on each of {found.Get('striping_factor')}"
    file.Close()
    return said


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = Options(prog="checkpoint", description="Write a field to a striped file.")
    parser.add_argument("--side", type=count, default=1024, metavar="N",
                        help="numbers in a row, and rows, of the field")  # fmt: skip
    parser.add_argument("--factor", type=count, metavar="N",
                        help="I/O nodes of the file; by default as for new files")  # fmt: skip
    parser.add_argument("--unit", type=count, metavar="BYTES",
                        help="on one before the next is used, likewise")  # fmt: skip
    parser.add_argument("--folder", default="/pfs", help="where to write; by default %(default)s")
    chosen = parser.parse_args(arguments)
    if any(chosen.side % parts for parts in MPI.Compute_dims(MPI.COMM_WORLD.size, 2)):
        parser.error(f"--side: {chosen.side} rows do not divide into equal blocks")
    if not os.path.isdir(chosen.folder):
        parser.error(
            f"there is no folder {chosen.folder}: take a machine with I/O nodes, or --folder"
        )
    return chosen


def main() -> None:
    """Write and read the field in each way, check it, and have rank 0 print a table."""
    chosen = options()
    comm = MPI.COMM_WORLD
    side: int = chosen.side
    path = os.path.join(chosen.folder, "checkpoint")
    block = block_of(comm, side)
    wanted = block.numbers.copy()
    ways = (
        row_by_row(side),
        at_once(comm, side, together=False),
        at_once(comm, side, together=True),
    )
    for way in ways:
        striping = make(comm, path, chosen)
        if comm.rank == 0 and way is ways[0]:
            down, across = wanted.shape
            print(f"{comm.size} blocks of {down} x {across} numbers; {striping}")
            print(f"{'':<18}{'written':>14}{'read':>14}")
        written = timed(comm, way.write, path, block)
        block.numbers[:] = 0
        read = timed(comm, way.read, path, block)
        if not np.array_equal(block.numbers, wanted):
            raise SystemExit(f"checkpoint: rank {comm.rank} has read something else: {way.name}")
        if comm.rank == 0:
            rates = (f"{side * side * ITEM / took / 1e6:.2f} MB/s" for took in (written, read))
            print(f"{way.name:<18}" + "".join(f"{rate:>14}" for rate in rates))
    if comm.rank == 0:
        os.unlink(path)


if __name__ == "__main__":
    main()
