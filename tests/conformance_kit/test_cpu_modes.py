"""The kit's check of CPU modes finds what breaks their rules, and passes what ships."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from vmpp.kernel import Roles
from vmpp.testing import RuleBroken, check_cpu_mode
from vmpp.testing.subjects import installed


@pytest.mark.parametrize("name", sorted(installed().cpu_modes))
def test_what_ships_keeps_the_rules(name: str) -> None:
    check_cpu_mode(name)


def mode(roles: Any, cpus: Any = 1) -> Any:
    """Return a mode that answers so."""
    return type("Mode", (), {"cpus": cpus, "roles": lambda self, cpus: roles(cpus)})


TURNS = count()


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (mode(lambda cpus: Roles(0, (0,)), cpus=0), "cpus is how many CPUs a node must have"),
        (mode(lambda cpus: Roles(0, (0,)), cpus="one"), "cpus is how many CPUs a node must have"),
        (mode(lambda cpus: Roles(1, (0,))), "every role is that of a CPU that is there"),
        (mode(lambda cpus: Roles(0, (cpus,))), "every role is that of a CPU that is there"),
        (mode(lambda cpus: (0, 0)), "roles returns vmpp.kernel.Roles"),
        (mode(lambda cpus: 1 // 0), "roles raises no error"),
        (mode(lambda cpus: Roles(next(TURNS) % 2, (0,)), cpus=2), "roles are always the same"),
        (type("Half", (), {"cpus": 1}), "Half.roles is missing; each mode has cpus, roles"),
    ],
)
def test_what_breaks_a_rule_is_named_with_the_rule(made: Any, rule: str) -> None:
    with pytest.raises(RuleBroken) as broken:
        check_cpu_mode(made)
    assert rule in str(broken.value).splitlines()[0]
