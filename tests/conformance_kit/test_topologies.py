"""The kit's check of topologies finds what breaks their rules, and passes what ships."""

from __future__ import annotations

from typing import Any

import pytest

from vmpp import VmppError
from vmpp.testing import RuleBroken, check_topology
from vmpp.testing.subjects import installed


@pytest.mark.parametrize("name", [*sorted(installed().topologies), "fat-tree:2"])
def test_what_ships_keeps_the_rules(name: str) -> None:
    check_topology(name)


def test_dimensions_can_be_given() -> None:
    check_topology("torus", dims=[(3, 4), (2, 2, 5), (7,)])


class Ring:
    """A circle, to be broken."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        if len(dims) != 1 or dims[0] < 1:
            raise ValueError("one positive dimension")
        self.dims = dims
        self.size = self.vertices = dims[0]
        self.links = 2 * self.size

    @staticmethod
    def grown(nodes: int) -> Any:
        return (nodes,)

    @staticmethod
    def extended(dims: tuple[int, ...], nodes: int) -> Any:
        return dims

    def coordinates(self, node: int) -> Any:
        return (node,)

    def hops(self, source: int, destination: int) -> Any:
        up = (destination - source) % self.size
        return min(up, self.size - up)

    def route(self, source: int, destination: int) -> Any:
        up = (destination - source) % self.size
        if 2 * up <= self.size:
            return [2 * ((source + i) % self.size) for i in range(up)]
        return [2 * ((source - i) % self.size) + 1 for i in range(self.size - up)]

    def ends(self, link: int) -> Any:
        node, down = divmod(link, 2)
        return node, (node - 1 if down else node + 1) % self.size


def ring(**changed: Any) -> Any:
    return type("Changed", (Ring,), changed)


def unwired(**changed: Any) -> Any:
    """Return a ring that does not say where its links lead."""
    members = {name: value for name, value in vars(Ring).items() if name != "ends"}
    return type("Unwired", (), {**members, **changed})


def one_way(self: Any, source: int, destination: int) -> Any:
    return [2 * ((source + i) % self.size) for i in range((destination - source) % self.size)]


class Careless(Ring):
    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__(dims or (1,))


class Moving(Ring):
    made = 0

    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__(dims)
        Moving.made += 1
        self.turn = Moving.made

    def coordinates(self, node: int) -> Any:
        return (node + self.turn,)


class Reluctant(Ring):
    """Its routers take the longer way if the links of the other are full, and lose it."""

    def adapted(self, source: int, destination: int, load: Any, turn: int) -> Any:
        route = self.route(source, destination)
        return route[1:] if route and load(route[0]) else route


def test_what_is_right_passes() -> None:
    check_topology(Ring)
    check_topology(unwired())


@pytest.mark.parametrize(
    ("topology", "rule"),
    [
        (ring(grown=staticmethod(lambda nodes: (max(1, nodes - 1),))), "there is room for"),
        (ring(coordinates=lambda self, node: (node // 2,)), "every node has a place of its own"),
        (ring(hops=lambda self, a, b: abs(a - b)), "a route has as many links as hops says"),
        (ring(hops=lambda self, a, b: 1), "0 to oneself alone"),
        (ring(hops=lambda self, a, b: 0.5 if a != b else 0), "hops is a whole number"),
        (ring(hops=lambda self, a, b: 1 // 0), "hops raises no error; but hops(0, 0) raised Zero"),
        (
            ring(route=one_way, hops=lambda self, a, b: (b - a) % self.size),
            "a route is the shortest way; but there is one of",
        ),
        (
            unwired(route=lambda self, a, b: [1 << 20] if a != b else []),
            "links are numbered from 0 to",
        ),
        (
            ring(
                route=lambda self, a, b: Ring.route(self, b, a),
            ),
            "a route arrives: each of its links begins where the one before it ends",
        ),
        (
            ring(
                route=lambda self, a, b: [*Ring.route(self, a, b)] * 2,
                hops=lambda self, a, b: 2 * Ring.hops(self, a, b),
            ),
            "a route has no link twice",
        ),
        (ring(route=lambda self, a, b: None), "what it returns is what its interface says"),
        (Careless, "raises ValueError for dimensions that cannot be; but () were taken"),
        (Moving, "nodes keep their places and distances"),
        (Reluctant, "a route arrives"),
    ],
)
def test_what_breaks_a_rule_is_named_with_the_rule(topology: Any, rule: str) -> None:
    with pytest.raises(RuleBroken) as broken:
        check_topology(topology)
    assert rule in str(broken.value).splitlines()[0]


def test_a_topology_that_does_not_promise_the_shortest_way_may_take_another() -> None:
    check_topology(ring(route=one_way, hops=lambda self, a, b: (b - a) % self.size), minimal=False)


def test_one_that_does_not_grow_is_tried_with_the_dimensions_that_are_given() -> None:
    members = {name: value for name, value in vars(Ring).items() if name != "grown"}
    fixed = type("Fixed", (), members)
    with pytest.raises(
        VmppError, match="the topology Fixed does not grow; give check_topology dims"
    ):
        check_topology(fixed)
    check_topology(fixed, dims=[(5,)])
