"""The kit's check of allocation policies finds what breaks their rules, and passes what ships."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from random import random
from typing import Any

import pytest

from vmpp.testing import RuleBroken, check_allocation_policy
from vmpp.testing.subjects import installed

CONTIGUOUS = {"buddy", "submesh", "subcube"}
"""Those that find no place for jobs of some sizes, as they give out whole shapes."""
OF_HYPERCUBES = {"subcube"}


@pytest.mark.parametrize("name", sorted(installed().allocators))
def test_what_ships_keeps_the_rules(name: str) -> None:
    topology = "hypercube" if name in OF_HYPERCUBES else "mesh2d"
    check_allocation_policy(name, topology=topology, any_size=name not in CONTIGUOUS, examples=40)


def policy(choose: Callable[[Any, Any, Any], Any]) -> Any:
    """Return a factory of policies that answer so, given the places of the machine as well."""

    def make(places: Any) -> Any:
        members = {"choose": lambda self, free, wanted: choose(places, free, wanted)}
        return type("Policy", (), members)()

    return make


def last(places: Any, free: Any, wanted: int) -> Any:
    return free[-wanted:] if len(free) >= wanted else None


def pairs(places: Any, free: Any, wanted: int) -> Any:
    """Give nodes out two by two, so that a job of one holds another."""
    whole = [node for node in free if node ^ 1 in free]
    more = wanted + wanted % 2
    return whole[:more] if len(whole) >= more else None


def test_what_is_right_passes() -> None:
    check_allocation_policy(policy(last))
    check_allocation_policy(policy(lambda places, free, wanted: list(free)[:wanted]))


@pytest.mark.parametrize(
    ("choose", "rule"),
    [
        (lambda places, free, wanted: places.nodes[:wanted], "which is not free"),
        (lambda places, free, wanted: free[: wanted - 1], "0 nodes for 1"),
        (lambda places, free, wanted: (free[0],) * wanted, "returned node 0 2 times"),
        (lambda places, free, wanted: ("n0",) * wanted, "choose keeps its rules"),
        (lambda places, free, wanted: wanted, "choose keeps its rules"),
        (lambda places, free, wanted: count(), "choose keeps its rules"),
        (lambda places, free, wanted: free.pop(), "raised AttributeError"),
        (lambda places, free, wanted: None, "a job has a place on a machine that is idle"),
        (pairs, "a job has a place on a machine that is idle"),
        (
            lambda places, free, wanted: sorted(free, key=lambda node: random())[:wanted],
            "what it chooses depends on what it is asked, and on the random numbers it draws",
        ),
    ],
)
def test_what_breaks_a_rule_is_named_with_the_rule(choose: Any, rule: str) -> None:
    with pytest.raises(RuleBroken) as broken:
        check_allocation_policy(policy(choose))
    assert rule in str(broken.value).splitlines()[0]


def test_one_that_goes_by_what_it_chose_before_is_found() -> None:
    class NextFit:
        def __init__(self, places: Any) -> None:
            self.asked = 0

        def choose(self, free: Any, wanted: int) -> Any:
            self.asked += 1
            first = self.asked % 2 if len(free) > wanted else 0
            return free[first : first + wanted]

    with pytest.raises(RuleBroken, match="what it chooses depends on what it is asked"):
        check_allocation_policy(NextFit)


def test_what_is_said_of_it_does_not_speak_of_the_kit() -> None:
    with pytest.raises(RuleBroken, match="choose keeps its rules; but choose returned 0 nodes"):
        check_allocation_policy(policy(lambda places, free, wanted: ()))


def test_random_numbers_are_those_of_the_machine() -> None:
    check_allocation_policy(
        policy(lambda places, free, wanted: sorted(free, key=lambda _: places.draw())[:wanted])
    )


def test_a_factory_that_fails_is_named() -> None:
    def fail(places: Any) -> Any:
        raise KeyError("no places")

    with pytest.raises(RuleBroken, match=r"the factory raises no error.*KeyError: 'no places'"):
        check_allocation_policy(fail)
