"""How a program learns what was wrong in a call that has returned -1."""

from __future__ import annotations

import sys
from functools import total_ordering
from typing import Final

from vmpp_nx._calls import call
from vmpp_nx._errors import text_of
from vmpp_nx._state import State, find


@total_ordering
class ErrorNumber:
    """The variable `errno` of the running process: acts as the number that it has at the moment.

    An `int` would keep the value that it had when the program imported it.
    """

    __slots__ = ()

    def __index__(self) -> int:
        return find().errno

    __int__ = __index__

    def __bool__(self) -> bool:
        return bool(find().errno)

    def __eq__(self, other: object) -> bool:
        return find().errno == (int(other) if isinstance(other, ErrorNumber) else other)

    def __lt__(self, other: int) -> bool:
        return find().errno < other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return str(find().errno)

    def __format__(self, spec: str) -> str:
        return format(find().errno, spec)


errno: Final = ErrorNumber()


@call(name="nx_errno")
def _number(state: State) -> int:
    """Return the number of the last error that an underscore call has told of, 0 for none."""
    return state.errno


@call()
def nx_perror(state: State, text: str) -> None:
    """Print *text*, which node complains, and what the number in `errno` means."""
    where = f"(node {state.node}, ptype {state.ptype})"
    print(f"{text}: {where} {text_of(state.errno)}", file=sys.stderr)
