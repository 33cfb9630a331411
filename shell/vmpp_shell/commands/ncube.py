"""The launcher of nCUBE's machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from vmpp_shell.arguments.types import PROGRAM
from vmpp_shell.launching import Wanted, launch
from vmpp_shell.registry import command

if TYPE_CHECKING:
    from vmpp_shell.context import Context

_MOST: Final = 15
"""More nodes than 16 bits can number, one of whose numbers means all, Vertex cannot serve."""


@command(
    "xnc", section="launch", background=True, context_settings={"allow_interspersed_args": False}
)
@click.option("-d", "dimension", type=click.IntRange(0, _MOST), default=0, metavar="DIM",
              help="Dimension of the subcube: 2^DIM nodes; one, if left out.")  # fmt: skip
@click.argument("program", type=PROGRAM, metavar="PROGRAM")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
async def xnc(context: Context, program: str, arguments: tuple[str, ...], dimension: int) -> int:
    """Launch PROGRAM on a subcube, and wait for its end.

    It is yod with the size as nCUBE's launcher had it. A subcube of a hypercube it is if the
    machine's allocator gives out such; see 'policy'.

    \b
    Example:
      xnc -d 4 vertex-ring
    """
    return await launch(context, Wanted(program, arguments, 1 << dimension, {}))
