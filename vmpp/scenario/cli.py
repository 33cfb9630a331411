"""The command ``vmpp test``.

What it needs is imported inside it, so that ``vmpp --version`` answers at once.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import sys
import time
from pathlib import Path

import click


@click.command()
@click.option("-j", "processes", type=click.IntRange(1), default=1, show_default=True, metavar="N",
              help="Replay so many at once.")  # fmt: skip
@click.option("-k", "words", multiple=True, metavar="WORD",
              help="Replay only those with WORD in their names; repeatable.")  # fmt: skip
@click.option("--update", is_flag=True,
              help="Accept what differs: write it into the files. Wildcards stay.")  # fmt: skip
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write a report in JUnit's XML, too.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
              help="What a command may take on the host, instead of what they say.")  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Tell only of scenarios that fail.")
@click.option("-v", "--verbose", is_flag=True, help="Tell of each command.")
@click.argument("paths", nargs=-1, required=True, metavar="FILES|FOLDERS...",
                type=click.Path(path_type=Path))  # fmt: skip
def test(
    paths: tuple[Path, ...],
    processes: int,
    words: tuple[str, ...],
    update: bool,
    junit: Path | None,
    timeout: float | None,
    quiet: bool,
    verbose: bool,
) -> int:
    """Replay scenarios, and show where they give something else than they say.

    Scenarios are files NAME.vmpp, and blocks ```vmpp in Markdown. The exit status is 0 if all
    passed or were updated, 1 if one failed, and 2 if one cannot be read, in which case nothing is
    replayed.

    \b
    Examples:
      vmpp test tests/scenarios
      vmpp test --update -k login tests/scenarios
    """
    from rich.console import Console

    from vmpp.machine.cli import plugins_found
    from vmpp.scenario.accepting import accept
    from vmpp.scenario.finding import found
    from vmpp.scenario.report import QUIET, VERBOSE, Reporter
    from vmpp.scenario.suite import outcomes, picked, with_timeout

    scenarios, errors = found(paths)
    for error in errors:
        click.echo(f"vmpp: error: {error}", err=True)
    if errors:
        return 2
    chosen = picked(scenarios, words)
    if not chosen:
        raise click.UsageError(f"no scenario has {' or '.join(map(repr, words))} in its name")
    if timeout is not None:
        chosen = [with_timeout(each, timeout) for each in chosen]
    plugins_found()
    reporter = Reporter(
        Console(file=sys.stdout, highlight=False), QUIET if quiet else VERBOSE if verbose else 0
    )
    began = time.perf_counter()
    done = []
    for outcome in outcomes(chosen, processes):
        reporter.tell(outcome, accepted=update and outcome.error is None)
        done.append(outcome)
    accepted = accept(done) if update else 0
    if junit is not None:
        from vmpp.scenario import junit as reports

        reports.write(done, junit)
    reporter.summarise(done, accepted, time.perf_counter() - began)
    return int(sum(each.passed for each in done) + accepted < len(done))
