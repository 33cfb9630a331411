"""Starts the shell: at a terminal with a prompt, otherwise from what is to be read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

import trio

from vmpp.machine.cli import warn_of
from vmpp.machine.plugins import Plugins
from vmpp.machine.state import State
from vmpp_shell.asking import Asker
from vmpp_shell.console import Boot, Console
from vmpp_shell.greeting import introduce
from vmpp_shell.interpreter import Interpreter
from vmpp_shell.interrupts import interruptible
from vmpp_shell.registry import Registry
from vmpp_shell.scripts import Script
from vmpp_shell.terminal import Answer, Terminal


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
    script = Script(_source(line))
    plugins = Plugins.installed()
    Registry(plugins).check()
    warn_of(plugins)
    async with Console.open(plugins, state=state) as console:
        await console.boot(asked)
        answer = None if interactive else script.answer if line is None else _asker()
        terminal = Terminal.of_host(interactive=interactive, reads=line is not None, answer=answer)
        async with Interpreter.open(console, terminal) as interpreter:
            with interruptible(interpreter):
                await (_talk(interpreter) if interactive else script.run(interpreter))
            return interpreter.status


def _asker() -> Answer | None:
    """Return what asks while a command line is carried out that was given as an argument."""
    if sys.stdin is None:
        return None

    def show(data: bytes) -> None:
        if sys.stderr is not None:
            sys.stderr.buffer.write(data)
            sys.stderr.flush()

    return Asker(sys.stdin.buffer, show).ask


def _source(line: str | None) -> int | bytes:
    """Return where commands come from that nobody types."""
    if line is not None:
        return os.fsencode(line)
    return b"" if sys.stdin is None else sys.stdin.fileno()


def _is_terminal(file: TextIO | None) -> bool:
    return file is not None and file.isatty()


async def _talk(interpreter: Interpreter) -> None:
    """Let somebody type at the host's terminal."""
    # What only a prompt needs is not imported for others.
    import trio_asyncio  # noqa: PLC0415

    from vmpp_shell.editor.history import history  # noqa: PLC0415
    from vmpp_shell.editor.prompt import Prompt  # noqa: PLC0415

    introduce(interpreter.console.machine, interpreter.terminal.out)
    async with trio_asyncio.open_loop():
        await Prompt(interpreter, history=history(interpreter)).run()
