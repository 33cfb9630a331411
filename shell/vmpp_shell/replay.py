"""The shell as scenarios use it: fixed width, no colours, and virtual time that stands still.

Virtual time passes only while a command waits, so every command of a scenario begins at an instant
that does not depend on the host.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from vmpp.machine.plugins import Plugins
from vmpp.machine.state import State
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
        await _furnish(console, directives)
        async with Interpreter.open(console, terminal) as interpreter:
            yield Replay(interpreter)


def _asked(directives: Directives) -> Boot:
    return Boot(
        directives.machine,
        directives.nodes,
        directives.seed,
        dict(directives.policies),
        directives.folder,
    )


async def _furnish(console: Console, directives: Directives) -> None:
    """Add the users that there are from the beginning, and the files of the console's user."""
    if directives.accounts:
        root = await console.machine.console("root", exact=True)
        for account in directives.accounts:
            await root.add_user(account.name, account.password, groups=account.groups)
        await root.log_out()
    files = console.session.files
    for file in directives.files:
        for above in reversed(PurePosixPath(file.name).parents[:-1]):
            if not await files.exists(above):
                await files.mkdir(above)
        await files.write(file.name, file.content)


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
