"""Commands of the shell itself: help, echo, set, source, time, exit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vmpp.errors import VmppError, suggestion
from vmpp.quantities import DURATION
from vmpp_shell.arguments.types import COMMAND, PATH, VARIABLE
from vmpp_shell.registry import SECTIONS, command
from vmpp_shell.scripts import logical_lines
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from vmpp_shell.context import Context


@command("help", section="shell")
@click.argument("name", required=False, metavar="[COMMAND]", type=COMMAND)
async def help_(context: Context, name: str | None) -> None:
    """List the commands, or explain one.

    \b
    Example:
      help
      help yod
    """
    if name is None:
        context.out.show(_listing(context))
    else:
        await context.interpreter.commands.find(name).run(context, ["--help"])


def _listing(context: Context) -> object:
    commands = context.interpreter.commands
    rows: list[tuple[str, str]] = []
    for section, title in SECTIONS.items():
        members = [each for each in commands.values() if each.section == section]
        if members:
            rows += [("", ""), (title, "")] if rows else [(title, "")]
            rows += [(f"  {each.name}", each.get_short_help_str(100)) for each in members]
    return table(("", ""), rows, header=False)


@command("echo", section="shell", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[WORD]...")
async def echo(context: Context, words: tuple[str, ...]) -> None:
    """Print the words.

    \b
    Example:
      echo the last status was $?
    """
    context.out.print(" ".join(words))


@command("set", section="shell", json=True)
@click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
async def set_(context: Context, settings: tuple[str, ...]) -> None:
    """Set variables, or show those that are set.

    A variable is replaced by its value where $NAME stands, and is in the environment of every
    program that is launched. NAME= makes it empty; 'unset NAME' takes it away.

    \b
    Example:
      set STEPS=100
      yod -n 16 heat --steps $STEPS
    """
    variables = context.interpreter.variables
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name.isidentifier():
            raise click.UsageError(f"{setting!r} sets nothing; write NAME=VALUE")
        variables[name] = value
    if not settings:
        rows = sorted(variables.items())
        context.show(dict(rows), *([table(("Name", "Value"), rows)] if rows else []))


@command("unset", section="shell")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", type=VARIABLE)
async def unset(context: Context, names: tuple[str, ...]) -> None:
    """Take variables away.

    \b
    Example:
      unset STEPS
    """
    variables = context.interpreter.variables
    for name in names:
        if variables.pop(name, None) is None:
            raise VmppError(f"no such variable: {name!r}{suggestion(name, variables)}")


@command("source", section="shell")
@click.argument("file", type=PATH)
async def source(context: Context, file: str) -> int:
    """Carry out the commands in FILE, of the machine's file tree.

    The status is that of the last one.

    \b
    Example:
      source experiment.vsh
    """
    text = (await context.session.files.read(file)).decode(errors="surrogateescape")
    interpreter = context.interpreter
    status = 0
    with interpreter.deeper(file):
        for line in logical_lines(text):
            status = await interpreter.execute(line, context.terminal)
            if interpreter.leaving or interpreter.struck:
                break
    return status


@command("time", section="shell", json=True, context_settings={"allow_interspersed_args": False})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND]...")
async def time(context: Context, words: tuple[str, ...]) -> int:
    """Print the virtual time, or how much of it COMMAND takes.

    With a state it goes on from boot to boot.

    \b
    Example:
      time
      time yod -n 16 heat
    """
    engine = context.machine.engine
    start = engine.now if words else 0
    status = await context.interpreter.nested(context, words) if words else 0
    taken = engine.now - start
    line = DURATION.write(taken)
    if words and not context.json:
        context.err.print(f"virtual time: {line}")
    else:
        context.show({"virtual_time_ps": taken}, line)
    return status


@command("exit", section="shell")
@click.argument("status", type=click.IntRange(0, 255), required=False)
async def exit_(context: Context, status: int | None) -> int:
    """Leave the shell, with STATUS or that of the last command.

    At the machine's console the machine goes down with the shell. If jobs run there that somebody
    at the prompt may not think of, that is said, and a second 'exit' leaves.

    \b
    Example:
      exit
    """
    interpreter = context.interpreter
    running = len(interpreter.jobs.all()) if context.console.local else 0
    if running and interpreter.terminal.interactive and not interpreter.warned:
        interpreter.warned = True
        jobs = "a job runs" if running == 1 else f"{running} jobs run"
        raise VmppError(f"{jobs} and would end; say it again to leave all the same")
    interpreter.leaving = True
    return interpreter.status if status is None else status
