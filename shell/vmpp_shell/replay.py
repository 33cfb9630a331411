"""The shell as scenarios use it: fixed width, no colours, and virtual time that stands still.

Virtual time passes only while a command waits, so every command of a scenario begins at an instant
that does not depend on the host.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from vmpp.machine.plugins import Plugins
from vmpp.machine.state import State
from vmpp.scenario.furnishing import furnish
from vmpp_shell.console import Boot, Console
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

    def state(machine: str) -> State:
        return State.ephemeral(user=directives.user)

    terminal = Terminal.recorder(write, width=directives.width, answer=answered)
    async with Console.open(Plugins.installed(), state=state, exact=True) as console:
        await console.boot(_asked(directives))
        installation = console.machine.installation
        assert installation is not None
        await furnish(installation, directives)
        async with Interpreter.open(console, terminal) as interpreter:
            yield Replay(interpreter)


def _asked(directives: Directives) -> Boot:
    return Boot(
        directives.machine,
        directives.nodes,
        directives.seed,
        dict(directives.policies),
        directives.folder,
        directives.level,
    )


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
