"""Virtual time: the event queue, fibers, signals and named random streams.

The ground floor. Time is an integer number of picoseconds; everything that happens in a machine is
a callback in one queue, ordered by ``(time, sequence)``. Nothing here knows of nodes or messages.
"""

from vmpp.engine.fiber import Fiber, as_host, current_fiber, current_process
from vmpp.engine.occasion import Occasion
from vmpp.engine.queue import Engine
from vmpp.engine.random import Streams
from vmpp.engine.signal import Signal
from vmpp.engine.units import (
    MICROSECOND,
    MILLISECOND,
    NANOSECOND,
    PICOSECOND,
    SECOND,
    to_ps,
    to_seconds,
)

__all__ = [
    "MICROSECOND",
    "MILLISECOND",
    "NANOSECOND",
    "PICOSECOND",
    "SECOND",
    "Engine",
    "Fiber",
    "Occasion",
    "Signal",
    "Streams",
    "as_host",
    "current_fiber",
    "current_process",
    "to_ps",
    "to_seconds",
]
