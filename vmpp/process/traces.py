"""Where a program is, in its own terms: tracebacks and frames without those of the machine."""

from __future__ import annotations

import importlib
import linecache
import os
import sys
import sysconfig
import traceback
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Final

from vmpp.process.host_side import as_host

if TYPE_CHECKING:
    from vmpp.process.program import Program

_VMPP: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

_PLUGINS: Final = "vmpp_"


@cache
def _machinery() -> tuple[str, ...]:
    """Return what the filenames of code begin with that is no program's business."""
    stdlib = sysconfig.get_path("stdlib")
    folders = [_VMPP, "<frozen importlib", "<frozen runpy", "<frozen zipimport"]
    folders.append(os.path.dirname(importlib.__file__) + os.sep)
    folders.append(os.path.join(stdlib, "runpy.py"))
    for point in entry_points(group="vmpp"):
        spec = find_spec(point.module.partition(".")[0])
        if spec is not None and spec.origin is not None:
            folder = os.path.dirname(spec.origin)
            beside, name = os.path.split(folder)
            # What plugins share is called like them, and has no entry point.
            folders.append(
                os.path.join(beside, _PLUGINS) if name.startswith(_PLUGINS) else folder + os.sep
            )
    greenlet = sys.modules["greenlet"].__file__
    if greenlet is not None:
        folders.append(os.path.dirname(greenlet) + os.sep)
    return tuple(folders)


def look_around() -> None:
    """Find out what the machinery is, while there is nothing else to do and files can be opened."""
    _machinery()


def is_machinery(program: Program, filename: str) -> bool:
    """Return whether *filename* belongs to vmpp, its plugins or the import system."""
    return not program.owns(filename) and filename.startswith(as_host(_machinery))


def trim(program: Program, error: BaseException) -> TracebackType | None:
    """Return the traceback of *error* from the program's first frame on."""
    trace = error.__traceback__
    while trace is not None and is_machinery(program, trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def describe(program: Program, error: BaseException) -> str:
    """Return the traceback of *error* as python prints it, without frames of the machinery."""
    report = traceback.TracebackException(type(error), error, error.__traceback__, compact=True)
    _trim_report(program, report)
    return "".join(report.format())


def stack(program: Program, error: BaseException) -> str:
    """Return the calls that *error* came through, the innermost last, as `describe` has them."""
    report = traceback.TracebackException(type(error), error, error.__traceback__, compact=True)
    _trim_report(program, report)
    return "".join(report.stack.format())


def _trim_report(program: Program, report: traceback.TracebackException) -> None:
    """Take the machinery's frames out of *report* and of what it says came before."""
    todo: list[traceback.TracebackException | None] = [report]
    done: list[traceback.TracebackException] = []
    while todo:
        one = todo.pop()
        if one is None or any(one is other for other in done):
            continue
        done.append(one)
        one.stack[:] = [f for f in one.stack if not is_machinery(program, f.filename)]
        todo += [one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ())]


def user_frame(program: Program, frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame of *program*, else the innermost outside the machinery."""
    outside = None
    while frame is not None:
        filename = frame.f_code.co_filename
        if program.owns(filename):
            return frame
        if outside is None and not is_machinery(program, filename):
            outside = frame
        frame = frame.f_back
    return outside


def lines(program: Program, frame: FrameType) -> tuple[str, int, str]:
    """Return the filename, line number and source line at which *frame* of *program* is."""
    filename, number = frame.f_code.co_filename, frame.f_lineno
    own = program.lines(filename)
    if own is None:
        return filename, number, as_host(linecache.getline, filename, number).strip()
    return filename, number, own[number - 1].strip() if 0 < number <= len(own) else ""
