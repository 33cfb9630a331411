"""The profiler: which calls took how long, by the line of the program."""

from __future__ import annotations

import re
from pathlib import Path

import vmpp

PROGRAM = """\
import numpy as np
from mpi4py import MPI
import vmpp
comm = MPI.COMM_WORLD
for turn in range(5):
    comm.Barrier()
    if comm.rank == 0:
        vmpp.compute(seconds=1.0)
    comm.Bcast(np.zeros(1000))
"""


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells of each row of the table by the call."""
    table = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    return {cells[0]: cells[1:] for cells in table if cells}


def test_calls_are_counted_and_timed_in_virtual_time_by_line(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    result = vmpp.run(path, nprocs=4, tools=["profile"])
    (report,) = result.reports
    assert report.findings == 0
    found = rows(report.text)
    line, ranks, calls, total, _, longest, _, nbytes = found["Comm.Bcast"]
    assert line == "program.py:9"
    assert (ranks, calls) == ("4", "20")
    # Three ranks wait a second for the root, five times.
    assert 15 <= float(total) < 15.01
    assert 1e6 <= float(longest) < 1.001e6
    assert int(nbytes.replace(",", "")) >= 5 * 3 * 8000
    assert found["Comm.Barrier"][0] == "program.py:6"
    share = re.search(r"MPI takes ([\d.]+) % of 4 ranks", report.text)
    assert share is not None
    assert 74 < float(share[1]) < 76
