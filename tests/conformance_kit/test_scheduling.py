"""The kit's check of scheduling policies finds what breaks their rules, and passes what ships."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from vmpp.engine import MILLISECOND, SECOND
from vmpp.testing import RuleBroken, check_scheduling_policy
from vmpp.testing.subjects import installed

UNFAIR = {"priority", "priority:1ms"}
"""Those that let the urgent keep others waiting for ever."""


@pytest.mark.parametrize(
    "text",
    [
        *sorted(installed().policies), "rr:1ms", "gang:2ms", "tracing:rr:1ms", "tracing:gang:2ms",
        "priority:1ms", "priority:1ms:ageing=5ms",
    ],
)  # fmt: skip
def test_what_ships_keeps_the_rules(text: str) -> None:
    check_scheduling_policy(text, fair=text not in UNFAIR, patience=300 * MILLISECOND, examples=8)


class Turns:
    """Turns of a millisecond, to be broken."""

    multitasking = True

    def admit(self, loaded: int) -> Any:
        return None

    def choose(self, ready: Any, now: int) -> Any:
        return 0

    def until(self, process: Any, now: int) -> Any:
        return now + MILLISECOND

    def preempts(self, arrived: Any, running: Any, now: int) -> Any:
        return False


def turns(**changed: Any) -> Any:
    return type("Changed", (Turns,), changed)


def newest(self: Any, ready: Any, now: int) -> Any:
    return max(range(len(ready)), key=lambda place: ready[place].job.id)


CALLS = count()


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (turns(choose=lambda self, ready, now: len(ready)), "must return an index from 0 to 0"),
        (turns(choose=lambda self, ready, now: -1), "must return an index from 0 to 0"),
        (turns(choose=lambda self, ready, now: ready[0]), "must return a whole number or None"),
        (turns(choose=lambda self, ready, now: 1 // 0), "choose() raised" if 0 else "ZeroDivision"),
        (turns(choose=lambda self, ready, now: None), "every job runs to its end"),
        (turns(until=lambda self, process, now: now), "and must return a time after"),
        (turns(until=lambda self, process, now: 0.5), "must return a whole number or None"),
        (turns(preempts=lambda self, arrived, running, now: 1), "must return True or False"),
        (turns(admit=lambda self, loaded: 7), "must return a text or None"),
        (turns(admit=lambda self, loaded: loaded[0]), "TypeError"),
        (
            turns(
                choose=lambda self, ready, now: next(CALLS) % len(ready),
            ),
            "the same jobs have the same turns",
        ),
        (type("Half", (), {"multitasking": True}), "Half.admit is missing; each pct has admit, ch"),
    ],
)
def test_what_breaks_a_rule_is_named_with_the_rule(policy: Any, rule: str) -> None:
    with pytest.raises(RuleBroken) as broken:
        check_scheduling_policy(policy)
    assert rule in str(broken.value).splitlines()[0]


def test_who_keeps_others_waiting_breaks_a_promise() -> None:
    with pytest.raises(RuleBroken) as broken:
        check_scheduling_policy(turns(choose=newest), patience=5 * MILLISECOND)
    first, *story = str(broken.value).splitlines()
    assert "nobody waits for the CPU longer than 5 ms; but job 1 waited for" in first or (
        "nobody waits for the CPU longer than 5 ms; but job 2 waited for" in first
    )
    assert story[0].startswith("  job 1, priority 0: ")
    check_scheduling_policy(turns(choose=newest), fair=False, examples=5)


@pytest.mark.parametrize(
    "policy",
    [
        turns(choose=newest),
        turns(choose=lambda self, ready, now: len(ready) - 1),
        turns(until=lambda self, process, now: None),
    ],
)
def test_who_never_lets_others_have_their_turn_is_found_without_being_told_where(
    policy: Any,
) -> None:
    with pytest.raises(RuleBroken, match="nobody waits for the CPU longer than 1 s; but job "):
        check_scheduling_policy(policy, examples=8)
    check_scheduling_policy(policy, fair=False, examples=3)


def test_turns_that_are_too_short_for_anything_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vmpp.testing.scheduling._MOST_TOLD", 3000)
    with pytest.raises(RuleBroken, match="jobs get on with what they compute; but they are not do"):
        check_scheduling_policy(turns(until=lambda self, process, now: now + 1), examples=8)


def test_what_is_right_passes() -> None:
    check_scheduling_policy(Turns, patience=SECOND)
