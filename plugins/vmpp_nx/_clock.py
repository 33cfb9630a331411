"""Time, as the node's clock counts it."""

from __future__ import annotations

from typing import Any, Final

from vmpp.engine import MILLISECOND, NANOSECOND
from vmpp_nx._calls import IPSC, call
from vmpp_nx._out import fill
from vmpp_nx._state import State

HWHZ: Final = 10_000_000
"""Ticks of the node's clock in a second."""
_TICK: Final = 100 * NANOSECOND
_LONG: Final = 1 << 32


@call()
def dclock(state: State) -> float:
    """Return the time since the machine was booted, in seconds, in steps of 100 ns.

    Reading the clock takes a tick.
    """
    return _ticks(state) / HWHZ


@call(dialect=IPSC)
def mclock(state: State) -> int:
    """Return the time since the machine was booted, in milliseconds."""
    return _ticks(state) * _TICK // MILLISECOND


@call(dialect=IPSC)
def hwclock(state: State, ticks: Any) -> None:
    """Read the node's clock, 100 ns a tick: the low 32 bits to ``ticks[0]``, the high to [1]."""
    high, low = divmod(_ticks(state), _LONG)
    fill(ticks, 0, low)
    fill(ticks, 1, high)


def _ticks(state: State) -> int:
    state.pause(_TICK)
    return state.process.clock // _TICK
