"""How far a machine can grow, and what plugins hear of jobs that programs start."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import vmpp
from vmpp.hooks import hookimpl
from vmpp.machine.description import MachineTooSmallError, load
from vmpp.machine.plugins import Plugins, Source
from vmpp.machine.universe import ROOM, SPARE, Universe
from vmpp_topology import FullyConnected, Mesh2D


class Ring:
    """A topology whose distances depend on its size: it cannot be extended."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims
        self.size = dims[0]
        self.links = 2 * self.size

    @staticmethod
    def grown(nodes: int) -> tuple[int, ...]:
        return (nodes,)

    def coordinates(self, node: int) -> tuple[int, ...]:
        return (node,)

    def hops(self, source: int, destination: int) -> int:
        return min((source - destination) % self.size, (destination - source) % self.size)

    def route(self, source: int, destination: int) -> list[int]:
        hops = self.hops(source, destination)
        if (destination - source) % self.size == hops:
            return [(source + step) % self.size for step in range(hops)]
        return [self.size + (source - step) % self.size for step in range(hops)]


def plugins_with(**hooks: Any) -> Plugins:
    found = Plugins.installed()
    module = SimpleNamespace(
        __name__="stranger", **{name: hookimpl(hook) for name, hook in hooks.items()}
    )
    found.register(module, Source("stranger", "stranger", "none", ""))
    found.check()
    return found


@pytest.fixture
def rings(tmp_path):
    """Plugins with rings, and a machine that is one."""

    def vmpp_topologies():
        return {"circle": Ring}

    path = tmp_path / "rings.toml"
    path.write_text('[topology]\nkind = "circle"\n')
    found = plugins_with(vmpp_topologies=vmpp_topologies)
    return found, load(path, found)


@pytest.mark.parametrize("topology", [Mesh2D, FullyConnected])
@pytest.mark.parametrize("nodes", [1, 2, 3, 7, 12, 30])
@pytest.mark.parametrize("more", [0, 1, 5, 100])
def test_an_extended_topology_leaves_all_nodes_where_they_are(topology, nodes, more):
    small = topology(topology.grown(nodes))
    large = topology(topology.extended(small.dims, nodes + more))
    assert large.size >= max(small.size, nodes + more)
    for one in range(small.size):
        assert small.coordinates(one) == large.coordinates(one)
        for other in range(small.size):
            assert small.hops(one, other) == large.hops(one, other)


class TestMachinesThatGrow:
    def test_there_is_room_for_many_and_programs_are_told_of_some(self):
        found = Plugins.installed()
        universe = Universe.of(load("default", found), 7, None, found)
        assert (universe.machine.nodes, universe.machine.compute_nodes) == (9, 7)
        assert (universe.most, universe.size) == (7 + ROOM, 7 + SPARE)
        assert universe.dims == (3, 3 + -(-ROOM // 3))

    def test_a_number_is_what_programs_are_told_and_the_most(self):
        found = Plugins.installed()
        universe = Universe.of(load("default", found), 7, 20, found)
        assert (universe.machine.nodes, universe.machine.compute_nodes) == (9, 7)
        assert (universe.most, universe.size, universe.dims) == (20, 20, (3, 8))

    def test_no_more_than_the_program_itself(self):
        found = Plugins.installed()
        universe = Universe.of(load("default", found), 1, 1, found)
        assert (universe.machine.compute_nodes, universe.most, universe.size) == (2, 1, 1)

    def test_one_that_cannot_be_extended_is_of_full_size_if_asked_to(self, rings):
        found, described = rings
        universe = Universe.of(described, 4, None, found)
        assert (universe.dims, universe.most, universe.size) == ((6,), 4, 4)
        universe = Universe.of(described, 4, 10, found)
        assert (universe.dims, universe.machine.compute_nodes) == ((12,), 10)
        assert (universe.most, universe.size) == (10, 10)

    def test_programs_spawn_on_one_that_cannot_be_extended(self, rings, program):
        found, described = rings
        path = program("print(comm.Spawn(sys.executable, ['-c', 'pass'], 6).remote_size)")
        result = vmpp.run(path, machine=described, plugins=found, universe=7)
        assert (result.status, result.stdout) == (0, b"6\n")


@pytest.mark.parametrize("machine", ["default", "paragon"])
def test_a_universe_holds_the_program_at_least(machine):
    found = Plugins.installed()
    with pytest.raises(MachineTooSmallError, match="no room for 5 processes"):
        Universe.of(load(machine, found), 5, 4, found)


def test_a_machine_of_a_size_has_no_more(rings):
    found = Plugins.installed()
    with pytest.raises(MachineTooSmallError, match="has 1840 compute nodes, not 2000"):
        Universe.of(load("paragon", found), 5, 2000, found)
    universe = Universe.of(load("paragon", found), 5, 6, found)
    assert (universe.machine.compute_nodes, universe.most, universe.size) == (1840, 6, 6)
    universe = Universe.of(load("paragon", found), 5, None, found)
    assert (universe.most, universe.size) == (1840, 1840)


def test_the_map_of_nodes_shows_what_is_booted(program):
    path = program(
        """
        import vmpp
        if parent:
            parent.send([vmpp.node_map().dims, vmpp.node_map().coordinates(rank)], 0)
        else:
            before = vmpp.node_map().dims
            child = comm.Spawn(sys.executable, [__file__], 3)
            print(before, [child.recv(source=n) for n in range(3)])
        """
    )
    # Two compute nodes, one for services and one for I/O stand in two rows, others below.
    assert (
        vmpp.run(path).stdout == b"(2, 2) [[(2, 3), (1, 0)], [(2, 3), (0, 2)], [(2, 3), (1, 2)]]\n"
    )


def test_plugins_hear_of_every_job(program):
    told = []

    def vmpp_job_started(job):
        told.append(("started", job.id, len(job.nodes)))

    def vmpp_job_ended(job, result):
        told.append(("ended", job.id, result.status))

    found = plugins_with(vmpp_job_started=vmpp_job_started, vmpp_job_ended=vmpp_job_ended)
    path = program(
        """
        if parent:
            sys.exit(3)
        comm.Spawn(sys.executable, [__file__], 2)
        sys.exit(1)
        """
    )
    assert vmpp.run(path, plugins=found).status == 3
    assert told == [("started", 1, 1), ("started", 2, 2), ("ended", 2, 3), ("ended", 1, 3)]
