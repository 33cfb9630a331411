"""Links that go down, messages that get lost and servers that stop, while programs run."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vmpp

RING = """
    right, left = (rank + 1) % comm.size, (rank - 1) % comm.size
    for turn in range(50):
        comm.sendrecv(turn, right, source=left)
    print("done")
"""
NOTE = "lost in the network, where faults have been injected"


def test_a_link_that_goes_down_stops_those_who_need_it(program):
    result = vmpp.run(program(RING), nprocs=4, faults=["link 0-1 down at 80 us"])
    assert result.status == 1
    assert result.failure.startswith("deadlock after ")
    assert "Intracomm.sendrecv(" in result.failure
    note = re.fullmatch(
        rf" (\d+) messages were {NOTE}; somebody may wait for what was lost",
        result.failure.splitlines()[-1],
    )
    # More were lost when the job was ended.
    assert 0 < int(note[1]) <= result.counters["lost"]


def test_a_link_that_is_down_for_a_while_loses_what_would_have_taken_it(program):
    path = program("""
        import time
        got = []
        for turn in range(10):
            time.sleep(max(0, turn / 10 - MPI.Wtime()))
            if rank == 0:
                comm.send(turn, 1)
            else:
                time.sleep(0.01)
                if comm.iprobe():
                    got.append(comm.recv())
        print(*got)
    """)
    faults = ["link 0->1 down at 0.35 s", "link 0->1 up at 650 ms"]
    result = vmpp.run(path, nprocs=2, faults=faults)
    assert result.stdout.split() == [b"0", b"1", b"2", b"3", b"7", b"8", b"9"]
    assert (result.failure, result.counters["lost"]) == (None, 3)
    other_way = [fault.replace("0->1", "1->0") for fault in faults]
    result = vmpp.run(path, nprocs=2, faults=other_way)
    assert len(result.stdout.split()) == 10  # no message of the program goes that way


def test_a_link_there_is_not_is_refused_and_neighbours_are_named(program):
    for fault, words in [
        ("link 0-2 down", "nodes 0 and 2 have no link between them; the neighbours of node 0 are "),
        ("link 0-99999 down", "there is no node 99999: they are 0 to "),
        ("link 3-3 down", "nodes 3 and 3 have no link between them; the neighbours of node 3 are "),
    ]:
        with pytest.raises(vmpp.VmppError, match=words) as error:
            vmpp.run(program(RING), nprocs=9, faults=[fault])
        assert str(error.value).startswith(fault)


def test_where_every_two_nodes_have_a_link_there_is_one_for_each(program, tmp_path):
    machine = tmp_path / "full.toml"
    machine.write_text('[topology]\nkind = "fully-connected"\n')
    path = program("""
        import time
        time.sleep(1)
        if rank == 0:
            for other in (1, 2, 3):
                comm.send("hello", other)
        else:
            time.sleep(1)
            print(rank, comm.iprobe())
    """)
    faults = ["link 0->2 down at 0.5 s", "link 0-2 up at 1.5 s"]
    result = vmpp.run(path, nprocs=4, machine=machine, faults=faults)
    assert sorted(result.stdout.splitlines()) == [b"1 True", b"2 False", b"3 True"]
    assert result.counters["lost"] == 1


@pytest.fixture
def tree(tmp_path):
    """A fat tree whose four lowest switches, s0 to s3, have four nodes each."""
    machine = tmp_path / "tree.toml"
    machine.write_text('[topology]\nkind = "fat-tree"\ndims = [4, 4]\n')
    return machine


def test_links_of_switches_have_names(program, tree):
    path = program("""
        import time
        time.sleep(1)
        if rank == 0:
            comm.send("hello", 3)
            comm.send("hello", 4)
        elif rank in (3, 4):
            time.sleep(1)
            print(rank, comm.iprobe())
    """)
    # Node 4 ends in the digit 0, so what comes from the first switch goes by the first above it.
    for fault, lost in [("link s0-s4", b"4 False"), ("link 3-s0", b"3 False"), ("link s1-s5", b"")]:
        faults = [f"{fault} down at 0.5 s", f"{fault} up at 1.5 s"]
        result = vmpp.run(path, nprocs=5, machine=tree, faults=faults)
        expected = {b"3 True", b"4 True"}
        if lost:
            expected = {line for line in expected if line[:1] != lost[:1]} | {lost}
        assert set(result.stdout.splitlines()) == expected


def test_adaptive_routing_goes_round_what_is_down(program, tree):
    # From the first switch all but one link up are down.
    faults = [f"link s0-s{switch} down" for switch in (4, 5, 6)]
    result = vmpp.run(program(RING), nprocs=14, machine=tree, faults=faults)
    assert result.status == 1
    policies = {"timing": "wormhole:adaptive"}
    result = vmpp.run(program(RING), nprocs=14, machine=tree, faults=faults, policies=policies)
    assert (result.status, result.counters["lost"]) == (0, 0)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("link 0-1 down", "nodes 0 and 1 have no link between them; the neighbour of node 0 is s0"),
        ("link 5-s0 down", "5 and s0 have no link between them; the neighbour of node 5 is s1"),
        ("link s5-s4 down", "s5 and s4 have no link between them; the neighbours of s5 are s0, s1"),
        ("link s0-s8 down", "there is no switch s8: they are s0 to s7"),
    ],
)
def test_links_of_switches_there_are_not_are_refused(fault, said, program, tree):
    with pytest.raises(vmpp.VmppError) as error:
        vmpp.run(program(RING), nprocs=4, machine=tree, faults=[fault])
    assert str(error.value).startswith(f"{fault}: {said}")


def test_where_there_are_no_switches_none_has_a_link(program):
    with pytest.raises(vmpp.VmppError, match="no switch s0: this topology has none"):
        vmpp.run(program(RING), nprocs=4, faults=["link 0-s0 down"])


def test_everything_that_is_dropped_and_nothing_else(program):
    path = program("""
        if rank < 2:
            comm.send("first", 2)
        else:
            print(comm.recv(source=0), comm.iprobe(source=1))
    """)
    result = vmpp.run(path, nprocs=3, faults=["drop 100% from 1 to 2"])
    # Rank 1 is loaded by rank 0, and ends by telling the service partition.
    assert (result.status, result.stdout) == (0, b"first False\n")
    assert result.counters["lost"] == 1


def test_drops_are_repeatable_and_follow_from_the_seed(program):
    def run(seed):
        faults = ["drop 5% from compute to compute at 75 us"]
        result = vmpp.run(program(RING), nprocs=8, seed=seed, faults=faults)
        return result.digest, result.failure, dict(result.counters)

    assert run(1) == run(1)
    assert len({run(seed)[0] for seed in range(4)}) > 1


async def test_nobody_notices_that_links_are_watched(program):
    async def run(watched):
        async with vmpp.boot(nodes=6) as machine:
            load = machine.fabric.watch() if watched else None
            job = await machine.launch(program(RING), 6)
            result = await job.wait()
            return result.digest, dict(result.counters), load

    alone, watched = await run(False), await run(True)
    assert alone[:2] == watched[:2]
    # All that is sent leaves a node, and most of it takes links.
    assert watched[2].messages == watched[1]["messages"]
    assert sum(watched[2].bytes.values()) > watched[1]["bytes"]


def test_nothing_is_dropped_any_more(program):
    faults = ["drop 100% from all to all at 1 s", "drop off"]
    result = vmpp.run(program(RING), nprocs=4, faults=faults)
    assert (result.status, result.counters["lost"]) == (0, 0)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("drop 100% from service to compute", "it could not be loaded: 1 message was " + NOTE),
        ("drop 100% from 0 to 1", "it could not be loaded: 1 message was " + NOTE),
        ("drop 100% from 3 to service", "nothing is heard any more of its end: "),
    ],
)
def test_what_the_system_itself_says_is_lost_as_well(program, fault, words):
    result = vmpp.run(program(""), nprocs=4, faults=[fault])
    assert result.status == 1
    assert result.failure.startswith(words)


async def test_a_job_of_which_nothing_is_heard_gives_its_nodes_back(program):
    async with vmpp.boot(nodes=4) as machine:
        machine.inject("drop 100% from 0..3 to service")
        job = await machine.launch(program(RING), 4)
        assert (await job.wait()).status == 1
        machine.inject("drop off")
        again = await machine.launch(program(RING), 4)
        result = await again.wait()
        assert (result.status, result.stdout) == (0, b"done\n" * 4)


EVERYTHING = """
    import numpy as np
    comm.bcast(list(range(1000)))
    comm.allreduce(rank)
    print(rank, flush=True)
    window = MPI.Win.Allocate(800, comm=comm)
    window.Fence()
    window.Put(np.ones(10), (rank + 1) % comm.size)
    window.Fence()
    window.Free()
    comm.Sendrecv(np.zeros(9999), (rank + 1) % comm.size, recvbuf=np.zeros(9999))
    with open("by-%d" % rank, "w") as file:
        file.write("x" * 10000)
"""


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), percent=st.sampled_from(["0.3", "2", "10", "60"]))
def test_whatever_is_lost_the_job_ends_and_says_so(tmp_path_factory, seed, percent):
    folder = tmp_path_factory.mktemp("lossy")
    path = folder / "program.py"
    text = "\n".join(line[4:] for line in EVERYTHING.splitlines())
    path.write_text(f"from mpi4py import MPI\ncomm = MPI.COMM_WORLD\nrank = comm.rank\n{text}")
    fault = f"drop {percent}% from all to all"
    result = vmpp.run(path, nprocs=5, seed=seed, faults=[fault], cwd=folder)
    if result.counters["lost"] == 0:
        assert result.status == 0
    if result.status:
        assert NOTE in result.failure


class TestServers:
    PRINTS = """
        import time
        for turn in range(4):
            try:
                print(turn, flush=True)
            except OSError as error:
                lost = error
            time.sleep(1)
    """

    def test_a_server_that_is_stopped_for_a_while(self, program):
        faults = ["server files stop at 0.5 s", "server files start at 2.5 s"]
        result = vmpp.run(program(self.PRINTS), nprocs=1, faults=faults)
        assert result.status == 0
        assert result.stdout.split()[0] == b"0"
        assert b"3" in result.stdout.split()

    def test_a_server_there_is_not(self, program):
        with pytest.raises(vmpp.VmppError, match="there is no server 'fils'; did you mean 'files'"):
            vmpp.run(program(""), faults=["server fils stop"])


async def test_a_fault_whose_time_has_passed(program):
    async with vmpp.boot(nodes=2) as machine:
        job = await machine.launch(program(RING), 2)
        await job.wait()
        for fault in ("link 0-1 down at 1 us", "drop off at 1 us", "server files stop at 1us"):
            with pytest.raises(vmpp.VmppError, match="the time has passed"):
                machine.inject(fault)


def test_on_the_command_line(program, shell):
    program(RING)
    done = shell("run", "-n", 4, "--fault", "link 0-1 down at 80us", "program.py")
    assert done.returncode == 1
    assert NOTE in done.stderr
    done = shell("run", "-n", 4, "--fault", "link 0-2 sideways", "program.py")
    assert done.returncode == 2
    assert done.stderr == (
        'vmpp: error: fault "link 0-2 sideways": write it such as "link 3-4 down at 2 ms", '
        '"link 3 to 4 down" or "link 3-4 up"\n'
    )


def test_gang_scheduling_whose_strobes_cannot_arrive_ends_in_a_report(program):
    path = program("import vmpp\nfor _ in range(5):\n    vmpp.compute(1e-3)\n    comm.Barrier()")
    result = vmpp.run(
        path, nprocs=4, copies=2, policies={"pct": "gang:500us"}, faults=["link 0-1 down at 2 ms"]
    )
    assert [each.status for each in result.copies] == [1, 1]
    for copy in result.copies:
        assert copy.failure.startswith("deadlock after ")
        assert NOTE in copy.failure
