"""vmpp from Python: `vmpp.run`, `vmpp.boot`, and what a program may ask of its machine."""

from __future__ import annotations

import ast
import threading
from types import SimpleNamespace

import pytest
import trio

import vmpp
from vmpp.hooks import hookimpl
from vmpp.machine.plugins import Source
from vmpp.process import Program
from vmpp.service import LaunchError

ONE_AND_OTHER = ("default", "paragon")


class TestResult:
    def test_it_says_all_that_there_is_to_say(self, program):
        path = program("""
            import sys, time
            time.sleep(2)
            comm.barrier()
            print("out")
            print("err", file=sys.stderr)
        """)
        result = vmpp.run(path, nprocs=3)
        assert (result.status, result.statuses, result.failure) == (0, [0, 0, 0], None)
        assert result.virtual_time == pytest.approx(2, abs=1e-3)
        assert (result.stdout, result.stderr) == (b"out\n" * 3, b"err\n" * 3)
        assert int(result.digest, 16) > 0
        assert set(result.counters) == {"messages", "bytes", "drops", "lost", "system_calls"}

    def test_phases_are_allocation_load_and_run(self, program):
        result = vmpp.run(program("import time\ntime.sleep(3)"), nprocs=3)
        assert [phase.name for phase in result.phases] == ["allocation", "load", "run"]
        assert all(phase.virtual_ps > 0 and phase.host_s >= 0 for phase in result.phases)
        assert result.phases[2].virtual_ps / 1e12 == pytest.approx(3, abs=1e-3)
        assert result.virtual_time == result.phases[2].virtual_ps / 1e12

    def test_loading_takes_longer_the_more_there_is_to_load(self, program):
        small, large = program(""), program("#" * 1_000_000, "large.py")

        def load(path, nprocs):
            return vmpp.run(path, nprocs=nprocs).phases[1].virtual_ps

        assert load(small, 1) < load(small, 8) < load(small, 64)
        assert load(small, 8) + 1e8 < load(large, 8)

    def test_counters_count_messages_bytes_and_system_calls(self, program):
        idle = vmpp.run(program("", "idle.py"), nprocs=2).counters
        path = program("""
            if rank == 0:
                for _ in range(10):
                    comm.Send(bytearray(1000), 1)
            else:
                for _ in range(10):
                    comm.Recv(bytearray(1000), 0)
        """)
        busy = vmpp.run(path, nprocs=2).counters
        assert busy["messages"] - idle["messages"] >= 10
        assert 10_000 <= busy["bytes"] - idle["bytes"] < 11_000
        assert busy["system_calls"] == idle["system_calls"]
        assert busy["drops"] == idle["drops"] == 0
        chatty = program("for n in range(5):\n    print(n)", "chatty.py")
        talk = vmpp.run(chatty, nprocs=2).counters
        assert talk["system_calls"] - idle["system_calls"] == 10


class TestWhatAProgramKnowsOfItsMachine:
    def test_a_run_chooses_algorithms_of_collectives(self, program):
        path = program("""
            import numpy as np
            comm.Bcast(np.zeros(8))
        """)

        def messages(**options):
            return vmpp.run(path, nprocs=8, **options).counters["messages"]

        usual = messages()
        assert messages(coll={"bcast": "binomial"}) == usual
        scattered = messages(coll={"bcast": "scatter-ring"})
        assert scattered == usual + 8 * 7
        rules = [{"bytes": "8 B", "algorithm": "scatter-ring"}]
        assert messages(coll={"bcast": rules}) == usual
        with pytest.raises(vmpp.VmppError, match="no algorithm 'rng'; did you mean 'ring'"):
            messages(coll={"allreduce": "rng"})

    def test_the_node_map_has_place_and_distance_of_every_rank(self, program):
        path = program("""
            import vmpp
            nodes = vmpp.node_map()
            if rank == 1:
                places = [nodes.coordinates(r) for r in range(comm.size)]
                apart = [[nodes.distance(a, b) for b in range(comm.size)] for a in range(comm.size)]
                print([places, apart, list(nodes.dims), list(nodes.nodes)])
        """)
        result = vmpp.run(path, nprocs=20, machine="paragon")
        places, apart, dims, nodes = ast.literal_eval(result.stdout.decode())
        assert dims == [16, 118]
        assert len(set(places)) == len(set(nodes)) == 20
        assert apart == [
            [sum(abs(a - b) for a, b in zip(one, other, strict=True)) for other in places]
            for one in places
        ]

    def test_processor_names_are_those_of_the_nodes(self, program):
        path = program("print(MPI.Get_processor_name())")
        result = vmpp.run(path, nprocs=3, machine="asci-red")
        assert sorted(result.stdout.decode().split()) == [f"asci-red-n{n:05d}" for n in range(3)]

    def test_it_computes_at_the_machines_rates(self, program):
        path = program("""
            import vmpp
            times = []
            for work in ({"seconds": 2}, {"flops": 50e6}, {"nbytes": 160e6}):
                begin = MPI.Wtime()
                vmpp.compute(**work)
                times.append(round(MPI.Wtime() - begin, 4))
            print(times)
        """)
        result = vmpp.run(path, nprocs=3, machine="paragon")
        assert result.stdout == b"[2.0, 1.0, 1.0]\n" * 3

    def test_work_that_overlaps_takes_the_time_of_the_longest(self, program):
        path = program("import vmpp\nvmpp.compute(rank)\ncomm.barrier()")
        assert vmpp.run(path, nprocs=4).virtual_time == pytest.approx(3, abs=1e-3)


WAIT_FOR_FILE = """
import os, sys, time
while not os.path.exists(sys.argv[1]):
    time.sleep(1e-3)
print("done", rank)
"""


class TestBoot:
    async def test_a_job_is_launched_and_waited_for(self, program):
        async with vmpp.boot("paragon") as machine:
            job = await machine.launch(program("print(rank)\nraise SystemExit(rank)"), 3)
            result = await job.wait()
        assert (result.status, result.statuses) == (2, [0, 1, 2])
        assert sorted(result.stdout.split()) == [b"0", b"1", b"2"]

    async def test_two_jobs_run_at_once_on_nodes_of_their_own(self, program, tmp_path):
        path = program("""
            import os, sys, time
            from vmpp import node_map
            folder, name, other = sys.argv[1:]
            open(os.path.join(folder, name), "a").close()
            while not os.path.exists(os.path.join(folder, other)):
                time.sleep(1e-3)
            for turn in range(3):
                time.sleep(1)
                print(name, comm.allreduce(rank), rank == 0 and sorted(node_map().nodes))
        """)
        async with vmpp.boot(nodes=8) as machine:
            one = await machine.launch(path, 3, [str(tmp_path), "one", "two"])
            two = await machine.launch(path, 5, [str(tmp_path), "two", "one"])
            results = [await one.wait(), await two.wait()]
        assert [result.status for result in results] == [0, 0]
        assert (one.nodes, two.nodes) == ((0, 1, 2), (3, 4, 5, 6, 7))
        for name, result, total, nodes in (
            ("one", results[0], 3, [0, 1, 2]),
            ("two", results[1], 10, [3, 4, 5, 6, 7]),
        ):
            lines = result.stdout.decode().splitlines()
            assert sorted(lines) == sorted(
                [f"{name} {total} {nodes}"] * 3 + [f"{name} {total} False"] * 3 * (len(nodes) - 1)
            )

    async def test_who_wants_busy_nodes_waits_and_who_wants_too_many_is_refused(
        self, program, tmp_path
    ):
        path = program(WAIT_FOR_FILE)
        sign = tmp_path / "go"
        async with vmpp.boot(nodes=4) as machine:
            first = await machine.launch(path, 3, [str(sign)])
            second = await machine.launch(path, 4, [str(sign)])
            assert (len(first.nodes), len(second.nodes)) == (3, 0)
            with pytest.raises(LaunchError, match="nodes are lacking: 5 wanted, 1 free, 4 in all"):
                await machine.launch(path, 5, [str(sign)])
            sign.touch()
            assert (await first.wait()).status == 0
            assert (await second.wait()).status == 0
            assert len(second.nodes) == 4

    async def test_jobs_are_ended_by_the_host(self, program):
        async with vmpp.boot() as machine:
            job = await machine.launch(program("while True:\n    comm.barrier()"), 3)
            await (
                trio.testing.wait_all_tasks_blocked()
            ) if False else await trio.lowlevel.checkpoint()
            job.end(9)
            result = await job.wait()
            assert (result.status, result.statuses) == (9, [143] * 3)
            after = await machine.launch(program("print(rank)"), 3)
            assert (await after.wait()).status == 0

    async def test_cancelling_the_machine_in_the_middle_of_a_job(self, program, monkeypatch):
        import colorsys

        monkeypatch.setattr(colorsys, "left", [], raising=False)
        path = program("""
            import colorsys  # a library, and so shared
            try:
                print("up", flush=True)
                while True:
                    comm.barrier()
            finally:
                colorsys.left.append(rank)
        """)
        with trio.CancelScope() as scope:
            async with vmpp.boot() as machine:
                job = await machine.launch(path, 3)
                while job.stdout.count(b"up") < 3:
                    await trio.lowlevel.checkpoint()
                scope.cancel()
                await job.wait()
        assert scope.cancelled_caught
        assert sorted(colorsys.left) == [0, 1, 2]

    async def test_leaving_the_block_ends_what_still_runs(self, program):
        async with vmpp.boot() as machine:
            job = await machine.launch(program("while True:\n    comm.barrier()"), 3)
            while machine.counters()["messages"] < 100:
                await trio.lowlevel.checkpoint()
        assert all(machine.process(job, rank) is None for rank in range(3))

    async def test_an_error_of_the_block_comes_out_as_it_is(self):
        with pytest.raises(ZeroDivisionError):
            async with vmpp.boot():
                raise ZeroDivisionError

    async def test_an_unknown_machine_is_refused(self):
        with pytest.raises(vmpp.VmppError, match="did you mean 'paragon'"):
            async with vmpp.boot("paragom"):
                pass

    async def test_a_failing_job_leaves_the_machine_to_others(self, program):
        good = program("print(comm.allreduce(rank))", "good.py")
        bad = program("comm.barrier()\n1 / (rank - 1)\ncomm.barrier()", "bad.py")
        async with vmpp.boot(nodes=6) as machine:
            jobs = [await machine.launch(path, 3) for path in (bad, good)]
            results = [await job.wait() for job in jobs]
            assert [result.status for result in results] == [1, 0]
            assert (await (await machine.launch(good, 6)).wait()).stdout == b"15\n" * 6


class FromTheStart:
    """An allocation policy that does not care whether nodes are free."""

    def choose(self, free, size):
        return tuple(range(size))


class TestAStrangersPlugin:
    async def test_an_allocator_that_gives_taken_nodes_out_harms_nobody(
        self, program, plugins, tmp_path
    ):
        (tmp_path / "crowded.toml").write_text('[service]\nallocator = "start"\n')
        path, sign = program(WAIT_FOR_FILE), tmp_path / "go"
        found = plugins(vmpp_allocators={"start": lambda places: FromTheStart()})
        async with vmpp.boot(tmp_path / "crowded.toml", nodes=4, plugins=found) as machine:
            first = await machine.launch(path, 2, [str(sign)])
            with pytest.raises(LaunchError, match="returned node 0, which is not free; it may"):
                await machine.launch(path, 2, [str(sign)])
            sign.touch()
            assert sorted((await first.wait()).stdout.splitlines()) == [b"done 0", b"done 1"]
            again = await machine.launch(path, 4, [str(sign)])
            assert again.nodes == (0, 1, 2, 3)
            assert (await again.wait()).status == 0

    @pytest.mark.parametrize(
        ("chosen", "words"),
        [
            ((0, 0), "returned node 0 2 times"),
            ((0,), "returned 1 nodes for 2"),
            ((0, 99), "returned node 99, which is not free"),
            ("ab", "returned 'ab'"),
            (7, "returned 7"),
        ],
    )
    def test_an_allocator_that_chooses_wrongly_is_named(
        self, program, plugins, tmp_path, chosen, words
    ):
        class Wrong:
            def choose(self, free, size):
                return chosen

        (tmp_path / "wrong.toml").write_text('[service]\nallocator = "wrong"\n')
        found = plugins(vmpp_allocators={"wrong": lambda places: Wrong()})
        with pytest.raises(LaunchError, match=rf"Wrong\.choose {words}; it may return as many"):
            vmpp.run(program(""), nprocs=2, machine=tmp_path / "wrong.toml", plugins=found)

    def test_an_allocator_that_raises_is_named(self, program, plugins, tmp_path):
        class Broken:
            def choose(self, free, size):
                return free[size]

        (tmp_path / "broken.toml").write_text('[service]\nallocator = "broken"\n')
        found = plugins(vmpp_allocators={"broken": lambda places: Broken()})
        with pytest.raises(
            LaunchError, match=r"Broken\.choose raised IndexError: .*; choose another"
        ):
            vmpp.run(program(""), nprocs=2, machine=tmp_path / "broken.toml", plugins=found)

    def test_an_allocator_is_used_where_a_machine_file_names_it(self, program, plugins, tmp_path):
        class FromTheEnd:
            def choose(self, free, size):
                return tuple(free[::-1][:size]) if len(free) >= size else None

        (tmp_path / "mine.toml").write_text(
            '[topology]\ndims = [4, 3]\n[service]\nallocator = "end"\n'
        )
        found = plugins(vmpp_allocators={"end": lambda places: FromTheEnd()})
        result = vmpp.run(
            program("print(rank, MPI.Get_processor_name())"),
            nprocs=3,
            machine=tmp_path / "mine.toml",
            plugins=found,
        )
        assert sorted(result.stdout.decode().splitlines()) == [
            f"{rank} mine-n{9 - rank:05d}" for rank in range(3)
        ]

    def test_a_library_is_linked_to_every_process(self, program, plugins):
        class Counter:
            def __init__(self):
                self.modules = {"counting": "colorsys"}
                self.log = []

            def check(self, description):
                self.log.append(("check", -1))

            def memory(self, description):
                return 0

            def attach(self, process, description):
                self.log.append(("attach", process.rank))

            def finish(self, process):
                pass

            def detach(self, process):
                self.log.append(("detach", process.rank))

            def report(self, job):
                self.log.append(("report", job.size))

        counter = Counter()
        path = program("import counting\nprint(counting.__name__)")
        result = vmpp.run(path, nprocs=3, plugins=plugins(vmpp_libraries={"count": counter}))
        assert result.stdout == b"colorsys\n" * 3
        assert sorted(counter.log) == [
            *(("attach", rank) for rank in range(3)),
            ("check", -1),
            *(("detach", rank) for rank in range(3)),
            ("report", 3),
        ]

    def test_a_library_may_add_to_a_report_on_a_deadlock(self, program, plugins):
        class Remarks:
            modules = {}  # noqa: RUF012 - as a plugin's author would write it

            def check(self, description):
                pass

            def memory(self, description):
                return 0

            def attach(self, process, description):
                pass

            def remark(self, process):
                return f"rank {process.rank} has lost its patience" if process.rank else ""

            finish = detach = report = check

        path = program("comm.recv(source=1 - rank)")
        found = plugins(vmpp_libraries={"remarks": Remarks()})
        failure = vmpp.run(path, nprocs=2, plugins=found).failure
        assert failure.startswith("deadlock")
        assert failure.splitlines()[-1] == "  rank 1 has lost its patience"

    def test_an_image_runs_by_its_name(self, program, plugins, tmp_path):
        path = program("print(rank)")
        found = plugins(vmpp_images={"counter": str(path)})
        assert sorted(vmpp.run("counter", nprocs=3, plugins=found).stdout.split()) == [
            b"0", b"1", b"2",
        ]  # fmt: skip

    def test_rare_events_are_told(self, program, plugins):
        told = []
        found = plugins()
        listener = SimpleNamespace()

        def vmpp_machine_booted(machine):
            told.append(("booted", machine.description.name))

        def vmpp_job_started(job):
            told.append(("started", job.id))

        def vmpp_job_ended(job, result):
            told.append(("ended", job.id, result.status))

        for hook in (vmpp_machine_booted, vmpp_job_started, vmpp_job_ended):
            setattr(listener, hook.__name__, hookimpl(hook))
        found.register(listener, Source("listener", "none", "none", ""))
        found.check()
        vmpp.run(program("raise SystemExit(3)"), nprocs=3, plugins=found)
        assert told == [("booted", "default"), ("started", 1), ("ended", 1, 3)]


async def test_when_the_file_server_has_stopped_print_and_open_fail_with_eio(program):
    path = program("""
        import errno
        seen = set()
        comm.barrier()
        while len(seen) < 2:
            for name, call in (("print", lambda: print("x", flush=True)),
                               ("open", lambda: open("file", "w").close())):
                try:
                    call()
                except OSError as error:
                    assert error.errno == errno.EIO
                    seen.add(name)
        import os
        os._exit(50 + len(seen))
    """)
    async with vmpp.boot() as machine:
        job = await machine.launch(Program.script(str(path), cwd=str(path.parent)), 3)
        while not job.stdout:
            await trio.lowlevel.checkpoint()
        machine.stop_server("files")
        result = await job.wait()
    assert result.statuses == [52, 52, 52]


class TestWhereNoMachineCanBe:
    async def test_run_under_trio_says_that_it_is_inside_a_run(self, program):
        with pytest.raises(RuntimeError, match="inside a run"):
            vmpp.run(program(""))

    def test_a_program_cannot_boot_a_machine(self, program):
        result = vmpp.run(program("import vmpp\nvmpp.run(__file__)"), nprocs=3)
        assert result.status == 1
        assert "a program that runs on a machine cannot boot another one" in result.failure

    async def test_a_second_thread_is_refused_and_harms_nobody(self, program):
        path, errors = program("print(comm.allreduce(rank))"), []

        def run():
            try:
                vmpp.run(path)
            except RuntimeError as error:
                errors.append(str(error))

        async with vmpp.boot() as machine:
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
            result = await (await machine.launch(path, 3)).wait()
        assert result.stdout == b"3\n" * 3
        assert len(errors) == 1
        assert "another thread" in errors[0]

    @pytest.mark.parametrize("size", [0, -1])
    async def test_a_job_has_at_least_one_process(self, program, size):
        async with vmpp.boot() as machine:
            with pytest.raises(ValueError, match=f"at least one process, not {size}"):
                await machine.launch(program(""), size)


def test_two_machines_in_one_interpreter_run_side_by_side(program):
    path = program("""
        import sys
        seen = []
        for turn in range(200):
            seen.append(comm.allreduce(rank))
            if turn % 50 == 0:
                print(turn, flush=True)
        print(MPI.Get_processor_name()[:4], len(seen), set(seen), sys.argv[1])
    """)
    alone = [vmpp.run(path, [name], nprocs=4, machine=name).virtual_time for name in ONE_AND_OTHER]

    async def both():
        async with vmpp.boot("default", nodes=4) as one, vmpp.boot("paragon") as other:
            jobs = [
                await machine.launch(path, 4, [machine.description.name])
                for machine in (one, other)
            ]
            return [await job.wait() for job in jobs]

    results = trio.run(both)
    for name, result in zip(ONE_AND_OTHER, results, strict=True):
        assert result.failure is None
        assert sorted(result.stdout.decode().splitlines())[-1] == f"{name[:4]} 200 {{6}} {name}"
    assert [result.virtual_time for result in results] == alone
