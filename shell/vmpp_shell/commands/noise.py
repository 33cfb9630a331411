"""What is told of noise that programs have measured: noise."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click
import trio

from vmpp_shell.arguments.types import PATH
from vmpp_shell.noise.command import options
from vmpp_shell.registry import command

if TYPE_CHECKING:
    from vmpp_shell.context import Context


@command("noise", section="watch", json=True)
@options
@click.option("-o", "--output", type=PATH, metavar="PICTURE", help="Draw it: a .png, .svg or .pdf.")
@click.argument("verb", type=click.Choice(["report"]), metavar="report")
@click.argument("files", nargs=-1, required=True, type=PATH, metavar="FILE...")
async def noise(
    context: Context,
    verb: str,
    files: tuple[str, ...],
    output: str | None,
    stretches: int,
    most: int,
) -> None:
    """Tell what recurs in FILE, samples that 'ftq' or 'fwq' has taken.

    It is found in the spectrum of the samples, Welch's with a Hamming window, and in their
    cepstrum. The picture has time series, spectrum and cepstrum.

    \b
    Example:
      yod -n 4 ftq
      noise report ftq_0.dat -o ftq.png
    """
    del verb
    from vmpp_shell.noise import report as reporting  # noqa: PLC0415 - takes a while

    if output is not None:
        reporting.check_suffix(output)
    contents = [(each, await context.session.files.read(each)) for each in files]
    # What takes a second of the host's time does not hold up everybody else.
    make = partial(reporting.report, contents, stretches=stretches, most=most)
    made = await trio.to_thread.run_sync(make)
    context.show(made.data(), *made.tables())
    for caution in made.cautions():
        context.err.print(f"caution: {caution}")
    if output is not None:
        picture = await trio.to_thread.run_sync(made.picture, output)
        await context.session.files.write(output, picture)
