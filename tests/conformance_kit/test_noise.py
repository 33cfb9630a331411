"""The kit's check of noise finds what breaks its rules, and passes what ships."""

from __future__ import annotations

from fractions import Fraction
from itertools import count
from typing import Any

import pytest

from vmpp.hardware import Periodic
from vmpp.testing import RuleBroken, check_noise
from vmpp.testing.subjects import installed


@pytest.mark.parametrize(
    "name", [*sorted(installed().noise), "periodic:1ms:30us:jitter=400us", "linux-100hz"]
)
def test_what_ships_keeps_the_rules(name: str) -> None:
    check_noise(name)


PERIOD, DURATION = 10**9, 10**7


class Events:
    """Events at whole periods, to be broken."""

    load: Any = Fraction(DURATION, PERIOD)
    burst = DURATION

    def before(self, when: int) -> int:
        return DURATION * -(-when // PERIOD)

    def next(self, when: int) -> int:
        return -(-when // PERIOD) * PERIOD


class Source:
    cpu = "application"
    events: Any = Events

    def interruptions(self, nid: int, draw: Any, turn: int = 0, turns: int = 1) -> Any:
        return self.events()


def noise(**changed: Any) -> Any:
    """Return a profile of one source whose events are as usual but for what is *changed*."""
    events = type("Changed", (Events,), changed)
    return type(
        "Profile", (), {"__new__": lambda cls: (type("S", (Source,), {"events": events})(),)}
    )


class Counting(Events):
    calls = count()

    def next(self, when: int) -> int:
        return super().next(when) + next(self.calls)


class Misplaced(Source):
    cpu = "third"


class NoEvents:
    cpu = "any"


@pytest.mark.parametrize(
    ("profile", "rule"),
    [
        (noise(load=0.01), "load is a Fraction, less than 1"),
        (noise(load=Fraction(3, 2)), "load is a Fraction, less than 1"),
        (noise(load=Fraction(1, 50)), "differs by burst at most from load times its length"),
        (noise(burst=0), "differs by burst at most from load times its length"),
        (noise(next=lambda self, when: when - 1), "next is not before the time"),
        (noise(next=lambda self, when: when + PERIOD), "next is when the first event begins"),
        (noise(next=lambda self, when: 1 // 0), "next raises no error"),
        (noise(before=lambda self, when: "much"), "what it returns is what its interface says"),
        (lambda: (Misplaced(),), "cpu is one of application, first, second, any"),
        (lambda: (NoEvents(),), "a source has cpu and interruptions"),
        (lambda: None, "what it returns is what its interface says"),
    ],
)
def test_what_breaks_a_rule_is_named_with_the_rule(profile: Any, rule: str) -> None:
    with pytest.raises(RuleBroken) as broken:
        check_noise(profile)
    assert rule in str(broken.value).splitlines()[0]


def test_what_depends_on_how_often_it_was_asked_is_found() -> None:
    with pytest.raises(RuleBroken):
        check_noise(lambda: (type("S", (Source,), {"events": Counting})(),))


def test_what_depends_on_the_host_is_found() -> None:
    calls = count(1)

    class Unsteady(Source):
        def interruptions(self, nid: int, draw: Any, turn: int = 0, turns: int = 1) -> Any:
            return Periodic(PERIOD, DURATION, next(calls)).interruptions(nid, draw)

    with pytest.raises(RuleBroken, match=r"does not depend on what was asked before|says the same"):
        check_noise(lambda: (Unsteady(),))
