"""The command ``vmpp noise``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from vmpp.errors import VmppError


class UnreadableError(VmppError):
    """A file cannot be read, or written."""


def options(body: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a report, apart from where files are."""
    for add in (
        click.option("--lines", "most", type=click.IntRange(1), default=10, show_default=True,
                     metavar="N", help="The most lines of a spectrum to tell of."),
        click.option("--stretches", type=click.IntRange(1, 64), default=4, show_default=True,
                     metavar="N", help="Stretches to take the mean spectrum of: more are "
                     "smoother, fewer tell frequencies better apart."),
    ):  # fmt: skip
        body = add(body)
    return body


@click.group(no_args_is_help=False)
def noise() -> None:
    """Look at what takes nodes away from their applications.

    \b
    Example:
      vmpp noise report ftq_0.dat
    """


@noise.command()
@options
@click.option("-o", "--output", metavar="PICTURE", help="Draw it: a .png, .svg or .pdf.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def report(files: tuple[str, ...], output: str | None, stretches: int, most: int) -> int:
    """Tell what recurs in FILE, samples that 'ftq' or 'fwq' has taken.

    It is found in the spectrum of the samples, Welch's with a Hamming window, and in their
    cepstrum. The picture has time series, spectrum and cepstrum.

    \b
    Example:
      vmpp run -n 4 --noise linux-100hz ftq
      vmpp noise report ftq_0.dat -o ftq.png
    """
    from vmpp.machine import listings  # noqa: PLC0415 - takes a while, as what follows
    from vmpp_shell.noise import report as reporting  # noqa: PLC0415

    if output is not None:
        reporting.check_suffix(output)
    contents = [(each, _contents(each)) for each in files]
    made = reporting.report(contents, stretches=stretches, most=most)
    for number, each in enumerate(made.tables()):
        if number:
            click.echo()
        listings.show(each)
    for caution in made.cautions():
        click.echo(f"caution: {caution}", err=True)
    if output is not None:
        _write(output, made.picture(output))
    return 0


def _contents(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UnreadableError(f"{file}: {error.strerror}") from error


def _write(file: str, content: bytes) -> None:
    try:
        Path(file).write_bytes(content)
    except OSError as error:
        raise UnreadableError(f"{file}: {error.strerror}") from error
