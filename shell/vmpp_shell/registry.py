"""The commands of the shell: how one is written, and where they are found.

A command is a click command whose body is asynchronous and gets a `Context` first:

    @command("greet", section="people", json=True)
    @click.argument("name")
    async def greet(context: Context, name: str) -> int:
        '''Greet NAME.

        \b
        Example:
          greet alice
        '''
        context.show({"greeted": name}, f"Good morning, {name}.")
        return 0

The body returns the command's status, or None for 0. What the user did wrong it raises: a
`VmppError`, an OSError or a `click.UsageError` becomes one line, which begins with the command's
name. Commands are found in the modules of `vmpp_shell.commands`, in their names' order, and in
plugins, by the hook ``vmpp_commands``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import click

from vmpp.errors import suggestion

if TYPE_CHECKING:
    from vmpp.machine.plugins import Plugins
    from vmpp_shell.context import Context

Body = Callable[..., Coroutine[Any, Any, int | None]]
"""What a command does; its first argument is a `Context`."""

SECTIONS: Final = {
    "machine": "The machine",
    "people": "People",
    "launch": "Launching jobs",
    "jobs": "Jobs",
    "watch": "Watching the machine",
    "files": "Files",
    "shell": "The shell",
    "plugins": "From plugins",
}
"""What `help` sorts commands by, and the headings, in order."""


class ShellCommand(click.Command):
    """A command of the shell.

    Attributes:
        section: the heading under which `help` lists it, a key of `SECTIONS`.
        background: whether it may be followed by ``&``.
    """

    section: str = "plugins"
    background: bool = False

    def get_help_option(self, ctx: click.Context) -> click.Option:
        """Return ``-h, --help``, which prints where the command prints."""

        def show(ctx: click.Context, param: click.Parameter, value: bool) -> None:
            if value and not ctx.resilient_parsing:
                ctx.obj.out.print(ctx.get_help())
                ctx.exit()

        taken = {name for param in self.params for name in param.opts}
        return click.Option(
            # To users of Slurm -h means something else.
            [name for name in ("-h", "--help") if name not in taken],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=show,
            help="Show this and do nothing.",
        )

    async def run(self, context: Context, arguments: Sequence[str]) -> int:
        """Read *arguments* and carry the command out; return its status.

        Raises:
            click.UsageError: the arguments make no sense.
            VmppError, OSError: what is asked for cannot be done.
        """
        try:
            with self.make_context(
                self.name,
                list(arguments),
                obj=context,
                # One column less: a line that fills the terminal leaves an empty one below it.
                terminal_width=max(40, context.out.width - 1),
                help_option_names=[],
            ) as parsed:
                running = self.invoke(parsed)
            return await running or 0
        except click.exceptions.Exit as finished:
            return finished.exit_code


def command(
    name: str,
    *,
    section: str = "plugins",
    json: bool = False,
    background: bool = False,
    **settings: Any,
) -> Callable[[Body], ShellCommand]:
    """Make a command called *name* of an asynchronous function.

    Args:
        section: where `help` lists it.
        json: whether it has an option ``--json``; see `Context.show`.
        background: whether it may be followed by ``&``.
        settings: for click's Command, such as ``context_settings``.
    """

    def decorate(body: Body) -> ShellCommand:
        if json:
            _json_option(body)
        made = click.command(name, cls=ShellCommand, **settings)(click.pass_obj(body))
        made.section = section
        made.background = background
        return made

    return decorate


def _json_option(body: Body) -> None:
    def note(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if ctx.obj is not None:
            ctx.obj.json = value

    click.option(
        "--json", is_flag=True, expose_value=False, callback=note, help="Print the data as JSON."
    )(body)


class NoCommandError(click.UsageError):
    """There is no command called *name*."""

    def __init__(self, name: str, near: str) -> None:
        super().__init__(f"no such command{near}")
        self.name = name


class Registry(Mapping[str, ShellCommand]):
    """All commands by name."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins

    @cached_property
    def _commands(self) -> dict[str, ShellCommand]:
        found = {each.name or "": each for each in _shipped()}
        for name, each in list(self._plugins.commands.items()):
            if name in found or not isinstance(each, ShellCommand):
                self._plugins.refuse("command", name, *_refusal(name, found))
            else:
                found[name] = each
        return {name: found[name] for name in sorted(found)}

    def __getitem__(self, name: str) -> ShellCommand:
        return self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)

    def check(self) -> None:
        """Leave out those of plugins' commands that the shell cannot have."""
        len(self._commands)

    def find(self, name: str) -> ShellCommand:
        """Return the command called *name*.

        Raises:
            NoCommandError: there is none; it names the nearest.
        """
        try:
            return self[name]
        except KeyError:
            near = suggestion(name, self) or "; 'help' lists what there is"
            near += self._plugins.commands.absence(name)
            raise NoCommandError(name, near) from None


def _refusal(name: str, found: Mapping[str, object]) -> tuple[str, str]:
    """Return why a plugin's command is left out, and what its author can do."""
    if name in found:
        return "the shell has a command of that name", "give it another"
    return "it is no command of the shell", "make it with 'vmpp_shell.registry.command'"


def _shipped() -> Iterator[ShellCommand]:
    package = importlib.import_module("vmpp_shell.commands")
    for name in sorted(each.name for each in pkgutil.iter_modules(package.__path__)):
        module = importlib.import_module(f"{package.__name__}.{name}")
        for value in vars(module).values():
            # A module may import another's command, to do as that one does.
            if isinstance(value, ShellCommand) and _home(value) == module.__name__:
                yield value


def _home(each: ShellCommand) -> str | None:
    return getattr(each.callback, "__module__", None)
