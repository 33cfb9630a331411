"""The command line of programs with many ranks: read by all of them, spoken of by one."""

from __future__ import annotations

import argparse
from math import inf
from typing import Any


class Options(argparse.ArgumentParser):
    """A parser of which rank 0 alone prints help, and what is wrong.

    Args:
        rank: of the process; by default that in MPI's world.
    """

    def __init__(self, *args: Any, rank: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rank = rank

    def _print_message(self, message: str, file: Any = None) -> None:
        if self._rank is None:
            from mpi4py import MPI  # noqa: PLC0415 - programs of other libraries do without

            self._rank = MPI.COMM_WORLD.rank
        if self._rank == 0:
            super()._print_message(message, file)


def one_count(program: str, rank: int, **default: int) -> int:
    """Return the only argument of a *program*, a whole number above 0, or exit.

    Args:
        program: its name, for messages.
        rank: of the process that asks.
        default: what the number is if there is no argument, by what it is called.
    """
    ((name, number),) = default.items()
    parser = Options(prog=program, rank=rank)
    parser.add_argument(name, nargs="?", type=count, default=number, help=f"default: {number}")
    found: int = getattr(parser.parse_args(), name)
    return found


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
