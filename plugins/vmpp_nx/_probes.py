"""Probes: whether a message has arrived that a receive would take."""

from __future__ import annotations

from typing import Any

from vmpp_nx._bits import ANY
from vmpp_nx._calls import call
from vmpp_nx._information import msginfo, report
from vmpp_nx._state import State


def _probe(state: State, selectors: tuple[int, int, int], info: Any, blocking: bool) -> int:
    if not blocking:
        state.poll()
    header = state.messages.receives.probe(state.messages.wanted(*selectors), blocking=blocking)
    if header is None:
        return 0
    report(state, header, info)
    return 1


@call()
def cprobe(state: State, typesel: int) -> None:
    """Wait until a message has arrived of a type that *typesel* selects, as for `crecv`.

    The calls that tell of the last message tell of it.
    """
    _probe(state, (typesel, ANY, ANY), msginfo, True)


@call()
def cprobex(state: State, typesel: int, nodesel: int, ptypesel: int, info: Any) -> None:
    """Wait until a message has arrived that the selectors select, and tell of it as `crecvx`."""
    _probe(state, (typesel, nodesel, ptypesel), info, True)


@call()
def iprobe(state: State, typesel: int) -> int:
    """Return 1 if a message has arrived of a type that *typesel* selects, else 0; never waits."""
    return _probe(state, (typesel, ANY, ANY), msginfo, False)


@call()
def iprobex(state: State, typesel: int, nodesel: int, ptypesel: int, info: Any) -> int:
    """Return 1 if a message has arrived that the selectors select, and tell of it; else 0."""
    return _probe(state, (typesel, nodesel, ptypesel), info, False)
