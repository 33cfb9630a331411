"""Policies that raise or answer nonsense: reported, and the machine goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from vmpp.kernel import Process
from vmpp.pct import POLICY_FAULT
from vmpp.pct.asking import Asked, PolicyFault
from vmpp_pct import RoundRobin

from .sharing import computes


class Faulty(RoundRobin):
    """Round robin, until something of it is replaced; the name is in reports."""

    def __init__(self) -> None:
        super().__init__(1000)


def broken(operation: str, answer: Any) -> type[Faulty]:
    """Return a policy of which one operation answers something of its own, or raises it."""

    def answers(self: Any, *arguments: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return type("Faulty", (Faulty,), {operation: answers})


NONSENSE = {
    "choose too far": ("choose", 7, "choose() returned 7, and must return an index from 0 to"),
    "choose before": ("choose", -1, "choose() returned -1, and must return an index"),
    "choose a text": ("choose", "me", "choose() returned 'me', and must return a whole number or"),
    "choose a half": ("choose", 0.5, "choose() returned 0.5, and must return a whole number or"),
    "choose raises": ("choose", ValueError("no idea"), "choose() raised ValueError: no idea ("),
    "until the past": ("until", 5, "until() returned 5 ps, and must return a time after"),
    "until a text": ("until", "later", "until() returned 'later', and must return a whole number"),
    "until raises": ("until", KeyError("job"), "until() raised KeyError: 'job' ("),
    "preempts nothing": ("preempts", None, "preempts() returned None, and must return True or"),
    "preempts raises": ("preempts", OSError("disk"), "preempts() raised OSError: disk ("),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_what_a_policy_breaks_ends_the_processes_of_its_node_with_a_report(
    cluster: Any, case: str
) -> None:
    operation, answer, rule = NONSENSE[case]
    faulty = broken(operation, answer)
    policies = [faulty, RoundRobin, RoundRobin]
    machine = cluster(3, policy=policies.pop(0))

    def main(process: Process) -> None:
        for _ in range(4):
            process.compute(3000)
            process.sleep(1)

    hurt = [machine.launch(main, 1), machine.launch(main, 1)]
    machine.engine.run()
    assert [record.status for record in hurt] == [POLICY_FAULT, POLICY_FAULT]
    for record in hurt:
        assert record.failure.startswith(f"scheduling policy Faulty of node 0: {rule}")
    machine.assert_clean()


@pytest.mark.parametrize(
    ("answer", "rule"),
    [(0, "returned 0, and must return a text or None"), (OSError("no"), "raised OSError: no (")],
)
def test_a_policy_that_cannot_say_whether_it_admits_loads_nothing(
    cluster: Any, answer: Any, rule: str
) -> None:
    machine = cluster(1, policy=broken("admit", answer))
    record = machine.run(computes(10), 1)
    assert record.status == 1
    assert f"scheduling policy Faulty of node 0: admit() {rule}" in record.failure
    machine.assert_clean()


def test_jobs_on_other_nodes_go_on(cluster: Any) -> None:
    policies = [broken("choose", 9), RoundRobin]
    machine = cluster(2, policy=policies.pop(0))
    ends: list[int] = []

    def main(process: Process) -> None:
        process.compute(50_000)
        if process.rank == 1:
            process.compute(50_000)
            ends.append(process.rank)

    both = machine.launch(main, 2)
    machine.launch(main, 1)
    both.wishes = type(both.wishes)(both.wishes.owner, kills=False)
    machine.engine.run()
    assert both.statuses == [POLICY_FAULT, 0]
    assert ends == [1]
    machine.assert_clean()


def test_after_a_fault_the_node_takes_jobs_as_before(cluster: Any) -> None:
    machine = cluster(1, policy=broken("until", 0))
    two = [machine.launch(computes(5000), 1), machine.launch(computes(5000), 1)]
    machine.engine.run()
    assert [record.status for record in two] == [POLICY_FAULT] * 2
    # One that has the node to itself needs no policy.
    assert machine.run(computes(5000), 1).status == 0
    machine.assert_clean()


def test_a_policy_without_an_operation_is_refused_by_name() -> None:
    class Unfinished:
        multitasking = True

        def admit(self, loaded: int) -> str | None:
            return None

        def choose(self, ready: Sequence[Process], now: int) -> int | None:
            return 0

        def until(self, process: Process, now: int) -> int | None:
            return None

    unfinished: Any = Unfinished()
    with pytest.raises(
        PolicyFault, match="scheduling policy mine:7 of node 3: it has no 'preempts'"
    ):
        Asked(unfinished, "mine:7", 3)


def test_an_observer_that_cannot_be_told_is_refused_by_name() -> None:
    faulty = type("Faulty", (Faulty,), {"observer": object()})()
    with pytest.raises(
        PolicyFault, match="policy mine:7 of node 3: its observer has no 'became_ready'"
    ):
        Asked(faulty, "mine:7", 3)


def test_a_policy_cannot_change_who_is_ready(cluster: Any) -> None:
    def sorts(self: Any, ready: Any, now: int) -> int:
        ready.sort(key=lambda process: -process.job.id)
        return 0

    machine = cluster(1, policy=type("Faulty", (Faulty,), {"choose": sorts}))
    two = [machine.launch(computes(5000), 1), machine.launch(computes(5000), 1)]
    machine.engine.run()
    for record in two:
        assert "choose() raised AttributeError: 'tuple' object has no" in record.failure
    machine.assert_clean()


def test_a_report_says_where_a_policy_raised(cluster: Any) -> None:
    machine = cluster(1, policy=broken("until", ZeroDivisionError("division by zero")))
    record = machine.launch(computes(10), 1)
    machine.launch(computes(10), 1)
    machine.engine.run()
    assert "test_policy_faults.py, line " in record.failure
