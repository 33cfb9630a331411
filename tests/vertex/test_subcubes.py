"""On a hypercube jobs get subcubes, whose nodes are numbered so that one bit is one link."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmpp
from vmpp.service import Places
from vmpp_alloc.subcube import Subcube
from vmpp_topology import Hypercube


@given(
    code=st.sampled_from(["binary", "gray"]),
    wanted=st.integers(1, 32),
    busy=st.integers(0, 24),
    seed=st.integers(0, 1 << 20),
)
def test_numbers_that_differ_in_a_bit_are_neighbours(code, wanted, busy, seed):
    topology = Hypercube((8, 8))
    allocator = Subcube(Places(topology, range(64), lambda: 0.0), code)
    taken = set(Random(seed).sample(range(64), busy))
    nodes = allocator.choose([node for node in range(64) if node not in taken], wanted)
    if nodes is None:
        return
    dimension = (len(nodes) - 1).bit_length()
    assert len(nodes) == 1 << dimension >= wanted
    for node in range(len(nodes)):
        for bit in range(dimension):
            assert topology.hops(nodes[node], nodes[node ^ 1 << bit]) == 1


@pytest.mark.parametrize(("nprocs", "dim"), [(1, 0), (4, 2), (12, 4)])
def test_a_job_on_ncube2_lies_in_a_subcube(run, nprocs, dim):
    result = run(
        f"""
        import vmpp

        node, _, _, dim = whoami()
        assert dim == {dim}
        neighbours = [node ^ 1 << bit for bit in range(dim)]
        assert all(vmpp.node_map().hops(node, each) == 1 for each in neighbours if each < {nprocs})
        """,
        nprocs,
        machine="ncube2",
    )
    assert result.status == 0, result.failure


async def test_jobs_beside_each_other_have_subcubes_of_their_own(tmp_path):
    program = tmp_path / "waits.py"
    program.write_text("import time; time.sleep(10)")
    async with vmpp.boot(machine="ncube2") as booted:
        jobs = [await booted.launch(program, size) for size in (3, 8, 2, 512)]
        assert [list(job.nodes)[:3] for job in jobs] == [
            [0, 1, 2], [8, 9, 10], [4, 5], [512, 513, 514],
        ]  # fmt: skip
