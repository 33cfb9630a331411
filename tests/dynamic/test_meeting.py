"""Jobs that were launched apart meet at ports, and find them by the names of services."""

from __future__ import annotations

import pytest
import trio.testing

import vmpp

SERVER = """
    if rank == 0 and not parent:
        input()
    port = MPI.Open_port() if rank == 0 else None
    if rank == 0:
        MPI.Publish_name("ocean", port)
    for _ in range(int(sys.argv[1])):
        met = comm.Accept(port)
        for other in range(met.remote_size):
            met.send((rank, other), other)
        print("server", rank, met.size, met.remote_size, met.recv(source=0))
        met.Disconnect()
    if rank == 0:
        MPI.Unpublish_name("ocean", port)
        MPI.Close_port(port)
"""

CLIENT = """
    if rank == 0 and not parent:
        input()
    met = comm.Connect(look_up("ocean") if rank == 0 else None)
    for other in range(met.remote_size):
        met.send("hello", other)
    found = [met.recv(source=n) for n in range(met.remote_size)]
    print("client", rank, met.size, met.remote_size, found)
    met.Disconnect()
"""


def told(*results):
    for result in results:
        assert (result.failure, result.status) == (None, 0)
    return sorted(line for result in results for line in result.stdout.decode().splitlines())


class TestJobsLaunchedApart:
    @pytest.fixture
    def meet(self, program, together):
        server, client = program(SERVER, "server.py"), program(CLIENT, "client.py")

        async def run(*clients):
            async with vmpp.boot(nodes=16) as machine:
                jobs = [(server, 2, str(len(clients))), *((client, count) for count in clients)]
                results = await together(machine, *jobs)
                assert (machine.names._ports, machine.names._published) == ({}, {})
                return results

        return run

    async def test_they_find_each_other_by_the_name_of_a_service(self, meet):
        assert told(*await meet(3)) == [
            *[f"client {r} 3 2 [(0, {r}), (1, {r})]" for r in range(3)],
            *[f"server {rank} 2 3 hello" for rank in range(2)],
        ]

    async def test_one_port_serves_one_after_the_other(self, meet):
        lines = told(*await meet(1, 2, 3, 1))
        assert len([line for line in lines if line.startswith("client")]) == 7
        assert sorted(line.split()[3] for line in lines if line.startswith("server 0")) == [*"1123"]

    async def test_each_job_ends_by_itself(self, program, together):
        path = program("""
            input()
            if sys.argv[1] == "server":
                port = MPI.Open_port()
                MPI.Publish_name("a", port)
                comm.Accept(port)
            else:
                comm.Connect(look_up("a"))
                sys.exit(5)
        """)
        async with vmpp.boot(nodes=4) as machine:
            results = await together(machine, (path, 1, "server"), (path, 1, "client"))
        assert [result.status for result in results] == [0, 5]

    async def test_a_deadlock_is_reported_for_every_job_that_takes_part(self, program, together):
        path = program("""
            input()
            if sys.argv[1] == "server":
                port = MPI.Open_port()
                MPI.Publish_name("a", port)
                met = comm.Accept(port)
            else:
                met = comm.Connect(look_up("a"))
            met.recv()
        """)
        async with vmpp.boot(nodes=4) as machine:
            results = await together(machine, (path, 1, "server"), (path, 1, "client"))
        assert [result.status for result in results] == [1, 1]
        assert all("rank 0 in Intercomm.recv" in result.failure for result in results)


class TestWithinOneJob:
    def test_parts_of_a_world_meet_at_a_port(self, lines):
        assert lines(
            """
            part = comm.Split(rank < 2, -rank)
            port = MPI.Open_port() if rank == 0 else None
            if rank == 0:
                comm.send(port, 2)
            if rank == 2:
                port = comm.recv(source=0)
            root = 1 if rank < 2 else size - 3
            met = part.Accept(port, root=root) if rank < 2 else part.Connect(port, root=root)
            print(rank, met.rank, met.size, met.remote_size, met.Merge(rank < 2).allreduce(rank))
            """,
            5,
        ) == ["0 1 2 3 10", "1 0 2 3 10", "2 2 3 2 10", "3 1 3 2 10", "4 0 3 2 10"]

    def test_spawned_jobs_meet_at_a_port(self, lines):
        assert lines(
            """
            if not parent:
                port = MPI.Open_port()
                comm.Spawn(sys.executable, [__file__, port], 2)
                print(comm.Accept(port).recv(source=1))
            else:
                comm.Connect(sys.argv[1]).send(rank, 0)
            """
        ) == ["1"]

    def test_groups_of_several_jobs_meet(self, lines):
        assert (
            lines(
                """
            if not parent:
                port = MPI.Open_port()
                spawned = [comm.Spawn(sys.executable, [__file__, name, port]) for name in "ab"]
                both = spawned[0].Merge()
                met = both.Accept(port)
            elif sys.argv[1] == "a":
                met = parent.Merge(high=True).Accept("")
            else:
                met = comm.Connect(sys.argv[2])
            everybody = met.Merge(high=bool(parent) and sys.argv[1] == "b")
            print(everybody.allgather("".join(sys.argv[1:2])))
            """
            )
            == ["['', 'a', 'b']"] * 3
        )


def test_the_same_jobs_meet_in_the_same_way(program, run):
    program(SERVER, "server.py")
    program(CLIENT, "client.py")
    text = """
        comm.Spawn("server.py", ["4"], 3)
        for count in (1, 2, 3, 1):
            comm.Spawn("client.py", maxprocs=count)
    """
    first, again = run(text), run(text)
    assert (first.status, first.digest, first.stdout) == (0, again.digest, again.stdout)
    assert first.stdout.count(b"server") == 12


class TestErrors:
    @pytest.mark.parametrize(
        ("call", "error"),
        [
            ("MPI.Lookup_name('nothing')", "ERR_NAME"),
            ("MPI.Unpublish_name('nothing', 'port')", "ERR_SERVICE"),
            ("MPI.Publish_name('taken', 'port')", "ERR_SERVICE"),
            ("MPI.Unpublish_name('taken', 'another port')", "ERR_SERVICE"),
            ("MPI.Close_port('nothing')", "ERR_PORT"),
            ("MPI.COMM_SELF.Connect('nothing')", "ERR_PORT"),
            ("MPI.COMM_SELF.Accept('nothing')", "ERR_PORT"),
            ("MPI.COMM_SELF.Accept('nothing', root=1)", "ERR_ROOT"),
            ("MPI.COMM_SELF.Connect('nothing', root=-1)", "ERR_ROOT"),
            ("MPI.Comm.Join(1)", "ERR_ARG"),
        ],
    )
    def test_each_has_its_class(self, lines, call, error):
        text = f"""
            MPI.Publish_name("taken", MPI.Open_port())
            try:
                {call}
            except MPI.Exception as error:
                print(error.Get_error_class() == MPI.{error})
        """
        assert lines(text) == ["True"]

    @pytest.mark.parametrize("call", ["Accept", "Connect"])
    def test_all_ranks_hear_of_them(self, lines, call):
        text = f"""
            try:
                comm.{call}("nothing")
            except MPI.Exception as error:
                print(error.Get_error_class() == MPI.ERR_PORT)
            comm.Barrier()
        """
        assert lines(text, 3) == ["True"] * 3

    def test_a_port_that_was_closed_is_no_port(self, lines):
        text = """
            port = MPI.Open_port()
            MPI.Close_port(port)
            for call in (comm.Accept, comm.Connect, MPI.Close_port):
                try:
                    call(port)
                except MPI.Exception as error:
                    print(error.Get_error_class() == MPI.ERR_PORT)
        """
        assert lines(text) == ["True"] * 3

    def test_ports_have_different_names(self, lines):
        assert lines("print(len({MPI.Open_port() for _ in range(10)}))") == ["10"]

    async def test_a_machine_without_its_name_server(self, program):
        text = """
            for call in (MPI.Open_port, lambda: MPI.Lookup_name("a")):
                try:
                    call()
                except MPI.Exception as error:
                    print(error)
        """
        path = program(text)
        async with vmpp.boot(nodes=2) as machine:
            await trio.testing.wait_all_tasks_blocked()
            machine.stop_server("names")
            job = await machine.launch(path, 1)
            result = await job.wait()
        assert result.stdout.count(b"Input/output error") == 2

    async def test_what_a_job_leaves_behind_goes_with_it(self, program):
        leaving = program("MPI.Publish_name('a', MPI.Open_port())\nprint('published')")
        looking = program(
            """
            try:
                MPI.Lookup_name("a")
            except MPI.Exception as error:
                print(error.Get_error_class() == MPI.ERR_NAME)
            """,
            "looking.py",
        )
        async with vmpp.boot(nodes=2) as machine:
            await (await machine.launch(leaving, 1)).wait()
            result = await (await machine.launch(looking, 1)).wait()
        assert result.stdout == b"True\n"

    def test_ports_are_closed_when_mpi_is_finalized(self, lines):
        text = """
            if rank == 0:
                comm.send(MPI.Open_port(), 1)
                MPI.Finalize()
                time.sleep(1)
            else:
                port = comm.recv(source=0)
                time.sleep(0.1)
                try:
                    MPI.COMM_SELF.Connect(port)
                except MPI.Exception as error:
                    print(error.Get_error_class() == MPI.ERR_PORT)
        """
        assert lines(text, 2) == ["True"]

    async def test_one_job_cannot_take_back_what_another_has_published(self, program, together):
        path = program("""
            input()
            if sys.argv[1] == "0":
                MPI.Publish_name("a", MPI.Open_port())
                time.sleep(1)
                print(MPI.Lookup_name("a"))
            else:
                port = look_up("a")
                for call in (lambda: MPI.Unpublish_name("a", port), lambda: MPI.Close_port(port)):
                    try:
                        call()
                    except MPI.Exception as error:
                        print("refused")
        """)
        async with vmpp.boot(nodes=2) as machine:
            first, second = await together(machine, (path, 1, "0"), (path, 1, "1"))
        assert first.stdout.startswith(b"vmpp-port-")
        assert second.stdout == b"refused\nrefused\n"


class TestIsolation:
    """Jobs that nobody has connected do not hear of each other."""

    INTRUDER = """
        import time
        from vmpp.engine import current_process
        from vmpp.portals import Address

        process = current_process()
        if not parent:
            victim = comm.Spawn(sys.executable, [__file__, "victim"])
            comm.Spawn(sys.executable, [__file__, *victim.recv()])
        elif sys.argv[1] == "victim":
            parent.send((str(process.nid), str(process.pid)), 0)
            time.sleep(0.1)
            print(comm.Iprobe(MPI.ANY_SOURCE, 7), process.table.drops)
        else:
            node, job = map(int, sys.argv[1:])
            process.kernel.send(process, Address(node, job, 0, job), 14, 7, b"intruder", 8)
    """

    def test_siblings_are_as_strange_to_each_other_as_any_jobs(self, lines):
        assert lines(self.INTRUDER) == ["False 1"]

    async def test_nobody_has_himself_connected_to_a_job_that_is_no_business_of_his(
        self, program, together
    ):
        text = """
            from vmpp.engine import current_process
            from vmpp.process import jobs

            input()
            if sys.argv[1] == "victim":
                time.sleep(1)
            else:
                parcel = jobs.Spawn([jobs.Command(b"x.py", [], 1, [], {})], [1, 2], b"x")
                for request in (jobs.Connect([1, 2]), jobs.Reach("nothing", [2, 1]), parcel):
                    try:
                        jobs.ask(current_process(), jobs.LAUNCHER, request)
                    except OSError as error:
                        print(error.strerror)
        """
        path = program(text)
        async with vmpp.boot(nodes=4) as machine:
            _, result = await together(machine, (path, 1, "victim"), (path, 1, "other"))
        assert result.stdout == b"a job is not connected to the one that asks\n" * 3

    async def test_garbage_is_answered_and_harms_nobody(self, program):
        text = """
            from vmpp.engine import current_process
            from vmpp.process import jobs

            process = current_process()
            lookup = jobs.encode(jobs.LookUp("a"))
            for server, request in (("yod", b"garbage"), ("names", b"\\xff"), ("yod", b""),
                                    ("yod", lookup), ("names", jobs.encode(jobs.Connect([1])))):
                print(jobs._replies.decode(process.rpc(server, request)) == jobs.NOT_A_REQUEST)
            print(comm.Spawn(sys.executable, ["-c", "pass"]).remote_size)
        """
        async with vmpp.boot(nodes=4) as machine:
            result = await (await machine.launch(program(text), 1)).wait()
        assert result.stdout == b"True\n" * 5 + b"1\n"
