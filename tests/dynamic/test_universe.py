"""How far a machine can grow, and what plugins hear of jobs that programs start."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import vmpp
from vmpp.hooks import hookimpl
from vmpp.machine.description import MachineTooSmallError, load
from vmpp.machine.plugins import Plugins, Source
from vmpp.machine.universe import SPARE, Universe, usual_size
from vmpp_topology import FullyConnected, Mesh2D


class Ring:
    """A topology whose distances depend on its size: it cannot be extended."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims
        self.size = dims[0]
        self.links = 0

    @staticmethod
    def grown(nodes: int) -> tuple[int, ...]:
        return (nodes,)

    def coordinates(self, node: int) -> tuple[int, ...]:
        return (node,)

    def hops(self, source: int, destination: int) -> int:
        return min((source - destination) % self.size, (destination - source) % self.size)


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
        return {"ring": Ring}

    path = tmp_path / "rings.toml"
    path.write_text('[topology]\nkind = "ring"\n')
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
    def test_what_is_there_is_what_was_asked_for(self):
        found = Plugins.installed()
        described = load("default", found)
        universe = Universe.of(described, 7, None, found)
        assert (universe.machine.nodes, universe.machine.compute_nodes) == (9, 7)
        assert (universe.size, universe.dims) == (7, (3, 3))

    def test_more_need_places_only(self):
        found = Plugins.installed()
        universe = Universe.of(load("default", found), 7, 20, found)
        assert (universe.machine.nodes, universe.machine.compute_nodes) == (9, 7)
        assert (universe.size, universe.dims) == (20, (3, 8))

    def test_usually_there_is_room_for_some(self):
        found = Plugins.installed()
        assert usual_size(load("default", found), 7, found) == 7 + SPARE
        assert usual_size(load("paragon", found), 7, found) is None

    def test_one_that_cannot_be_extended_is_of_full_size_if_asked_to(self, rings):
        found, described = rings
        assert usual_size(described, 4, found) is None
        assert Universe.of(described, 4, None, found).dims == (6,)
        universe = Universe.of(described, 4, 10, found)
        assert (universe.machine.compute_nodes, universe.dims) == (10, (12,))

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
    assert Universe.of(load("paragon", found), 5, 6, found).size == 6


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
