"""``import vmpp`` is cheap, and its names are there when they are asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import vmpp


def test_importing_vmpp_imports_none_of_its_floors() -> None:
    program = "import sys, vmpp; print(sorted(n for n in sys.modules if n.startswith('vmpp')))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['vmpp', 'vmpp.errors']"


def test_names_are_listed_before_they_are_used() -> None:
    assert {"run", "boot", "Result", "VmppError", "compute"} <= set(dir(vmpp))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'vmpp' has no attribute 'ron'"):
        getattr(vmpp, "ron")  # noqa: B009 - the point is a name that checkers refuse


def test_version_is_the_distributions() -> None:
    assert vmpp.__version__.count(".") == 2


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_compute_refuses_what_is_no_time(seconds: float) -> None:
    with pytest.raises(ValueError, match="cannot compute"):
        vmpp.compute(seconds)


def test_compute_outside_a_machine_says_so() -> None:
    with pytest.raises(RuntimeError, match="vmpp run"):
        vmpp.compute(1)
