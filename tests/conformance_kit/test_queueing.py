"""The kit's check of queueing policies finds what breaks their rules, and passes what ships."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from vmpp.testing import RuleBroken, check_queueing_policy
from vmpp.testing.subjects import installed


@pytest.mark.parametrize("name", sorted(installed().queueing))
def test_what_ships_keeps_the_rules(name: str) -> None:
    check_queueing_policy(name)


def policy(choose: Callable[[Any, Any], Any]) -> Any:
    """Return a policy that answers so."""
    return type("Policy", (), {"choose": lambda self, waiting, free: choose(waiting, free)})


def smallest(waiting: Any, free: Any) -> Any:
    return min(range(len(waiting)), key=lambda place: waiting[place].size)


def first_fit(waiting: Any, free: Any) -> Any:
    return next((i for i, job in enumerate(waiting) if job.size <= len(free)), None)


def reserving(waiting: Any, free: Any) -> Any:
    """Let others pass until somebody has waited for long, by the time of the last to come."""
    late = waiting[-1].since - waiting[0].since > 20
    return 0 if late else first_fit(waiting, free)


TURNS = count()


@pytest.mark.parametrize(
    ("choose", "rule"),
    [
        (lambda waiting, free: len(waiting), "the place of one of those that wait, 0 to"),
        (lambda waiting, free: -1, "the place of one of those that wait"),
        (lambda waiting, free: waiting[0], "the place of one of those that wait"),
        (lambda waiting, free: waiting[3].job, "choose raises no error; but choose([Waiting(job"),
        (lambda waiting, free: None, "on a machine that is idle one of those that wait gets nodes"),
        (lambda waiting, free: next(TURNS) % len(waiting), "depends on what it has been asked"),
        (smallest, "no job waits for ever; but job"),
        (first_fit, "no job waits for ever; but job"),
        (lambda waiting, free: free.pop(), "choose raises no error"),
    ],
)
def test_what_breaks_a_rule_is_named_with_the_rule(choose: Any, rule: str) -> None:
    with pytest.raises(RuleBroken) as broken:
        check_queueing_policy(policy(choose))
    first = str(broken.value).splitlines()[0]
    assert first.startswith("the queue Policy breaks a rule: ")
    assert rule in first


@pytest.mark.parametrize("choose", [smallest, first_fit])
def test_a_policy_that_promises_nobody_a_turn_may_let_others_pass(choose: Any) -> None:
    check_queueing_policy(policy(choose), fair=False)


def test_a_policy_may_let_others_pass_for_a_while() -> None:
    check_queueing_policy(policy(reserving))


def test_a_policy_without_the_operation_is_named() -> None:
    with pytest.raises(RuleBroken, match=r"Half\.choose is missing; each queue has choose"):
        check_queueing_policy(type("Half", (), {}))
