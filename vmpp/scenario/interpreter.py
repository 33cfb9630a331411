"""What replays a scenario's commands: a shell, as scenarios see it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from vmpp.errors import VmppError
from vmpp.scenario.directives import Directives


class NobodyAnswersError(VmppError):
    """A command has asked a question to which the scenario has no answer."""


class Interpreter(Protocol):
    """A session in which commands are carried out, on a machine of its own."""

    @property
    def prompt(self) -> str:
        """What a person would see now before the cursor."""
        ...

    async def execute(self, line: str, /) -> int:
        """Carry out a command line and return its exit status, when it has ended.

        What goes wrong is written as a person would see it, and makes the status. Between two
        commands virtual time stands still, so that a command begins at the same picosecond in every
        replay, whatever the host does meanwhile.
        """
        ...


class InterpreterFactory(Protocol):
    """Makes interpreters; what the hook ``vmpp_interpreters`` offers."""

    def __call__(
        self,
        directives: Directives,
        write: Callable[[bytes], object],
        answer: Callable[[str], str],
        /,
    ) -> AbstractAsyncContextManager[Interpreter]:
        """Return what opens a session on a machine made as *directives* say, without colours.

        The machine is ephemeral: nothing is left of it at the end. The console's user is logged in.

        Args:
            directives: the head of the scenario.
            write: takes what a person would see, standard output and errors alike.
            answer: called when a command asks a question, such as for a password, with the prompt,
                which is not to be written besides; returns the line, or raises NobodyAnswersError.

        Raises:
            VmppError: from the block's beginning: the machine cannot be made so.
        """
        ...
