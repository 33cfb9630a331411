"""Measuring a case: in processes of its own, several times, the best of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import Case
from benchmarks.prompt import seconds_to_prompt

HERE = Path(__file__).resolve().parent
WARM_UP = 2
"""Rounds of the run that is subtracted: it starts all ranks and fills their caches and lists."""


class CaseFailedError(Exception):
    """A case did not run to its end; the text says which, and why."""


@dataclass(slots=True)
class Measurement:
    """What came of a case.

    Attributes:
        case: what was measured.
        rate: messages a CPU-second.
        yardstick: likewise SimPy's, measured in turn with it, or that of the case it is against.
        seconds_a_round: CPU seconds that all ranks together take for one round.
        gigabytes: a CPU-second.
        cpu_s: user and system time of a whole process, for its start and end, of a picture, or of a
            virtual second in which jobs share the machine.
        elapsed_s: time on the wall for the same.
        peak_bytes: the most memory that the process had.
    """

    case: Case
    rate: float | None = None
    yardstick: float | None = None
    seconds_a_round: float | None = None
    gigabytes: float | None = None
    cpu_s: float | None = None
    elapsed_s: float | None = None
    peak_bytes: int = 0

    @property
    def ratio(self) -> float | None:
        """Rate to yardstick."""
        return self.rate / self.yardstick if self.rate and self.yardstick else None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None: there is none."""
        case = self.case
        if case.target is None:
            return None
        if case.kind == "prompt":
            return self.elapsed_s is not None and self.elapsed_s <= case.target
        if case.kind in {"start", "picture", "sharing"}:
            small = case.memory_target is None or self.peak_bytes <= case.memory_target
            return self.cpu_s is not None and self.cpu_s <= case.target and small
        reached = self.gigabytes if case.kind == "bandwidth" else self.ratio
        return reached is not None and reached >= case.target


def measure(
    case: Case, repetitions: int, share: float, known: dict[str, Measurement]
) -> Measurement:
    """Measure *case*.

    Args:
        repetitions: of everything; the best counts.
        share: of the case's rounds.
        known: what has been measured, by the name of its case.

    Raises:
        CaseFailedError: it did not run.
    """
    if case.kind == "start":
        return _start(case, repetitions)
    if case.kind == "prompt":
        return _prompt(case, repetitions)
    if case.kind in _SCRIPTS:
        return _script(case)
    rounds = max(1, round(case.rounds * share))
    bare = case.against is None and case.kind == "rate"
    shorts, longs, bare_shorts, bare_longs = [], [], [], []
    for _ in range(repetitions):
        # In turn, so that a host which is slower for a while is slower for all of them.
        shorts.append(_job(case, WARM_UP))
        longs.append(_job(case, WARM_UP + rounds))
        if bare:
            bare_shorts.append(_yardstick(case, WARM_UP))
            bare_longs.append(_yardstick(case, WARM_UP + _bare_rounds(case.ranks, share)))
    spent = _least(longs) - _least(shorts)
    messages = longs[0]["messages"] - shorts[0]["messages"]
    found = Measurement(case, seconds_a_round=spent / rounds)
    found.peak_bytes = int(max(run["peak_bytes"] for run in longs))
    if case.kind == "bandwidth":
        found.gigabytes = rounds * case.nbytes / spent / 1e9
        return found
    found.rate = messages / spent
    if bare:
        bare_spent = _least(bare_longs) - _least(bare_shorts)
        found.yardstick = case.ranks * _bare_rounds(case.ranks, share) / bare_spent
    elif case.against in known:
        found.yardstick = known[case.against].rate
    return found


_SCRIPTS = {"picture": "benchmarks.picture", "sharing": "benchmarks.sharing"}
"""Modules that measure a case of their own kind, once."""


def _script(case: Case) -> Measurement:
    """Measure what a module of its own measures."""
    found = _job(case, case.rounds, _SCRIPTS[case.kind])
    return Measurement(case, cpu_s=found["cpu_s"], peak_bytes=int(found["peak_bytes"]))


def _least(runs: list[dict[str, float]]) -> float:
    return min(run["cpu_s"] for run in runs)


def _bare_rounds(ranks: int, share: float) -> int:
    """Return how many rounds of the yardstick take about a second."""
    return max(2, round(300_000 * share / ranks))


def _job(case: Case, rounds: int, module: str = "benchmarks.job") -> dict[str, float]:
    machine = case.machine
    if machine.endswith(".toml"):
        machine = str(HERE / "machines" / machine)
    program = str(HERE / "programs" / case.program)
    return _child(case, module, program, str(case.ranks), machine, str(rounds), *case.arguments)


def _yardstick(case: Case, rounds: int) -> dict[str, float]:
    return _child(case, "benchmarks.yardstick", str(case.ranks), str(rounds))


def _child(case: Case, module: str, *arguments: str) -> dict[str, float]:
    """Run a module of this package in a process of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CaseFailedError(f"{case.name}: {done.stderr.strip()[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _start(case: Case, repetitions: int) -> Measurement:
    """Measure from outside what a user of the command sees."""
    best: Measurement | None = None
    for _ in range(repetitions):
        found = _command(case)
        if best is None or (found.cpu_s or 0) < (best.cpu_s or 0):
            best = found
    assert best is not None
    return best


def _prompt(case: Case, repetitions: int) -> Measurement:
    """Measure what somebody waits for who starts the shell; once more, to fill the caches."""
    try:
        runs = [
            seconds_to_prompt("--ephemeral", "--nodes", str(case.ranks))
            for _ in range(repetitions + 1)
        ]
    except (TimeoutError, OSError) as error:
        raise CaseFailedError(f"{case.name}: {error}") from error
    elapsed, cpu, peak = min(runs[1:])
    return Measurement(case, cpu_s=cpu, elapsed_s=elapsed, peak_bytes=peak)


def _command(case: Case) -> Measurement:
    program = str(HERE / "programs" / case.program)
    command = [sys.executable, "-m", "vmpp", "run", "-n", str(case.ranks), program]
    begin = time.monotonic()
    child = subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    elapsed = time.monotonic() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise CaseFailedError(f"{case.name}: {' '.join(command)} ended with {child.returncode}")
    return Measurement(
        case,
        cpu_s=usage.ru_utime + usage.ru_stime,
        elapsed_s=elapsed,
        peak_bytes=usage.ru_maxrss * 1024,
    )
