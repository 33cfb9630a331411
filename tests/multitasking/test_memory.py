"""Memory of a node: what programs ask for, and what becomes of those who want too much."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vmpp

SMALL = """
[node]
memory = "16 MiB"
[mpi]
heap = "1 MiB"
"""
TAKERS = {
    "vmpp.allocate": ("kept.append(vmpp.allocate({n}))", "MemoryError: "),
    "MPI.Alloc_mem": ("kept.append(MPI.Alloc_mem({n}))", "MPI_ERR_NO_MEM: out of memory ("),
    "MPI.memory.allocate": ("kept.append(MPI.memory.allocate({n}))", "MemoryError: "),
    "MPI.Win.Allocate": ("kept.append(MPI.Win.Allocate({n}))", "MPI_ERR_NO_MEM: out of memory ("),
    "MPI.Win.Allocate_shared": (
        "kept.append(MPI.Win.Allocate_shared({n}))", "MPI_ERR_NO_MEM: out of memory (",
    ),
}  # fmt: skip
NEIGHBOUR = """
kept = [vmpp.allocate(1 << 20)]
for _ in range(5):
    vmpp.compute(1e-3)
print(rank, "is done")
"""
Shared = Callable[..., list[vmpp.Result]]


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A machine whose nodes have little memory."""
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return str(path)


@pytest.mark.parametrize("taker", TAKERS)
def test_one_that_wants_too_much_ends_with_the_sizes_and_its_neighbour_goes_on(
    shared: Shared, small: str, taker: str
) -> None:
    text, error = TAKERS[taker]
    greedy = f"""
kept = []
vmpp.compute(1e-3)
if rank == 1:
    for _ in range(100):
        {text.format(n="1 << 20")}
        vmpp.compute(1e-5)
"""
    first, second = shared(greedy, NEIGHBOUR, policy="rr:100us", machine=small)
    assert first.status == 1
    assert f"{error}job 1 rank 1 needs 1048576 bytes, and " in str(first.failure)
    assert " of 16777216 are free" in str(first.failure)
    assert (second.status, second.stdout) == (0, b"0 is done\n1 is done\n")
    assert second.virtual_time > 5e-3


def run(text: str, tmp_path: Path, machine: str, **options: Any) -> vmpp.Result:
    path = tmp_path / "program.py"
    path.write_text("import sys, vmpp\nfrom mpi4py import MPI\ncomm = MPI.COMM_WORLD\n" + text)
    return vmpp.run(path, nprocs=options.pop("nprocs", 1), machine=machine, **options)


@pytest.mark.parametrize(
    "turn",
    [
        "vmpp.allocate(8 << 20)",
        "MPI.Free_mem(MPI.Alloc_mem(8 << 20))",
        "held = MPI.Alloc_mem(8 << 20); view = memoryview(held); MPI.Free_mem(held)",
        "MPI.memory.allocate(8 << 20).release()",
        "MPI.Win.Allocate(8 << 20).Free()",
        "MPI.Win.Allocate_shared(8 << 20).Free()",
        "window = MPI.Win.Allocate(8 << 20); view = window.tomemory(); window.Free()",
    ],
)
def test_what_is_given_back_is_there_again(tmp_path: Path, small: str, turn: str) -> None:
    result = run(f"for _ in range(20):\n    {turn}\n", tmp_path, small)
    assert (result.status, result.stderr) == (0, b"")


def test_a_program_may_deal_with_it(tmp_path: Path, small: str) -> None:
    text = """
try:
    vmpp.allocate(1 << 30)
except MemoryError as error:
    print(error)
try:
    MPI.Alloc_mem(1 << 30)
except MPI.Exception as error:
    print(error.Get_error_class() == MPI.ERR_NO_MEM)
memory = vmpp.allocate(10)
memory[:3] = b"abc"
print(bytes(memory), len(memory))
try:
    vmpp.allocate(-1)
except ValueError as error:
    print(error)
"""
    result = run(text, tmp_path, small)
    first, *rest = result.stdout.decode().splitlines()
    assert first.startswith("job 1 rank 0 needs 1073741824 bytes, and ")
    assert rest == ["True", r"b'abc\x00\x00\x00\x00\x00\x00\x00' 10", "cannot allocate -1 bytes"]


def test_a_rank_in_virtual_node_mode_has_half(tmp_path: Path, small: str) -> None:
    text = "kept = vmpp.allocate((8 << 20) - int(sys.argv[1]))\n"
    for left, status in ((4 << 20, 0), (1 << 20, 1)):
        path = tmp_path / "program.py"
        path.write_text("import sys, vmpp\nfrom mpi4py import MPI\n" + text)
        result = vmpp.run(
            path, [str(left)], nprocs=2, machine=small, policies={"mode": "virtual-node"}
        )
        assert result.status == status
    assert "of 16777216 as one of 2 ranks on a node" in f"{result.failure}{result.stderr!r}"
