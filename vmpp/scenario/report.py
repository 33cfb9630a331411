"""What a person sees of a replay: a line for each scenario, coloured differences, a summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from rich.console import Console
from rich.text import Text

from vmpp.scenario.replaying import Outcome, Replayed
from vmpp.scenario.updating import difference

QUIET: Final = -1
VERBOSE: Final = 1

_STYLES: Final[Mapping[str, str]] = {
    "---": "bold",
    "+++": "bold",
    "@@": "cyan",
    "-": "red",
    "+": "green",
}
"""How a line of a diff is drawn, by its beginning; the first that fits."""


class Reporter:
    """Tells on *console* how replays go; *detail* is how much of it."""

    def __init__(self, console: Console, detail: int = 0) -> None:
        self._console = console
        self._detail = detail

    def tell(self, outcome: Outcome, accepted: bool = False) -> None:
        """Tell what came of one scenario; *accepted*: what differed is in the file by now."""
        verdict, style = (
            ("passed", "green") if outcome.passed
            else ("updated", "yellow") if accepted
            else ("FAILED", "bold red")
        )  # fmt: skip
        if self._detail > QUIET or not outcome.passed:
            self._line(f"{outcome.scenario.name}: ", (verdict, style), f", {_commands(outcome)}")
        if self._detail >= VERBOSE:
            for each in outcome.replayed:
                self._command(each)
        for line in diff(outcome):
            self._console.print(line, soft_wrap=True)
        if outcome.error is not None:
            self._line((outcome.error, "red"))

    def _command(self, replayed: Replayed) -> None:
        verdict, style = ("passed", "green") if replayed.passed else ("FAILED", "bold red")
        first = replayed.command.text.partition("\n")[0]
        self._line(f"  {replayed.command.line}: {first}: ", (verdict, style))

    def _line(self, *parts: str | tuple[str, str]) -> None:
        self._console.print(Text.assemble(*parts), soft_wrap=True)

    def summarise(self, outcomes: Iterable[Outcome], accepted: int, seconds: float) -> None:
        """Tell how many passed, failed and were *accepted*, and how long it took on the host."""
        told = list(outcomes)
        passed = sum(each.passed for each in told)
        failed = len(told) - passed - accepted
        counts = ((passed, "passed"), (failed, "failed"), (accepted, "updated"))
        text = ", ".join(f"{number} {what}" for number, what in counts if number)
        style = "bold red" if failed else "bold green"
        self._line((f"{text or 'nothing replayed'} in {seconds:.1f} s", style))


def diff(outcome: Outcome) -> Iterable[Text]:
    """Return the lines of the unified diff of *outcome*, coloured."""
    for line in difference(outcome):
        style = next((style for start, style in _STYLES.items() if line.startswith(start)), "")
        yield Text(line, style)


def _commands(outcome: Outcome) -> str:
    ended, failed = len(outcome.replayed), len(outcome.failed)
    number = len(outcome.scenario.commands)
    of = f"{number} command{'s' * (number != 1)}"
    parts = [f"{failed} of {of} gave something else"] if failed else [of]
    if ended < number:
        parts.append(f"{number - ended} not replayed")
    return ", ".join(parts)
