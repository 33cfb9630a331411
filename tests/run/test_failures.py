"""Bad input, and what it gets: an error that names culprit and way out, and the right status."""

from __future__ import annotations

import colorsys
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vmpp
from vmpp.service import LaunchError

COMMANDS = Path(sys.executable).parent


class TestBeforeAnythingRuns:
    """One line after ``vmpp: error:``, status 2, and no traceback."""

    @pytest.fixture
    def complaint(self, program, shell):
        program("print('ran')")

        def run(*arguments):
            done = shell("run", *arguments)
            assert (done.returncode, done.stdout) == (2, "")
            assert done.stderr.startswith("vmpp: error: ")
            assert done.stderr.count("\n") == 1
            return done.stderr.removeprefix("vmpp: error: ").strip()

        return run

    def test_a_missing_program(self, complaint):
        text = complaint("-n", 3, "progam.py")
        assert "'progam.py'" in text
        assert "did you mean 'program.py'?" in text

    def test_a_missing_module(self, complaint):
        assert "no module called nowhere:" in complaint("-n", 3, "-m", "nowhere.at.all")

    def test_a_syntax_error(self, complaint, tmp_path):
        (tmp_path / "wrong.py").write_text("x = 1\ndef f(:\n    pass\n")
        text = complaint("-n", 3, "wrong.py")
        assert "wrong.py, line 2" in text
        assert "def f(:" in text

    def test_a_folder_and_what_is_not_text(self, complaint, tmp_path):
        assert "__main__.py" in complaint(".")
        (tmp_path / "binary.py").write_bytes(b"\x00\xff\xfe")
        assert "binary.py" in complaint("binary.py")

    def test_an_unknown_machine(self, complaint):
        assert "did you mean 'paragon'?" in complaint("--machine", "paragom", "program.py")

    def test_a_machine_file_that_is_not_there(self, complaint):
        assert "mine.toml" in complaint("--machine", "mine.toml", "program.py")

    def test_a_typo_in_a_machine_file(self, complaint, tmp_path):
        (tmp_path / "mine.toml").write_text('[network]\nlink_rat = "1 GB/s"\n')
        text = complaint("--machine", "mine.toml", "program.py")
        assert "mine.toml" in text
        assert "'link_rat'; did you mean 'link_rate'?" in text

    def test_more_processes_than_the_machine_has_nodes(self, complaint):
        text = complaint("-n", 1841, "--machine", "paragon", "program.py")
        assert "1840 compute nodes, not 1841" in text
        assert "default" in text

    @pytest.mark.parametrize("number", ["0", "-1", "many", "1.5"])
    def test_a_number_of_processes_that_is_none(self, complaint, number):
        assert number in complaint("-n", number, "program.py")

    def test_from_python_it_is_a_vmpp_error(self, program, tmp_path):
        path = program("")
        (tmp_path / "wrong.py").write_text("def f(:\n")
        for wrong, options in (
            ("nowhere.py", {}),
            ("nowhere", {"module": True}),
            (tmp_path / "wrong.py", {}),
            (path, {"machine": "paragom"}),
            (path, {"machine": "paragon", "nprocs": 2000}),
        ):
            with pytest.raises(vmpp.VmppError) as error:
                vmpp.run(wrong, **options)
            assert len(str(error.value).splitlines()) == 1

    def test_no_processes_at_all_from_python(self, program):
        with pytest.raises(ValueError, match="at least one process, not 0"):
            vmpp.run(program(""), nprocs=0)


class TestARankThatRaises:
    PROGRAM = """
        import json

        def inner(text):
            return json.loads(text)

        def outer():
            return inner("{")

        if rank == 2:
            outer()
        comm.recv(source=2)
    """

    def test_its_traceback_names_rank_and_node_and_has_the_users_frames(self, program):
        path = program(self.PROGRAM)
        result = vmpp.run(path, nprocs=4)
        assert result.status == result.statuses[2] == 1
        first, second, *rest = result.failure.splitlines()
        assert first == "rank 2 on node default-n00002 raised an exception"
        assert second == "Traceback (most recent call last):"
        files = [line.split(", ") for line in rest if line.lstrip().startswith("File")]
        assert [(place[0].strip(), place[2]) for place in files[:3]] == [
            (f'File "{path}"', "in <module>"),
            (f'File "{path}"', "in outer"),
            (f'File "{path}"', "in inner"),
        ]
        assert all("/json/" in place[0] for place in files[3:])
        assert rest[-1].startswith("json.decoder.JSONDecodeError: Expecting property name")

    def test_the_command_prints_it_on_standard_error(self, program, shell):
        path = program(self.PROGRAM)
        done = shell("run", "-n", 4, "program.py")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("rank 2 on node default-n00002 raised an exception\n")
        assert done.stderr.count("Traceback") == 1
        assert str(path) in done.stderr
        assert "vmpp/" not in done.stderr

    def test_errors_of_mpi_show_the_users_call_last(self, program):
        path = program("comm.send(1, dest=99)")
        result = vmpp.run(path, nprocs=3)
        *_, place, source, error = result.failure.splitlines()
        assert place == f'  File "{path}", line 4, in <module>'
        assert source.strip() == "comm.send(1, dest=99)"
        assert error.startswith("mpi4py.MPI.Exception: MPI_ERR_RANK")

    def test_causes_and_notes_are_kept(self, program):
        result = vmpp.run(
            program("""
                try:
                    {}["key"]
                except KeyError as error:
                    raise RuntimeError("outer") from error
            """)
        )
        assert "KeyError: 'key'" in result.failure
        assert "direct cause" in result.failure
        assert result.failure.strip().endswith("RuntimeError: outer")

    def test_the_others_run_their_finally_blocks_and_are_terminated(self, program, monkeypatch):
        path = program("""
            import colorsys  # a library, and so shared
            import time
            try:
                if rank == 0:
                    time.sleep(1)
                    raise ValueError
                comm.recv(source=0)
            finally:
                colorsys.left.append(rank)
        """)
        monkeypatch.setattr(colorsys, "left", [], raising=False)
        result = vmpp.run(path, nprocs=3)
        assert (result.status, result.statuses) == (1, [1, 143, 143])
        assert sorted(colorsys.left) == [0, 1, 2]

    def test_a_module_of_the_program_that_raises(self, program, tmp_path):
        program("def f():\n    raise KeyError(rank)", "helper.py")
        result = vmpp.run(program("import helper\nif rank == 1:\n    helper.f()"), nprocs=3)
        assert f'File "{tmp_path / "helper.py"}", line 5, in f' in result.failure

    def test_a_keyboard_interrupt_of_the_programs_own_is_130(self, program):
        assert vmpp.run(program("raise KeyboardInterrupt"), nprocs=3).status == 130

    def test_a_hook_of_the_programs_own_says_it_instead(self, program):
        path = program("""
            import sys
            sys.excepthook = lambda kind, error, trace: print("hook:", error, file=sys.stderr)
            if rank == 1:
                raise ValueError("wrong")
            comm.barrier()
        """)
        result = vmpp.run(path, nprocs=3)
        assert (result.status, result.stderr) == (1, b"hook: wrong\n")
        assert result.failure == "rank 1 on node default-n00001 raised an exception"

    def test_under_mpi4pys_own_runner(self, program, shell):
        path = program(self.PROGRAM)
        done = shell("run", "-n", 4, "-m", "mpi4py.run", path)
        assert done.returncode == 1
        assert "JSONDecodeError" in done.stderr
        assert "rank 2 on node default-n00002" in done.stderr


class TestAbort:
    PROGRAM = """
        import time
        if rank == 1:
            time.sleep(1)
            comm.Abort(7)
            print("never printed")
        comm.barrier()
        print("never printed")
    """

    def test_its_status_is_that_of_every_rank(self, program):
        result = vmpp.run(program(self.PROGRAM), nprocs=4)
        assert result.status == 7
        assert result.statuses == [7, 7, 7, 7]
        assert result.stdout == b""
        assert result.failure is None

    def test_and_of_the_command(self, program, shell):
        program(self.PROGRAM)
        done = shell("run", "-n", 4, "program.py")
        assert (done.returncode, done.stdout, done.stderr) == (7, "", "")

    def test_whoever_had_ended_before_keeps_its_own(self, program):
        path = program("""
            import sys, time
            if rank == 0:
                sys.exit(3)
            time.sleep(1)
            MPI.COMM_WORLD.Abort(7)
        """)
        result = vmpp.run(path, nprocs=3)
        assert (result.status, result.statuses) == (7, [3, 7, 7])

    def test_it_cannot_be_caught(self, program):
        path = program("""
            try:
                comm.Abort(7)
            except Exception:
                print("caught")
        """)
        result = vmpp.run(path, nprocs=3)
        assert (result.status, result.stdout) == (7, b"")


class TestDeadlock:
    def test_the_report_groups_alike_ranks_with_call_arguments_and_line(self, program):
        path = program("""
            import numpy as np
            import time

            def exchange():
                comm.Recv(np.zeros((4, 2)), source=0, tag=9)

            time.sleep(2)
            if rank == 0:
                pass
            elif rank in (1, 2, 3, 5):
                exchange()
            elif rank == 4:
                comm.recv(source=MPI.ANY_SOURCE, tag=3)
            else:
                request = comm.irecv(source=0)
                request.wait()
        """)
        result = vmpp.run(path, nprocs=7)
        assert result.status == 1
        lines = result.failure.splitlines()
        assert re.match(
            r"deadlock after 2(\.0\d*)? s: nothing can move any more, and 6 of 7 ranks still wait:",
            lines[0],
        )
        groups = [line for line in lines[1:] if line.startswith("  rank")]
        assert len(groups) == 3
        assert re.match(
            r"  ranks 1-3, 5 in Intracomm\.Recv\(buf=<ndarray of shape \(4, 2\)>, "
            r"source=0, tag=9\b",
            groups[0],
        )
        assert re.match(r"  rank 4 in Intracomm\.recv\(.*source=-\d+, tag=3\b", groups[1])
        assert re.match(r"  rank 6 in Request\.wait\(", groups[2])
        places = [line.strip() for line in lines if line.lstrip().startswith("File")]
        assert places == [f'File "{path}", line {line}' for line in (9, 17, 20)]
        sources = [line.strip() for line in lines[3::3]]
        assert sources == [
            "comm.Recv(np.zeros((4, 2)), source=0, tag=9)",
            "comm.recv(source=MPI.ANY_SOURCE, tag=3)",
            "request.wait()",
        ]

    def test_many_ranks_whose_arguments_differ_stand_together_too(self, program):
        path = program("""
            comm.ssend(rank, (rank + 1) % comm.size, tag=rank % 2)
        """)
        few = vmpp.run(path, nprocs=3).failure.splitlines()
        assert [line for line in few if line.startswith("  rank")] == [
            f"  rank {n} in Intracomm.ssend(obj={n}, dest={(n + 1) % 3}, tag={n % 2})"
            for n in range(3)
        ]
        many = vmpp.run(path, nprocs=9).failure.splitlines()
        assert [line for line in many if line.startswith("  rank")] == [
            "  ranks 0-8 in Intracomm.ssend(obj=0-8, dest=0-8, tag=0-1)"
        ]

    def test_it_is_found_the_moment_nothing_can_move(self, program):
        path = program("""
            import time
            time.sleep(rank)
            comm.recv(source=(rank + 1) % comm.size)
        """)
        result = vmpp.run(path, nprocs=4)
        assert result.virtual_time == pytest.approx(3, abs=1e-3)
        assert "4 of 4 ranks" in result.failure

    def test_a_rank_alone(self, program, shell):
        program("comm.recv(source=0)")
        done = shell("run", "program.py")
        assert done.returncode == 1
        assert "1 of 1 rank still waits" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_send_to_whom_has_gone(self, program):
        result = vmpp.run(program("if rank == 0:\n    comm.ssend(1, 1)"), nprocs=3)
        assert result.status == 1
        assert re.search(r"rank 0 in Intracomm\.ssend\(obj=1, dest=1, tag=0\)", result.failure)

    def test_collectives_that_do_not_match(self, program):
        path = program("""
            if rank == 0:
                comm.barrier()
            else:
                comm.gather(rank, root=0)
                comm.bcast(None, root=0)
        """)
        result = vmpp.run(path, nprocs=4)
        assert result.status == 1
        assert re.search(r"rank 0 in Intracomm\.barrier\(\)", result.failure)
        assert re.search(r"ranks 1-3 in Intracomm\.bcast\(obj=None, root=0\)", result.failure)

    def test_a_collective_that_a_rank_leaves_out(self, program):
        result = vmpp.run(program("if rank != 1:\n    comm.allreduce(rank)"), nprocs=3)
        assert result.status == 1
        assert "Intracomm.allreduce(" in result.failure

    def test_collectives_with_different_counts(self, program):
        path = program("""
            import numpy as np
            data = np.zeros(20 if rank == 0 else 10)
            comm.Bcast(data, root=0)
        """)
        result = vmpp.run(path, nprocs=3)
        assert result.status == 1
        assert "MPI_ERR_TRUNCATE" in result.failure
        assert "Bcast" in result.failure.splitlines()[-1]


class TestAnEndlessLoop:
    PROGRAM = """
        def search():
            n = 0
            while True:
                n += 1

        if rank == 2:
            search()
        comm.barrier()
    """

    def test_the_watchdog_ends_it_and_shows_the_line(self, program):
        path = program(self.PROGRAM)
        result = vmpp.run(path, nprocs=3, watchdog=0.1)
        assert result.status == 1
        lines = result.failure.splitlines()
        assert lines[0] == (
            "rank 2 on node default-n00002 computes without end; the watchdog stopped it"
        )
        assert lines[1:3] == [f'  File "{path}", line 11, in <module>', "    search()"]
        assert re.fullmatch(rf'  File "{re.escape(str(path))}", line [78], in search', lines[3])
        assert len(lines) == 5

    def test_so_it_is_if_it_catches_everything(self, program):
        path = program("""
            def work():
                # Twice, for what is raised between one turn of the inner loop and the next.
                while True:
                    try:
                        while True:
                            try:
                                sum(range(100))
                            except:
                                continue
                    except:
                        continue

            if rank == 2:
                work()
            comm.barrier()
        """)
        result = vmpp.run(path, nprocs=3, watchdog=0.05)
        assert (result.status, result.statuses) == (1, [143, 143, 143])
        first, place, _ = result.failure.splitlines()
        assert first.startswith("rank 2 on node default-n00002 computes without end and catches")
        assert re.fullmatch(rf'  File "{re.escape(str(path))}", line \d+, in work', place)

    def test_a_long_computation_is_none(self, program):
        path = program("""
            import time
            for _ in range(1000):
                sum(range(1000))
                comm.barrier()
        """)
        assert vmpp.run(path, nprocs=3, watchdog=0.1).status == 0


def test_unexpected_messages_that_overflow_the_heap(program):
    path = program("""
        if rank == 0:
            for _ in range(2000):
                comm.send(bytes(1000), 1)
            comm.send(None, 2)
        elif rank == 2:
            comm.recv(source=0)
            comm.send(None, 1)
        else:
            comm.recv(source=2)
    """)
    result = vmpp.run(path, nprocs=3, machine="paragon")
    assert result.status == 1
    assert result.failure.startswith("rank 1 on node paragon-n00001 raised an exception")
    last = result.failure.strip().splitlines()[-1]
    assert "MPI heap overflow" in last
    assert "1048576 bytes" in last
    assert "[mpi] heap" in last
    assert result.counters["drops"] > 0


def test_more_ranks_than_mpi_can_tell_apart(program, monkeypatch):
    monkeypatch.setattr("vmpp_mpi._protocol.MAX_RANKS", 4)
    path = program("print('hello')")
    assert vmpp.run(path, nprocs=4).stdout == b"hello\n" * 4
    result = vmpp.run(path, nprocs=5)
    assert (result.status, result.stdout) == (1, b"")
    assert result.failure.endswith("cannot be loaded: MPI serves up to 4 ranks, not 5")


def test_a_program_larger_than_a_nodes_memory(program, tmp_path):
    (tmp_path / "tiny.toml").write_text('[node]\nmemory = "1 MiB"\n')
    result = vmpp.run(program(""), nprocs=3, machine=tmp_path / "tiny.toml")
    assert result.status == 1
    assert "cannot be loaded" in result.failure
    assert "out of memory" in result.failure


class TestAClosedOutputPipe:
    def test_the_job_ends_quietly(self, program, spawn):
        program("""
            while True:
                print("line of", rank, flush=True)
        """)
        talk = spawn("run", "-n", 3, "program.py")
        assert talk.stdout.readline().startswith("line of")
        talk.stdout.close()
        assert talk.wait(30) == 141
        assert talk.stderr.read() == ""

    def test_so_does_the_shell_with_head(self, program, tmp_path):
        program("for n in range(1000):\n    print(n, rank)")
        done = subprocess.run(
            "vmpp run -n 3 program.py | head -1; exit ${PIPESTATUS[0]}",
            shell=True,
            executable="/bin/bash",
            cwd=tmp_path,
            env={"PATH": f"{COMMANDS}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.stdout.count("\n") == 1
        assert (done.returncode, done.stderr) == (141, "")


def test_too_few_free_nodes_is_a_launch_error():
    assert issubclass(LaunchError, vmpp.VmppError)


def test_nobody_computes_for_longer_than_virtual_time_lasts(program):
    result = vmpp.run(program("import vmpp\nvmpp.compute(1e30)"))
    assert result.status == 1
    assert "ValueError: cannot compute for longer than virtual time lasts" in result.failure
