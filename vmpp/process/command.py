"""Command lines: which program a command and its arguments stand for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from vmpp.process.jobs import INTERPRETER
from vmpp.process.program import EPOCH, Program, ProgramError
from vmpp.process.program_files import HOST, ProgramFiles

_PYTHON: Final = re.compile(r"python(\d+(\.\d+)?)?t?")

_FLAGS: Final[Mapping[str, str]] = {
    "B": "dont_write_bytecode",
    "E": "ignore_environment",
    "I": "isolated",
    "O": "optimize",
    "P": "safe_path",
    "R": "hash_randomization",
    "S": "no_site",
    "b": "bytes_warning",
    "d": "debug",
    "i": "inspect",
    "q": "quiet",
    "s": "no_user_site",
    "u": "",
    "v": "verbose",
    "x": "",
}
"""Options of the interpreter that take no value, with the flag that each raises by one. All that
they do on a compute node is to show in ``sys.flags``, but for ``-O``, which leaves asserts out."""
_SWITCHES: Final[Mapping[str, str]] = {"dev": "dev_mode", "utf8": "utf8_mode"}
"""Flags that ``-X`` sets, by its value."""
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
    files: ProgramFiles = HOST,
    epoch: int = EPOCH,
) -> Program:
    """Return the program that a command stands for.

    Args:
        name: a Python script, or the interpreter, whose options are taken as python takes them.
        cwd: the working directory.
        path: folders to look for the script in, before *cwd*; a name with a folder in it is looked
            for nowhere else.
        files: where it is looked for.
        epoch: what ``time.time()`` is at virtual time 0, in picoseconds.

    Raises:
        ProgramError: there is no such program, or it is not Python.
    """
    if is_interpreter(name):
        return _interpreted(args, cwd, dict(environ), files, epoch)
    if os.sep not in name:
        for folder in path:
            full = os.path.join(cwd, folder, name)
            if files.is_file(full) or files.is_dir(full):
                return Program.script(full, args, cwd, environ, epoch, files)
    return Program.script(name, args, cwd, environ, epoch, files)


def _interpreted(
    args: Sequence[str], cwd: str, environ: dict[str, str], files: ProgramFiles, epoch: int
) -> Program:
    """Return what ``python ARGS...`` runs."""
    rest = iter(args)
    flags: dict[str, int | bool] = {}
    option, value = "", ""
    for argument in rest:
        if argument == "-":
            break
        if not argument.startswith("-"):
            option, value = "script", argument
        elif not argument.startswith("--"):
            option, value = _options(argument[1:], rest, environ, flags)
        elif argument in _LONG:
            next(rest, None)
        else:
            raise ProgramError(f"python has no option {argument}")
        if option:
            program = _MAKERS[option](value, list(rest), cwd, environ, epoch, files)
            program.run_with(flags)
            return program
    raise ProgramError("python is given nothing to run: name a script, or -m and a module")


_MAKERS: Final[Mapping[str, Callable[..., Program]]] = {
    "c": Program.command,
    "m": Program.module,
    "script": Program.script,
}


def _options(
    letters: str, rest: Iterator[str], environ: dict[str, str], flags: dict[str, int | bool]
) -> tuple[str, str]:
    """Take in one argument of options; return the one that ends them, empty if none, and its value.

    Raises:
        ProgramError: there is no such option, or it lacks its value.
    """
    for place, letter in enumerate(letters):
        if letter in _FLAGS:
            name = _FLAGS[letter]
            if name:
                flags[name] = flags.get(name, getattr(sys.flags, name)) + 1
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
        elif value in _SWITCHES:
            flags[_SWITCHES[value]] = 1
        break
    return "", ""
