"""How long the shell takes from its start to its prompt, as somebody at a terminal sees it."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from collections.abc import Mapping
from typing import Final

PROMPT: Final = b"vmpp>"
_WHERE: Final = b"\x1b[6n"
"""Asks a terminal where its cursor is; prompt-toolkit waits for the answer."""
_HERE: Final = b"\x1b[1;1R"
_PATIENCE: Final = 60.0


def seconds_to_prompt(*arguments: str) -> tuple[float, float, int]:
    """Start ``vmpp`` on a terminal; return what it takes.

    That is seconds to its prompt, CPU seconds to its end, and bytes of memory at the most.

    Raises:
        TimeoutError: there is no prompt.
    """
    begin = time.perf_counter()
    child, terminal = pty.fork()
    if not child:
        command = [sys.executable, "-m", "vmpp", *arguments]
        os.execve(command[0], command, dict(_environment()))
    try:
        _wait_for_prompt(terminal)
        elapsed = time.perf_counter() - begin
        os.write(terminal, b"\x04")
        _drain(terminal)
    finally:
        os.close(terminal)
        _, _, usage = os.wait4(child, 0)
    return elapsed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def _environment() -> Mapping[str, str]:
    # As after the first start: with the bytecode of all modules in its caches.
    environ = {**os.environ, "TERM": "xterm-256color"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return environ


def _wait_for_prompt(terminal: int) -> None:
    seen = b""
    while PROMPT not in seen:
        if not select.select([terminal], [], [], _PATIENCE)[0]:
            raise TimeoutError(f"no prompt after {_PATIENCE:g} s: {seen!r}")
        seen += os.read(terminal, 1 << 16)
        if _WHERE in seen:
            seen = seen.replace(_WHERE, b"")
            os.write(terminal, _HERE)


def _drain(terminal: int) -> None:
    """Read what is left, to the end."""
    try:
        while os.read(terminal, 1 << 16):
            pass
    except OSError:
        # A terminal that nobody holds any more has no end, but an error.
        return
