"""Who and where a process is."""

from __future__ import annotations

from typing import Any

from vmpp_nx._calls import IPSC, call
from vmpp_nx._errors import Refused
from vmpp_nx._out import fill
from vmpp_nx._rectangle import rectangle
from vmpp_nx._state import State


@call()
def mynode(state: State) -> int:
    """Return the number of the own node in the application, from 0 on."""
    return state.node


@call()
def numnodes(state: State) -> int:
    """Return the number of nodes of the application."""
    return state.size


@call("mypid")
def myptype(state: State) -> int:
    """Return the own process type; `INVALID_PTYPE`, which is -1, if there is none yet."""
    return state.messages.ptype


@call("setpid")
def setptype(state: State, ptype: int) -> None:
    """Set the own process type, which a process does once; the same once more does no harm."""
    state.messages.set_ptype(ptype)


@call()
def myhost(state: State) -> int:
    """Return the node number of the host, which is the first that no node of the application has.

    No process is there that would take messages.
    """
    return state.size


@call(dialect=IPSC)
def nodedim(state: State) -> int:
    """Return the dimension of the cube, or of the largest that the application has room for."""
    return state.size.bit_length() - 1


@call(dialect=IPSC)
def gray(state: State, number: int) -> int:
    """Return the binary-reflected Gray code of *number*."""
    number = _natural(number)
    return number ^ number >> 1


@call(dialect=IPSC)
def ginv(state: State, code: int) -> int:
    """Return the number whose Gray code is *code*."""
    number = code = _natural(code)
    while code := code >> 1:
        number ^= code
    return number


@call(dialect=IPSC)
def mypart(state: State, rows: Any, cols: Any) -> int:
    """Tell the height and the width of the rectangle that the application's nodes form.

    Nodes that form none, in the order of their numbers, count as one row.

    Returns:
        0, as for all calls that tell by what they fill.
    """
    height, width = rectangle(state)
    fill(rows, 0, height)
    fill(cols, 0, width)
    return 0


@call(dialect=IPSC)
def led(state: State, lit: int) -> None:
    """Turn the lamp of the own node on (1) or off (0)."""
    if lit not in {0, 1}:
        raise Refused("EQPARAM", f"{lit!r} is neither 0 nor 1")
    state.led = int(lit)


def _natural(number: int) -> int:
    if not hasattr(number, "__index__") or number < 0:
        raise Refused("EQPARAM", f"{number!r} is no whole number from 0 on")
    return int(number)
