"""Which ranks share a node, what they have of it, and what happens to them together."""

from __future__ import annotations

import signal

import pytest
import trio

import vmpp
from vmpp.machine.modes import ModeError
from vmpp.machine.plugins import PluginError
from vmpp.service.status import Activity

WHERE = "print(rank, MPI.Get_processor_name(), comm.Split_type(MPI.COMM_TYPE_SHARED).size)"


@pytest.mark.parametrize("mode", ["heater", "message-coprocessor", "compute-coprocessor"])
def test_a_node_takes_one_rank(printed, mode) -> None:
    assert printed(mode, 3, WHERE) == [f"{rank} tiny-n0000{rank} 1" for rank in range(3)]


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_a_virtual_node_takes_two_and_the_last_of_an_odd_number_is_alone(printed, size) -> None:
    expected = [
        f"{rank} tiny-n0000{rank // 2} {2 if rank < size // 2 * 2 else 1}" for rank in range(size)
    ]
    assert printed("virtual-node", size, WHERE) == expected


def test_a_machine_grows_to_half_as_many_nodes(machine) -> None:
    async def nodes(mode: str, processes: int) -> int:
        async with vmpp.boot(machine(""), processes=processes, policies={"mode": mode}) as built:
            return built.description.compute_nodes

    assert trio.run(nodes, "virtual-node", 63) == trio.run(nodes, "heater", 32)


def test_distances_within_a_node_are_nothing(printed) -> None:
    assert printed(
        "virtual-node", 4,
        """
        where = vmpp.node_map()
        if rank == 0:
            print(where.distance(0, 1), where.distance(0, 2), where.coordinates(1))
        """,
    ) == ["0 1 (0, 0)"]  # fmt: skip


def test_the_universe_counts_processes(printed) -> None:
    sizes = printed("virtual-node", 2, "print(comm.Get_attr(MPI.UNIVERSE_SIZE))", universe=10)
    assert sizes == ["10", "10"]


def test_each_rank_has_half_of_the_memory(run, machine) -> None:
    path = machine("")
    path.write_text(path.read_text().replace("[node]", '[node]\nmemory = "30 MiB"'))
    assert run("heater", 2, "pass", machine=path).status == 0
    result = run("virtual-node", 2, "pass", machine=path)
    assert result.status == 1
    assert result.failure is not None
    assert result.failure.startswith(
        "rank 0 cannot be loaded: node 0 is out of memory: job 1 rank 0 needs "
    )
    assert result.failure.endswith("and has 15728640 of 31457280 as one of 2 ranks on a node")


@pytest.mark.parametrize("mode", ["message-coprocessor", "compute-coprocessor", "virtual-node"])
def test_nodes_of_one_cpu_have_heater_mode_only(run, machine, mode) -> None:
    path = machine("")
    path.write_text(path.read_text().replace("[node]", "[node]\ncpus = 1"))
    assert run("heater", 1, "pass", machine=path).status == 0
    with pytest.raises(ModeError) as raised:
        run(mode, 1, "pass", machine=path)
    assert str(raised.value) == (
        f"the mode '{mode}' needs 2 CPUs on a node, and those of the machine 'tiny' have 1: say "
        "'cpus = 2' in [node] of its file, or take another mode"
    )


@pytest.mark.parametrize(
    ("kernel", "applications", "helper", "why"),
    [
        (2, (0,), None, "there is no CPU 2 on nodes of 2"),
        (0, (), None, "no CPU runs the application"),
        (0, (1, 1), None, "a CPU has two processes, or a process and co-routines"),
        (0, (0,), 0, "a CPU has two processes, or a process and co-routines"),
    ],
)
def test_a_strangers_mode_that_makes_no_sense_is_refused(
    run, plugins, kernel, applications, helper, why
) -> None:
    from vmpp.kernel import Roles

    class Odd:
        cpus = 1

        def roles(self, cpus):
            return Roles(kernel, applications, helper)

    with pytest.raises(PluginError, match=r"Odd\.roles returned Roles") as raised:
        run("odd", 1, "pass", plugins=plugins(vmpp_cpu_modes={"odd": Odd}))
    assert why in str(raised.value)


def test_a_strangers_mode_can_have_the_kernel_on_the_second_cpu(printed, plugins) -> None:
    from vmpp.kernel import Roles

    class Swapped:
        cpus = 2

        def roles(self, cpus):
            return Roles(kernel=cpus - 1, applications=(0,))

    found = plugins(vmpp_cpu_modes={"swapped": Swapped})
    assert printed("swapped", 2, "print(comm.allreduce(rank))", plugins=found) == ["1", "1"]


class TestSharedMemory:
    def test_ranks_of_a_node_load_and_store_the_same(self, printed) -> None:
        assert printed(
            "virtual-node", 4,
            """
            import numpy as np
            node = comm.Split_type(MPI.COMM_TYPE_SHARED)
            win = MPI.Win.Allocate_shared(8, 8, comm=node)
            mine = np.frombuffer(win.Shared_query(node.rank)[0], "q")
            mine[0] = rank
            node.Barrier()
            other = np.frombuffer(win.Shared_query(1 - node.rank)[0], "q")
            print(rank, other[0], len(win.Shared_query(MPI.PROC_NULL)[0]))
            win.Free()
            """,
        ) == ["0 1 8", "1 0 8", "2 3 8", "3 2 8"]  # fmt: skip

    def test_the_parts_follow_each_other(self, printed) -> None:
        assert printed(
            "virtual-node", 2,
            """
            win = MPI.Win.Allocate_shared(3 + rank, comm=comm)
            first, second = (win.Shared_query(other)[0] for other in (0, 1))
            print(second.address - first.address, len(first), len(second))
            """,
        ) == ["3 3 4"] * 2  # fmt: skip

    def test_a_put_stores_there_too(self, printed) -> None:
        assert printed(
            "virtual-node", 2,
            """
            win = MPI.Win.Allocate_shared(4, comm=comm)
            win.Fence()
            if rank == 0:
                win.Put(b"abcd", 1)
            win.Fence()
            print(bytes(win.Shared_query(1)[0]))
            """,
        ) == ["b'abcd'"] * 2  # fmt: skip

    def test_ranks_of_several_nodes_share_none(self, printed) -> None:
        assert printed(
            "virtual-node", 3,
            """
            try:
                MPI.Win.Allocate_shared(8, comm=comm)
            except MPI.Exception as error:
                print(error.Get_error_class() == MPI.ERR_RMA_SHARED)
            """,
        ) == ["True"] * 3  # fmt: skip


class TestControl:
    """What comes down the tree of nodes is for all ranks there, and once for each."""

    def test_a_crash_loses_both_ranks_of_a_node(self, run) -> None:
        result = run(
            "virtual-node", 6,
            "vmpp.compute(0.1)\nprint(rank)",
            faults=["node 1 crash at 50 ms"], keep_going=True,
        )  # fmt: skip
        assert sorted(result.stdout.split()) == [b"0", b"1", b"4", b"5"]
        assert list(result.statuses) == [0, 0, 137, 137, 0, 0]

    @pytest.mark.parametrize("when", ["1 us", "2 ms", "50 ms"])
    @pytest.mark.parametrize("node", [0, 1, 2])
    def test_a_crash_ends_the_job_at_any_time(self, run, node, when) -> None:
        result = run(
            "virtual-node", 5, "vmpp.compute(0.1)", faults=[f"node {node} crash at {when}"]
        )
        assert result.status == 137
        assert f" lost: node {node} (tiny-n0000{node}) crashed" in (result.failure or "")

    def test_a_signal_reaches_every_rank_once(self, tmp_path, machine) -> None:
        program = tmp_path / "signalled.py"
        program.write_text(
            "import signal\nimport vmpp\nfrom mpi4py import MPI\n"
            "rank = MPI.COMM_WORLD.rank\n"
            "signal.signal(signal.SIGUSR1, lambda *_: print('told', rank))\n"
            "vmpp.compute(10)\n"
        )

        async def main() -> bytes:
            policies = {"mode": "virtual-node"}
            async with vmpp.boot(machine(""), nodes=4, policies=policies) as built:
                job = await built.launch(program, 5)
                built.engine.at(2 * 10**12, lambda _: built.signal(job.id, signal.SIGUSR1))
                result = await job.wait()
                assert result.status == 0
                return bytes(result.stdout)

        told = trio.run(main).decode().splitlines()
        assert sorted(told) == [f"told {rank}" for rank in range(5)]

    def test_a_job_that_is_killed_leaves_nothing(self, tmp_path, machine) -> None:
        program = tmp_path / "endless.py"
        program.write_text("import vmpp\nvmpp.compute(1000)\n")

        async def main() -> None:
            async with vmpp.boot(machine(""), nodes=4) as built:
                job = await built.launch(program, 7, mode="virtual-node")
                nodes = []
                built.engine.at(10**12, lambda _: nodes.extend(built.nodes()[:4]))
                built.engine.at(10**12 + 1, lambda _: built.signal(job.id, signal.SIGKILL))
                result = await job.wait()
                assert list(result.statuses) == [137] * 7
                ranks = [[each.rank for each in node.processes] for node in nodes]
                assert ranks == [[0, 1], [2, 3], [4, 5], [6]]
                assert {each.activity for node in nodes for each in node.processes} == {
                    Activity.COMPUTE
                }
                assert len({each.pid for node in nodes[:1] for each in node.processes}) == 2
                for node in built.nodes()[:4]:
                    assert (node.memory_used, node.processes) == (0, ())
                # The nodes are as before: a job in another mode can have them.
                again = await built.launch(program, 4, mode="heater", limit=10**9)
                assert again.nodes == (0, 1, 2, 3)
                await again.wait()

        trio.run(main)

    def test_one_that_fails_is_told_of_and_ends_the_others(self, run) -> None:
        result = run("virtual-node", 4, "if rank == 3:\n    raise KeyError\nvmpp.compute(100)")
        assert result.status == 1
        assert "rank 3 on node tiny-n00001 raised an exception" in (result.failure or "")
        assert result.virtual_time < 1


def test_spawned_jobs_are_in_the_mode_of_who_spawns_them(printed) -> None:
    assert printed(
        "virtual-node", 2,
        """
        import sys
        code = (
            "from mpi4py import MPI\\n"
            "up = MPI.Comm.Get_parent()\\n"
            "up.send((MPI.COMM_WORLD.rank, MPI.Get_processor_name()), dest=0)\\n"
            "print('child', up.recv(source=1))\\n"
        )
        children = comm.Spawn(sys.executable, ["-c", code], maxprocs=3)
        if rank == 0:
            print(sorted(children.recv(source=other) for other in range(3)))
        else:
            for other in range(3):
                children.send(other * 10, dest=other)
        """,
        universe=5,
    ) == [
        "[(0, 'tiny-n00001'), (1, 'tiny-n00001'), (2, 'tiny-n00004')]",
        "child 0", "child 10", "child 20",
    ]  # fmt: skip


SPAWN_ON = """
import sys
code = "from mpi4py import MPI; MPI.Comm.Get_parent().send(MPI.Get_processor_name(), dest=0)"
info = MPI.Info.Create({{"host": "tiny-n00002"}})
counts = {counts}
infos = [info if host else MPI.INFO_NULL for host, _ in counts]
try:
    children = comm.Spawn_multiple(
        [sys.executable] * len(counts), [["-c", code]] * len(counts), [n for _, n in counts], infos
    )
except MPI.Exception as error:
    print(error)
else:
    print(*(children.recv(source=rank)[-1] for rank in range(children.remote_size)))
"""


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([(True, 2)], "2 2"),
        ([(True, 2), (False, 1)], "2 2 1"),
        # Rank 1 has no wishes, and shares a node with rank 0, which has.
        ([(True, 1), (False, 2)], "2 2 1"),
    ],
)
def test_spawned_ranks_can_share_a_node_that_is_named(printed, machine, counts, expected) -> None:
    path = machine("\n[topology]\ndims = [4, 2]\n")
    assert printed("virtual-node", 1, SPAWN_ON.format(counts=counts), machine=path) == [expected]


def test_spawned_ranks_that_are_too_many_for_a_named_node_are_refused(printed, machine) -> None:
    path = machine("\n[topology]\ndims = [4, 2]\n")
    (said,) = printed("virtual-node", 1, SPAWN_ON.format(counts=[(True, 3)]), machine=path)
    assert "a node is asked for twice" in said


def test_ranks_of_a_node_reach_each_other_by_sockets(printed) -> None:
    assert printed(
        "virtual-node", 4,
        """
        import socket
        if rank % 2:
            with socket.create_server(("127.0.0.1", 5000)) as server:
                comm.Barrier()
                with server.accept()[0] as peer:
                    print(rank, peer.recv(10))
        else:
            comm.Barrier()
            with socket.create_connection(("127.0.0.1", 5000)) as peer:
                peer.sendall(b"from %d" % rank)
        """,
    ) == ["1 b'from 0'", "3 b'from 2'"]  # fmt: skip


def test_a_port_of_a_node_is_one_ranks(printed) -> None:
    assert printed(
        "virtual-node", 2,
        """
        import socket
        if rank == 1:
            comm.Barrier()
        server = socket.socket()
        try:
            server.bind(("127.0.0.1", 5000))
            print(rank, "has it")
        except OSError as error:
            print(rank, error.strerror)
        if rank == 0:
            comm.Barrier()
        """,
    ) == ["0 has it", "1 Address already in use"]  # fmt: skip


def test_jobs_share_nodes_with_others_of_their_mode_only(tmp_path, machine) -> None:
    program = tmp_path / "work.py"
    program.write_text("import vmpp\nvmpp.compute(0.1)\n")

    async def main() -> None:
        async with vmpp.boot(machine(""), nodes=2, policies={"pct": "rr:1ms"}, level=3) as built:
            jobs = [
                await built.launch(program, size, mode=mode)
                for size, mode in ((3, "virtual-node"), (4, "virtual-node"), (2, "heater"))
            ]
            assert [job.status.state for job in jobs] == ["CF", "CF", "PD"]
            assert [job.nodes for job in jobs[:2]] == [(0, 0, 1), (0, 0, 1, 1)]
            results = [await job.wait() for job in jobs]
            # Two share each CPU but the one where the first job has no rank; the third has its own.
            assert [round(result.virtual_time, 1) for result in results] == [0.2, 0.2, 0.1]
            assert all(result.status == 0 for result in results)

    trio.run(main)
