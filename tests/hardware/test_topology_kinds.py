"""All topologies: routes arrive by links that join, and closed forms are what is computed."""

from __future__ import annotations

from collections import Counter, deque
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from itertools import combinations, pairwise
from math import prod
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmpp.hardware import Adaptive, Measured, Virtual, Wired, measure
from vmpp.hardware.metrics import attached, degree, distances, edges, narrowest
from vmpp_topology import (
    Bus,
    Dragonfly,
    FatTree,
    FullyConnected,
    Hypercube,
    Mesh2D,
    Mesh3D,
    Ring,
    Torus,
)

SMALL = [
    Bus((1,)), Bus((7,)), FullyConnected((1,)), FullyConnected((6,)),
    Ring((1,)), Ring((2,)), Ring((3,)), Ring((8,)), Ring((9,)),
    Mesh2D((1, 1)), Mesh2D((1, 5)), Mesh2D((4, 3)), Mesh2D((5, 3)), Mesh2D((4, 4)),
    Mesh3D((2, 3, 4)), Mesh3D((3, 3, 3)), Mesh3D((1, 4, 2)),
    Torus((1,)), Torus((5,)), Torus((2, 2)), Torus((3, 2)), Torus((7, 2)), Torus((4, 4)),
    Torus((5, 3)), Torus((3, 2, 2)), Torus((3, 3, 2)), Torus((4, 3, 2)), Torus((2, 3, 2, 2)),
    Hypercube((1,)), Hypercube((2,)), Hypercube((2, 2, 2)), Hypercube((4, 4)), Hypercube((16,)),
    FatTree((2,)), FatTree((5,)), FatTree((2, 2, 2)), FatTree((2, 8)), FatTree((3, 9)),
    FatTree((4, 4)), FatTree((3, 3)),
    Dragonfly((1, 1, 1)), Dragonfly((2, 3, 1)), Dragonfly((1, 2, 3), 1), Dragonfly((2, 4, 9)),
    Dragonfly((1, 2, 2), 1), Dragonfly((2, 4, 2), 2), Dragonfly((1, 4, 4), 2),
    Dragonfly((2, 2, 3), 3), Dragonfly((1, 3, 4), 4),
]  # fmt: skip
KINDS = pytest.mark.parametrize(
    "topology", SMALL, ids=lambda it: f"{type(it).__name__}-{'x'.join(map(str, it.dims))}"
)


def pairs(topology: Any) -> list[tuple[int, int]]:
    return [(one, other) for one in range(topology.size) for other in range(topology.size)]


@KINDS
def test_a_route_is_made_of_links_that_join_and_is_as_long_as_it_says(topology: Any) -> None:
    for source, destination in pairs(topology):
        route = topology.route(source, destination)
        assert len(route) == topology.hops(source, destination)
        arrives(topology, route, source, destination)


def arrives(topology: Any, route: list[int], source: int, destination: int) -> None:
    """Check that *route* leads from one node to the other, and over no link twice."""
    assert len(set(route)) == len(route)
    at = attached(topology, source)[0] if route else source
    for link in route:
        assert 0 <= link < topology.links
        begin, end = topology.ends(link)
        assert begin == at
        at = end
    assert at == (attached(topology, destination)[1] if route else destination)


@KINDS
def test_every_link_but_a_medium_leads_back_as_well(topology: Any) -> None:
    found = Counter(edges(topology))
    if isinstance(topology, Bus):
        assert found == {(topology.size, topology.size + 1): 1}
        return
    assert all(begin != end for begin, end in found)
    assert all(0 <= vertex < topology.vertices for ends in found for vertex in ends)
    assert found == Counter((end, begin) for begin, end in edges(topology))


@KINDS
def test_every_node_has_a_place_of_its_own(topology: Any) -> None:
    places = {topology.coordinates(node) for node in range(topology.size)}
    assert len(places) == topology.size == prod(topology.dims)
    if not isinstance(topology, Bus | FullyConnected):
        assert all(
            0 <= place < side
            for each in places
            for place, side in zip(each, topology.dims, strict=True)
        )


@KINDS
def test_routes_are_the_shortest_there_are(topology: Any) -> None:
    """A dragonfly's have at most one link between groups, so there may be shorter ones."""
    shortest = by_breadth(topology, one_between_groups=isinstance(topology, Dragonfly))
    for source, destination in pairs(topology):
        assert topology.hops(source, destination) == shortest[source][destination]


def by_breadth(topology: Any, *, one_between_groups: bool) -> list[list[int]]:
    """Return the lengths of shortest ways between nodes, by searching the links in breadth."""
    onward: dict[int, list[int]] = {}
    for begin, end in edges(topology):
        onward.setdefault(begin, []).append(end)
    found = []
    for source in range(topology.size):
        start = (attached(topology, source)[0], 0)
        length = {start: 0}
        queue = deque([start])
        while queue:
            vertex, crossed = at = queue.popleft()
            for other in onward.get(vertex, []):
                over = crossed
                if one_between_groups and between_groups(topology, vertex, other):
                    over += 1
                if over < 2 and (other, over) not in length:
                    length[other, over] = length[at] + 1
                    queue.append((other, over))
        rows = [
            min(length.get((attached(topology, destination)[1], over), 10**9) for over in (0, 1))
            for destination in range(topology.size)
        ]
        rows[source] = 0
        found.append(rows)
    return found


def between_groups(topology: Any, one: int, other: int) -> bool:
    if one < topology.size or other < topology.size:
        return False
    routers = topology.dims[1]
    return bool((one - topology.size) // routers != (other - topology.size) // routers)


@KINDS
def test_links_and_degree_are_what_ends_say(topology: Any) -> None:
    assert topology.cables() == sum(1 for _ in edges(topology))
    assert topology.degree() == degree(topology)


@KINDS
def test_diameter_and_average_distance_are_what_distances_say(topology: Any) -> None:
    assert (topology.diameter(), topology.average_distance()) == distances(topology)


@pytest.mark.parametrize(
    "topology",
    [
        each
        for each in SMALL
        if each.size <= (16 if each.vertices == each.size else 9)
        and not isinstance(each, Dragonfly)
    ],
    ids=lambda it: f"{type(it).__name__}-{'x'.join(map(str, it.dims))}",
)
def test_no_halves_are_joined_by_fewer_links_than_the_bisection_width(topology: Any) -> None:
    assert topology.bisection() == brute_force(topology)


@pytest.mark.parametrize(
    "dragonfly",
    [Dragonfly((1, 2, 2), 1), Dragonfly((1, 4, 2), 2), Dragonfly((1, 3, 4), 1),
     Dragonfly((2, 3, 2), 1), Dragonfly((2, 2, 3), 1), Dragonfly((2, 3, 1))],
    ids=lambda it: f"{it.dims}, h = {it.h}",
)  # fmt: skip
def test_nor_of_a_dragonfly_with_routers_enough_for_its_links(dragonfly: Dragonfly) -> None:
    groups = dragonfly.dims[2]
    if groups % 2 and groups > 1:
        half = range(groups // 2 * dragonfly.size // groups)
        assert dragonfly.bisection() == narrowest(dragonfly, half)
    else:
        assert dragonfly.bisection() == brute_force(dragonfly)


def brute_force(topology: Any) -> int:
    """Return the fewest links that join two halves, over all halves that there are."""
    size = topology.size
    halves = combinations(range(size), size // 2)
    if topology.vertices > size:
        return min((narrowest(topology, half) for half in halves if half), default=0)
    joined = [0] * size
    for begin, end in edges(topology):
        joined[begin] |= 1 << end
    fewest = topology.links
    for half in halves:
        outside = ~sum(1 << node for node in half)
        fewest = min(fewest, sum((joined[node] & outside).bit_count() for node in half))
    return fewest


@KINDS
def test_routes_cannot_deadlock(topology: Any) -> None:
    """What waits for what among virtual channels has no cycle (Dally and Seitz 1987)."""
    routes = [topology.route(source, destination) for source, destination in pairs(topology)]
    assert_no_cycle(topology, routes)


def assert_no_cycle(topology: Any, routes: list[Any]) -> None:
    behind: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for route in routes:
        channels = topology.channels(route) if isinstance(topology, Virtual) else [0] * len(route)
        assert len(channels) == len(route)
        for held, wanted in pairwise(zip(route, channels, strict=True)):
            behind.setdefault(wanted, set()).add(held)
    TopologicalSorter(behind).prepare()


def test_a_ring_without_virtual_channels_could() -> None:
    ring = Ring((6,))
    behind: dict[int, set[int]] = {}
    for source, destination in pairs(ring):
        for held, wanted in pairwise(ring.route(source, destination)):
            behind.setdefault(wanted, set()).add(held)
    with pytest.raises(CycleError):
        TopologicalSorter(behind).prepare()


ADAPTIVE = [each for each in SMALL if isinstance(each, Adaptive)]


@pytest.mark.parametrize(
    "topology", ADAPTIVE, ids=lambda it: f"{type(it).__name__}-{'x'.join(map(str, it.dims))}"
)
@settings(max_examples=20)
@given(seed=st.integers())
def test_an_adaptive_way_arrives_whatever_the_load(topology: Any, seed: int) -> None:
    random = Random(seed)
    loads = [random.randrange(5) for _ in range(topology.links)]
    routes = []
    few = random.choices(pairs(topology), k=200)
    for turn, (source, destination) in enumerate(few):
        route = topology.adapted(source, destination, loads.__getitem__, turn)
        arrives(topology, route, source, destination)
        if isinstance(topology, Dragonfly):
            assert len(route) <= 3 + 2 + 2
        else:
            assert len(route) == topology.hops(source, destination)
        routes.append(route)
    if not isinstance(topology, Torus):
        # A torus has the deterministic channels as an escape from its adaptive ones.
        assert_no_cycle(topology, routes)


@pytest.mark.parametrize(
    "topology", ADAPTIVE, ids=lambda it: f"{type(it).__name__}-{'x'.join(map(str, it.dims))}"
)
def test_without_load_an_adaptive_way_is_the_usual_one(topology: Any) -> None:
    for turn, (source, destination) in enumerate(pairs(topology)):
        route = topology.adapted(source, destination, lambda link: 0, turn)
        assert route == topology.route(source, destination)


def test_a_message_in_a_torus_turns_off_where_its_ring_is_taken() -> None:
    torus = Torus((4, 4))
    straight = torus.route(0, 5)
    other = torus.adapted(0, 5, lambda link: int(link == straight[0]), 0)
    assert [torus.ends(link) for link in straight] == [(0, 1), (1, 5)]
    assert [torus.ends(link) for link in other] == [(0, 4), (4, 5)]


def test_ways_up_a_fat_tree_are_told_by_the_destination_or_by_the_load() -> None:
    tree = FatTree((4, 4))
    _, up, down, _ = tree.route(0, 7)
    assert tree.ends(up) == (16, 20 + 7 % 4)
    assert tree.ends(down) == (20 + 7 % 4, 17)
    _, up, down, _ = tree.adapted(0, 7, lambda link: int(link == up), 0)
    assert tree.ends(up) == (16, 20 + (7 + 1) % 4)


def test_a_dragonfly_goes_by_way_of_a_third_group_when_that_is_quicker() -> None:
    fly = Dragonfly((2, 4, 9))
    source, destination = 0, 8 * 4
    straight = fly.route(source, destination)
    (across,) = (link for link in straight if link >= fly.links - 36 * 2)

    def chosen(load: int, turn: int) -> Any:
        return fly.adapted(source, destination, lambda link: load * (link == across), turn)

    groups = [
        {fly.ends(link)[1] - fly.size for link in chosen(1, turn)[1:-1]}  # type: ignore[index]
        for turn in range(7)
    ]
    thirds = [{router // 4 for router in routers} - {0, 4} for routers in groups]
    assert thirds == [{1}, {2}, {3}, {5}, {6}, {7}, {8}]
    assert chosen(0, 0) == straight


LARGE = st.one_of(
    st.integers(1, 10_000).map(lambda nodes: Mesh3D(Mesh3D.grown(nodes))),
    st.tuples(st.integers(1, 10_000), st.integers(1, 6)).map(lambda it: Torus(Torus.grown(*it))),
    st.integers(1, 10_000).map(lambda nodes: Hypercube(Hypercube.grown(nodes))),
    st.tuples(st.integers(1, 10_000), st.integers(2, 9)).map(
        lambda it: FatTree(FatTree.grown(*it))
    ),
    st.integers(1, 10_000).map(lambda nodes: Dragonfly(Dragonfly.grown(nodes))),
)


@given(LARGE, st.data())
def test_routes_of_large_networks_arrive(topology: Any, data: st.DataObject) -> None:
    nodes = st.integers(0, topology.size - 1)
    source, destination = data.draw(nodes), data.draw(nodes)
    route = topology.route(source, destination)
    assert len(route) == topology.hops(source, destination) <= topology.diameter()
    arrives(topology, route, source, destination)


FACTORIES = [Bus, Dragonfly, FatTree, FullyConnected, Hypercube, Mesh2D, Mesh3D, Ring, Torus]


@pytest.mark.parametrize("factory", FACTORIES)
@given(nodes=st.integers(1, 20_000))
def test_a_network_grows_to_the_size_asked_for(factory: Any, nodes: int) -> None:
    dims = factory.grown(nodes)
    assert prod(dims) >= nodes
    assert factory(dims).size == prod(dims)


@pytest.mark.parametrize("factory", [each for each in FACTORIES if hasattr(each, "extended")])
@given(nodes=st.integers(1, 60), further=st.integers(0, 200))
def test_nodes_keep_places_and_distances_in_a_network_that_is_extended(
    factory: Any, nodes: int, further: int
) -> None:
    dims = factory.grown(nodes)
    small, large = factory(dims), factory(factory.extended(dims, nodes + further))
    assert large.size >= nodes + further
    for source in range(0, nodes, 7):
        assert small.coordinates(source) == large.coordinates(source)
        for destination in range(nodes):
            assert small.hops(source, destination) == large.hops(source, destination)


@pytest.mark.parametrize(
    ("factory", "dims", "said"),
    [
        (Bus, (0,), "a bus needs positive dimensions, not [0]"),
        (Ring, (2, 2), "a ring has one positive dimension, not [2, 2]"),
        (Mesh3D, (2, 2), "a 3-D mesh has three positive dimensions, not [2, 2]"),
        (Torus, (2, -1), "a torus has positive dimensions, not [2, -1]"),
        (Torus, (), "a torus has positive dimensions, not []"),
        (Hypercube, (6, 2), "a hypercube has powers of two as dimensions, not [6, 2]"),
        (FatTree, (4, 8), "a fat tree has powers of 4 as dimensions, not [4, 8]"),
        (FatTree, (1, 8), "a fat tree has two or more as first dimension, not [1, 8]"),
        (Dragonfly, (2, 4), "a dragonfly has three positive dimensions, not [2, 4]"),
    ],
)
def test_dimensions_that_cannot_be_are_refused(factory: Any, dims: Any, said: str) -> None:
    with pytest.raises(ValueError, match="^" + said.replace("[", r"\[")):
        factory(dims)


def test_parameters_that_do_not_suit_the_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a fat tree has 8 as first dimension, not \[4, 4\]"):
        FatTree((4, 4), arity=8)
    with pytest.raises(ValueError, match="4 routers with 1 links each has up to 5 groups, not 9"):
        Dragonfly((2, 4, 9), h=1)


def test_side_by_side_places_of_a_hypercube_are_neighbours() -> None:
    cube = Hypercube((8, 4))
    at = {cube.coordinates(node): node for node in range(32)}
    for column in range(7):
        assert cube.hops(at[column, 2], at[column + 1, 2]) == 1
    for row in range(3):
        assert cube.hops(at[5, row], at[5, row + 1]) == 1


class TestMeasure:
    def test_closed_forms_are_taken(self) -> None:
        found = measure(Torus((8, 8, 8)))
        assert (found.nodes, found.switches, found.links, found.degree) == (512, 0, 3072, 6)
        assert (found.diameter, found.average, found.bisection) == (12, Fraction(512 * 6, 511), 128)
        assert found.exact

    def test_switches_count_for_links_and_degree(self) -> None:
        found = measure(FatTree((4, 4, 4)))
        assert (found.nodes, found.switches, found.links, found.degree) == (64, 48, 384, 8)

    def test_what_no_closed_form_is_known_of_is_computed(self) -> None:
        found = measure(Bare(Mesh2D((4, 6))))  # type: ignore[arg-type]
        expected = measure(Mesh2D((4, 6)))
        assert not found.exact
        assert (found.diameter, found.average) == (expected.diameter, expected.average)
        assert found.bisection == expected.bisection == 4
        assert (found.links, found.degree) == (expected.links, expected.degree) == (76, 4)

    def test_what_says_nothing_of_its_links_has_distances_only(self) -> None:
        stranger = Bare(Mesh2D((4, 6)))
        del stranger.vertices
        found = measure(stranger)  # type: ignore[arg-type]
        assert (found.switches, found.degree, found.bisection) == (None, None, None)
        assert found.diameter == 8


class Bare:
    """What the machine needs of a topology, and where links lead, but no closed forms."""

    def __init__(self, topology: Any) -> None:
        assert isinstance(topology, Measured)
        assert isinstance(topology, Wired)
        self.dims, self.size, self.links = topology.dims, topology.size, topology.links
        self.vertices = topology.vertices
        self.coordinates, self.hops = topology.coordinates, topology.hops
        self.route, self.ends = topology.route, topology.ends
