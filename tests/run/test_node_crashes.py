"""Nodes that crash: jobs end, or go on without them, and the machine stays whole."""

from __future__ import annotations

import pytest

import vmpp

SLEEP = """
    import time
    print("up", rank, flush=True)
    time.sleep(1)
    print("late", rank)
"""


@pytest.mark.parametrize(
    ("size", "node"), [(1, 0), (2, 0), (2, 1), (9, 0), (9, 2), (9, 8), (20, 0), (20, 1), (20, 7)]
)
def test_a_job_ends_with_the_node_of_a_rank(program, size, node):
    result = vmpp.run(program(SLEEP), nprocs=size, faults=[f"node {node} crash at 500 ms"])
    assert result.status == 137
    assert result.statuses[node] == 137
    assert result.statuses.count(143) == size - 1
    assert result.failure == f"rank {node} is lost: node {node} (default-n{node:05d}) crashed"
    # The launcher hears of it 10 ms later.
    assert result.virtual_time == pytest.approx(0.51, abs=1e-3)
    assert b"late" not in result.stdout


@pytest.mark.parametrize(
    ("size", "nodes"),
    [(2, [0]), (2, [1]), (9, [0]), (9, [1, 4]), (9, [0, 1, 2]), (20, [2, 0, 5, 1, 19])],
)
def test_a_job_may_go_on_without_them(program, size, nodes):
    faults = [f"node {node} crash at {500 + node} ms" for node in nodes]
    result = vmpp.run(program(SLEEP), nprocs=size, faults=faults, keep_going=True)
    assert result.failure is None
    lost = set(nodes)
    assert (result.status, list(result.statuses)) == (
        0,
        [137 if rank in lost else 0 for rank in range(size)],
    )
    late = [line for line in result.stdout.split(b"\n") if line.startswith(b"late")]
    assert sorted(late) == sorted(f"late {rank}".encode() for rank in set(range(size)) - lost)


def test_a_job_that_keeps_going_and_loses_all_its_ranks_has_failed(program):
    faults = ["node 0 crash at 0.4 s", "node 1 crash at 0.5 s"]
    result = vmpp.run(program(SLEEP), nprocs=2, faults=faults, keep_going=True)
    assert (result.status, list(result.statuses)) == (137, [137, 137])
    assert result.failure == "all ranks are lost: their nodes crashed"


def test_nothing_of_the_program_happens_after_the_crash(program, tmp_path):
    path = program("""
        import time
        try:
            time.sleep(1)
        finally:
            print("finally", rank, flush=True)
            open(f"left-by-{rank}", "w").close()
            comm.send("a last word", 1 - rank)
    """)
    result = vmpp.run(path, nprocs=2, faults=["node 1 crash at 0.5 s"], cwd=tmp_path)
    assert b"finally 1" not in result.stdout
    assert not (tmp_path / "left-by-1").exists()


@pytest.mark.parametrize("time", ["1 us", "30 us", "60 us", "80 us"])
@pytest.mark.parametrize("node", [0, 2, 12])
def test_a_crash_while_the_job_is_loaded(program, time, node):
    result = vmpp.run(program(SLEEP), nprocs=13, faults=[f"node {node} crash at {time}"])
    assert result.status == 137
    assert "is lost" in result.failure
    again = vmpp.run(program(SLEEP), nprocs=13, faults=[f"node {node} crash at {time}"])
    assert again.digest == result.digest


def test_a_message_to_a_node_that_nobody_knows_has_crashed_goes_nowhere(program, tmp_path):
    machine = tmp_path / "slow.toml"
    machine.write_text('[service]\ncrash_detection = "5 s"\n')
    path = program("""
        import time
        time.sleep(1)
        if rank == 0:
            comm.send("short", 1)
            print("sent")
            comm.recv(source=2)
        elif rank == 2:
            comm.send("me", 0)
    """)
    result = vmpp.run(
        path, nprocs=3, machine=machine, faults=["node 1 crash at 0.5 s"], keep_going=True
    )
    assert (result.status, result.stdout) == (0, b"sent\n")


async def test_other_jobs_and_later_ones_do_without_the_node(program):
    path = program(SLEEP)
    async with vmpp.boot(nodes=6) as machine:
        first = await machine.launch(path, 2)
        second = await machine.launch(path, 2)
        machine.crash(first.nodes[1], at=0.5)
        ended = await first.wait()
        assert ended.status == 137
        assert (await second.wait()).status == 0
        left = machine.description.compute_nodes - 1
        third = await machine.launch(path, left)
        assert first.nodes[1] not in third.nodes
        assert (await third.wait()).status == 0
        with pytest.raises(vmpp.VmppError, match=f"{left + 1} wanted, {left} free"):
            await machine.launch(path, left + 1)


async def test_crashes_that_cannot_be(program):
    async with vmpp.boot(nodes=4) as machine:
        for node in (-1, machine.description.compute_nodes, 99):
            with pytest.raises(vmpp.VmppError, match="has the compute nodes 0 to "):
                machine.crash(node)
        for when in ("soon", -1.0, float("nan"), float("inf")):
            with pytest.raises(vmpp.VmppError):
                machine.crash(0, at=when)
        job = await machine.launch(program(SLEEP), 2)
        await job.wait()
        with pytest.raises(vmpp.VmppError, match="the time has passed"):
            machine.crash(0, at="1 ms")
        # A node that is down already does not mind; one that nobody knows of is given out.
        machine.crash(0)
        machine.crash(0)
        unlucky = await machine.launch(program(SLEEP), 2)
        assert (await unlucky.wait()).status == 137
        again = await machine.launch(program(SLEEP), 2)
        assert (await again.wait()).status == 0


def test_on_the_command_line(program, shell):
    program(SLEEP)
    done = shell("run", "-n", 3, "--fault", "node 1 crash at 2 ms", "program.py")
    assert done.returncode == 137
    assert done.stderr == "rank 1 is lost: node 1 (default-n00001) crashed\n"
    done = shell(
        "run", "-n", 3, "--fault", "node 1 crash at 2ms", "--fault", "node 0 crash at 3ms",
        "--keep-going", "program.py",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "late 2"
    done = shell("run", "--fault", "node 1 at 2 ms", "program.py")
    assert done.returncode == 2
    assert done.stderr == (
        'vmpp: error: fault "node 1 at 2 ms": write it such as "node 3 crash at 2 ms"\n'
    )
    done = shell("run", "-n", 2, "--fault", "node 400 crash at 2 ms", "program.py")
    assert done.returncode == 2
    assert done.stderr.startswith("vmpp: error: a crash of node 400: 'default' has the compute ")
    assert len(done.stderr.splitlines()) == 1


def test_how_long_it_takes_to_be_known_is_the_machines(program, tmp_path):
    machine = tmp_path / "slow.toml"
    machine.write_text('[service]\ncrash_detection = "300 ms"\n')
    result = vmpp.run(program(SLEEP), nprocs=2, machine=machine, faults=["node 1 crash at 500 ms"])
    assert result.virtual_time == pytest.approx(0.8, abs=1e-3)
