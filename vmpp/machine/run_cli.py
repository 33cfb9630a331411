"""The command ``vmpp run``.

What it needs is imported inside it, so that ``vmpp run --help`` answers at once.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import click

from vmpp.machine.cli import plugins_found
from vmpp.machine.options import run_options

if TYPE_CHECKING:
    from vmpp.machine.plugins import Plugins
    from vmpp.machine.run import Result


@click.command(context_settings={"allow_interspersed_args": False})
@run_options
@click.option("--timing", is_flag=True,
              help="Print each phase's virtual time, and host time beside it.")  # fmt: skip
@click.option("--policies", "show_policies", is_flag=True,
              help="Print the policies that decided.")  # fmt: skip
@click.option("--digest", is_flag=True,
              help="Print the digest of the run: equal for runs that are equal.")  # fmt: skip
@click.option("--check", is_flag=True,
              help="Look for faults in the use of MPI; findings make the status 1.")  # fmt: skip
@click.option("--profile", is_flag=True,
              help="Print where the program spends its time in MPI, by call and line.")  # fmt: skip
@click.argument("program")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
def run(
    program: str,
    arguments: tuple[str, ...],
    timing: bool,
    show_policies: bool,
    digest: bool,
    check: bool,
    profile: bool,
    module: bool,
    **options: Any,
) -> int:
    """Run PROGRAM on N nodes, as 'mpiexec -n N python PROGRAM' would.

    PROGRAM is a Python file, with -m a module, or the name of an image that ships. All that comes
    after it is for the program, options included. Files, environment, standard streams and exit
    status are those of this command.

    \b
    Examples:
      vmpp run -n 64 program.py --its-own-option
      vmpp run -n 16 --machine paragon -m mpi4py.bench pingpong
      vmpp run -n 8 --pct rr:2ms --copies 2 --topology hypercube program.py
    """
    from vmpp.machine.run import run as run_program

    found = plugins_found()
    if not module:
        program = _located(program, found)
    result = run_program(
        program,
        arguments,
        module=module,
        plugins=found,
        tools=[name for name, wanted in (("check", check), ("profile", profile)) if wanted],
        stdin=_bytes_of(sys.stdin),
        stdout=_bytes_of(sys.stdout),
        stderr=_bytes_of(sys.stderr),
        **options,
    )
    _report(result, timing=timing, show_policies=show_policies, digest=digest)
    return result.status or min(1, sum(report.findings for report in result.reports))


def _bytes_of(stream: TextIO | None) -> BinaryIO | None:
    """Return what takes or gives the bytes of *stream*, which the shell may have closed."""
    return None if stream is None else stream.buffer


def _located(program: str, plugins: Plugins) -> str:
    from vmpp.machine.images import locate

    return locate(program, plugins, Path())


def _report(result: Result, *, timing: bool, show_policies: bool, digest: bool) -> None:
    """Print, on standard error, what is not the program's own output."""
    if result.failure:
        click.echo(result.failure.rstrip("\n"), err=True)
    for report in result.reports:
        click.echo(report.text, err=True)
    if timing or show_policies:
        from vmpp.machine import listings

        if timing:
            listings.show(listings.phases(result.phases), err=True)
        if show_policies:
            listings.show(listings.policies(result.policies), err=True)
    if digest:
        click.echo(f"digest: {result.digest}", err=True)
