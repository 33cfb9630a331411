"""A ring, a halo exchange, a global sum and Poisson's equation in MPI, NX and Vertex alike.

What they print of their results is the same to the last digit: so are the bits of sums.
"""

from __future__ import annotations

import re
from math import pi

import numpy as np
import pytest

import vmpp
from vmpp_images.subcube import gray, place_of

LIBRARIES = ("mpi", "nx", "vertex")
SIZES = (1, 2, 3, 4, 6, 8, 13)
POWERS_OF_TWO = (1, 2, 4, 8)


def run(program: str, nprocs: int, *args: object, **options: object) -> str:
    result = vmpp.run(program, [*map(str, args)], nprocs=nprocs, **options)
    assert (result.status, result.stderr) == (0, b"")
    return result.stdout.decode()


def in_each(program: str, nprocs: int, *args: object, **options: object) -> set[str]:
    """Return what the libraries that run on so many nodes print; Vertex has subcubes only."""
    return {
        run(f"{library}-{program}", nprocs, *args, **options)
        for library in LIBRARIES
        if library != "vertex" or nprocs in POWERS_OF_TWO
    }


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_token_gathers_all_numbers_on_its_way(library: str) -> None:
    for nprocs in (1, 2, 8):
        printed = run(f"{library}-ring", nprocs, 3)
        said = 3 * nprocs * (nprocs - 1) // 2
        assert f"the token says {said} after 3 rounds of {nprocs} nodes\n" in printed
        hop = float(re.search(r"([\d.]+) us from node to node", printed).group(1))
        assert 0.3 < hop < 5


@pytest.mark.parametrize("nprocs", SIZES)
def test_sums_have_the_same_digits(nprocs: int) -> None:
    (printed,) = in_each("sum", nprocs, 1000)
    value, error = re.fullmatch(r"pi is about (\S+), (\S+) off\n", printed).groups()
    assert float(value) == pytest.approx(pi, abs=1e-6)
    assert float(error) == pytest.approx(float(value) - pi, rel=0.1)


def test_a_halo_makes_one_rod_of_many() -> None:
    printed = {text for nprocs in (1, 2, 3, 8) for text in in_each("halo", nprocs, 20)}
    (text,) = printed
    rod = np.zeros(4096)
    rod[2048] = 1.0
    for _ in range(20):
        rod += 0.25 * (np.roll(rod, 1) - 2 * rod + np.roll(rod, -1))
    assert text == f"the hottest cell has {float(rod.max())!r} after 20 steps\n"


@pytest.mark.parametrize("nprocs", SIZES)
def test_poissons_equation_has_the_same_solution_to_the_bit(nprocs: int) -> None:
    (printed,) = in_each("poisson", nprocs, 16)
    numbers = [float(each) for each in re.findall(r"\d\S*\d", printed)]
    iterations, residual, mean, _ = numbers
    assert 16 < iterations < 100
    assert 0 < residual < 1e-10
    assert mean == pytest.approx(solved_directly(16), rel=1e-9)


def test_the_same_bits_come_from_another_machine_and_other_choices() -> None:
    default = in_each("poisson", 4, 16)
    assert in_each("poisson", 4, 16, machine="paragon") == default
    assert in_each("poisson", 4, 16, machine="ncube2") == default
    # Others add in another order, the same in each library.
    assert len(in_each("poisson", 4, 16, coll={"allreduce": "ring"})) == 1
    assert len(in_each("poisson", 8, 16, coll={"allreduce": "reduce-bcast"})) == 1


def solved_directly(points: int) -> float:
    """Return the mean of the solution, by elimination on the whole system."""
    line = 2 * np.eye(points) - np.eye(points, k=1) - np.eye(points, k=-1)
    matrix = np.kron(line, np.eye(points)) + np.kron(np.eye(points), line)
    spacing = 1 / (points + 1)
    steps = np.arange(1, points + 1) * spacing
    load = spacing**2 * steps * (1 - steps[:, np.newaxis])
    return float(np.linalg.solve(matrix, load.ravel()).mean())


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_bad_number_is_one_line_said_once(library: str) -> None:
    result = vmpp.run(f"{library}-sum", ["-3"], nprocs=2)
    assert result.status != 0
    assert result.stderr.decode().splitlines()[-1].startswith(f"{library}-sum: error: ")
    result = vmpp.run(f"{library}-poisson", ["3"], nprocs=4)
    assert result.status != 0
    assert result.stderr == b"poisson: 3 rows are too few for 4 nodes\n"


@pytest.mark.parametrize("program", ["ring", "halo", "sum", "poisson"])
def test_vertex_takes_whole_subcubes_only(program: str) -> None:
    result = vmpp.run(f"vertex-{program}", nprocs=6)
    said = f"vertex-{program}: 6 nodes are no subcube; take a power of two\n"
    assert (result.status, result.stdout, result.stderr) == (1, b"", said.encode())


def test_a_gray_code_is_a_ring_of_neighbours() -> None:
    for dimension in range(1, 8):
        ring = [gray(place) for place in range(1 << dimension)]
        assert sorted(ring) == list(range(1 << dimension))
        assert all((ring[place - 1] ^ ring[place]).bit_count() == 1 for place in range(len(ring)))
        assert [place_of(node) for node in ring] == list(range(len(ring)))
