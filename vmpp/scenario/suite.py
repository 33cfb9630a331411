"""Replaying many scenarios, several at once if wanted, each on a machine of its own."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import cache

import trio

from vmpp.errors import VmppError, suggestion
from vmpp.machine.plugins import Plugins
from vmpp.scenario.errors import ScenarioError
from vmpp.scenario.interpreter import InterpreterFactory
from vmpp.scenario.replaying import Outcome, replay
from vmpp.scenario.transcript import Scenario


class NoInterpreterError(VmppError):
    """No plugin offers anything that could carry out commands."""


def outcomes(scenarios: Sequence[Scenario], processes: int = 1) -> Iterator[Outcome]:
    """Replay *scenarios* and yield what comes of each, in their order.

    Args:
        processes: how many are replayed at once; each then has a process of the host's.

    Raises:
        NoInterpreterError: there is no shell.
    """
    if processes == 1 or len(scenarios) < 2:
        yield from map(outcome, scenarios)
        return
    interpreter()
    context = multiprocessing.get_context("spawn")
    number = min(processes, len(scenarios))
    # ^C reaches all of them; those that replay need not say where it struck them.
    with ProcessPoolExecutor(
        number, context, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_DFL)
    ) as pool:
        replaying = [pool.submit(outcome, scenario) for scenario in scenarios]
        try:
            yield from map(_result, scenarios, replaying)
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            pool.shutdown(cancel_futures=True)
            raise


def _result(scenario: Scenario, replaying: Future[Outcome]) -> Outcome:
    try:
        return replaying.result()
    except BrokenProcessPool:
        return Outcome(scenario, (), f"{scenario.path}: the process that replayed it has died")


def outcome(scenario: Scenario) -> Outcome:
    """Replay one scenario with the shell that is installed.

    Raises:
        NoInterpreterError: there is none.
    """
    factory = interpreter()
    missing = _missing(scenario.directives.plugins)
    if missing is not None:
        return Outcome(scenario, (), str(ScenarioError(scenario.path, 1, missing)))
    try:
        return trio.run(replay, scenario, factory)
    except BaseExceptionGroup as group:
        # Trio raises ^C wherever it strikes, in as many groups as there are nurseries.
        if group.split(KeyboardInterrupt)[1] is None:
            raise KeyboardInterrupt from None
        raise


@cache
def _installed() -> Plugins:
    return Plugins.installed()


def interpreter() -> InterpreterFactory:
    """Return what makes interpreters, of the first plugin that offers one.

    Raises:
        NoInterpreterError: no plugin does.
    """
    offered = _installed().interpreters
    if not offered:
        raise NoInterpreterError("no plugin offers an interpreter for scenarios; reinstall vmpp")
    return next(iter(offered.values()))


def _missing(names: Sequence[str]) -> str | None:
    """Return what is to be said of the first of *names* that no plugin has."""
    found = _installed()
    installed = found.names
    for name in names:
        if name not in installed:
            left = [f"; {each}" for each in found.problems if each.source.plugin == name]
            way_out = "".join(left) or "; install it"
            return f"no plugin is called {name!r}{suggestion(name, installed)}{way_out}"
    return None


def picked(scenarios: Sequence[Scenario], words: Sequence[str]) -> list[Scenario]:
    """Return those of *scenarios* that have one of *words* in their names; all if there is none."""
    return [
        scenario
        for scenario in scenarios
        if not words or any(word in scenario.name for word in words)
    ]


def with_timeout(scenario: Scenario, seconds: float) -> Scenario:
    """Return *scenario* with another timeout."""
    return replace(scenario, directives=replace(scenario.directives, timeout=seconds))
