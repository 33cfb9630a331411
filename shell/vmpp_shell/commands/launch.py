"""Launching jobs: yod."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vmpp.machine import listings
from vmpp_shell.foreground import in_foreground
from vmpp_shell.registry import command
from vmpp_shell.types import PROGRAM

if TYPE_CHECKING:
    from vmpp_shell.context import Context


@command(
    "yod", section="launch", background=True, context_settings={"allow_interspersed_args": False}
)
@click.option("-sz", "-n", "-np", "size", type=click.IntRange(1), default=1, metavar="N",
              help="Number of processes, one to a compute node.  [default: 1]")  # fmt: skip
@click.option("-timing", "--timing", is_flag=True,
              help="Print each phase's virtual time, and host time beside it.")  # fmt: skip
@click.option("--keep-going", is_flag=True,
              help="Let the job go on without ranks whose nodes crash.")  # fmt: skip
@click.argument("program", type=PROGRAM)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
async def yod(
    context: Context,
    program: str,
    arguments: tuple[str, ...],
    size: int,
    timing: bool,
    keep_going: bool,
) -> int:
    """Launch PROGRAM on N compute nodes, and wait for its end.

    PROGRAM is a Python file, or the name of an image. All that comes after it is for the program,
    options included.

    \b
    Example:
      yod -sz 64 heat --steps 100
      yod -n 16 ring.py > ring.out
    """
    terminal = context.terminal
    job = await context.session.launch(
        program,
        size,
        arguments,
        environ=context.interpreter.variables,
        stdin=terminal.stdin,
        stdout=terminal.out,
        stderr=terminal.err,
        keep_going=keep_going,
    )
    result = await in_foreground(context, job)
    if result.failure:
        terminal.err.print(result.failure.rstrip("\n"))
    if timing:
        terminal.err.show(listings.phases(result.phases))
    return int(result.status)
