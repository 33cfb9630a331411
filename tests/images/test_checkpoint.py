"""The image checkpoint: what is written in each way is read again, and faster together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import vmpp

MACHINE = """
[topology]
kind = "mesh2d"
dims = [4, 4]
[service]
nodes = 1
io_nodes = 4
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return the file of a machine with four I/O nodes."""
    path = tmp_path / "machine.toml"
    path.write_text(MACHINE)
    return path


def rates(printed: str) -> dict[str, list[float]]:
    """Return the numbers of a table by the names of its lines."""
    found = re.findall(r"^(\S[a-z ]+?) +([\d.]+) MB/s +([\d.]+) MB/s$", printed, re.MULTILINE)
    return {name: [float(written), float(read)] for name, written, read in found}


def test_rows_of_blocks_are_written_faster_together(machine: Path) -> None:
    result = vmpp.run("checkpoint", ["--side", "256", "--unit", "4096"], nprocs=4, machine=machine)
    assert result.status == 0, result.failure
    printed = result.stdout.decode()
    assert printed.startswith("4 blocks of 128 x 128 numbers; 4096 bytes on each of 4\n")
    found = rates(printed)
    assert list(found) == ["row by row", "all rows at once", "together"]
    written, read = zip(*found.values(), strict=True)
    # The disks have the last word on what is written, and nothing to say on what they still have.
    assert written[0] < min(written[1:])
    assert read[0] < read[1] < read[2]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--side", "5"], b"--side: 5 rows do not divide into equal blocks"),
        (["--folder", "/missing"], b"there is no folder /missing"),
    ],
)
def test_what_cannot_be_is_said_once(machine: Path, arguments: list[str], complaint: bytes) -> None:
    result = vmpp.run("checkpoint", arguments, nprocs=2, machine=machine)
    assert result.status == 2
    assert result.stderr.count(complaint) == 1
