"""What pictures tell of links, whatever the topology."""

from __future__ import annotations

from pathlib import Path

import pytest

import vmpp
from vmpp_shell.watch import LinkWatch

PROGRAM = """
from mpi4py import MPI
comm = MPI.COMM_WORLD
for _ in range(3):
    if comm.rank == 0:
        comm.Send(bytearray(100_000), dest=comm.size - 1)
    elif comm.rank == comm.size - 1:
        comm.Recv(bytearray(100_000), source=0)
"""


@pytest.mark.parametrize(
    ("kind", "dims", "where"),
    [
        ("bus", [8], "on the medium"),
        ("ring", [16], "between 0 and 1"),
        ("torus", [4, 2, 2], "between 0 and 1"),
        ("hypercube", [4, 4], "between 0 and 1"),
        ("fat-tree", [4, 4], "between 0 and s0"),
        ("dragonfly", [2, 2, 3], "between 0 and s0"),
        ("fully-connected", [8], "between 0 and 5"),
    ],
)
async def test_what_links_carry_is_told_with_their_ends(
    kind: str, dims: list[int], where: str, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "m.toml").write_text(f'[topology]\nkind = "{kind}"\ndims = {dims}\n')
    async with vmpp.boot(tmp_path / "m.toml") as machine:
        with LinkWatch(machine) as links:
            job = await machine.launch(tmp_path / "program.py", 6)
            await job.wait()
            use = links.take(machine.nodes())
            carried = {use.where(*ends): count for ends, count in use.bytes.items()}
            assert carried[where] >= 300_000
            assert links.take(machine.nodes()).bytes == {}
