"""Starts the shell: at a terminal with a prompt, otherwise from what is to be read."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

import trio

from vmpp.machine.plugins import Plugins
from vmpp_shell.console import Console
from vmpp_shell.interpreter import Interpreter
from vmpp_shell.interrupts import interruptible
from vmpp_shell.scripts import logical_lines
from vmpp_shell.terminal import Terminal


def start(machine: Mapping[str, Any], line: str | None = None) -> int:
    """Boot a machine and carry out *line*, or what is typed or read; return the last status.

    Args:
        machine: what to boot, as for `vmpp.boot`.
        line: a command line; None for those of standard input.
    """
    return trio.run(_run, machine, line)


async def _run(machine: Mapping[str, Any], line: str | None) -> int:
    interactive = line is None and all(map(_is_terminal, (sys.stdin, sys.stdout)))
    async with Console.open(Plugins.installed()) as console:
        await console.boot(**machine)
        terminal = Terminal.of_host(interactive=interactive)
        async with Interpreter.open(console, terminal) as interpreter:
            with interruptible(interpreter):
                await (_talk(interpreter) if interactive else carry_out(interpreter, _lines(line)))
            return interpreter.status


def _is_terminal(file: TextIO | None) -> bool:
    return file is not None and file.isatty()


async def _talk(interpreter: Interpreter) -> None:
    """Let somebody type at the host's terminal."""
    # What only a prompt needs is imported while the machine boots already.
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
