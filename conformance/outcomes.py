"""What became of a test: of its record at each rank, one outcome."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

SEVERITY = ("pass", "skip", "fail", "error", "hang", "missing")
"""What can become of a test, best first.

It passes if it passes at every rank. One that ends at some ranks and not at all of them hangs; one
that was not started at every rank, though the run was over, is missing.
"""


class Outcome(NamedTuple):
    """What became of a test, and why if it did not pass."""

    kind: str
    reason: str = ""

    def worse(self, other: Outcome) -> Outcome:
        """Return the worse of two, the first of two alike."""
        return max(self, other, key=lambda each: SEVERITY.index(each.kind))


@dataclass
class RankRecord:
    """What one rank wrote.

    Attributes:
        started: names of tests, in the order in which they started.
        ended: what became of those that ended.
        fixtures: what became of modules and classes that could not be set up, by name.
    """

    started: list[str] = field(default_factory=list)
    ended: dict[str, Outcome] = field(default_factory=dict)
    fixtures: dict[str, Outcome] = field(default_factory=dict)

    def of(self, name: str) -> Outcome | None:
        """Return what became of the test *name*, None if it was not started.

        A test that did not end hangs.
        """
        if name in self.ended:
            return self.ended[name]
        if name in self.started:
            return Outcome("hang")
        parts = name.split(".")
        for length in (2, 1):
            if found := self.fixtures.get(".".join(parts[:length])):
                return found
        return None


def read(lines: Iterable[str]) -> RankRecord:
    """Read the JSON lines of one rank; a last line that was cut off counts as not written."""
    record = RankRecord()
    for line in _parsed(lines):
        name, outcome = line["name"], Outcome(line["outcome"], line["reason"])
        if line["event"] == "start":
            record.started.append(name)
        elif line["event"] == "end":
            record.ended[name] = outcome
        else:
            record.fixtures[_fixture(name)] = outcome
    return record


def _parsed(lines: Iterable[str]) -> Iterator[Mapping[str, str]]:
    for line in lines:
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            return


def _fixture(name: str) -> str:
    """Return the module or class in unittest's name for what failed to set it up.

    ``setUpClass (test_win.TestWinNull)``, ``setUpModule (test_win)``, and
    ``unittest.loader._FailedTest.test_win`` for one that could not be imported.
    """
    _, bracket, inner = name.partition(" (")
    return inner.rstrip(")") if bracket else name.rpartition(".")[2]


def merge(name: str, ranks: Sequence[RankRecord], trouble: str) -> Outcome:
    """Return what became of a test, of what it was at each of the *ranks*.

    *trouble* is what ended the run if that was not its own end.
    """
    merged = Outcome("pass")
    alone = not agreed(name, ranks)
    for rank, record in enumerate(ranks):
        kind, reason = record.of(name) or Outcome("missing")
        place = f" (rank {rank})" if alone and reason else ""
        merged = merged.worse(Outcome(kind, reason + place))
    if merged.kind in ("hang", "missing"):
        causes = [found.reason for each in ranks if (found := each.of(name)) and found.reason]
        reason = "; ".join(filter(None, dict.fromkeys((*causes, trouble))))
        return Outcome(merged.kind, reason or "it was not run")
    return merged


def agreed(name: str, ranks: Sequence[RankRecord]) -> bool:
    """Return whether *name* ended at all *ranks* in the same way: none was left waiting."""
    kinds = {None if (found := record.of(name)) is None else found.kind for record in ranks}
    return len(kinds) == 1 and not kinds & {None, "hang"}
