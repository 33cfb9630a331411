"""The page on active messages has every call, and what it says of machines is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import vmpp
from vmpp.portals.instructions import FIELDS, MOST_HANDLERS, MOST_WORDS
from vmpp.portals.language import VERDICTS
from vmpp_am import am
from vmpp_am._messages import OWN_HANDLERS
from vmpp_am._parameters import MOST_ARGUMENTS, MOST_PAYLOAD
from vmpp_am._portals import KERNEL_PORTALS

PAGE = (Path(__file__).parents[2] / "docs" / "active-messages.md").read_text()
TYPES = {"AmError", "Handle", "KernelHandler", "Segment", "Token"}


def test_every_call_is_there() -> None:
    for name in am.__all__:
        assert (f"`{name}`" if name in TYPES else f"am.{name}(") in PAGE


def test_the_language_is_there() -> None:
    for word in (*FIELDS, *VERDICTS, "load8", "store32", "body16", "copy(", "forward(", "wake()"):
        assert word in PAGE


def test_numbers_are_those_of_the_library() -> None:
    assert f"up to {OWN_HANDLERS - 1:,}" in PAGE
    assert f"up to {MOST_ARGUMENTS} integers of 64 bits or floats" in PAGE
    assert f"up to {MOST_PAYLOAD:,} bytes" in PAGE
    assert f"up to {MOST_WORDS} words" in PAGE
    assert f"up to {MOST_HANDLERS} handlers" in PAGE
    assert f"a number from 0 to {len(KERNEL_PORTALS) - 1}" in PAGE


@pytest.mark.parametrize("machine", ["default", "crescendo", "asci-red", "paragon", "ncube2"])
def test_what_machines_save_is_so(machine: str) -> None:
    printed = vmpp.run("handlers", nprocs=2, machine=machine).stdout.decode()
    interrupting, polling, kernel = (
        [float(number) for number in re.findall(r"([\d.]+) us", row)]
        for row in printed.splitlines()[1:]
    )
    (row,) = re.findall(rf"^\| `{machine}` (.*)$", PAGE, re.MULTILINE)
    told = [float(number) for number in re.findall(r"([\d.]+) us", row)]
    expected = [interrupting[0], polling[0], kernel[0], interrupting[2], kernel[2]]
    assert told == pytest.approx(expected, abs=0.0051)
