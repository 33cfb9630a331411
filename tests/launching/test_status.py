"""What there is to tell of jobs and nodes, while they run and afterwards; looking costs nothing."""

from __future__ import annotations

import pytest

import vmpp
from vmpp.service.status import Activity, JobState, NodeState

MILLISECOND = 10**9


class TestJobs:
    async def test_the_whole_life_of_a_job(self, program, alice):
        path = program("time.sleep(0.01)\nsys.exit(rank)")
        async with vmpp.boot(nodes=4) as machine:
            with machine.services.client() as client:
                job = await machine.launch(path, 3, ["a", "b"], owner=alice, client=client)
                seen = [job.status]
                await client.sleep(5 * MILLISECOND)
                seen.append(job.status)
                await client.until(job.record.done)
            (ended,) = machine.jobs(past=True)
            assert machine.jobs() == []
        states = [status.state for status in (*seen, ended)]
        assert states == [JobState.LOADING, JobState.RUNNING, JobState.FAILED]
        assert {(s.id, s.user, s.uid, s.size) for s in (*seen, ended)} == {(1, "alice", 1001, 3)}
        assert (ended.nodes, ended.command) == ((0, 1, 2), f"{path} a b")
        assert (ended.policy, ended.mode) == ("single", "heater")
        assert (ended.exit, ended.signal) == (2, 0)
        assert ended.submit == 0 < ended.start < ended.end
        assert seen[1].start == ended.start
        assert [s.end for s in seen] == [None, None]

    async def test_a_job_whose_node_crashes(self, program):
        async with vmpp.boot(nodes=4) as machine:
            job = await machine.launch(program("time.sleep(1)"), 3)
            machine.crash(1, at="20 ms")
            await job.wait()
            (status,) = machine.jobs(past=True)
        assert (status.state, status.exit) == (JobState.NODE_FAIL, 137)
        assert status.reason.startswith("rank 1 is lost")

    async def test_a_job_whose_time_is_over(self, program):
        async with vmpp.boot(nodes=4) as machine:
            long = await machine.launch(program("time.sleep(1)"), 2, limit=20 * MILLISECOND)
            result = await long.wait()
            ended = machine.engine.now
            short = await machine.launch(program("", "s.py"), 2, limit=1000 * MILLISECOND)
            await short.wait()
            assert machine.engine.now < ended + 1000 * MILLISECOND
            first, second = machine.jobs(past=True)
        assert (first.state, first.signal, result.status) == (JobState.TIMEOUT, 15, 143)
        assert result.failure == first.reason == "the time limit of job 1 is over"
        assert 20 * MILLISECOND < first.end - first.start < 21 * MILLISECOND
        assert (second.state, second.exit) == (JobState.COMPLETED, 0)

    async def test_a_program_that_goes_on_although_its_time_is_over_is_killed(self, program):
        deaf = program("""
            import signal
            signal.signal(signal.SIGTERM, lambda *_: print("not now", flush=True))
            for _ in range(1000):
                time.sleep(1)
        """)
        async with vmpp.boot(nodes=4) as machine:
            result = await (await machine.launch(deaf, 1, limit=20 * MILLISECOND)).wait()
            (status,) = machine.jobs(past=True)
        assert (status.state, status.signal, result.status) == (JobState.TIMEOUT, 9, 137)
        assert result.stdout == b"not now\n"
        assert 30_000 * MILLISECOND < status.end - status.start < 31_000 * MILLISECOND

    async def test_messages_and_system_calls_are_those_of_the_job(self, program):
        busy = program("""
            for lap in range(10):
                comm.sendrecv(b"x" * 100, 1 - rank)
            print(rank)
        """)
        async with vmpp.boot(nodes=4) as machine:
            jobs = [await machine.launch(busy, 2) for _ in range(2)]
            idle = await machine.launch(program("", "idle.py"), 1)
            for job in (*jobs, idle):
                await job.wait()
            one, two, none = machine.jobs(past=True)
            total = machine.counters()
        assert (one.messages, one.bytes, one.system_calls) == (
            two.messages, two.bytes, two.system_calls,
        )  # fmt: skip
        assert one.messages >= 20
        assert one.bytes >= 2000
        assert 2 <= one.system_calls < one.messages
        assert none.messages < 10
        assert one.messages + two.messages + none.messages < total["messages"]

    async def test_they_are_counted_while_it_runs(self, program):
        path = program("""
            while True:
                comm.sendrecv(rank, 1 - rank)
                time.sleep(1e-3)
        """)
        async with vmpp.boot(nodes=4) as machine:
            with machine.services.client() as client:
                job = await machine.launch(path, 2, client=client)
                counts = []
                for _ in range(3):
                    await client.sleep(10 * MILLISECOND)
                    counts.append(job.status.messages)
        assert 0 < counts[0] < counts[1] < counts[2]

    async def test_looking_takes_no_time_and_changes_nothing(self, program):
        path = program("comm.barrier()\ntime.sleep(0.01)\ncomm.barrier()")

        async def run(looks):
            async with vmpp.boot(nodes=4) as machine:
                with machine.services.client() as client:
                    job = await machine.launch(path, 4, client=client)
                    for _ in range(10):
                        await client.sleep(MILLISECOND)
                        for _ in range(looks):
                            machine.jobs(past=True)
                            machine.nodes()
                            job.where()
                    await client.until(job.record.done)
                return job.result().digest

        assert await run(0) == await run(3)


class TestNodes:
    async def test_what_nodes_do(self, program, tmp_path):
        (tmp_path / "four.toml").write_text("[topology]\ndims = [3, 2]\n")
        path = program(
            """
            if rank == 0:
                vmpp.compute(0.01)
            else:
                comm.recv()
        """.replace("vmpp.compute", "__import__('vmpp').compute")
        )
        async with vmpp.boot(tmp_path / "four.toml") as machine:
            assert {node.state for node in machine.nodes()[:4]} == {NodeState.FREE}
            machine.crash(3)
            with machine.services.client() as client:
                job = await machine.launch(path, 2, client=client)
                assert machine.nodes()[0].state is NodeState.ALLOCATED
                await client.sleep(5 * MILLISECOND)
                busy, waiting, free, dead, service, io = machine.nodes()
        assert (busy.state, busy.activity) == (NodeState.BUSY, Activity.COMPUTE)
        assert (waiting.state, waiting.activity) == (NodeState.BUSY, Activity.WAITING)
        assert [(node.job, node.rank) for node in (busy, waiting, free)] == [
            (job.id, 0), (job.id, 1), (0, -1),
        ]  # fmt: skip
        assert (free.state, free.activity, free.memory_used) == (NodeState.FREE, Activity.IDLE, 0)
        # It is not known yet that it has crashed.
        assert (dead.state, dead.activity) == (NodeState.FREE, Activity.NONE)
        assert 0 < busy.memory_used < busy.memory
        assert (service.partition, io.partition) == ("service", "io")
        assert {"files", "allocation", "yod"} <= set(service.servers)
        assert [node.place for node in (busy, waiting, service)] == [(0, 0), (1, 0), (1, 1)]
        assert busy.name == "four-n00000"


class TestWhereRanksStand:
    async def test_those_that_stand_alike_stand_together(self, program):
        path = program("""
            def wait():
                comm.recv(source=0)
            if rank == 0:
                time.sleep(1)
            elif rank == 3:
                __import__("vmpp").compute(1)
            else:
                wait()
        """)
        async with vmpp.boot(nodes=6) as machine:
            with machine.services.client() as client:
                job = await machine.launch(path, 6, client=client)
                await client.sleep(50 * MILLISECOND)
                groups = job.where()
        assert [group.ranks for group in groups] == [(0,), (1, 2, 4, 5), (3,)]
        first, second, third = (group.places[0] for group in groups)
        assert (first.call, first.line, first.source) == ("sleep()", 9, "time.sleep(1)")
        assert second.call.startswith("Intracomm.recv(")
        assert (second.file, second.line, second.source) == (str(path), 7, "comm.recv(source=0)")
        assert "compute" in third.call
        assert str(groups[1]).startswith("ranks 1-2, 4-5 in ")
        assert f'File "{path}", line 7' in str(groups[1])

    async def test_a_job_without_processes_stands_nowhere(self, program):
        async with vmpp.boot(nodes=6) as machine:
            job = await machine.launch(program(""), 6)
            assert job.where() == []
            await job.wait()
            assert job.where() == []


class TestEnds:
    PATH = """
        if rank == 1:
            raise LookupError("no such thing")
        time.sleep(0.01)
        print("went on", rank)
        sys.exit(rank)
    """

    async def test_an_error_of_one_rank_ends_the_job(self, program):
        async with vmpp.boot(nodes=4) as machine:
            result = await (await machine.launch(program(self.PATH), 3)).wait()
        assert (result.status, result.statuses, result.stdout) == (1, [143, 1, 143], b"")
        assert "LookupError: no such thing" in result.failure

    async def test_unless_the_others_are_to_run_on(self, program):
        async with vmpp.boot(nodes=4) as machine:
            job = await machine.launch(program(self.PATH), 3, kill=False)
            result = await job.wait()
            rows = job.completion()
        assert (result.status, result.statuses) == (2, [0, 1, 2])
        assert result.stdout.count(b"went on") == 2
        assert "rank 1" in result.failure
        assert [(row.rank, row.node, row.pid, row.exit, row.signal) for row in rows] == [
            (0, 0, job.id, 0, 0), (1, 1, job.id, 1, 0), (2, 2, job.id, 2, 0),
        ]  # fmt: skip
        assert rows[1].elapsed < 10 * MILLISECOND <= rows[0].elapsed < 11 * MILLISECOND

    async def test_where_all_stood_at_an_abnormal_end(self, program):
        async with vmpp.boot(nodes=4) as machine:
            job = await machine.launch(program(self.PATH), 3, backtrace=True)
            await job.wait()
            plain = await machine.launch(program(self.PATH), 3)
            await plain.wait()
        assert plain.backtrace is None
        assert "ranks 0, 2 in sleep()" in job.backtrace

    async def test_the_steps_of_a_launch(self, program):
        async with vmpp.boot(nodes=4) as machine:
            job = await machine.launch(program("x = 1\n" * 20_000), 4)
            await job.wait()
        steps = {step.name: step.virtual_ps for step in job.steps}
        assert list(steps) == [
            "allocate nodes",
            "executable sent to compute partition",
            "compute partition synchronised",
            "apps ready",
        ]
        assert all(duration > 0 for duration in steps.values())
        phases = {phase.name: phase.virtual_ps for phase in job.result().phases}
        assert steps["allocate nodes"] == phases["allocation"]
        sent = "executable sent to compute partition"
        assert steps[sent] + steps["compute partition synchronised"] == phases["load"]


class TestDeadlocks:
    SERVER = "comm.Accept(MPI.Open_port())"

    async def test_a_job_that_waits_at_a_port_has_nobody_to_come(self, program):
        async with vmpp.boot(nodes=4) as machine:
            result = await (await machine.launch(program(self.SERVER), 1)).wait()
        assert result.failure.startswith("deadlock after")

    async def test_as_long_as_somebody_is_logged_in_somebody_may_come(self, program):
        serving = program("""
            port = MPI.Open_port()
            MPI.Publish_name("ocean", port)
            comm.Accept(port).send("hello", 0)
        """)
        calling = program(
            'print(comm.Connect(MPI.Lookup_name("ocean")).recv(source=0))', "calling.py"
        )
        async with vmpp.boot(nodes=4) as machine:
            session = await machine.console()
            server = await machine.launch(serving, 1)
            with machine.services.client(exact=False) as client:
                await client.sleep(10**15)
            assert server.status.state is JobState.RUNNING
            client = await machine.launch(calling, 1)
            assert (await client.wait()).stdout == b"hello\n"
            assert (await server.wait()).status == 0
            stuck = await machine.launch(program("comm.recv()", "stuck.py"), 1)
            assert (await stuck.wait()).failure.startswith("deadlock after")
            session.end()


class TestStrangers:
    """Jobs of different users, connected."""

    SERVING = """
        port = MPI.Open_port()
        MPI.Publish_name("ocean", port)
        print(port, flush=True)
        time.sleep(1)
    """
    CALLING = """
        for call in (lambda: MPI.Lookup_name("ocean"), lambda: comm.Connect(sys.argv[1])):
            try:
                call()
                print("let in")
            except MPI.Exception as error:
                print(error)
    """

    @pytest.mark.parametrize("who", ["bob", "root"])
    async def test_they_are_kept_apart(self, program, alice, bob, root, who):
        serving, calling = program(self.SERVING), program(self.CALLING, "calling.py")
        async with vmpp.boot(nodes=4) as machine:
            with machine.services.client() as client:
                server = await machine.launch(serving, 1, owner=alice, client=client)
                await client.sleep(20 * MILLISECOND)
                port = server.stdout.decode().strip()
                assert port
                caller = await machine.launch(
                    calling, 1, [port], owner={"bob": bob, "root": root}[who], client=client
                )
                await client.until(caller.record.done)
                answers = caller.stdout.decode().splitlines()
        if who == "bob":
            assert len(answers) == 2
            assert all("another user" in answer for answer in answers)
        else:
            # Root is let in, and waits for somebody to accept.
            assert answers == ["let in"]
