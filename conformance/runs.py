"""Runs a module of the suite on a number of ranks, again and again until each test has an outcome.

A test that fails at one rank only leaves the others waiting, or a message in flight that the tests
after it take for theirs. So what comes out of the tests after such a one, if it is not good, does
not count: they are run again, without it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.outcomes import Outcome, RankRecord, agreed, merge, read

ROUNDS = 40
"""Most runs of one module with one number of ranks.

Then what is left counts as it is, as it does after a run that has settled nothing.
"""

RECORDER = Path(__file__).with_name("recorder.py")

# What a run says when it does not end as its program does.
_DEADLOCK = re.compile(r"deadlock after ")
_WAIT = re.compile(r"  ranks? [\d, -]+ in [\w.]+")
_RAISED = re.compile(r"ranks? [\d, -]+ on nodes? .* raised an exception")
_ENDED = re.compile(r"ranks? [\d, -]+ on nodes? |vmpp: error: ")


@dataclass(frozen=True)
class Run:
    """How to run modules.

    Attributes:
        suite: the folder with the suite's ``main.py``.
        folder: where records and output go.
        limit: seconds of the host after which a run is ended.
        resume: whether runs whose records are there are not made again.
    """

    suite: Path
    folder: Path
    limit: float
    resume: bool = False

    def module(self, module: str, tests: Sequence[str], ranks: int) -> dict[str, Outcome]:
        """Return what becomes of *tests*, all those of *module*, on so many *ranks*."""
        settled: dict[str, Outcome] = {}
        wanted = [module]
        for number in range(ROUNDS):
            folder = self.folder / f"{module}-n{ranks}-{number}"
            trouble = self._once(folder, wanted, ranks)
            records = records_in(folder, ranks)
            left = [name for name in tests if name not in settled]
            found = settle(left, records, trouble, last=number + 1 == ROUNDS)
            settled |= found or settle(left, records, trouble, last=True)
            wanted = [name for name in tests if name not in settled]
            if not wanted:
                break
        return settled

    def _once(self, folder: Path, wanted: Sequence[str], ranks: int) -> str:
        """Run *wanted* once, and return what ended the run, nothing if that was its own end."""
        ended = folder / "ended"
        if self.resume and ended.exists():
            return ended.read_text("utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        trouble = self._run(folder, wanted, ranks)
        ended.write_text(trouble, "utf-8")
        return trouble

    def _run(self, folder: Path, wanted: Sequence[str], ranks: int) -> str:
        vmpp = Path(sys.executable).with_name("vmpp")
        command = [vmpp, "run", "-n", str(ranks), RECORDER, folder, self.suite, *wanted]
        # What tests spawn finds the suite's modules as well: its main program is the recorder.
        environ = {**os.environ, "PYTHONPATH": str(self.suite)}
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                list(map(str, command)),
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                status = process.wait(self.limit)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return f"ended after {self.limit:g} s of the host"
        return trouble_in((folder / "output").read_text("utf-8", "replace"), status)


def trouble_in(output: str, status: int) -> str:
    """Return what the *output* of a run says has ended it; nothing if it has ended by itself.

    A test that failed is its own matter: its rank has ended with status 1, and says no more.
    """
    lines = output.splitlines()
    for number, line in enumerate(lines):
        if _DEADLOCK.match(line):
            waits = [found[0] for each in lines[number + 1 :] if (found := _WAIT.match(each))]
            return f"deadlock: {', '.join(map(str.strip, waits))}"
        if _RAISED.match(line):
            return next(iter(_exceptions(lines[number + 2 :])), line)
        if _ENDED.match(line):
            return line
    return "" if status in (0, 1) else f"the run ended with status {status}"


def _exceptions(lines: Iterable[str]) -> Iterator[str]:
    return (line for line in lines if not line.startswith(" "))


def records_in(folder: Path, ranks: int) -> list[RankRecord]:
    """Return what each of the *ranks* wrote into *folder*."""
    paths = [folder / f"rank-{rank}.jsonl" for rank in range(ranks)]
    texts = [path.read_text("utf-8") if path.exists() else "" for path in paths]
    return [read(text.splitlines()) for text in texts]


def settle(
    tests: Iterable[str], records: Sequence[RankRecord], trouble: str, *, last: bool
) -> dict[str, Outcome]:
    """Return what became of those *tests* of which one run gives an outcome to rely on.

    That is: of all that passed; of all that ended alike at every rank before the first that did
    not; and of that one. With *last* it is all of them.
    """
    order = _order(records)
    unsure = [name for name in tests if name in order and not agreed(name, records)]
    first = min(unsure, key=order.__getitem__, default=None)
    limit = order[first] if first is not None else len(order)
    settled = {}
    for name in tests:
        outcome = merge(name, records, trouble)
        sure = order.get(name, limit if first is None else limit + 1) <= limit
        if last or sure or outcome.kind in ("pass", "skip"):
            settled[name] = outcome
    return settled


def _order(records: Sequence[RankRecord]) -> Mapping[str, int]:
    """Return the place of each test in the order in which they were started."""
    longest = max(records, key=lambda each: len(each.started), default=RankRecord())
    return {name: place for place, name in enumerate(longest.started)}
