"""Comparing: one program under every combination of some choices."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from statistics import fmean
from typing import Any

from vmpp.machine.comparison.axes import AxisError, axes, combinations
from vmpp.machine.comparison.crew import carry_out_all, cores
from vmpp.machine.comparison.trial import Trial
from vmpp.machine.description import MachineDescription, load
from vmpp.machine.faults import parse
from vmpp.machine.images import locate
from vmpp.machine.plugins import Plugins
from vmpp.machine.policies import policy, with_policies


@dataclass(frozen=True, slots=True)
class Row:
    """One combination of choices, and what came of it.

    Attributes:
        choices: the value of everything that varies, by name.
        trials: its runs, one for each seed.
    """

    choices: Mapping[str, str]
    trials: tuple[Trial, ...]

    @property
    def status(self) -> int:
        """The highest exit status of the runs."""
        return max(trial.status for trial in self.trials)

    @property
    def error(self) -> str | None:
        """What went wrong first, in one line; None if nothing did."""
        return next((trial.error for trial in self.trials if trial.error), None)

    @property
    def virtual_time(self) -> float | None:
        """Seconds from the start of the program to its end, the mean of all runs."""
        return self.measure("virtual_time")

    def values(self, name: str) -> tuple[float, ...]:
        """Return a measure, one of `MEASURES`, of every run; nothing if one has none."""
        if self.error is not None or any(name not in trial.measures for trial in self.trials):
            return ()
        return tuple(trial.measures[name] for trial in self.trials)

    def measure(self, name: str) -> float | None:
        """Return the mean of a measure, one of `MEASURES`, over the runs; None if there is none."""
        found = self.values(name)
        return fmean(found) if found else None


def compare(
    program: str | PathLike[str],
    args: Sequence[str] = (),
    *,
    vary: Mapping[str, Iterable[object]],
    seeds: int = 1,
    jobs: int | None = None,
    stdin: bytes | None = None,
    progress: Callable[[int, int], object] = lambda done, of: None,
    **options: Any,
) -> list[Row]:
    """Run *program* once for each combination of the values in *vary*, and return a row for each.

        for row in vmpp.compare("heat", nprocs=16, vary={"pct": ["rr:1ms", "rr:10ms"]}):
            print(row.choices["pct"], row.virtual_time)

    Every run has a process of the host's to itself, in one folder. What comes of it does not
    depend on how many run at once, unless the program reads files there that it also writes.

    Args:
        program: as for `vmpp.run`, and so are *args* and *options*: what all runs have in common.
        vary: the values of each thing that varies: a kind of policy, or ``machine``, ``nprocs``,
            ``seed``, ``level`` and ``copies``. The last one varies fastest.
        seeds: runs of each combination, with this and the following seeds.
        jobs: how many run at once; as many as there are cores if left out.
        stdin: what rank 0 of each run reads.
        progress: called as runs end, with how many have, and of how many.

    Raises:
        VmppError: something of this cannot be chosen; nothing is run then. A combination that
            turns out to be impossible, or fails, is a row that says so.
        RuntimeError: Trio runs already, as for `vmpp.run`.
    """
    plugins = Plugins.installed()
    along = axes(vary, plugins)
    _check(options, vary, plugins)
    if seeds > 1 and "seed" in vary:
        raise AxisError("the seed cannot vary by itself where there are several seeds for each row")
    folder = os.getcwd() if options.get("cwd") is None else fspath(options["cwd"])
    if not options.get("module"):
        program = locate(program, plugins, Path(folder))
    common = {"seed": 0, **options, "program": fspath(program), "args": tuple(args), "cwd": folder,
              "stdin": stdin}  # fmt: skip
    chosen = list(combinations(along))
    tasks = [task for choices in chosen for task in _tasks(common, choices, along, seeds)]
    done = 0

    def told() -> None:
        nonlocal done
        done += 1
        progress(done, len(tasks))

    trials = carry_out_all(tasks, jobs or cores(), told)
    return [
        Row(choices, tuple(trials[number * seeds : (number + 1) * seeds]))
        for number, choices in enumerate(chosen)
    ]


def _check(options: Mapping[str, Any], vary: Mapping[str, Any], plugins: Plugins) -> None:
    """Refuse what all runs would have in common, if it cannot be chosen. Raises VmppError."""
    for text in options.get("faults", ()):
        parse(text)
    policies, level = options.get("policies") or {}, options.get("level")
    for kind, text in policies.items():
        policy(kind, text, plugins)
        if kind in vary:
            raise AxisError(f"the {kind} is both to be {text!r} and to vary")
    machine = options.get("machine", "default")
    if not isinstance(machine, MachineDescription):
        machine = load(machine, plugins)
    if "machine" not in vary:
        with_policies(machine, policies, plugins, level)


def _tasks(
    common: Mapping[str, Any], choices: Mapping[str, str], along: Sequence[Any], seeds: int
) -> list[dict[str, Any]]:
    """Return the options of `vmpp.run` for one combination, with one seed after the other."""
    options = dict(common)
    for axis in along:
        options = axis.applied(choices[axis.name], options)
    return [{**options, "seed": options["seed"] + number} for number in range(seeds)]
