"""Command lines: which program a command and its arguments stand for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from vmpp.process.jobs import INTERPRETER
from vmpp.process.program import Program, ProgramError

_PYTHON: Final = re.compile(r"python(\d+(\.\d+)?)?t?")

_FLAGS: Final = frozenset("bBdEiIOPqRsSuvx")
"""Options of the interpreter that make no difference on a compute node."""
_VALUED: Final = frozenset("WX")
"""Options that take a value."""
_LONG: Final = frozenset(("--check-hash-based-pycs",))


def is_interpreter(name: str) -> bool:
    """Return whether a command called *name* is a Python interpreter, this one or another."""
    return name == sys.executable or _PYTHON.fullmatch(os.path.basename(name)) is not None


def marshalled(name: str) -> str:
    """Return the name of a command as a request says it.

    The interpreter's place on the host, and so its length, must not show in a message's time.
    """
    return INTERPRETER if name == sys.executable else name


def program_of(
    name: str,
    args: Sequence[str],
    cwd: str,
    environ: Mapping[str, str],
    path: Sequence[str] = (),
) -> Program:
    """Return the program that a command stands for.

    Args:
        name: a Python script, or the interpreter, whose options are taken as python takes them.
        cwd: the working directory.
        path: folders to look for the script in, before *cwd*; a name with a folder in it is looked
            for nowhere else.

    Raises:
        ProgramError: there is no such program, or it is not Python.
    """
    if is_interpreter(name):
        return _interpreted(args, cwd, dict(environ))
    if os.sep not in name:
        for folder in path:
            full = os.path.join(cwd, folder, name)
            if os.path.exists(full):
                return Program.script(full, args, cwd, environ)
    return Program.script(name, args, cwd, environ)


def _interpreted(args: Sequence[str], cwd: str, environ: dict[str, str]) -> Program:
    """Return what ``python ARGS...`` runs."""
    rest = iter(args)
    for argument in rest:
        if argument == "-":
            break
        if not argument.startswith("-"):
            return Program.script(argument, list(rest), cwd, environ)
        if argument.startswith("--"):
            if argument not in _LONG:
                raise ProgramError(f"python has no option {argument}")
            next(rest, None)
            continue
        found = _options(argument[1:], rest, environ)
        if found is not None:
            option, value = found
            if option == "m":
                return Program.module(value, list(rest), cwd, environ)
            return Program.command(value, list(rest), cwd, environ)
    raise ProgramError("python is given nothing to run: name a script, or -m and a module")


def _options(letters: str, rest: Iterator[str], environ: dict[str, str]) -> tuple[str, str] | None:
    """Take in one argument of options; return the option that ends them, with its value."""
    for place, letter in enumerate(letters):
        if letter in _FLAGS:
            continue
        if letter not in _VALUED and letter not in "mc":
            raise ProgramError(f"python has no option -{letter}")
        value = letters[place + 1 :] or next(rest, None)
        if value is None:
            raise ProgramError(f"python's option -{letter} lacks its value")
        if letter in "mc":
            return letter, value
        if letter == "W":
            before = environ.get("PYTHONWARNINGS")
            environ["PYTHONWARNINGS"] = value if before is None else f"{before},{value}"
        break
    return None
