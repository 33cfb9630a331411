"""Other policies than a machine's file names."""

from __future__ import annotations

import pytest

from vmpp.errors import VmppError
from vmpp.machine.description import load
from vmpp.machine.plugins import Plugins
from vmpp.machine.policies import KINDS, with_policies

PLUGINS = Plugins.installed()
MACHINE = load("default", PLUGINS)


def test_every_kind_of_policy_can_be_chosen_by_each_name_that_is_offered() -> None:
    for name, kind in KINDS.items():
        assert kind.of(MACHINE) in kind.offered(PLUGINS)
        for offered in kind.offered(PLUGINS):
            assert kind.of(with_policies(MACHINE, {name: offered}, PLUGINS)) == offered


def test_what_is_not_chosen_stays() -> None:
    other = with_policies(MACHINE, {"timing": "wormhole"}, PLUGINS)
    assert with_policies(other, {"timing": "contention-free"}, PLUGINS) == MACHINE


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"topolgy": "mesh2d"}, "no policy decides 'topolgy'; did you mean 'topology'?"),
        ({"pct": "singel"}, "no plugin offers the pct 'singel'; did you mean 'single'?"),
    ],
)
def test_what_there_is_not_is_named(chosen: dict[str, str], message: str) -> None:
    with pytest.raises(VmppError) as error:
        with_policies(MACHINE, chosen, PLUGINS)
    assert message in str(error.value)
