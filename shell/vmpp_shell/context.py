"""What a command is given: who asks, at which machine, and where its output goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine
    from vmpp.machine.session import Session
    from vmpp_shell.console import Console
    from vmpp_shell.interpreter import Interpreter
    from vmpp_shell.terminal import Stream, Terminal


@dataclass(slots=True)
class Context:
    """One run of one command; click hands it to the command as its first argument.

    Attributes:
        interpreter: that runs the command: its variables, its jobs, its session.
        terminal: of this command, redirections included.
        words: that it was called by, its name first.
        background: whether ``&`` follows the command; only commands that said so get it.
        json: whether ``--json`` was given, to a command that has it.
    """

    interpreter: Interpreter
    terminal: Terminal
    words: Sequence[str] = ()
    background: bool = False
    json: bool = field(default=False)

    @property
    def name(self) -> str:
        """What the command was called by."""
        return self.words[0] if self.words else ""

    @property
    def session(self) -> Session:
        """What the user who is logged in can do.

        Raises:
            NotBootedError: there is no machine.
        """
        return self.console.session

    @property
    def console(self) -> Console:
        """The seat: its machine, and who sits there."""
        return self.interpreter.console

    @property
    def machine(self) -> Machine:
        """The machine, for observers, which cost no virtual time.

        Raises:
            NotBootedError: there is none.
        """
        return self.console.machine

    @property
    def out(self) -> Stream:
        """Where output goes."""
        return self.terminal.out

    @property
    def err(self) -> Stream:
        """Where complaints go."""
        return self.terminal.err

    def show(self, data: Any, *renderables: Any) -> None:
        """Show *renderables*, or with ``--json`` the *data* that they show.

        *data* is anything that msgspec can encode: records, or lists and mappings of them.
        """
        if self.json:
            encoded = msgspec.json.encode(data, enc_hook=_plain)
            self.out.write(msgspec.json.format(encoded, indent=2) + b"\n")
        else:
            self.out.show(*renderables)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | range | map):
        return list(value)
    return str(value)
