"""The shell as scenarios use it: fixed width, no colours, and virtual time that stands still.

Virtual time passes only while a command waits, so every command of a scenario begins at an instant
that does not depend on the host.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from vmpp.machine.description import load
from vmpp.machine.plugins import Plugins
from vmpp.machine.policies import with_policies
from vmpp_shell.console import Console
from vmpp_shell.interpreter import Interpreter
from vmpp_shell.terminal import Terminal

if TYPE_CHECKING:
    from vmpp.scenario.directives import Directives


@asynccontextmanager
async def replaying(
    directives: Directives, write: Callable[[bytes], object], answer: Callable[[str], str]
) -> AsyncIterator[Replay]:
    """Boot the machine that *directives* describe, and give a shell on it.

    Raises:
        VmppError: a directive asks for what there is not.
    """

    async def answered(prompt: str, hidden: bool) -> str:
        return answer(prompt)

    terminal = Terminal.recorder(write, width=directives.width, answer=answered)
    async with Console.open(Plugins.installed(), exact=True) as console:
        await console.boot(**_machine(directives, console.plugins))
        async with Interpreter.open(console, terminal) as interpreter:
            yield Replay(interpreter)


def _machine(directives: Directives, plugins: Plugins) -> dict[str, Any]:
    described = load(directives.machine, plugins)
    asked: dict[str, Any] = {
        "machine": with_policies(described, directives.policies, plugins),
        "seed": directives.seed,
    }
    if directives.nodes is not None:
        asked["nodes"] = directives.nodes
    return asked


class Replay:
    """A shell whose commands come from a scenario."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter

    @property
    def prompt(self) -> str:
        """What stands before the next command."""
        return "vmpp>"

    async def execute(self, line: str, /) -> int:
        """Carry *line* out and return its status."""
        return await self.interpreter.execute(line)
