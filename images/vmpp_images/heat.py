"""Heat flows through a plate: an explicit 2-D diffusion on a Cartesian grid of processes.

The brightness of a picture is the temperature of the plate at the beginning, from 0 (black) to 1
(white). The plate is insulated, so heat spreads and none is lost. Each process keeps a block of the
plate with a border one cell wide, which it fills from its four neighbours before every step; now
and then all agree on how much still changes. The result is written as a picture in false colours.

    mpiexec -n 64 python heat.py initial.png --output heat.png
    vmpp run -n 64 heat initial.png --output heat.png
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray
from PIL import Image

Field: TypeAlias = NDArray[np.float64]

INITIAL = Path(__file__).parent / "data" / "initial.png"
STABLE = 0.25
"""The largest diffusivity, in cells squared a step, at which the explicit scheme is stable."""

COLOURS = np.array(
    [(8, 8, 32), (70, 10, 105), (165, 35, 95), (235, 95, 45), (252, 185, 60), (255, 255, 225)],
    dtype=np.float64,
)
"""From cold to hot."""


class Grid:
    """The processes as a grid, and which block of a plate is this one's.

    Blocks differ by at most one row and one column.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        dims = MPI.Compute_dims(MPI.COMM_WORLD.size, 2)
        self.comm = MPI.COMM_WORLD.Create_cart(dims, periods=[False, False], reorder=False)
        self.dims = dims
        self.shape = shape
        self.north, self.south = self.comm.Shift(0, 1)
        self.west, self.east = self.comm.Shift(1, 1)
        self.block = self.block_of(self.comm.rank)

    def block_of(self, rank: int) -> tuple[slice, slice]:
        """Return the rows and columns of the plate that *rank* keeps."""
        rows, columns = (
            slice(length * place // parts, length * (place + 1) // parts)
            for length, place, parts in zip(
                self.shape, self.comm.Get_coords(rank), self.dims, strict=True
            )
        )
        return rows, columns

    def scatter(self, plate: Field | None) -> Field:
        """Return this process's block of *plate*, which rank 0 has, inside a border."""
        blocks = [self.block_of(rank) for rank in range(self.comm.size)]
        rows, columns = self.block
        mine = np.empty((rows.stop - rows.start, columns.stop - columns.start))
        parts = None if plate is None else np.concatenate([plate[each].ravel() for each in blocks])
        self.comm.Scatterv([parts, _cells(blocks), MPI.DOUBLE], mine, root=0)
        return np.pad(mine, 1)

    def gather(self, field: Field) -> Field | None:
        """Return the plate that the blocks of all processes make, on rank 0."""
        blocks = [self.block_of(rank) for rank in range(self.comm.size)]
        cells = _cells(blocks)
        mine = np.ascontiguousarray(field[1:-1, 1:-1])
        if self.comm.rank != 0:
            self.comm.Gatherv(mine, None, root=0)
            return None
        parts = np.empty(sum(cells))
        self.comm.Gatherv(mine, [parts, cells, MPI.DOUBLE], root=0)
        plate = np.empty(self.shape)
        for block, part in zip(blocks, np.split(parts, np.cumsum(cells)[:-1]), strict=True):
            plate[block] = part.reshape(plate[block].shape)
        return plate

    def exchange(self, field: Field) -> None:
        """Fill the border of *field* from the neighbours; at the plate's edge, with its own cells.

        A border that equals the cell inside lets no heat through.
        """
        comm = self.comm
        field[0], field[-1] = field[1], field[-2]
        field[:, 0], field[:, -1] = field[:, 1], field[:, -2]
        comm.Sendrecv(field[1], self.north, recvbuf=field[-1], source=self.south)
        comm.Sendrecv(field[-2], self.south, recvbuf=field[0], source=self.north)
        # A column does not lie together in memory: it travels in a buffer.
        column = field[:, -1].copy()
        comm.Sendrecv(field[:, 1].copy(), self.west, recvbuf=column, source=self.east)
        field[:, -1] = column
        column = field[:, 0].copy()
        comm.Sendrecv(field[:, -2].copy(), self.east, recvbuf=column, source=self.west)
        field[:, 0] = column


def step(field: Field, diffusivity: float) -> Field:
    """Return the inside of *field* one step later."""
    inside = field[1:-1, 1:-1]
    around = field[:-2, 1:-1] + field[2:, 1:-1] + field[1:-1, :-2] + field[1:-1, 2:]
    later: Field = inside + diffusivity * (around - 4.0 * inside)
    return later


def diffuse(grid: Grid, field: Field, options: argparse.Namespace) -> tuple[int, float]:
    """Advance *field* until its steps are over or it has settled.

    Returns:
        How many steps were taken, and the largest change of a cell in the last one looked at.
    """
    change = np.inf
    for count in range(1, options.steps + 1):
        grid.exchange(field)
        later = step(field, options.diffusivity)
        if count % options.check == 0 or count == options.steps:
            largest = float(np.abs(later - field[1:-1, 1:-1]).max())
            change = grid.comm.allreduce(largest, op=MPI.MAX)
        field[1:-1, 1:-1] = later
        if change < options.tolerance:
            return count, change
    return options.steps, change


def summary(grid: Grid, field: Field) -> tuple[float, float, float]:
    """Return the lowest and highest temperature, and the heat in the whole plate."""
    inside = field[1:-1, 1:-1]
    lowest = np.empty(1)
    highest = np.empty(1)
    heat = np.empty(1)
    grid.comm.Allreduce(inside.min(keepdims=True).ravel(), lowest, op=MPI.MIN)
    grid.comm.Allreduce(inside.max(keepdims=True).ravel(), highest, op=MPI.MAX)
    grid.comm.Allreduce(inside.sum(keepdims=True).ravel(), heat, op=MPI.SUM)
    return float(lowest[0]), float(highest[0]), float(heat[0])


def read_plate(path: Path) -> Field:
    """Return the brightness of the picture at *path*, from 0 to 1."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"), dtype=np.float64) / 255.0


def write_plate(plate: Field, path: Path) -> None:
    """Write *plate* in false colours, stretched to the whole scale."""
    lowest, highest = plate.min(), plate.max()
    scaled = (plate - lowest) / (highest - lowest or 1.0) * (len(COLOURS) - 1)
    points = np.arange(len(COLOURS))
    channels = [np.interp(scaled, points, COLOURS[:, channel]) for channel in range(3)]
    Image.fromarray(np.stack(channels, axis=-1).round().astype(np.uint8)).save(path)


def _cells(blocks: Sequence[tuple[slice, slice]]) -> list[int]:
    return [(rows.stop - rows.start) * (columns.stop - columns.start) for rows, columns in blocks]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="heat", description="Diffuse the heat of a picture.")
    parser.add_argument(
        "image", nargs="?", type=Path, default=INITIAL, help="picture of the plate at the beginning"
    )
    parser.add_argument("--output", type=Path, default=Path("heat.png"), help="picture to write")
    parser.add_argument("--steps", type=int, default=400, help="at most so many steps")
    parser.add_argument(
        "--diffusivity", type=float, default=0.2, help=f"cells squared a step, up to {STABLE}"
    )
    parser.add_argument("--check", type=int, default=50, help="steps between looks at the change")
    parser.add_argument(
        "--tolerance", type=float, default=1e-6, help="change of a cell at which it has settled"
    )
    return parser


def _options() -> argparse.Namespace:
    """Return the options, or exit; rank 0 reads them for all, so that it alone complains."""
    options: argparse.Namespace | None = None
    status = 0
    if MPI.COMM_WORLD.rank == 0:
        parser = _parser()
        try:
            options = parser.parse_args()
            if not 0 < options.diffusivity <= STABLE:
                parser.error(f"the scheme is stable for a diffusivity of up to {STABLE}")
            if options.steps < 0 or options.check < 1:
                parser.error("steps cannot be negative, and a look comes after one at least")
        except SystemExit as stop:
            options, status = None, int(stop.code or 0)
    agreed: tuple[argparse.Namespace | None, int] = MPI.COMM_WORLD.bcast((options, status))
    if agreed[0] is None:
        sys.exit(agreed[1])
    return agreed[0]


def _initial(path: Path) -> tuple[Field | None, tuple[int, int]]:
    """Return the plate, on rank 0, and its shape; exit if it cannot be read or divided."""
    plate, shape, problem = None, (0, 0), ""
    if MPI.COMM_WORLD.rank == 0:
        try:
            plate = read_plate(path)
        except OSError as error:
            problem = f"cannot read {path}: {error.strerror or error}"
        else:
            shape = (plate.shape[0], plate.shape[1])
            dims = MPI.Compute_dims(MPI.COMM_WORLD.size, 2)
            if shape[0] < dims[0] or shape[1] < dims[1]:
                problem = f"{shape[0]} x {shape[1]} cells are too few for {dims} processes"
    shape, problem = MPI.COMM_WORLD.bcast((shape, problem))
    if problem:
        sys.exit(f"heat: {problem}" if MPI.COMM_WORLD.rank == 0 else 1)
    return plate, shape


def main() -> None:
    """Read, diffuse, write, and say what became of the heat."""
    options = _options()
    plate, shape = _initial(options.image)
    grid = Grid(shape)
    field = grid.scatter(plate)
    _, _, heat_before = summary(grid, field)
    grid.comm.Barrier()
    began = MPI.Wtime()
    steps, change = diffuse(grid, field, options)
    took = grid.comm.allreduce(MPI.Wtime() - began, op=MPI.MAX)
    lowest, highest, heat = summary(grid, field)
    plate = grid.gather(field)
    if plate is not None:
        write_plate(plate, options.output)
        print(f"plate       {shape[0]} x {shape[1]} cells")
        print(f"processes   {grid.dims[0]} x {grid.dims[1]}")
        print(f"steps       {steps}, the last changed a cell by {change:.2e} at most")
        print(f"time        {took:.6f} s")
        print(f"temperature {lowest:.6f} to {highest:.6f}")
        print(f"heat        {heat_before:.6f} before, {heat:.6f} after")
        print(f"wrote       {options.output}")


if __name__ == "__main__":
    main()
