"""The command line, and its smaller commands: ``vmpp machines``, ``algorithms``, ``plugins``.

What a command needs is imported inside it, so that ``vmpp --version`` answers at once.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from vmpp.errors import VmppError
from vmpp.exit_status import CLOSED_PIPE, INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmpp.machine.plugins import Plugins

MOST_PLACES: Final = 1 << 20
"""The most that each dimension of a topology, or all together, can have."""

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


def _dims(context: click.Context, option: click.Parameter, given: str | None) -> Any:
    """Return the dimensions that DIMS says."""
    if given is None:
        return None
    sides = given.lower().split("x")
    if not all(side.isdecimal() and 0 < int(side) <= MOST_PLACES for side in sides):
        raise click.BadParameter(f"{given!r} are no dimensions; write 8x8x8")
    return tuple(map(int, sides))


@click.command()
@click.argument("topology", required=False, metavar="[NAME[:ARG]...]")
@click.argument("dims", required=False, metavar="[DIMS]", callback=_dims)
@click.option("--nodes", type=click.IntRange(1, MOST_PLACES), default=64, show_default=True,
              metavar="N", help="At least so many nodes, where DIMS are not given.")  # fmt: skip
def topologies(topology: str | None, dims: tuple[int, ...] | None, nodes: int) -> None:
    """Say what networks amount to: their links, distances and bisection width.

    Links of one direction count. Degree is the most that leave a node or switch, diameter the most
    between two nodes, and bisection the fewest from one half of the nodes to the other. Distances
    are those of the deterministic routing, between different nodes.

    \b
    Example:
      vmpp topologies
      vmpp topologies torus 8x8x8
      vmpp topologies --nodes 1024 fat-tree:8
    """
    from vmpp.machine import listings
    from vmpp.machine.topologies import networks

    listings.show(listings.topologies(networks(plugins_found(), topology, dims, nodes)))


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
