"""Starts the shell: at a terminal with a prompt, otherwise from what is to be read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TextIO

import trio

from vmpp.machine.plugins import Plugins
from vmpp.machine.state import State
from vmpp_shell.console import Boot, Console
from vmpp_shell.interpreter import Interpreter
from vmpp_shell.interrupts import interruptible
from vmpp_shell.scripts import logical_lines
from vmpp_shell.terminal import Terminal


def states(folder: str | None, *, ephemeral: bool) -> Callable[[str], State]:
    """Return what says where the machine of a name keeps what outlives a boot."""
    if ephemeral:
        return lambda machine: State.ephemeral()
    if folder is not None:
        return lambda machine: State.at(folder)
    return State.named


def start(asked: Boot, state: Callable[[str], State], line: str | None = None) -> int:
    """Boot a machine and carry out *line*, or what is typed or read; return the last status.

    Args:
        asked: what to boot.
        state: says where the machine of a name keeps what outlives a boot.
        line: a command line; None for those of standard input.
    """
    return trio.run(_run, asked, state, line)


async def _run(asked: Boot, state: Callable[[str], State], line: str | None) -> int:
    interactive = line is None and all(map(_is_terminal, (sys.stdin, sys.stdout)))
    async with Console.open(Plugins.installed(), state=state) as console:
        await console.boot(asked)
        terminal = Terminal.of_host(interactive=interactive)
        async with Interpreter.open(console, terminal) as interpreter:
            with interruptible(interpreter):
                if interactive:
                    await _talk(interpreter)
                else:
                    await carry_out(interpreter, _lines(line))
            return interpreter.status


def _is_terminal(file: TextIO | None) -> bool:
    return file is not None and file.isatty()


async def _talk(interpreter: Interpreter) -> None:
    """Let somebody type at the host's terminal."""
    # What only a prompt needs is not imported for others.
    import trio_asyncio  # noqa: PLC0415

    from vmpp_shell.prompt import Prompt  # noqa: PLC0415

    async with trio_asyncio.open_loop():
        await Prompt(interpreter).run()


def _lines(line: str | None) -> Iterable[str]:
    if line is not None:
        return [line]
    return logical_lines(sys.stdin.read()) if sys.stdin is not None else []


async def carry_out(interpreter: Interpreter, lines: Iterable[str]) -> None:
    """Carry out *lines*, as far as the first ``exit``."""
    for line in lines:
        await interpreter.execute(line)
        if interpreter.leaving:
            break
