"""What every allocator keeps: it gives free nodes, each once, enough or none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from vmpp_alloc.at_random import Random
from vmpp_alloc.buddy import Buddy
from vmpp_alloc.first_free import FirstFree
from vmpp_alloc.hilbert import Hilbert
from vmpp_alloc.mc1x1 import MC1x1
from vmpp_alloc.subcube import Subcube
from vmpp_alloc.submesh import Submesh

from .conftest import Box, Tree, fragmented, places

ON_GRIDS = [
    pytest.param(Submesh, {"fit": "first"}, id="submesh:first"),
    pytest.param(Submesh, {"fit": "best"}, id="submesh:best"),
    pytest.param(Buddy, {}, id="buddy"),
    pytest.param(Hilbert, {"fit": "first"}, id="hilbert:first"),
    pytest.param(Hilbert, {"fit": "best"}, id="hilbert:best"),
    pytest.param(MC1x1, {}, id="mc1x1"),
]
EVERYWHERE = [pytest.param(FirstFree, {}, id="first-free"), pytest.param(Random, {}, id="random")]
NEVER_WAIT = (FirstFree, Random, Hilbert, MC1x1)


@pytest.mark.parametrize(("policy", "options"), [*ON_GRIDS, *EVERYWHERE])
@given(case=fragmented())
def test_what_is_chosen_is_free_and_enough(policy: Any, options: Any, case: Any) -> None:
    topology, free, wanted = case
    chosen = policy(places(topology), **options).choose(tuple(free), wanted)
    if chosen is None:
        assert policy not in NEVER_WAIT or len(free) < wanted
        return
    assert len(chosen) >= wanted
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= set(free)
    assert policy not in NEVER_WAIT or len(chosen) == wanted


@pytest.mark.parametrize(("policy", "options"), [*ON_GRIDS, *EVERYWHERE])
@given(case=fragmented())
def test_it_is_chosen_again(policy: Any, options: Any, case: Any) -> None:
    topology, free, wanted = case
    one, other = (policy(places(topology), **options) for _ in range(2))
    assert one.choose(free, wanted) == other.choose(free, wanted)


@pytest.mark.parametrize(("policy", "options"), ON_GRIDS)
def test_only_a_grid_will_do(policy: Any, options: Any) -> None:
    with pytest.raises(ValueError, match="nodes 0 and 4 are side by side and not linked"):
        policy(places(Tree(4, 4)), **options)


@pytest.mark.parametrize("dims", [(6,), (2, 3), (4, 4)])
def test_only_a_hypercube_has_subcubes(dims: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="the topology is no hypercube"):
        Subcube(places(Box(*dims)))


def test_random_choices_come_from_the_machines_own_stream() -> None:
    policy = Random(places(Box(100)))
    first, second = (policy.choose(range(100), 10) for _ in range(2))
    assert first != second
    assert policy.choose(range(9), 10) is None


def test_the_lowest_are_the_first() -> None:
    assert FirstFree(places(Box(9))).choose((1, 4, 5, 8), 3) == (1, 4, 5)
