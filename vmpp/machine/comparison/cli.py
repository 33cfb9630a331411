"""The command ``vmpp compare``.

What it needs is imported inside it, so that ``vmpp --version`` answers at once.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vmpp.machine.cli import plugins_found
from vmpp.machine.options import run_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vmpp.machine.comparison import Row


def _measures(context: click.Context, option: click.Parameter, given: str) -> str:
    from vmpp.errors import suggestion
    from vmpp.machine.comparison.measures import MEASURES

    if given not in MEASURES:
        raise click.BadParameter(
            f"nothing is measured as {given!r}{suggestion(given, MEASURES)} "
            f"(there is: {', '.join(MEASURES)})"
        )
    return given


class _Comparing(click.Command):
    """A command whose options may follow on PROGRAM, so that those of PROGRAM need a ``--``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, as any command does."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name
            message = f"no such option {name!r}; options of PROGRAM stand behind '--'"
            raise click.NoSuchOption(name, message, error.possibilities, ctx) from None


@click.command(cls=_Comparing)
@click.option("--vary", "varied", multiple=True, required=True, metavar="KIND=VALUE,VALUE...",
              help="What varies: a kind of policy, machine, nprocs, seed, level or copies; "
                   "repeatable.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(1), default=1, metavar="K",
              help="Run each combination with K seeds; the table has means.")  # fmt: skip
@click.option("-j", "jobs", type=click.IntRange(1), metavar="N",
              help="Run so many at once.  [default: all cores]")  # fmt: skip
@click.option("--measure", default="virtual_time", show_default=True, metavar="NAME",
              callback=_measures,
              help="What to compare by: virtual_time, load_time, messages, bytes, drops, lost, "
                   "system_calls, distance, or printed, the last number printed.")  # fmt: skip
@click.option("-o", "picture", type=click.Path(dir_okay=False), metavar="FILE",
              help="Draw it, too: FILE.png, .svg or .pdf.")  # fmt: skip
@click.option("--csv", "values", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write all that is measured, one line a run.")  # fmt: skip
@click.option("-i", "stdin", type=click.File("rb"), metavar="FILE",
              help="What rank 0 reads; nothing by default.")  # fmt: skip
@run_options
@click.argument("program")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
def compare(
    program: str,
    arguments: tuple[str, ...],
    varied: tuple[str, ...],
    seeds: int,
    jobs: int | None,
    measure: str,
    picture: str | None,
    values: Path | None,
    stdin: Any,
    **options: Any,
) -> int:
    """Run PROGRAM under every combination of some choices, on all cores, and print a table.

    A combination that fails is a line of the table, and what went wrong is printed below; the
    others go on. The status is the highest of all. A comma within a value is written '\\,', and
    options of PROGRAM stand behind '--'.

    \b
    Examples:
      vmpp compare heat -n 16 --vary topology=mesh2d,hypercube
      vmpp compare heat -n 8 --copies 2 --vary pct=rr:1ms,rr:10ms,gang:2ms -o quanta.png
      vmpp compare heat --vary nprocs=4,16,64 --vary machine=paragon,asci-red -- --steps 100
    """
    from vmpp.machine import listings
    from vmpp.machine.comparison.axes import parsed
    from vmpp.machine.comparison.comparing import compare as compare_program
    from vmpp.machine.comparison.picture import check_path, draw
    from vmpp.machine.comparison.table import table, write_csv

    plugins_found()
    if picture is not None:
        check_path(picture)
    with _progress() as progress:
        rows = compare_program(
            program,
            arguments,
            vary=parsed(varied),
            seeds=seeds,
            jobs=jobs,
            stdin=None if stdin is None else stdin.read(),
            progress=progress,
            **options,
        )
    listings.show(table(rows, measure))
    for told in _failures(rows):
        click.echo(f"\n{told}", err=True)
    if values is not None:
        with values.open("w", encoding="utf-8") as file:
            write_csv(rows, file)
    if picture is not None:
        heading = " ".join((Path(program).name, *arguments))
        draw(rows, picture, measure=measure, heading=heading)
    return max(row.status for row in rows)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how many runs have ended."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("runs"), BarColumn(), MofNCompleteColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task("runs", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _failures(rows: Sequence[Row]) -> list[str]:
    """Return what failed runs say besides their errors, those together that say the same."""
    told: dict[str, list[str]] = {}
    for row in rows:
        choices = " ".join(f"{name}={value}" for name, value in row.choices.items())
        for trial in row.trials:
            if trial.error is not None:
                output = (trial.stdout + trial.stderr).decode(errors="replace").rstrip("\n")
                text = "\n".join(filter(None, (output, (trial.failure or trial.error).rstrip())))
                label = f"{choices} seed={trial.seed}" if len(row.trials) > 1 else choices
                if text != trial.error:
                    told.setdefault(text, []).append(label)
    return [f"{', '.join(labels)}:\n{text}" for text, labels in told.items()]


__all__ = ["compare"]
