"""Virtual time as a program reads it: ``time``, ``datetime``, and sleeping.

``time.time()`` begins at the epoch of the program, so that runs repeat, and all clocks advance with
the process's own virtual time. Reading one takes `CLOCK_READ`, so a program that polls a clock gets
somewhere. A virtual machine keeps UTC: its local time does not depend on where the host stands.

Out of reach: ``numpy.datetime64("now")``, and C libraries that ask the host's kernel themselves.
"""

from __future__ import annotations

import calendar
import datetime
import time
from collections.abc import Callable, Mapping
from math import isnan
from operator import index
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from vmpp.engine import NANOSECOND, SECOND
from vmpp.process.locks import POLL, let_others_run
from vmpp.process.virtual import Functions, Virtual

if TYPE_CHECKING:
    from vmpp.kernel.process import Process

CLOCK_READ: Final = 100 * NANOSECOND
"""What it takes a program to read a clock, in picoseconds."""

_gmtime, _strftime, _asctime = time.gmtime, time.strftime, time.asctime


def _since_boot(process: Process) -> int:
    process.charge(CLOCK_READ)
    if process.fibers is not None:
        let_others_run(process)
    return process.clock


def _since_epoch(process: Process) -> int:
    program = process.space.program
    epoch: int = program.epoch
    return _since_boot(process) + epoch


def cpu_time(process: Process) -> int:
    """Return what *process* has run, in ps; waiting for messages is running, sleeping is not."""
    space = process.space
    running: int = _since_boot(process) - space.started - space.slept
    return max(running, 0)


def _in_seconds(clock: Callable[[Process], int]) -> Virtual:
    def read(process: Process) -> float:
        return clock(process) / SECOND

    return read


def _in_nanoseconds(clock: Callable[[Process], int]) -> Virtual:
    def read(process: Process) -> int:
        return clock(process) // NANOSECOND

    return read


def _sleep(process: Process, seconds: Any, /) -> None:
    duration = float(seconds if hasattr(seconds, "__float__") else index(seconds))
    if isnan(duration):
        raise ValueError("Invalid value NaN (not a number)")
    if duration < 0:
        raise ValueError("sleep length must be non-negative")
    ps = round(duration * SECOND)
    space = process.space
    end = process.clock + ps
    # Of threads that sleep at the same time, it counts once.
    space.slept += max(0, end - max(process.clock, space.sleeping_until))
    space.sleeping_until = max(end, space.sleeping_until)
    if process.fibers is not None:
        process.charge(POLL)
    process.sleep(ps)


def _clock_of(identifier: int) -> Callable[[Process], int]:
    if identifier == time.CLOCK_REALTIME:
        return _since_epoch
    if identifier in (time.CLOCK_PROCESS_CPUTIME_ID, time.CLOCK_THREAD_CPUTIME_ID):
        return cpu_time
    return _since_boot


def _clock_gettime(process: Process, clk_id: int, /) -> float:
    return _clock_of(clk_id)(process) / SECOND


def _clock_gettime_ns(process: Process, clk_id: int, /) -> int:
    return _clock_of(clk_id)(process) // NANOSECOND


def _clock_getres(process: Process, clk_id: int, /) -> float:
    del process, clk_id
    return 1e-9


def _refuse_to_set(process: Process, *_: Any) -> None:
    del process
    raise PermissionError(1, "Operation not permitted: a program cannot set virtual time")


def _get_clock_info(process: Process, name: str, /) -> SimpleNamespace:
    del process
    if name not in {"monotonic", "perf_counter", "process_time", "thread_time", "time"}:
        raise ValueError("unknown clock")
    return SimpleNamespace(
        implementation="virtual time",
        monotonic=name != "time",
        adjustable=False,
        resolution=1e-9,
    )


# -- calendars -------------------------------------------------------------------------------------


def _calendar_time(process: Process, seconds: float | None = None, /) -> time.struct_time:
    return _gmtime(_since_epoch(process) / SECOND if seconds is None else seconds)


def _localtime(process: Process, seconds: float | None = None, /) -> time.struct_time:
    fields: Any = tuple(_calendar_time(process, seconds))
    return time.struct_time(fields, {"tm_zone": "UTC", "tm_gmtoff": 0})


def _ctime(process: Process, seconds: float | None = None, /) -> str:
    return _asctime(_calendar_time(process, seconds))


def _virtual_asctime(process: Process, moment: Any = None, /) -> str:
    return _asctime(_calendar_time(process) if moment is None else moment)


def _virtual_strftime(process: Process, format: str, moment: Any = None, /) -> str:  # noqa: A002
    return _strftime(format, _localtime(process) if moment is None else moment)


def _mktime(process: Process, moment: Any, /) -> float:
    del process
    return float(calendar.timegm(moment))


TABLE: Final[Functions] = {
    "time": {
        "asctime": _virtual_asctime,
        "clock_getres": _clock_getres,
        "clock_gettime": _clock_gettime,
        "clock_gettime_ns": _clock_gettime_ns,
        "clock_settime": _refuse_to_set,
        "clock_settime_ns": _refuse_to_set,
        "ctime": _ctime,
        "get_clock_info": _get_clock_info,
        "gmtime": _calendar_time,
        "localtime": _localtime,
        "mktime": _mktime,
        "monotonic": _in_seconds(_since_boot),
        "monotonic_ns": _in_nanoseconds(_since_boot),
        "perf_counter": _in_seconds(_since_boot),
        "perf_counter_ns": _in_nanoseconds(_since_boot),
        "process_time": _in_seconds(cpu_time),
        "process_time_ns": _in_nanoseconds(cpu_time),
        "sleep": _sleep,
        "strftime": _virtual_strftime,
        "thread_time": _in_seconds(cpu_time),
        "thread_time_ns": _in_nanoseconds(cpu_time),
        "time": _in_seconds(_since_epoch),
        "time_ns": _in_nanoseconds(_since_epoch),
    },
    "timeit": {"default_timer": _in_seconds(_since_boot)},
    "threading": {"_time": _in_seconds(_since_boot)},
    "queue": {"time": _in_seconds(_since_boot)},
}
"""Virtual functions by module and name."""


# -- datetime: the methods of a C type -------------------------------------------------------------

_real_fromtimestamp = vars(datetime.datetime)["fromtimestamp"]
_real_timestamp = datetime.datetime.timestamp
_real_astimezone = datetime.datetime.astimezone


def _moment(cls: Any, seconds: float, tz: datetime.tzinfo | None) -> Any:
    convert = _real_fromtimestamp.__get__(None, cls)
    if tz is not None:
        return convert(seconds, tz)
    return convert(seconds, datetime.UTC).replace(tzinfo=None)


def _now(process: Process, cls: Any, tz: datetime.tzinfo | None = None) -> Any:
    return _moment(cls, _since_epoch(process) / SECOND, tz)


def _utcnow(process: Process, cls: Any) -> Any:
    return _moment(cls, _since_epoch(process) / SECOND, None)


def _fromtimestamp(
    process: Process, cls: Any, timestamp: float, tz: datetime.tzinfo | None = None
) -> Any:
    del process
    return _moment(cls, timestamp, tz)


def _date_fromtimestamp(process: Process, cls: Any, timestamp: float, /) -> Any:
    del process
    day = _gmtime(timestamp)
    return cls(day.tm_year, day.tm_mon, day.tm_mday)


def _timestamp(process: Process, self: datetime.datetime) -> float:
    del process
    return _real_timestamp(self if self.tzinfo else self.replace(tzinfo=datetime.UTC))


def _astimezone(
    process: Process, self: datetime.datetime, tz: datetime.tzinfo | None = None
) -> datetime.datetime:
    del process
    aware = self if self.tzinfo else self.replace(tzinfo=datetime.UTC)
    return _real_astimezone(aware, datetime.UTC if tz is None else tz)


METHODS: Final[tuple[tuple[type, Mapping[str, Virtual]], ...]] = (
    (
        datetime.datetime,
        {
            "astimezone": _astimezone,
            "fromtimestamp": _fromtimestamp,
            "now": _now,
            "timestamp": _timestamp,
            "utcnow": _utcnow,
        },
    ),
    (datetime.date, {"fromtimestamp": _date_fromtimestamp}),
)
"""Virtual methods of C types; a class method's take the class after the process."""
