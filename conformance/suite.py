"""mpi4py's source distribution, and what real MPIs make of the tests in it."""

from __future__ import annotations

import csv
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VERSION = "4.1.2"
EXPECTED = Path(__file__).with_name("expected.csv")


class FetchError(Exception):
    """The source distribution could not be had."""


@dataclass(frozen=True)
class SuiteTest:
    """A test of the suite.

    Attributes:
        name: module, class and method.
        area: the part of MPI that it is about.
        passes_at: the numbers of ranks at which MPICH or Open MPI passes it.
        exempt: whether it looks at a C library's objects in memory.
    """

    name: str
    area: str
    passes_at: frozenset[int]
    exempt: bool

    @property
    def module(self) -> str:
        """The module that it is in."""
        return self.name.partition(".")[0]

    def to_reach(self, ranks: int) -> bool:
        """Return whether it has to pass with so many *ranks*.

        Beyond the largest number at which real MPIs were run, what they pass there counts.
        """
        return not self.exempt and min(ranks, LARGEST) in self.passes_at


LARGEST = 5
"""The most ranks with which real MPIs were run."""


def expected() -> Mapping[str, SuiteTest]:
    """Return the tests of the suite by name, in the order in which they run."""
    with EXPECTED.open(encoding="utf-8", newline="") as file:
        return {
            row["test"]: SuiteTest(
                name=row["test"],
                area=row["area"],
                passes_at=frozenset(map(int, row["passes_at"].split())),
                exempt=bool(row["exempt"]),
            )
            for row in csv.DictReader(file)
        }


def fetch(folder: Path) -> Path:
    """Have the source distribution unpacked in *folder*; return where its tests are.

    Raises:
        FetchError: the package index does not give it.
    """
    tests = folder / f"mpi4py-{VERSION}" / "test"
    if not tests.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(_download(folder)) as archive:
            archive.extractall(folder, filter="data")
    return tests


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--no-binary", ":all:", "--dest", str(folder), f"mpi4py=={VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    archives = sorted(folder.glob(f"mpi4py-{VERSION}.tar.*"))
    if done.returncode or not archives:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise FetchError(f"pip could not download mpi4py {VERSION}: {last}")
    return archives[0]
