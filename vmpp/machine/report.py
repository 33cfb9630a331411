"""Reports to the user on what the processes of a job wait for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from types import FrameType
from typing import Any, Final, NamedTuple

from msgspec import Struct

from vmpp.engine import Fiber
from vmpp.kernel import Process
from vmpp.process.interpose import replaced
from vmpp.quantities import DURATION
from vmpp.ranges import write_ranges

MOST_APART: Final = 8
"""Groups of alike ranks that a report lists before it takes those together whose arguments differ.
More do not fit on a screen."""
MOST_GROUPS: Final = 20
"""Groups that it lists before it counts what is left."""


class _Wait(NamedTuple):
    """What a thread waits in: a call with its arguments, by name, and a line of the program."""

    call: str
    arguments: tuple[tuple[str, str], ...]
    file: str = ""
    line: int = 0
    source: str = ""
    thread: str = ""

    @property
    def written(self) -> str:
        """The call as it would be written."""
        if not self.file:
            return self.call
        arguments = ", ".join(f"{name}={value}" for name, value in self.arguments)
        return f"{self.call}({arguments})"

    def __str__(self) -> str:
        if not self.file:
            return self.call
        return f'{self.written}\n      File "{self.file}", line {self.line}\n        {self.source}'


_Waits = tuple[_Wait, ...]
"""What all threads of a process wait in: the main one, then the others by name."""


class Place(Struct, frozen=True):
    """Where one thread stands.

    Attributes:
        call: the call of a library that it is in, with its arguments.
        file: of the program's own line; empty if it has not come to any.
        line: number of that line.
        source: the line itself.
        thread: name of the thread; empty for the main one.
    """

    call: str
    file: str = ""
    line: int = 0
    source: str = ""
    thread: str = ""


class Standing(Struct, frozen=True):
    """Ranks that stand alike.

    Attributes:
        ranks: their numbers, sorted.
        places: where their threads stand, the main one first.
    """

    ranks: tuple[int, ...]
    places: tuple[Place, ...]

    def __str__(self) -> str:
        lines = []
        for place in self.places:
            who = f"  thread {place.thread!r}" if place.thread else ranges(self.ranks)
            lines.append(f"{who} in {place.call}")
            if place.file:
                lines.append(f'    File "{place.file}", line {place.line}')
                lines.append(f"      {place.source}")
        return "\n".join(lines)


def standings(processes: Sequence[Process]) -> list[Standing]:
    """Return where the processes of one job stand, those that stand alike together.

    A process that computes stands in the call that says so.
    """
    return [
        Standing(
            tuple(ranks),
            tuple(Place(w.written, w.file, w.line, w.source, w.thread) for w in waits),
        )
        for waits, ranks in _groups(processes).items()
    ]


def deadlock(
    processes: Sequence[Process], elapsed: int, lost: int = 0, remarks: Sequence[str] = ()
) -> str:
    """Return the report of a deadlock: for every waiting rank its call, arguments and line.

    Of a rank with several threads, those of all. Ranks that wait alike stand together, if they are
    of one job.

    Args:
        processes: those that wait.
        elapsed: how long the program had run, in picoseconds.
        lost: how many messages the network has lost, of whatever job.
        remarks: what libraries have to say of the processes; empty texts for nothing.
    """
    jobs: dict[int, list[Process]] = {}
    for process in processes:
        jobs.setdefault(process.job.id, []).append(process)
    size = sum(waiting[0].job.size for waiting in jobs.values())
    lines = [
        f"deadlock after {DURATION.write(elapsed)}: nothing can move any more, and "
        f"{len(processes)} of {size} {'rank' if size == 1 else 'ranks'} still "
        f"{'waits' if len(processes) == 1 else 'wait'}:"
    ]
    for number, waiting in jobs.items():
        if len(jobs) > 1:
            lines.append(f" job {number}:")
        lines += _waiting(waiting)
    said = list(filter(None, remarks))
    lines += [f"  {remark}" for remark in said[:MOST_GROUPS]]
    if len(said) > MOST_GROUPS:
        lines.append(f"  and {len(said) - MOST_GROUPS} more remarks of the kind")
    if lost:
        lines.append(f" {_losses(lost)}; somebody may wait for what was lost")
    return "\n".join(lines)


def silence(ran: bool, lost: int) -> str:
    """Return the report of a job of which nothing is heard any more.

    Args:
        ran: whether it has run, or else was being loaded.
        lost: how many messages the network has lost, of whatever job.
    """
    what = "nothing is heard any more of its end" if ran else "it could not be loaded"
    return f"{what}: {_losses(lost)}"


def _losses(lost: int) -> str:
    return (
        f"{lost} {'message was' if lost == 1 else 'messages were'} lost in the network, where "
        "faults have been injected"
    )


def _waiting(processes: Sequence[Process]) -> list[str]:
    """Return the lines of a report on what the ranks of one job wait for."""
    groups = _groups(processes)
    lines = []
    for (main, *others), ranks in list(groups.items())[:MOST_GROUPS]:
        lines.append(f"  {ranges(ranks)} in {main}")
        lines += [f"    thread {wait.thread!r} in {wait}" for wait in others]
    if len(groups) > MOST_GROUPS:
        rest = sum(len(ranks) for ranks in list(groups.values())[MOST_GROUPS:])
        lines.append(f"  and {rest} more ranks, each in its own way")
    return lines


def _groups(processes: Sequence[Process]) -> dict[_Waits, list[int]]:
    """Return the ranks of one job by what they wait in."""
    groups: dict[_Waits, list[int]] = {}
    for process in processes:
        groups.setdefault(_waits(process), []).append(process.rank)
    return groups if len(groups) <= MOST_APART else _taken_together(groups)


def _taken_together(groups: Mapping[_Waits, list[int]]) -> dict[_Waits, list[int]]:
    """Return *groups* with those made one that differ by the values of arguments only."""
    alike: dict[tuple[object, ...], list[_Waits]] = {}
    for waits in groups:
        alike.setdefault(tuple(map(_without_values, waits)), []).append(waits)
    together = {}
    for similar in alike.values():
        ranks = sorted(rank for waits in similar for rank in groups[waits])
        together[tuple(map(_with_all_values, zip(*similar, strict=True)))] = ranks
    return together


def _without_values(wait: _Wait) -> tuple[object, ...]:
    return (*wait._replace(arguments=()), tuple(name for name, _ in wait.arguments))


def _with_all_values(waits: Sequence[_Wait]) -> _Wait:
    columns = zip(*(wait.arguments for wait in waits), strict=True)
    arguments = tuple((column[0][0], _joined(column)) for column in columns)
    return waits[0]._replace(arguments=arguments)


def _joined(column: Iterable[tuple[str, str]]) -> str:
    """Return the values of one argument in several calls: all of them, if they are numbers."""
    values = list(dict.fromkeys(value for _, value in column))
    if len(values) > 1 and all(value.isdecimal() for value in values):
        return write_ranges(sorted(map(int, values)), between=", ")
    return " or ".join(values) if len(values) <= 3 else f"{values[0]} or others"


def refusal(process: Process) -> str:
    """Return the report on the running *process*, which cannot be ended, with its line."""
    text = (
        f"rank {process.rank} on node {process.job.node_name(process.rank)} computes without end "
        "and catches what the watchdog raises; let it catch no more than Exception"
    )
    frame = process.space.user_frame(sys._getframe())
    if frame is None:
        return text
    file, line, source = process.space.lines(frame)
    return f'{text}\n  File "{file}", line {line}, in {frame.f_code.co_name}\n    {source}'


def ranges(ranks: Iterable[int]) -> str:
    """Return sorted *ranks* in words: ``rank 3``, ``ranks 0-2, 5``."""
    text = write_ranges(ranks, between=", ")
    return f"rank {text}" if text.isdecimal() else f"ranks {text}"


def _waits(process: Process) -> _Waits:
    """Return where a parked process waits: the calls, and the lines of the program."""
    main = process.fiber if process.fibers is None else process.fibers.main
    threads = process.space.threads
    if threads is None:
        return (_wait(process, main),)
    others = (
        _wait(process, fiber)._replace(thread=threads.name_of(fiber)) for fiber in threads.fibers()
    )
    return (_wait(process, main), *others)


def _wait(process: Process, fiber: Fiber | None) -> _Wait:
    """Return where a parked fiber waits."""
    frame: FrameType | None = fiber.gr_frame if fiber is not None else None
    if frame is None:
        return _Wait("its first instruction", ())
    own = process.space.user_frame(frame)
    if own is None and process.fibers is not None and fiber is process.fibers.main:
        return _Wait("its end, which waits for its threads", ())
    file, line, source = process.space.lines(frame if own is None else own)
    return _Wait(*_called_from(frame, own), file, line, source)


def _called_from(
    innermost: FrameType, own: FrameType | None
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the library call that the program's frame *own* is in, and its arguments."""
    frame: FrameType | None = innermost
    called = innermost
    while frame is not None and frame is not own:
        # As test runners do: a frame that says so is left out.
        if "__tracebackhide__" not in frame.f_code.co_varnames:
            called = frame
        frame = frame.f_back
    return _rendered(called)


def _rendered(frame: FrameType) -> tuple[str, tuple[tuple[str, str], ...]]:
    code = frame.f_code
    function = replaced(frame)
    if function is not None:
        return function, ()
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    arguments = tuple(
        (name, _shown(frame.f_locals[name]))
        for name in names
        if name not in {"self", "cls"} and name in frame.f_locals
    )
    # A method is called by the name that the program knows its object's class by.
    owner = type(frame.f_locals["self"]).__name__ + "." if names[:1] == ("self",) else ""
    return f"{owner}{code.co_name}" if owner else code.co_qualname, arguments


def _held(value: Any) -> Any:
    """Return what *value* holds if it is a place for a value, as those of ctypes are."""
    try:
        return value.value
    except Exception:
        # It is none; or it is a program's own, and whatever that does is no matter of a report.
        return None


def _shown(value: Any) -> str:
    """Return *value* briefly: numbers and short texts as they are, anything else by its type."""
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, (str, bytes)) and len(value) <= 20:
        return repr(value)
    number = _held(value)
    if type(number) is int:
        return f"{type(value).__name__}({number})"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"<{type(value).__name__} of shape {shape}>"
    if isinstance(value, (list, tuple)) and len(value) <= 4:
        inner = ", ".join(_shown(item) for item in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    return f"<{type(value).__name__}>"
