"""The images bisect and neighbours: what they measure is what closed forms of networks say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import vmpp
from vmpp_topology import FatTree, Hypercube, Mesh2D, Torus

LINK = 10e9
"""Bytes a second of a link of the machine `default`."""


def machine(folder: Path, kind: str, dims: str) -> Path:
    """Write a machine of which all nodes but one compute."""
    path = folder / "network.toml"
    path.write_text(
        f'[topology]\nkind = "{kind}"\ndims = {dims}\n[service]\nnodes = 1\nio_nodes = 0\n'
    )
    return path


def run(name: str, nprocs: int, *args: str, **options: object) -> str:
    result = vmpp.run(name, args, nprocs=nprocs, **options)
    assert result.status == 0, result.stderr
    return result.stdout.decode()


def measured(printed: str) -> list[list[float]]:
    """Return the numbers in the lines of a table."""
    lines = [line for line in printed.splitlines() if re.match(r" +\d", line)]
    return [[float(number) for number in re.findall(r"\d+\.?\d*", line)] for line in lines]


@pytest.mark.parametrize(
    ("kind", "topology", "cut"),
    [
        ("mesh2d", Mesh2D((16, 4)), "across dimension 0 of 16 x 4 places"),
        ("torus", Torus((16, 4)), "across dimension 0 of 16 x 4 places"),
        ("hypercube", Hypercube((16, 4)), "across dimension 0 of 16 x 4 places"),
        ("fat-tree", FatTree((4, 16)), "across dimension 1 of 4 x 16 places"),
    ],
)
def test_what_comes_across_is_the_bisection_width_times_the_rate_of_a_link(
    kind: str, topology: Mesh2D, cut: str, tmp_path: Path
) -> None:
    """All nodes but one take part, so 31 of 32 pairs."""
    path = machine(tmp_path, kind, str(list(topology.dims)))
    args = ("--nbytes", "4000000", "--rounds", "1")
    printed = run("bisect", 63, *args, machine=path, policies={"timing": "fair"})
    first, second, *_ = printed.splitlines()
    assert first == f"31 to 31 processes, {cut}, 1 to each"
    links = topology.bisection()
    assert second == f"bisection: {links} links of 10.00 GB/s: {links * 10}.00 GB/s"
    ((nbytes, took, *_, share),) = measured(printed)
    across = 31 * nbytes / (took * 1e-6)
    assert across == pytest.approx(links * LINK * 31 / 32, rel=0.02)
    assert share == pytest.approx(100 * 31 / 32, rel=0.02)


def test_of_a_bus_all_have_the_rate_of_one_link(tmp_path: Path) -> None:
    path = machine(tmp_path, "bus", "[17]")
    for timing in ("fair", "wormhole"):
        printed = run("bisect", 16, machine=path, policies={"timing": timing})
        assert [row[-1] for row in measured(printed)][-1] == pytest.approx(100, rel=0.01)
        assert "over 100 %" not in printed
    printed = run("bisect", 16, machine=path)
    assert measured(printed)[-1][-1] == pytest.approx(800, rel=0.05)
    assert "over 100 %: messages do not share links under this timing" in printed


def test_a_dragonfly_needs_many_partners_or_ways_round(tmp_path: Path) -> None:
    """The nodes of a group share the one link to the group opposite, unless they go round."""
    path = machine(tmp_path, "dragonfly", "[2, 4, 8]")
    shares = {}
    for timing in ("fair", "fair:adaptive"):
        args = ("--nbytes", "1000000", "--rounds", "1")
        printed = run("bisect", 63, *args, machine=path, policies={"timing": timing})
        ((*_, shares[timing]),) = measured(printed)
    # Four of eight groups send to their opposite over a link each, of 16 that are in the cut.
    assert shares["fair"] == pytest.approx(100 * 31 / 32 * 4 / 16, rel=0.03)
    assert shares["fair:adaptive"] > 1.3 * shares["fair"]


@pytest.mark.parametrize(
    ("nprocs", "args", "said"),
    [
        (1, (), "bisect: two halves have at least two processes"),
        (4, ("--partners", "3"), "bisect: --partners: the other half has 2 processes"),
        (4, ("--along", "2"), "bisect: --along: the places have dimensions 0 to 1"),
        (4, ("--nbytes", "0"), "bisect: error: argument --nbytes: '0' is no whole number above 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(nprocs: int, args: tuple[str, ...], said: str) -> None:
    result = vmpp.run("bisect", args, nprocs=nprocs)
    assert result.status != 0
    assert said in result.stderr.decode()


def test_bandwidth_to_neighbours_falls_with_the_links_that_messages_share(tmp_path: Path) -> None:
    """On a ring each link carries as many messages, each way, as partners are ranks apart."""
    path = machine(tmp_path, "ring", "[17]")
    args = ("--long", "1000000", "--rounds", "2")
    printed = run("neighbours", 16, *args, machine=path, policies={"timing": "fair"})
    rows = measured(printed)
    assert [row[0] for row in rows] == [1, 2, 4, 8]
    for stride, links, most, _, sends in rows:
        assert sends * 1e6 == pytest.approx(LINK / stride, rel=0.02)
        # Those whose way leads round the end pass the service node.
        assert links == pytest.approx(stride * 17 / 16 if stride < 8 else 8, abs=0.01)
        assert most == (stride + 1 if stride < 8 else 8)


def test_latency_to_neighbours_is_that_of_a_message_and_its_hops(tmp_path: Path) -> None:
    """Two messages out and two in: the second is behind the first, in software and on the wire."""
    times = []
    for hop in ("0 ns", "5 us"):
        path = machine(tmp_path, "fully-connected", "[9]")
        path.write_text(path.read_text() + f'[network]\nhop_latency = "{hop}"\n')
        rows = measured(run("neighbours", 8, "--rounds", "100", machine=path))
        assert rows[0][3] == pytest.approx(rows[1][3], rel=0.05)
        times.append(rows[0][3])
    assert times[1] - times[0] == pytest.approx(5, abs=0.2)


def test_runs_repeat(tmp_path: Path) -> None:
    path = machine(tmp_path, "torus", "[4, 4]")
    policies = {"timing": "wormhole:adaptive"}
    digests = {
        vmpp.run("neighbours", nprocs=15, machine=path, policies=policies).digest for _ in "ab"
    }
    assert len(digests) == 1
