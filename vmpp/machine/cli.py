"""Commands of the command line: ``vmpp run``, ``machines``, ``algorithms``, ``plugins``.

What a command needs is imported inside it, so that ``vmpp --version`` answers at once.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn, TextIO

import click

from vmpp.errors import VmppError
from vmpp.exit_status import CLOSED_PIPE, INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmpp.machine.run import Result

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


def _pairs(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> Any:
    """Return what options of the form NAME=VALUE say, by name."""
    pairs = dict(each.partition("=")[::2] for each in given)
    for name, value in pairs.items():
        if not name or not value:
            raise click.BadParameter(
                f"{name!r} chooses nothing; write OPERATION=ALGORITHM, as allreduce=ring"
            )
    return pairs


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("-n", "-np", "nprocs", type=click.IntRange(1), default=1, metavar="N",
              help="Number of processes, one to a compute node.  [default: 1]")  # fmt: skip
@click.option("--machine", default="default", show_default=True, metavar="NAME|FILE.toml",
              help="Machine to boot; see 'vmpp machines'.")  # fmt: skip
@click.option("--universe", type=click.IntRange(1), metavar="N",
              help="The most processes at once, those that PROGRAM starts included.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True,
              help="Seed of everything that is random.")  # fmt: skip
@click.option("--watchdog", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
              help="End a process that takes so long, by the host, between calls.")  # fmt: skip
@click.option("--timing", is_flag=True,
              help="Print each phase's virtual time, and host time beside it.")  # fmt: skip
@click.option("--digest", is_flag=True,
              help="Print the digest of the run: equal for runs that are equal.")  # fmt: skip
@click.option("--check", is_flag=True,
              help="Look for faults in the use of MPI; findings make the status 1.")  # fmt: skip
@click.option("--profile", is_flag=True,
              help="Print where the program spends its time in MPI, by call and line.")  # fmt: skip
@click.option("--fault", "faults", multiple=True, metavar="TEXT",
              help="Let something break, such as 'node 3 crash at 2 ms'; repeatable.")  # fmt: skip
@click.option("--keep-going", is_flag=True,
              help="Let the job go on without ranks whose nodes crash.")  # fmt: skip
@click.option("--coll", "choices", multiple=True, metavar="OPERATION=ALGORITHM", callback=_pairs,
              help="Algorithm of a collective operation; see 'vmpp algorithms'.")  # fmt: skip
@click.option("-m", "module", is_flag=True,
              help="PROGRAM is a module, to be found as 'python -m' does.")  # fmt: skip
@click.argument("program")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
def run(
    program: str,
    arguments: tuple[str, ...],
    nprocs: int,
    machine: str,
    universe: int | None,
    seed: int,
    watchdog: float | None,
    timing: bool,
    digest: bool,
    check: bool,
    profile: bool,
    faults: tuple[str, ...],
    keep_going: bool,
    choices: dict[str, object],
    module: bool,
) -> int:
    """Run PROGRAM on N nodes, as 'mpiexec -n N python PROGRAM' would.

    PROGRAM is a Python file, with -m a module, or the name of an image that ships. All that comes
    after it is for the program, options included. Files, environment, standard streams and exit
    status are those of this command.

    \b
    Examples:
      vmpp run -n 64 program.py --its-own-option
      vmpp run -n 16 --machine paragon -m mpi4py.bench pingpong
    """
    from vmpp.machine.run import run as run_program

    if not module:
        program = _located(program)
    result = run_program(
        program,
        arguments,
        nprocs=nprocs,
        machine=machine,
        universe=universe,
        seed=seed,
        module=module,
        watchdog=watchdog,
        faults=faults,
        keep_going=keep_going,
        tools=[name for name, wanted in (("check", check), ("profile", profile)) if wanted],
        coll=choices,
        stdin=_bytes_of(sys.stdin),
        stdout=_bytes_of(sys.stdout),
        stderr=_bytes_of(sys.stderr),
    )
    _report(result, timing=timing, digest=digest)
    return result.status or min(1, sum(report.findings for report in result.reports))


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

    \b
    Example:
      vmpp plugins
    """
    from vmpp.machine import listings
    from vmpp.machine.plugins import Plugins

    listings.show(listings.plugins(Plugins.installed().listing()))


def _bytes_of(stream: TextIO | None) -> BinaryIO | None:
    """Return what takes or gives the bytes of *stream*, which the shell may have closed."""
    return None if stream is None else stream.buffer


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


def _located(program: str) -> str:
    # The common case, a file, needs no plugin.
    if os.path.exists(program):
        return program
    from vmpp.machine.images import locate
    from vmpp.machine.plugins import Plugins

    return locate(program, Plugins.installed(), Path())


def _report(result: Result, *, timing: bool, digest: bool) -> None:
    """Print, on standard error, what is not the program's own output."""
    if result.failure:
        click.echo(result.failure.rstrip("\n"), err=True)
    for report in result.reports:
        click.echo(report.text, err=True)
    if timing:
        from vmpp.machine import listings

        listings.show(listings.phases(result.phases), err=True)
    if digest:
        click.echo(f"digest: {result.digest}", err=True)
