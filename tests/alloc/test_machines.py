"""Allocators on machines: from where they are chosen to what jobs get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import vmpp
from vmpp.machine.choices import ChoiceError
from vmpp.service import LaunchError

SLEEP = "import sys, time\ntime.sleep(float(sys.argv[1]))\n"


@pytest.fixture
def sleeps(tmp_path: Path) -> Path:
    """A program that sleeps for so many seconds."""
    path = tmp_path / "sleeps.py"
    path.write_text(SLEEP)
    return path


@pytest.fixture
def where(tmp_path: Path) -> Path:
    """A program whose rank 0 tells on which nodes its ranks are."""
    path = tmp_path / "where.py"
    path.write_text(
        "import json\nfrom mpi4py import MPI\n"
        "names = MPI.COMM_WORLD.gather(MPI.Get_processor_name())\n"
        "if names:\n    print(json.dumps([int(name[-5:]) for name in names]))\n"
    )
    return path


async def found(where: Path, size: int, **options: Any) -> list[int]:
    """Return the nodes that the ranks of a job have, as they say themselves."""
    async with vmpp.boot(**options) as booted:
        job = await booted.launch(where, size)
        told = list(json.loads((await job.wait()).stdout))
        assert told == list(job.nodes)
        return told


def machine(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("allocator", "nodes"),
    [
        ("first-free", [0, 1, 2, 3, 4, 5]),
        ("submesh", [0, 1, 2, 6, 7, 8]),
        ("submesh:fit=best", [0, 1, 2, 6, 7, 8]),
        ("buddy", [0, 1, 2, 3, 6, 7]),
        ("mc1x1", [0, 1, 2, 6, 7, 8]),
        ("hilbert", [0, 1, 7, 6, 12, 18]),
    ],
)
def test_ranks_are_where_the_allocator_says(tmp_path, where, allocator, nodes) -> None:
    path = machine(tmp_path, f'[topology]\ndims = [6, 6]\n[service]\nallocator = "{allocator}"\n')
    result = vmpp.run(where, nprocs=6, machine=path)
    assert json.loads(result.stdout) == nodes
    assert result.policies["allocator"] == allocator


async def test_random_nodes_depend_on_the_seed_alone(where) -> None:
    drawn = [
        await found(where, 6, nodes=20, seed=seed, policies={"allocator": "random"})
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert sorted(drawn[0]) != list(range(6))


def test_the_result_says_how_far_apart_the_nodes_were(tmp_path, where) -> None:
    for allocator, distance in (("first-free", 7 / 3), ("submesh", 5 / 3)):
        path = machine(
            tmp_path, f'[topology]\ndims = [6, 6]\n[service]\nallocator = "{allocator}"\n'
        )
        assert vmpp.run(where, nprocs=6, machine=path).distance == pytest.approx(distance)


@pytest.mark.parametrize(
    ("topology", "allocator", "words"),
    [
        ("fat-tree", "submesh", "'submesh': the topology is no grid.*: nodes 0 and 4 are side by"),
        ("fat-tree", "mc1x1", "not linked; take 'first-free' or 'random', which work on any"),
        (
            "mesh2d",
            "subcube",
            "'subcube': the topology is no hypercube: it has not a power of two of places; take",
        ),
        ("dragonfly", "hilbert:best", "'hilbert:best': the topology is no grid"),
    ],
)
def test_a_topology_that_an_allocator_is_not_for_is_refused(
    where, topology, allocator, words
) -> None:
    with pytest.raises(ChoiceError, match=words) as caught:
        vmpp.run(where, nprocs=5, policies={"topology": topology, "allocator": allocator})
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("topology", ["ring", "torus", "mesh3d", "hypercube", "bus"])
@pytest.mark.parametrize("allocator", ["submesh", "buddy", "hilbert", "mc1x1"])
async def test_grids_of_all_kinds_will_do(where, topology, allocator) -> None:
    policies = {"topology": topology, "allocator": allocator}
    assert len(set(await found(where, 4, nodes=30, policies=policies))) == 4


async def test_subcubes_of_a_hypercube(where) -> None:
    policies = {"topology": "hypercube", "allocator": "subcube:code=gray"}
    assert await found(where, 4, nodes=30, policies=policies) == [0, 1, 2, 3]


async def test_a_machine_that_grows_makes_room(where) -> None:
    # Of 5 x 4 places the last have nodes that serve: no box of 16 is free of them.
    async with vmpp.boot(processes=16, policies={"allocator": "submesh"}) as booted:
        job = await booted.launch(where, 16)
        assert (await job.wait()).status == 0
        assert job.status.distance < 3
        assert max(job.nodes) > 17


@pytest.mark.parametrize("allocator", ["submesh", "submesh:best", "buddy"])
@pytest.mark.parametrize("topology", ["ring", "torus"])
@pytest.mark.parametrize("size", [7, 16, 33])
def test_one_whose_nodes_cannot_be_added_to_has_room_from_the_start(
    topology: str, allocator: str, size: int, where: Path
) -> None:
    policies = {"topology": topology, "allocator": allocator}
    result = vmpp.run(where, nprocs=size, policies=policies)
    assert result.status == 0, result.stderr
    assert len(set(json.loads(result.stdout))) == size


async def test_a_machine_that_does_not_grow_refuses(tmp_path, where) -> None:
    path = machine(tmp_path, '[topology]\ndims = [6, 6]\n[service]\nallocator = "buddy"\n')
    async with vmpp.boot(path) as booted:
        with pytest.raises(LaunchError, match="Buddy has no place for a job on 17 nodes even if"):
            await booted.launch(where, 17)
        assert (await (await booted.launch(where, 16)).wait()).status == 0


async def test_what_is_held_besides_is_shown_and_comes_back(tmp_path, sleeps) -> None:
    path = machine(tmp_path, '[topology]\ndims = [6, 6]\n[service]\nallocator = "buddy"\n')
    async with vmpp.boot(path) as booted:
        job = await booted.launch(sleeps, 3, ["0.01"])
        # The smallest free square beside the one of 4 x 4.
        assert job.nodes == (4, 5, 10)
        held = booted.nodes()[11]
        assert (held.job, held.jobs, held.rank, held.state) == (1, (1,), -1, "allocated")
        assert booted.fragmentation.held == 1
        await job.wait()
        assert len(booted.launcher.book.free) == 34


class TestSharing:
    """Jobs of one multitasking policy on the same nodes."""

    async def test_two_jobs_share_and_a_third_waits_for_a_row(self, sleeps) -> None:
        async with vmpp.boot(nodes=4, policies={"pct": "rr:1ms"}) as booted:
            jobs = [await booted.launch(sleeps, 4, ["0.01"]) for _ in range(3)]
            assert [job.nodes for job in jobs] == [(0, 1, 2, 3), (0, 1, 2, 3), ()]
            assert [job.record.job.row for job in jobs] == [0, 1, 0]
            assert booted.nodes()[2].jobs == (1, 2)
            assert [(await job.wait()).status for job in jobs] == [0, 0, 0]
            assert jobs[2].nodes == (0, 1, 2, 3)
            assert len(booted.launcher.book.free) == 4

    async def test_the_level_says_how_many(self, tmp_path, sleeps) -> None:
        path = machine(tmp_path, '[pct]\npolicy = "rr"\nlevel = 3\n')
        async with vmpp.boot(path, nodes=2) as booted:
            jobs = [await booted.launch(sleeps, 2, ["0.01"]) for _ in range(4)]
            assert [bool(job.nodes) for job in jobs] == [True, True, True, False]
            assert [(await job.wait()).status for job in jobs] == [0] * 4

    @pytest.mark.parametrize("other", ["rr:2ms", "single"])
    async def test_jobs_of_another_policy_have_nodes_of_their_own(self, sleeps, other) -> None:
        async with vmpp.boot(nodes=4, policies={"pct": "rr:1ms"}) as booted:
            one = await booted.launch(sleeps, 2, ["0.01"])
            two = await booted.launch(sleeps, 2, ["0.01"], policy=other)
            three = await booted.launch(sleeps, 2, ["0.01"], policy=other)
            assert (one.nodes, two.nodes) == ((0, 1), (2, 3))
            assert three.nodes == ((2, 3) if other == "rr:2ms" else ())
            assert [(await job.wait()).status for job in (one, two, three)] == [0, 0, 0]

    async def test_with_the_single_task_policy_jobs_wait_as_ever(self, sleeps) -> None:
        async with vmpp.boot(nodes=4) as booted:
            jobs = [await booted.launch(sleeps, 3, ["0.01"]) for _ in range(2)]
            assert [job.nodes for job in jobs] == [(0, 1, 2), ()]
            assert [(await job.wait()).status for job in jobs] == [0, 0]

    async def test_one_that_is_killed_leaves_its_neighbour_alone(self, sleeps) -> None:
        async with vmpp.boot(nodes=2, policies={"pct": "rr:1ms"}) as booted:
            one, two = [await booted.launch(sleeps, 2, ["0.01"]) for _ in range(2)]
            one.end(3)
            assert [(await job.wait()).status for job in (one, two)] == [3, 0]
            assert booted.launcher.book.holders == {}

    async def test_a_node_that_crashes_ends_all_that_share_it(self, sleeps) -> None:
        async with vmpp.boot(nodes=4, policies={"pct": "rr:1ms"}) as booted:
            jobs = [await booted.launch(sleeps, 4, ["0.1"]) for _ in range(2)]
            booted.crash(1, "20 ms")
            assert [(await job.wait()).status for job in jobs] == [137, 137]
            assert list(booted.launcher.book.free) == [0, 2, 3]

    async def test_what_a_job_spawns_shares_with_it(self, tmp_path) -> None:
        path = tmp_path / "parent.py"
        path.write_text(
            "import sys\nfrom mpi4py import MPI\n"
            "parent = MPI.Comm.Get_parent()\n"
            "if parent == MPI.COMM_NULL:\n"
            "    MPI.COMM_SELF.Spawn(sys.executable, [__file__], maxprocs=2).Disconnect()\n"
            "else:\n"
            "    parent.Disconnect()\n"
        )
        given = machine(tmp_path, '[topology]\ndims = [5, 1]\n[pct]\npolicy = "rr"\n')
        async with vmpp.boot(given) as booted:
            jobs = [await booted.launch(path, 1) for _ in range(2)]
            results = [await job.wait() for job in jobs]
            assert [(result.status, result.failure) for result in results] == [(0, None)] * 2


async def test_a_policy_chosen_at_the_prompt_must_fit_the_machine_too() -> None:
    async with vmpp.boot(nodes=4) as booted:
        with pytest.raises(ChoiceError, match="allocator 'subcube'"):
            booted.set_policy("allocator", "subcube")
        assert booted.policies["allocator"] == "first-free"
