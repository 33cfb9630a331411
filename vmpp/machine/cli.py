"""The command line, and its smaller commands: ``vmpp machines``, ``algorithms``, ``plugins``.

What a command needs is imported inside it, so that ``vmpp --version`` answers at once.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

import click

from vmpp.errors import VmppError
from vmpp.exit_status import CLOSED_PIPE, INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmpp.machine.plugins import Plugins

USAGE: Final = 2
"""Exit status when nothing was run, as the shell's own tools have it."""


def main(arguments: Sequence[str], group: click.Group) -> NoReturn:
    """Run the command line of *group* and exit with the status that it deserves."""
    try:
        status = group.main(list(arguments), "vmpp", standalone_mode=False) or 0
    except click.UsageError as error:
        status = _complain(f"{_uncapitalised(error.format_message())}{_help_of(error)}")
    except click.ClickException as error:
        status = _complain(_uncapitalised(error.format_message()))
    except VmppError as error:
        status = _complain(str(error))
    except (KeyboardInterrupt, click.Abort):
        status = INTERRUPTED
    # What is left of a large machine goes with the process; to collect it would take seconds.
    gc.freeze()
    sys.exit(_flushed(status))


@click.command()
@click.option("--keys", is_flag=True, help="Document the keys of a machine file instead.")
def machines(keys: bool) -> None:
    """List the machines that a name stands for.

    \b
    Example:
      vmpp machines
      vmpp run -n 64 --machine paragon program.py
    """
    from vmpp.machine import listings

    listings.show(listings.keys() if keys else listings.machines())


@click.command()
def algorithms() -> None:
    """List the algorithms that collective operations can be carried out by.

    \b
    Example:
      vmpp algorithms
      vmpp run -n 64 --coll allreduce=ring --coll bcast=binomial program.py
    """
    from vmpp.machine import listings

    listings.show(listings.algorithms())


@click.command()
def plugins() -> None:
    """List what plugins offer, and where each comes from.

    Below that stands what is left out because something is wrong with a plugin.

    \b
    Example:
      vmpp plugins
    """
    from vmpp.machine import listings
    from vmpp.machine.plugins import Plugins

    found = Plugins.installed()
    listings.show(listings.plugins(found))
    if found.problems:
        click.echo()
        listings.show(listings.problems(found.problems))


def plugins_found() -> Plugins:
    """Return the plugins that are installed, and say on standard error what is left out."""
    from vmpp.machine.plugins import Plugins

    found = Plugins.installed()
    warn_of(found)
    return found


def warn_of(plugins: Plugins) -> None:
    """Say on standard error, in a line each, what is left out of *plugins*."""
    for problem in plugins.problems:
        click.echo(f"vmpp: warning: {problem}", err=True)


def _flushed(status: int) -> int:
    """Return *status*, or another if nobody reads what is still to be written."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python would try again, and complain, while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return status or CLOSED_PIPE
    return status


def _complain(message: str) -> int:
    click.echo(f"vmpp: error: {message}", err=True)
    return USAGE


def _uncapitalised(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(".")


def _help_of(error: click.UsageError) -> str:
    return f" (try '{error.ctx.command_path} --help')" if error.ctx else ""
