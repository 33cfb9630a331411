"""What a process has of a library that its program does not use: nothing, until it is sent some."""

from __future__ import annotations

from pathlib import Path

import pytest

import vmpp

PROGRAM = """
from mpi4py import MPI
from vmpp.engine import current_process

process = current_process()

got = []

def own(name):
    return [key for key in process.libraries if key.split(".")[0] == name]

MPI.COMM_WORLD.Barrier()
assert own("nx") == own("vertex") == own("am") == []
if process.rank == 0:
    {send}
MPI.COMM_WORLD.Barrier()
if process.rank == 1:
    assert [name for name in ("nx", "vertex", "am") if own(name)] == ["{name}"]
    {receive}
    print("received")
"""


@pytest.mark.parametrize(
    ("name", "send", "receive"),
    [
        (
            "nx",
            "import nx; nx.csend(1, b'early', 5, 1, 0)",
            "import nx; text = bytearray(5); nx.crecv(1, text, 5); assert text == b'early'",
        ),
        (
            "vertex",
            "import vertex; vertex.nwrite(b'early', 5, 1, 1)",
            "import vertex; assert vertex.nread(bytearray(5), 5) == (5, 0, 1)",
        ),
        (
            "am",
            "import am; am.request(1, 0, 7)",
            "import am; am.register(lambda token, *found: got.append(found)); am.poll(); "
            "assert got == [(7,)]",
        ),
    ],
)
def test_messages_that_are_early_find_the_library(
    name: str, send: str, receive: str, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(name=name, send=send, receive=receive))
    result = vmpp.run(program, nprocs=2)
    assert (result.status, result.failure, result.stderr) == (0, None, b"")
    assert result.stdout.endswith(b"received\n")


def test_one_object_stands_for_the_portals_of_all_processes(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from vmpp.engine import current_process\n"
        "entries = current_process().table.entries\n"
        "print(*(id(entries[portal]) for portal in (15, 25, 16, 26, 17, 27, 37)))\n"
    )
    result = vmpp.run(program, nprocs=3)
    assert len(set(result.stdout.splitlines())) == 1
    assert len(set(result.stdout.split())) == 3
