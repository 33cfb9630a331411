"""Spawning: a program starts further ones, on nodes that are free."""

from __future__ import annotations

import os
import signal
import sys
from itertools import pairwise

import pytest

import vmpp

CHILD = """
    print("child", rank, size, *sys.argv[1:])
    parent.send(rank * 10, 0)
    parent.Disconnect()
"""


class TestTheNewJob:
    def test_its_world_is_its_own_and_its_parent_the_old_one(self, program, lines):
        program(
            """
            print("child", rank, size, parent.size, parent.remote_size, parent.Get_name())
            """,
            "child.py",
        )
        assert lines("print(rank, comm.Spawn('child.py', maxprocs=3).remote_size)", 2) == [
            "0 3",
            "1 3",
            *[f"child {rank} 3 3 2 MPI_COMM_PARENT" for rank in range(3)],
        ]

    def test_a_job_that_was_not_spawned_has_no_parent(self, lines):
        assert lines("print(parent == MPI.COMM_NULL, bool(parent))") == ["True False"]

    def test_parents_and_children_send_to_each_other(self, program, lines):
        program(
            """
            for other in range(parent.remote_size):
                parent.send((rank, other), other, tag=rank)
            print("child", rank, [parent.recv(source=n) for n in range(parent.remote_size)])
            """,
            "child.py",
        )
        found = lines(
            """
            child = comm.Spawn("child.py", maxprocs=2)
            for other in range(2):
                child.send(f"{rank} to {other}", other)
            print(rank, [child.recv(source=n, tag=n) for n in range(2)])
            """,
            3,
        )
        assert found == [
            *[f"{rank} [(0, {rank}), (1, {rank})]" for rank in range(3)],
            *[f"child {r} ['0 to {r}', '1 to {r}', '2 to {r}']" for r in range(2)],
        ]

    def test_a_long_message_goes_either_way_in_one_copy_or_when_it_is_asked_for(
        self, program, lines
    ):
        program(
            """
            import numpy as np
            data = np.empty(100_000)
            parent.Recv(data, 0)
            parent.Send(data + 1, 0)
            """,
            "child.py",
        )
        assert lines(
            """
            import numpy as np
            child = MPI.COMM_SELF.Spawn("child.py")
            data = np.arange(100_000.0)
            child.Send(data, 0)
            status = MPI.Status()
            child.Probe(0, status=status)
            child.Recv(data, 0)
            print(status.Get_count(MPI.DOUBLE), data[0], data[-1])
            """
        ) == ["100000 1.0 100000.0"]

    def test_once_disconnected_there_is_no_parent_any_more(self, program, lines):
        program(
            """
            same = MPI.Comm.Get_parent()
            assert same == parent
            parent.Disconnect()
            print(parent == MPI.COMM_NULL, MPI.Comm.Get_parent() == MPI.COMM_NULL)
            """,
            "child.py",
        )
        assert lines("comm.Spawn('child.py').Disconnect()") == ["True True"]

    def test_it_has_modules_of_its_own_even_of_the_same_file(self, program, lines):
        program("state = []", "shared.py")
        assert lines(
            """
            import shared
            shared.state.append(rank)
            if parent:
                parent.send(shared.state, 0)
            else:
                child = MPI.COMM_SELF.Spawn(sys.executable, [__file__])
                shared.state.append("more")
                print(child.recv(source=0), shared.state)
            """
        ) == ["[0] [0, 'more']"]

    def test_its_environment_and_folder_are_those_of_the_command(self, program, lines, tmp_path):
        program("import os\nprint(os.environ['WHO'], os.getcwd())", "child.py")
        assert lines("comm.Spawn('child.py')", environ={"WHO": "ocean"}) == [f"ocean {tmp_path}"]

    def test_relative_names_start_where_the_root_is_at_the_moment(self, program, lines, tmp_path):
        (tmp_path / "deeper").mkdir()
        program("import os\nprint(os.path.basename(os.getcwd()))", "deeper/child.py")
        assert lines("import os\nos.chdir('deeper')\ncomm.Spawn('child.py')") == ["deeper"]

    def test_nobody_types_for_it(self, program, lines):
        program("print(repr(sys.stdin.read()))", "child.py")
        assert lines("comm.Spawn('child.py')", stdin=b"typed\n") == ["''"]


class TestCommands:
    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (["child.py", "-v", "x"], "['child.py', '-v', 'x']"),
            (["-u", "-Wignore", "-X", "dev", "child.py"], "['child.py']"),
            (["-um", "child", "x"], "['x']"),
            (["-c", "import sys; print(sys.argv, __name__)", "x"], "['-c', 'x'] __main__"),
        ],
    )
    def test_the_interpreter_takes_its_options_as_python_does(
        self, program, lines, arguments, expected
    ):
        program("print(sys.argv if sys.argv[0] == 'child.py' else sys.argv[1:])", "child.py")
        assert lines(f"comm.Spawn(sys.executable, {arguments!r})") == [expected]

    @pytest.mark.parametrize(
        ("options", "flag", "added"),
        [
            (["-O"], "optimize", 1),
            (["-OO"], "optimize", 2),
            (["-B"], "dont_write_bytecode", 1),
            (["-bd", "-b"], "bytes_warning", 2),
            (["-P"], "safe_path", 1),
            (["-Xdev"], "dev_mode", 1),
            (["-X", "utf8"], "utf8_mode", 1),
            (["-u"], "debug", 0),
        ],
    )
    def test_its_options_show_in_its_flags(self, lines, options, flag, added):
        code = f"import sys; print(int(sys.flags.{flag}))"
        before = int(getattr(sys.flags, flag))
        expected = added if options[0].startswith("-X") else before + added
        text = f"comm.Spawn(sys.executable, [*{options!r}, '-c', {code!r}])"
        assert lines(text) == [str(expected)]

    def test_asserts_are_left_out_where_that_is_asked_for(self, program, lines):
        program("assert False", "helper.py")
        program("import helper\nassert False\nprint('left out')", "child.py")
        assert lines("comm.Spawn(sys.executable, ['-O', 'child.py'])") == ["left out"]

    def test_other_names_of_python_are_the_interpreter_too(self, lines):
        for name in ("python", "python3", "/usr/bin/python3.12"):
            assert lines(f"comm.Spawn({name!r}, ['-c', 'print(1)'])") == ["1"]

    def test_a_script_is_a_path_or_bytes_or_a_name(self, program, lines):
        program("print(sys.argv[1:])", "child.py")
        assert (
            lines(
                """
            from pathlib import Path
            for command in ("child.py", b"child.py", Path("child.py"), Path("child.py").absolute()):
                comm.Spawn(command, ["x"])
            comm.Spawn("child.py", "x")
            """
            )
            == ["['x']"] * 5
        )

    def test_warnings_asked_for_on_the_command_line(self, lines):
        code = "import warnings; warnings.warn('careful')"
        text = f"""
            comm.Spawn(sys.executable, ["-W", "ignore", "-c", {code!r}])
        """
        assert lines(text) == []

    @pytest.mark.parametrize(
        ("command", "arguments", "reason"),
        [
            ("lacking.py", [], "no such program: lacking.py"),
            ("wrong.py", [], "wrong.py, line 1 is not correct Python"),
            ("data.bin", [], "data.bin is not"),
            ("python", [], "python is given nothing to run"),
            ("python", ["-m"], "python's option -m lacks its value"),
            ("python", ["-z", "x.py"], "python has no option -z"),
            ("python", ["--what", "x.py"], "python has no option --what"),
            ("python", ["-m", "nowhere.at.all"], "no module called nowhere"),
        ],
    )
    def test_what_cannot_be_started_is_an_error_on_all_ranks(
        self, lines, tmp_path, command, arguments, reason
    ):
        (tmp_path / "wrong.py").write_text("1 +")
        (tmp_path / "data.bin").write_bytes(bytes(range(256)))
        found = lines(
            f"""
            try:
                comm.Spawn({command!r}, {arguments!r}, 2, root=1)
            except MPI.Exception as error:
                print(error.Get_error_class() == MPI.ERR_SPAWN, error)
            comm.barrier()
            """,
            3,
        )
        assert len(found) == 3
        assert all(line.startswith("True") and reason in line for line in found)

    def test_arguments_count_on_the_root_only(self, program, lines):
        program(CHILD, "child.py")
        assert lines(
            """
            if rank == 1:
                child = comm.Spawn("child.py", ["x"], 2, root=1)
            else:
                child = comm.Spawn(None, None, -1, root=1)
            if rank == 0:
                print([child.recv(source=n) for n in range(2)])
            """,
            2,
        ) == ["[0, 10]", "child 0 2 x", "child 1 2 x"]

    def test_a_root_that_is_none(self, lines):
        assert lines(
            """
            for root in (-1, 5):
                try:
                    comm.Spawn("child.py", root=root)
                except MPI.Exception as error:
                    print(error.Get_error_class() == MPI.ERR_ROOT)
            """
        ) == ["True", "True"]

    def test_no_processes_at_all(self, lines):
        assert lines(
            """
            try:
                comm.Spawn("child.py", maxprocs=0)
            except MPI.Exception as error:
                print(error.Get_error_class() == MPI.ERR_ARG)
            """
        ) == ["True"]


class TestSeveralPrograms:
    def test_they_are_one_job_and_know_which_they_are(self, program, lines):
        for name in ("one.py", "two.py"):
            program(
                """
                number = comm.Get_attr(MPI.APPNUM)
                print(sys.argv, number, rank, size, parent.remote_size)
                if rank:
                    comm.send(number, 0)
                else:
                    print([comm.recv(source=n) for n in range(1, size)])
                """,
                name,
            )
        found = lines(
            """
            codes = []
            child = comm.Spawn_multiple(
                ["one.py", "two.py"], [["a"], ["b"]], [1, 2], errcodes=codes
            )
            print(child.remote_size, codes)
            """
        )
        assert found == [
            "3 [[0], [0, 0]]",
            "['one.py', 'a'] 0 0 3 1",
            "['two.py', 'b'] 1 1 3 1",
            "['two.py', 'b'] 1 2 3 1",
            "[1, 1]",
        ]

    def test_a_session_has_a_set_of_those_that_run_the_same(self, program, lines):
        for name in ("one.py", "two.py"):
            program(
                """
                session = MPI.Session.Init()
                group = session.Create_group("vmpp://PROGRAM")
                alike = MPI.Intracomm.Create_from_group(group)
                print(sys.argv[0], rank, alike.rank, alike.allgather(rank))
                """,
                name,
            )
        assert lines("comm.Spawn_multiple(['one.py', 'two.py'], None, [2, 3])") == [
            "one.py 0 0 [0, 1]",
            "one.py 1 1 [0, 1]",
            "two.py 2 0 [2, 3, 4]",
            "two.py 3 1 [2, 3, 4]",
            "two.py 4 2 [2, 3, 4]",
        ]

    def test_each_may_have_a_folder_of_its_own(self, program, lines, tmp_path):
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        program("import os\nprint(os.path.basename(os.getcwd()), rank)", "child.py")
        assert lines(
            """
            infos = [MPI.Info.Create({"wdir": name}) for name in "ab"]
            comm.Spawn_multiple(["../child.py"] * 2, None, [1, 1], infos)
            """
        ) == ["a 0", "b 1"]

    def test_defaults(self, program, lines):
        program(CHILD, "child.py")
        assert lines("print(comm.Spawn_multiple(['child.py'] * 2).remote_size)") == [
            "2",
            "child 0 2",
            "child 1 2",
        ]

    @pytest.mark.parametrize(
        "arguments",
        [
            "'child.py'",
            "['child.py'], [['a'], ['b']]",
            "['child.py'], None, [1, 1]",
            "['child.py'], None, 1, [MPI.INFO_NULL] * 2",
        ],
    )
    def test_as_many_of_everything(self, lines, arguments):
        text = f"""
            try:
                comm.Spawn_multiple({arguments})
            except ValueError:
                print("refused")
        """
        assert lines(text) == ["refused"]


class TestHints:
    def test_a_working_directory(self, program, lines, tmp_path):
        (tmp_path / "deeper").mkdir()
        program("import os\nprint(os.path.basename(os.getcwd()))", "deeper/child.py")
        assert lines("comm.Spawn('child.py', info=MPI.Info.Create({'wdir': 'deeper'}))") == [
            "deeper"
        ]

    def test_a_path(self, program, lines, tmp_path):
        (tmp_path / "deeper").mkdir()
        program("print('found')", "deeper/child.py")
        text = "comm.Spawn('child.py', info=MPI.Info.Create({'path': 'nowhere:deeper'}))"
        assert lines(text) == ["found"]

    def test_a_host(self, lines):
        text = """
            if parent:
                print(MPI.Get_processor_name())
            else:
                info = MPI.Info.Create({"host": "default-n00001"})
                comm.Spawn(sys.executable, [__file__], info=info)
        """
        assert lines(text) == ["default-n00001"]

    @pytest.mark.parametrize("host", ["default-n00000", "default-n99999", "elsewhere"])
    def test_a_host_that_is_taken_or_none(self, lines, host):
        text = f"""
            try:
                comm.Spawn(__file__, info=MPI.Info.Create({{"host": {host!r}}}))
            except MPI.Exception as error:
                print(error.Get_error_class() == MPI.ERR_SPAWN)
        """
        assert lines(text) == ["True"]

    def test_a_file_of_hints(self, program, lines, tmp_path):
        (tmp_path / "deeper").mkdir()
        (tmp_path / "hints").write_text("# where it runs\nwdir = deeper  # here\n\npath=.\n")
        program("import os\nprint(os.path.basename(os.getcwd()))", "deeper/child.py")
        text = "comm.Spawn('child.py', info=MPI.Info.Create({'file': 'hints'}))"
        assert lines(text) == ["deeper"]

    def test_fewer_processes_will_do(self, program, lines):
        program("print(size)", "child.py")
        found = lines(
            """
            codes = []
            info = MPI.Info.Create({"soft": "1,2:8:2"})
            child = comm.Spawn("child.py", maxprocs=10, info=info, errcodes=codes)
            print(child.remote_size, [code == MPI.ERR_SPAWN for code in codes].count(True))
            """,
            universe=6,
        )
        assert found == ["4"] * 4 + ["4 6"]

    def test_what_is_no_range_of_numbers(self, lines):
        text = """
            for soft in ("a", "1:2:3:4", "1:5:0"):
                try:
                    comm.Spawn(__file__, info=MPI.Info.Create({"soft": soft}))
                except MPI.Exception as error:
                    print(error.Get_error_class() == MPI.ERR_SPAWN)
        """
        assert lines(text) == ["True"] * 3


class TestNodes:
    def test_the_universe_says_how_many_there_are(self, lines):
        text = "print(comm.Get_attr(MPI.UNIVERSE_SIZE))"
        assert lines(text, 3, universe=7) == ["7"] * 3
        assert lines(text, 3) == ["19"] * 3

    def test_too_few_are_an_error_that_says_so(self, lines):
        found = lines(
            """
            try:
                comm.Spawn(__file__, maxprocs=6)
            except MPI.Exception as error:
                print(error)
            """,
            universe=6,
        )
        assert len(found) == 1
        assert "nodes are lacking: 6 wanted, 5 free" in found[0]

    def test_a_fixed_machine_has_what_it_has(self, tmp_path, run):
        machine = tmp_path / "small.toml"
        machine.write_text("[topology]\ndims = [3, 2]\n")
        text = """
            print(comm.Get_attr(MPI.UNIVERSE_SIZE))
            if parent == MPI.COMM_NULL:
                for wanted in (4, 3):
                    try:
                        comm.Spawn(__file__, maxprocs=wanted)
                    except MPI.Exception as error:
                        print("too many")
        """
        result = run(text, machine=machine)
        assert sorted(result.stdout.decode().split("\n")) == ["", *"4444", "too many"]

    def test_they_are_given_back_at_the_end_of_each_job(self, program, lines):
        program("parent.send(MPI.Get_processor_name(), 0)\nparent.Disconnect()", "child.py")
        found = lines(
            """
            for _ in range(50):
                child = comm.Spawn("child.py", maxprocs=3)
                names = [child.recv(source=n) for n in range(3)]
                child.Disconnect()
                print(*names)
            """,
            universe=4,
        )
        assert found == ["default-n00001 default-n00004 default-n00005"] * 50

    def test_who_asks_for_more_than_are_free_waits_as_long_as_others_end(self, program, lines):
        program("time.sleep(rank * 5e-4)\nparent.Disconnect()", "ending.py")
        assert lines(
            """
            comm.Spawn("ending.py", maxprocs=20).Disconnect()
            begin = MPI.Wtime()
            print(comm.Spawn("ending.py", maxprocs=2).remote_size, MPI.Wtime() - begin > 9e-3)
            """,
            universe=21,
        ) == ["2 True"]

    def test_who_ends_too_late_is_not_waited_for(self, program, lines):
        program("time.sleep(1)", "staying.py")
        assert lines(
            """
            comm.Spawn("staying.py", maxprocs=3)
            begin = MPI.Wtime()
            try:
                comm.Spawn("staying.py")
            except MPI.Exception as error:
                print(error.detail, 0 < MPI.Wtime() - begin < 2e-3)
            """,
            universe=4,
        ) == ["nodes are lacking: 1 wanted, 0 free True"]

    def test_two_who_wait_are_served_in_turn(self, program, lines):
        program("time.sleep(5e-4)", "ending.py")
        assert lines(
            """
            comm.Spawn("ending.py", maxprocs=2)
            MPI.COMM_SELF.Spawn("ending.py", maxprocs=2)
            print(rank)
            """,
            2,
            universe=4,
        ) == ["0", "1"]

    def test_spare_nodes_change_nothing_for_those_who_need_none(self, run):
        text = """
            import vmpp
            comm.allreduce(rank)
            print(MPI.Wtime(), [vmpp.node_map().coordinates(n) for n in range(size)])
        """
        results = [run(text, 7, universe=universe) for universe in (7, 100, None)]
        assert len({(r.digest, r.stdout, r.virtual_time) for r in results}) == 1

    def test_trees_of_jobs(self, lines):
        text = """
            depth = int(sys.argv[1]) if parent else 0
            made = []
            if depth < 3:
                made = [
                    MPI.COMM_SELF.Spawn(sys.executable, [__file__, str(depth + 1)]) for _ in "ab"
                ]
            total = 1 + sum(child.recv(source=0) for child in made)
            if parent:
                parent.send(total, 0)
            else:
                print(total)
        """
        assert lines(text) == ["15"]

    def test_all_ranks_spawn_for_themselves_at_the_same_time(self, lines):
        text = """
            if parent:
                parent.send(rank, 0)
                parent.Disconnect()
            else:
                for _ in range(3):
                    child = MPI.COMM_SELF.Spawn(sys.executable, [__file__], 2)
                    assert sorted(child.recv() for _ in range(2)) == [0, 1]
                    child.Disconnect()
                print(rank)
        """
        assert lines(text, 5) == list("01234")

    def test_a_universe_smaller_than_the_program(self, run):
        with pytest.raises(vmpp.VmppError, match="a universe of 2 has no room for 3 processes"):
            run("", 3, universe=2)


class TestMergedJobs:
    def test_parents_and_children_become_one(self, lines):
        text = """
            both = (parent or comm.Spawn(sys.executable, [__file__], 2)).Merge(high=bool(parent))
            print(both.rank, both.size, both.allreduce(both.rank), bool(parent))
        """
        assert lines(text, 2) == ["0 4 6 False", "1 4 6 False", "2 4 6 True", "3 4 6 True"]

    def test_siblings_get_to_know_each_other_through_their_parent(self, lines):
        text = """
            if parent:
                home = parent.Merge(high=True)
            else:
                spawned = [comm.Spawn(sys.executable, [__file__, name], 2) for name in "ab"]
                first, second = (child.Merge() for child in spawned)
            if parent and sys.argv[1] == "a":
                between = home.Create_intercomm(0, None, -1)
            elif parent:
                between = comm.Create_intercomm(0, home, 0)
            else:
                between = first.Create_intercomm(0, second, 1)
            everybody = between.Merge(high=bool(parent) and sys.argv[1] == "b")
            print(everybody.size, everybody.allgather(" ".join(sys.argv[1:])))
        """
        assert lines(text) == ["5 ['', 'a', 'a', 'b', 'b']"] * 5

    def test_merged_jobs_spawn_together(self, lines):
        text = """
            generation = int(sys.argv[1]) if parent else 0
            if generation < 2:
                everybody = parent.Merge(high=True) if parent else comm
                child = everybody.Spawn(sys.executable, [__file__, str(generation + 1)])
                everybody = child.Merge()
                if not parent:
                    later = everybody.Spawn(sys.executable, [__file__, "2"])
                    later.send("from the first", 0)
                else:
                    later = everybody.Spawn(None)
                    later.send("from the second", 0)
            else:
                print(parent.remote_size, parent.recv(source=0), parent.recv(source=1))
        """
        found = lines(
            """
            if not parent:
                child = comm.Spawn(sys.executable, [__file__, "1"])
                both = child.Merge()
                both.Spawn(sys.executable, [__file__, "2"]).send("first", 0)
            elif sys.argv[1] == "1":
                both = parent.Merge(high=True)
                both.Spawn(None).send("second", 0)
            else:
                print(parent.remote_size, parent.recv(source=0), parent.recv(source=1))
            """
        )
        assert text
        assert found == ["2 first second"]


class TestEnds:
    def test_the_highest_status_of_all_is_the_commands(self, program, run):
        program("sys.exit(rank + 5)", "child.py")
        result = run("comm.Spawn('child.py', maxprocs=3)\nsys.exit(2)")
        assert (result.status, result.statuses) == (7, [2])

    def test_the_command_ends_with_the_last_job(self, program, run):
        program("import time\ntime.sleep(2)\nprint('late')", "child.py")
        result = run("comm.Spawn('child.py')")
        assert result.stdout == b"late\n"
        assert result.virtual_time == pytest.approx(2, abs=1e-2)

    def test_an_exception_in_one_job_ends_all(self, program, run):
        program("parent.recv()\n1 / 0", "child.py")
        result = run("comm.Spawn('child.py').send(1, 0)\ncomm.recv()", 2)
        assert result.status == 1
        assert "in job 2, which was spawned: rank 0 on node" in result.failure
        assert "ZeroDivisionError" in result.failure
        assert result.statuses == [143, 143]

    @pytest.mark.parametrize("who", ["parent", "child"])
    def test_abort_ends_all(self, run, who):
        text = f"""
            if (parent and "child") or (not parent and "parent") == {who!r}:
                MPI.COMM_WORLD.Abort(7) if bool(parent) == ({who!r} == "child") else None
            if not parent:
                child = comm.Spawn(sys.executable, [__file__])
                MPI.COMM_WORLD.Abort(7) if {who!r} == "parent" else comm.recv()
            parent.recv()
        """
        text = f"""
            if not parent:
                comm.Spawn(sys.executable, [__file__])
            if bool(parent) == ({who!r} == "child"):
                comm.Abort(7)
            comm.recv()
        """
        result = run(text)
        assert (result.status, result.failure) == (7, None)

    def test_a_deadlock_of_several_jobs_shows_them_all(self, run):
        text = """
            if parent:
                parent.recv(source=0)
            else:
                comm.Spawn(sys.executable, [__file__], 2).recv(source=1)
        """
        result = run(text, 2)
        assert result.status == 1
        first, *rest = result.failure.splitlines()
        assert "nothing can move any more, and 4 of 4 ranks still wait" in first
        assert [line for line in rest if line.startswith(" job")] == [" job 1:", " job 2:"]
        assert result.failure.count("ranks 0-1 in Intercomm.recv") == 2
        assert "comm.Spawn(" in result.failure
        assert "parent.recv(source=0)" in result.failure

    def test_a_job_that_finds_too_little_memory_is_its_spawners_business(self, run, tmp_path):
        machine = tmp_path / "small.toml"
        machine.write_text('[topology]\ndims = [4, 2]\n[node]\nmemory = "18 MiB"\n')
        (tmp_path / "large.py").write_text("#" * (2 << 20))
        text = """
            for _ in range(3):
                try:
                    comm.Spawn("large.py", maxprocs=5)
                except MPI.Exception as error:
                    print(error.Get_error_class() == MPI.ERR_SPAWN, "out of memory" in str(error))
        """
        result = run(text, machine=machine)
        assert (result.status, result.stdout) == (0, b"True True\n" * 3)

    def test_of_a_spawn_under_way_when_all_is_ended_nothing_is_left(self, run):
        text = """
            if rank:
                comm.Abort(3)
            comm.Spawn(sys.executable, ["-c", "while True: pass"], 20, root=0)
        """
        assert run(text, 2).status == 3


class TestCrashes:
    PROGRAM = """
        if parent:
            parent.send("up", 0)
        else:
            time.sleep(2e-3)
            if rank == 0:
                print(MPI.COMM_SELF.Spawn(sys.executable, [__file__], 2).recv(source=1))
            time.sleep(20e-3)
    """

    @pytest.mark.parametrize("nodes", [[1], [4], [2, 1]])
    def test_a_job_that_has_lost_ranks_spawns(self, run, nodes):
        faults = [f"node {node} crash at 600 us" for node in nodes]
        text = self.PROGRAM.replace("2e-3", "20e-3")
        result = run(text, 9, faults=faults, keep_going=True)
        assert (result.status, result.stdout, result.failure) == (0, b"up\n", None)

    @pytest.mark.parametrize("micros", range(2080, 2130, 3))
    def test_one_that_loses_a_rank_while_it_hears_of_the_new_job(self, run, micros):
        faults = [f"node 1 crash at {micros} us"]
        result = run(self.PROGRAM, 9, faults=faults, keep_going=True)
        assert (result.status, result.stdout, result.failure) == (0, b"up\n", None)

    def test_a_new_job_that_loses_a_node_while_it_is_loaded(self, run):
        text = """
            if not parent:
                time.sleep(2e-3)
                try:
                    comm.Spawn(sys.executable, [__file__], 6)
                except MPI.Exception as error:
                    print(error.Get_error_class() == MPI.ERR_SPAWN, "crashed" in str(error))
        """
        result = run(text, faults=["node 4 crash at 2.1 ms"], keep_going=True)
        assert (result.status, result.stdout) == (0, b"True True\n")


def test_the_same_program_gives_the_same_run(run):
    text = """
        import random
        if parent:
            parent.send((rank, random.random(), MPI.Wtime()), 0)
            parent.Disconnect()
        else:
            for count in (1, 3, 2):
                child = MPI.COMM_SELF.Spawn(sys.executable, [__file__], count)
                for _ in range(count):
                    print(child.recv(source=MPI.ANY_SOURCE))
                child.Disconnect()
    """
    results = [run(text, 3, seed=seed) for seed in (0, 0, 1)]
    facts = [(r.digest, r.stdout, dict(r.counters)) for r in results]
    assert facts[0] == facts[1] != facts[2]


def test_the_names_length_of_the_hosts_interpreter_makes_no_difference(run, monkeypatch):
    text = "comm.Spawn(sys.executable, ['-c', 'pass'])"
    first = run(text)
    monkeypatch.setattr(sys, "executable", "/a/place/far/away/" + "x" * 500 + "/python")
    assert run(text).digest == first.digest


def test_later_jobs_draw_other_numbers(lines):
    text = """
        import random
        print(random.random())
        if not parent:
            comm.Spawn(sys.executable, [__file__])
            comm.Spawn(sys.executable, [__file__])
    """
    found = lines(text)
    assert all(one != other for one, other in pairwise(found))


def test_an_interrupt_ends_all_jobs(program):
    """^C is struck when the spawned job speaks, while both compute."""

    class Striking:
        def write(self, data):
            os.kill(os.getpid(), signal.SIGINT)

        def flush(self):
            pass

    path = program(
        """
        if not parent:
            comm.Spawn(sys.executable, [__file__], 2)
        else:
            print("up", flush=True)
        while True:
            comm.barrier()
        """
    )
    result = vmpp.run(path, nprocs=2, stdout=Striking())
    assert (result.status, result.statuses, result.failure) == (130, [143, 143], None)


def test_output_that_nobody_reads_ends_all_jobs(program):
    class Closed:
        def write(self, data):
            raise BrokenPipeError

    path = program(
        """
        if not parent:
            comm.Spawn(sys.executable, [__file__], 2)
            comm.recv()
        while True:
            print("up", flush=True)
        """
    )
    assert vmpp.run(path, stdout=Closed()).status == 141
