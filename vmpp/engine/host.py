"""Virtual time's place among Trio's tasks: the engine runs in slices."""

from __future__ import annotations

import time
from collections.abc import Callable

import trio

from vmpp.engine.bridge import Bridge
from vmpp.engine.queue import Engine
from vmpp.engine.watchdog import Watchdog

SLICE_SECONDS = 0.005
"""Host time after which the engine lets other tasks run."""
QUIET_TURNS = 2
"""Turns of Trio's loop in which no other task was ready, after which none is waited for: within a
turn the order of tasks is random, so one such turn says little."""
EVENTS_PER_LOOK = 128
"""Events between two looks at the host's clock, at the most."""


async def advance(
    engine: Engine,
    bridge: Bridge,
    watchdog: Watchdog,
    *,
    before: Callable[[], None] = lambda: None,
    between: Callable[[], None],
    idle: Callable[[], bool],
) -> None:
    """Advance virtual time for ever, as far as the bridge allows; cancel to stop.

    Args:
        before: called before each slice: what has come from outside has run nothing yet.
        between: called after each slice, before other tasks run.
        idle: called when no event is left and no request open; returns whether it made any.
    """
    watchdog.place = engine.place
    events = EVENTS_PER_LOOK
    while True:
        before()
        begin = time.monotonic()
        more = _run_slice(engine, watchdog, events)
        # Where programs compute for long between two calls, a few events take a whole slice.
        overran = time.monotonic() - begin > 2 * SLICE_SECONDS
        events = max(1, events // 2) if overran else min(EVENTS_PER_LOOK, events * 2)
        between()
        if more:
            await _let_others_run()
        elif bridge.open_requests or not idle():
            await bridge.settled()


async def _let_others_run() -> None:
    """Let the host's other tasks do what they can do now, for no longer than a slice takes.

    A key that is pressed passes through a hundred turns of Trio's loop until it is seen.
    """
    end = time.monotonic() + SLICE_SECONDS
    await trio.lowlevel.checkpoint()
    quiet = 0
    while quiet < QUIET_TURNS and time.monotonic() < end:
        await trio.lowlevel.checkpoint()
        runnable = trio.lowlevel.current_statistics().tasks_runnable
        quiet = 0 if runnable else quiet + 1


def _run_slice(engine: Engine, watchdog: Watchdog, events: int) -> bool:
    """Run events, so many at a time, for `SLICE_SECONDS`; return whether more could run now."""
    end = time.monotonic() + SLICE_SECONDS
    watchdog.fiber_runs = True
    try:
        while engine.step(events):
            watchdog.feed()
            if time.monotonic() >= end:
                return True
        return False
    finally:
        watchdog.fiber_runs = False
        watchdog.feed()
