"""Carries command lines out: the shell without its prompt."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import click
import trio

from vmpp.errors import VmppError
from vmpp.exit_status import CLOSED_PIPE, INTERRUPTED
from vmpp_shell import expansion, redirection
from vmpp_shell.background import BackgroundJobs
from vmpp_shell.context import Context
from vmpp_shell.registry import NoCommandError, Registry
from vmpp_shell.syntax import Step, SyntaxMistake, Word, parse
from vmpp_shell.tasks import nursery

if TYPE_CHECKING:
    from vmpp_shell.console import Console
    from vmpp_shell.recording import Recording
    from vmpp_shell.terminal import Terminal

FAILED: Final = 1
"""Status of a command that could not do what it was asked for."""
USAGE: Final = 2
"""Status of a command that was not asked for properly, and of a line that cannot be read."""
NOT_FOUND: Final = 127
"""Status when there is no such command."""
DEEPEST: Final = 16
"""How deep command files, and commands that carry out others, may lead to each other."""


class NestingError(VmppError):
    """Commands that lead to further ones without end."""


class Interpreter:
    """One shell: a terminal, the session of whoever is logged in, variables, and a last status.

    Attributes:
        console: the seat: its machine and its session.
        terminal: where commands are shown.
        commands: that can be given.
        variables: set by ``set``; programs get them as their environment.
        status: of the last command, ``$?``.
        leaving: whether ``exit`` has been said.
        warned: whether somebody knows that jobs run who is about to leave.
        struck: whether ^C has interrupted what is being carried out: what follows is given up.
        jobs: in the background.
        recording: what is made of this session, if it is recorded.
        tasks: of what goes on between commands; ends with the shell.
    """

    def __init__(
        self, console: Console, terminal: Terminal, *, commands: Registry | None = None
    ) -> None:
        self.console = console
        self.terminal = terminal
        self.commands = Registry(console.plugins) if commands is None else commands
        self.variables: dict[str, str] = {}
        self.status = 0
        self.leaving = False
        self.struck = False
        self.warned = False
        self.tasks: trio.Nursery
        self.jobs = BackgroundJobs(self)
        self.recording: Recording | None = None
        self._depth = 0
        self._hurried = False
        self._interrupts: list[Callable[[], object]] = []

    @classmethod
    @asynccontextmanager
    async def open(
        cls, console: Console, terminal: Terminal, **options: Any
    ) -> AsyncIterator[Interpreter]:
        """Open a shell; what it still does when the block ends is given up."""
        interpreter = cls(console, terminal, **options)
        async with nursery() as interpreter.tasks:
            try:
                yield interpreter
            finally:
                interpreter.tasks.cancel_scope.cancel()
                if interpreter.recording is not None:
                    interpreter.recording.stop()
                console.leave()

    async def execute(self, line: str, terminal: Terminal | None = None) -> int:
        """Carry out the commands of *line*; return the status of the last one.

        Mistakes are told on the terminal, in one line that names the command.
        """
        if terminal is not None or self.recording is None:
            return await self._execute(line, terminal or self.terminal)
        recording = self.recording
        recording.command(line)
        status = await self._execute(line, self.terminal)
        if self.recording is recording:
            recording.ended(status)
        return status

    async def _execute(self, line: str, terminal: Terminal) -> int:
        try:
            steps = parse(line)
        except SyntaxMistake as error:
            self._complain("", str(error), terminal)
            self.status = USAGE
            return self.status
        if terminal is self.terminal:
            self.struck = False
        for step in steps:
            if self.leaving or self.struck:
                break
            await trio.lowlevel.checkpoint()  # others have their turn, however many steps there are
            if step.runs(self.status):
                self.status = await self._carry_out(step, terminal)
                self._calm()
                self.jobs.announce()
        return self.status

    async def nested(self, context: Context, words: Sequence[str]) -> int:
        """Carry out the command of *words* for another one, where that prints."""
        with self.deeper(context.name):
            return await self._found(words, context.terminal, context.background)

    @property
    def busy(self) -> bool:
        """Whether a command is in the foreground."""
        return bool(self._interrupts)

    @contextmanager
    def deeper(self, name: str) -> Iterator[None]:
        """Carry out, within the block, commands for the file or the command *name*.

        Raises:
            NestingError: they lead to each other without end.
        """
        if self._depth >= DEEPEST:
            raise NestingError(f"{name}: commands lead to further ones too deeply")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def interrupt(self) -> bool:
        """Interrupt what is in the foreground, as ^C does; return whether anything was."""
        self.struck = True
        if not self._interrupts:
            return False
        self._interrupts[-1]()
        return True

    def hurry(self) -> None:
        """Have little patience with a process that lets nobody else run: somebody waits.

        Safe to call from a signal handler.
        """
        if self.busy and self.console.booted:
            self._hurried = True
            self.console.machine.watchdog.hurry()

    def _calm(self) -> None:
        """Be patient again: what was waited for has ended."""
        if self._hurried and self.console.booted:
            self.console.machine.watchdog.calm()
        self._hurried = False

    @contextmanager
    def interrupted_by(self, handler: Callable[[], object]) -> Iterator[None]:
        """Have ^C call *handler* within the block, instead of giving the command up."""
        self._interrupts.append(handler)
        try:
            yield
        finally:
            self._interrupts.remove(handler)

    # -- one command ---------------------------------------------------------------------------

    async def _carry_out(self, step: Step, terminal: Terminal) -> int:
        with trio.CancelScope() as scope, self.interrupted_by(scope.cancel):
            try:
                words = [word for each in step.words for word in await self._expanded(each)]
                async with redirection.redirected(self, step, terminal) as redirected:
                    return await self._found(words, redirected, step.background)
            except (VmppError, OSError) as error:
                self._complain("", told(error), terminal)
                return FAILED
        return INTERRUPTED

    async def _found(self, words: Sequence[str], terminal: Terminal, background: bool) -> int:
        """Carry out one command; whatever the user did wrong is told, in one line."""
        name = words[0] if words else ""
        try:
            command = self.commands.find(name)
            if background and not command.background:
                raise click.UsageError("cannot run in the background; only jobs can")
            return await command.run(Context(self, terminal, words, background), words[1:])
        except NoCommandError as error:
            self._complain(error.name, error.message, terminal)
            return NOT_FOUND
        except click.ClickException as error:
            self._complain(name, _usage(name, error), terminal)
            return USAGE
        except BrokenPipeError:
            return CLOSED_PIPE
        except (VmppError, OSError) as error:
            self._complain(name, told(error), terminal)
            return FAILED

    def _complain(self, name: str, message: str, terminal: Terminal) -> None:
        terminal.err.print(f"{name or 'vmpp'}: {message}")

    def expand(self, word: Word) -> str:
        """Return *word* with its variables replaced: one word, whatever it contains."""
        home = self.console.session.user.home if self.console.sessions else ""
        return expansion.plain(word, self._value, home)

    async def _expanded(self, word: Word) -> list[str]:
        session = self.console.session if self.console.sessions else None
        return await expansion.expanded(word, self._value, session)

    def _value(self, name: str) -> str:
        return str(self.status) if name == "?" else self.variables.get(name, "")

    def environment(self, own: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a program: *own*, and what has been ``set``."""
        return {**own, **self.variables}


def _usage(name: str, error: click.ClickException) -> str:
    message = error.format_message().rstrip(".")
    hint = f" (try '{name} --help')" if isinstance(error, click.UsageError) else ""
    return f"{message[:1].lower()}{message[1:]}{hint}"


def told(error: Exception) -> str:
    """Return, in one line, what went wrong: of a file with its name first."""
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename is not None else ""
        return f"{name}{error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
