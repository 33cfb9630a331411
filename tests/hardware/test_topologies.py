"""Topologies: routes are as long as they say, made of links that join, and in dimension order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_topology import FullyConnected, Mesh2D

SIDES = st.integers(1, 9)


@st.composite
def mesh_and_two_nodes(draw: st.DrawFn) -> tuple[Mesh2D, int, int]:
    mesh = Mesh2D((draw(SIDES), draw(SIDES)))
    nodes = st.integers(0, mesh.size - 1)
    return mesh, draw(nodes), draw(nodes)


def ends(mesh: Mesh2D, link: int) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Return the places that a link of a mesh leads from and to, by its number alone."""
    node, direction = divmod(link, 4)
    column, row = mesh.coordinates(node)
    step = [(1, 0), (-1, 0), (0, 1), (0, -1)][direction]
    return (column, row), (column + step[0], row + step[1])


@given(mesh_and_two_nodes())
def test_a_route_is_as_long_as_the_distance(case: tuple[Mesh2D, int, int]) -> None:
    mesh, source, destination = case
    (column, row), (to_column, to_row) = mesh.coordinates(source), mesh.coordinates(destination)
    distance = abs(column - to_column) + abs(row - to_row)
    assert len(mesh.route(source, destination)) == mesh.hops(source, destination) == distance


@given(mesh_and_two_nodes())
def test_the_links_of_a_route_join_and_stay_in_the_mesh(case: tuple[Mesh2D, int, int]) -> None:
    mesh, source, destination = case
    place: tuple[int, ...] = mesh.coordinates(source)
    for link in mesh.route(source, destination):
        assert 0 <= link < mesh.links
        begin, place_after = ends(mesh, link)
        assert begin == place
        assert 0 <= place_after[0] < mesh.dims[0]
        assert 0 <= place_after[1] < mesh.dims[1]
        place = place_after
    assert place == mesh.coordinates(destination)


@given(mesh_and_two_nodes())
def test_rows_are_travelled_before_columns(case: tuple[Mesh2D, int, int]) -> None:
    mesh, source, destination = case
    dimensions = [link % 4 // 2 for link in mesh.route(source, destination)]
    assert dimensions == sorted(dimensions)


@given(mesh_and_two_nodes())
def test_dimension_order_cannot_deadlock(case: tuple[Mesh2D, int, int]) -> None:
    """Links can be numbered so that every route goes upwards (Dally and Seitz 1987)."""
    mesh, source, destination = case

    def rank(link: int) -> tuple[int, int]:
        (column, row), _ = ends(mesh, link)
        east, west, north, south = (link % 4 == direction for direction in range(4))
        if east or west:
            return 0, column if east else -column
        assert north or south
        return 1, row if north else -row

    ranks = [rank(link) for link in mesh.route(source, destination)]
    assert ranks == sorted(set(ranks))


@given(SIDES, SIDES)
def test_every_node_of_a_mesh_has_a_place_of_its_own(columns: int, rows: int) -> None:
    mesh = Mesh2D((columns, rows))
    places = {mesh.coordinates(node) for node in range(mesh.size)}
    assert places == {(column, row) for column in range(columns) for row in range(rows)}


@given(st.integers(1, 70_000))
def test_a_mesh_grows_to_the_size_asked_for_and_hardly_more(nodes: int) -> None:
    columns, rows = Mesh2D.grown(nodes)
    assert columns * rows >= nodes
    assert columns * (rows - 1) < nodes
    assert 0 <= columns - rows <= 1


@pytest.mark.parametrize("dims", [(), (4,), (0, 4), (4, -1), (2, 2, 2)])
def test_a_mesh_of_other_dimensions_is_refused(dims: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="two positive dimensions"):
        Mesh2D(dims)


@given(st.integers(1, 50), st.data())
def test_fully_connected_nodes_are_one_link_apart(nodes: int, data: st.DataObject) -> None:
    network = FullyConnected(FullyConnected.grown(nodes))
    assert network.size == nodes
    places = st.integers(0, nodes - 1)
    source, destination = data.draw(places), data.draw(places)
    route = network.route(source, destination)
    assert len(route) == network.hops(source, destination) == (source != destination)
    assert all(0 <= link < network.links for link in route)
    assert network.coordinates(source) == (source,)


def test_no_two_pairs_share_a_link_of_a_full_network() -> None:
    network = FullyConnected((6,))
    links = [
        tuple(network.route(source, destination))
        for source in range(6)
        for destination in range(6)
        if source != destination
    ]
    assert len(set(links)) == 30


@pytest.mark.parametrize("dims", [(), (0,), (3, -1)])
def test_a_full_network_of_other_dimensions_is_refused(dims: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="positive dimensions"):
        FullyConnected(dims)
