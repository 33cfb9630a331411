"""The command line of programs with many ranks: read by all of them, spoken of by one."""

from __future__ import annotations

import argparse
from math import inf
from typing import Any

from mpi4py import MPI


class Options(argparse.ArgumentParser):
    """A parser of which rank 0 alone prints help, and what is wrong."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if MPI.COMM_WORLD.rank == 0:
            super()._print_message(message, file)


def count(text: str) -> int:
    """Read a whole number above 0. Raises ArgumentTypeError."""
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def above_zero(text: str) -> float:
    """Read a number above 0. Raises ArgumentTypeError."""
    if not 0 < _number(text) < inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return float(text)


def from_zero(text: str) -> float:
    """Read a number from 0 up. Raises ArgumentTypeError."""
    if not 0 <= _number(text) < inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 up")
    return float(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0
