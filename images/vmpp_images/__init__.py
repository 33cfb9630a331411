"""The programs and the machines that ship with vmpp, found by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from vmpp.hooks import hookimpl

_HERE = Path(__file__).parent
_LIBRARIES = ("mpi", "nx", "vertex")
_IN_EACH = ("halo", "poisson", "ring", "sum")
"""Programs that there are in each of the libraries."""


@hookimpl
def vmpp_images() -> Mapping[str, Path]:
    """Offer the programs of this folder."""
    names = ["barrier-noise", "ftq", "fwq", "gang", "handlers", "heat", "neighbours"]
    names += ["checkpoint", "quantum", "am-halo", "am-ring", "am-sum"]
    names += [f"{library}-{each}" for library in _LIBRARIES for each in _IN_EACH]
    named = {name: _HERE / f"{name.replace('-', '_')}.py" for name in names}
    # A file called bisect.py would be in the way of the standard library's in the folder here.
    return {**named, "bisect": _HERE / "bisection.py"}


@hookimpl
def vmpp_machine_files() -> Iterable[Path]:
    """Offer the machine files of this distribution."""
    return [_HERE / "machines"]
