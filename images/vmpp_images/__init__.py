"""The programs and the machines that ship with vmpp, found by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from vmpp.hooks import hookimpl

_HERE = Path(__file__).parent


@hookimpl
def vmpp_images() -> Mapping[str, Path]:
    """Offer the programs of this folder."""
    return {name: _HERE / f"{name}.py" for name in ("gang", "heat", "quantum")}


@hookimpl
def vmpp_machine_files() -> Iterable[Path]:
    """Offer the machine files of this distribution."""
    return [_HERE / "machines"]
