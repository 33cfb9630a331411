"""``vmpp run -n N program.py`` in place of ``mpiexec -n N python program.py``."""

from __future__ import annotations

import io
import json
import os
import sys

import pytest

import vmpp


class TestFilesArgumentsAndEnvironment:
    def test_the_command_gives_the_program_what_the_shell_gave_it(self, program, shell, tmp_path):
        (tmp_path / "input.txt").write_text("from a file of the working directory")
        program("""
            import json, os, sys
            seen = [rank, sys.argv, os.environ["COLOUR"], os.getcwd(), open("input.txt").read()]
            print(json.dumps(seen))
            sys.exit(3)
        """)
        done = shell(
            "run", "-n", 3, "program.py", "one", "--seed", "two words", "-n", "",
            env={**os.environ, "COLOUR": "blue"},
        )  # fmt: skip
        assert done.returncode == 3
        assert done.stderr == ""
        assert sorted(map(json.loads, done.stdout.splitlines())) == [
            [
                rank,
                ["program.py", "one", "--seed", "two words", "-n", ""],
                "blue",
                str(tmp_path),
                "from a file of the working directory",
            ]
            for rank in range(3)
        ]

    def test_a_module_runs_as_python_has_it(self, program, shell, tmp_path):
        program("", "package/__init__.py")
        program("VALUE = 12", "package/near.py")
        program(
            """
            import sys
            from . import near
            if __name__ == "__main__" and rank == 2:
                print(__spec__.name, __package__, near.VALUE, sys.argv[1:], sys.path[0])
            """,
            "package/tool.py",
        )
        done = shell("run", "-n", 3, "-m", "package.tool", "-m", "x")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"package.tool package 12 ['-m', 'x'] {tmp_path}\n"

    def test_a_program_in_another_folder_finds_its_modules_there_and_files_here(
        self, program, tmp_path
    ):
        program("WHO = f'helper of {MPI.COMM_WORLD.rank}'", "code/helper.py")
        path = program("import helper; open(f'out{rank}', 'w').write(helper.WHO)", "code/main.py")
        (tmp_path / "here").mkdir()
        result = vmpp.run(path, nprocs=3, cwd=tmp_path / "here")
        assert result.failure is None
        assert [(tmp_path / "here" / f"out{n}").read_text() for n in range(3)] == [
            f"helper of {n}" for n in range(3)
        ]

    def test_nothing_is_written_beside_the_program(self, program, tmp_path):
        program("", "helper.py")
        before = sorted(tmp_path.iterdir())
        vmpp.run(program("import helper"), nprocs=3)
        assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "program.py"])

    def test_the_given_environment_takes_the_place_of_the_callers(self, program):
        path = program("import os; print(sorted(os.environ))")
        assert vmpp.run(path, environ={"A": "1", "B": "2"}).stdout == b"['A', 'B']\n"


READER = """
import sys
text = sys.stdin.read()
print(rank, repr(text))
"""
READ = b"0 'first\\nsecond'\n"


class TestStandardInput:
    def test_a_pipe_goes_to_rank_0(self, program, shell):
        program(READER)
        done = shell("run", "-n", 3, "program.py", input="first\nsecond")
        assert sorted(done.stdout.splitlines()) == [READ.decode().strip(), "1 ''", "2 ''"]

    def test_a_file_goes_to_rank_0(self, program, shell, tmp_path):
        program(READER)
        (tmp_path / "in").write_bytes(b"first\nsecond")
        with (tmp_path / "in").open() as file:
            done = shell("run", "-n", 3, "program.py", stdin=file)
        assert sorted(done.stdout.splitlines()) == [READ.decode().strip(), "1 ''", "2 ''"]

    def test_nothing_is_the_end_of_file_for_all(self, program, shell):
        program(READER)
        done = shell("run", "-n", 3, "program.py")
        assert sorted(done.stdout.splitlines()) == ["0 ''", "1 ''", "2 ''"]

    def test_a_closed_one_is_nothing(self, program, shell):
        program(READER)
        done = shell("run", "-n", 3, "program.py", preexec_fn=lambda: os.close(0))
        assert (done.returncode, done.stderr) == (0, "")
        assert sorted(done.stdout.splitlines()) == ["0 ''", "1 ''", "2 ''"]

    def test_lines_are_had_as_they_come_and_prompts_are_seen_before(self, program, spawn):
        program("""
            if rank == 0:
                while True:
                    try:
                        line = input("more? ")
                    except EOFError:
                        break
                    print(line.upper(), flush=True)
            comm.barrier()
        """)
        talk = spawn("run", "-n", 3, "program.py")
        for word in ("one", "two"):
            assert talk.stdout.read(len("more? ")) == "more? "
            talk.stdin.write(word + "\n")
            talk.stdin.flush()
            assert talk.stdout.readline() == word.upper() + "\n"
        talk.stdin.close()
        assert (talk.stdout.read(), talk.stderr.read(), talk.wait()) == ("more? ", "", 0)

    def test_bytes_and_binary_files_serve_from_python(self, program):
        path = program("import sys; print(sys.stdin.buffer.read()) if rank == 0 else None")
        for stdin in (b"\x00\xff", io.BytesIO(b"\x00\xff")):
            assert vmpp.run(path, nprocs=3, stdin=stdin).stdout == b"b'\\x00\\xff'\n"


class TestStandardOutputAndError:
    def test_lines_come_whole_from_ranks_that_print_in_pieces(self, program):
        path = program("""
            import sys, time
            for line in range(3):
                for word in range(4):
                    print(f"{rank}.{line}.{word}", end=" ", flush=True)
                    print(f"{rank}!{line}!{word}", end=" ", flush=True, file=sys.stderr)
                    time.sleep(1e-3 * ((rank * 7 + word) % 5))
                print(flush=True)
                print(file=sys.stderr, flush=True)
            print("the end of", rank, end="")
        """)
        result = vmpp.run(path, nprocs=40)
        for text, mark in ((result.stdout, "."), (result.stderr, "!")):
            lines = sorted(line for line in text.decode().splitlines() if mark in line)
            assert lines == sorted(
                "".join(f"{rank}{mark}{line}{mark}{word} " for word in range(4))
                for rank in range(40)
                for line in range(3)
            )
        ends = [line for line in result.stdout.decode().splitlines() if "end" in line]
        assert sum(line.count("the end of") for line in ends) == 40

    def test_lines_come_in_the_order_of_virtual_time(self, program):
        path = program("""
            import sys, time
            for turn in range(3):
                time.sleep(comm.size - rank if turn == 0 else comm.size)
                print(turn, rank, file=sys.stderr if rank == 1 else sys.stdout, flush=True)
        """)
        both = io.BytesIO()
        result = vmpp.run(path, nprocs=4, stdout=both, stderr=both)
        assert result.stdout == result.stderr == b""
        assert both.getvalue().decode().splitlines() == [
            f"{turn} {rank}" for turn in range(3) for rank in (3, 2, 1, 0)
        ]

    def test_bytes_and_other_encodings_pass_as_they_are(self, program):
        path = program("""
            import sys
            if rank == 1:
                sys.stdout.buffer.write(bytes(range(256)))
                sys.stderr.write("grüße €\\n")
        """)
        result = vmpp.run(path, nprocs=3)
        assert result.stdout == bytes(range(256))
        assert result.stderr.decode() == "grüße €\n"

    def test_what_ranks_wrote_is_seen_also_if_one_then_fails(self, program):
        path = program("""
            print("before", rank)
            comm.barrier()
            if rank == 2:
                raise ValueError("gone wrong")
            comm.barrier()
        """)
        result = vmpp.run(path, nprocs=3)
        assert sorted(result.stdout.splitlines()) == [b"before 0", b"before 1", b"before 2"]


class TestExitStatus:
    @pytest.mark.parametrize(
        ("ends", "statuses"),
        [
            ("pass", [0, 0, 0, 0]),
            ("sys.exit()", [0, 0, 0, 0]),
            ("sys.exit(rank)", [0, 1, 2, 3]),
            ("sys.exit(5 - rank)", [5, 4, 3, 2]),
            ("sys.exit(256 + rank)", [0, 1, 2, 3]),
            ("sys.exit(-1) if rank == 1 else 0", [0, 255, 0, 0]),
            ("exit(4)", [4, 4, 4, 4]),
            ("os._exit(rank)", [0, 1, 2, 3]),
            ("comm.barrier(); MPI.Finalize(); sys.exit(rank == 2)", [0, 0, 1, 0]),
        ],
    )
    def test_each_rank_has_its_own_and_the_job_the_highest(self, program, ends, statuses):
        result = vmpp.run(program(f"import os, sys\n{ends}"), nprocs=4)
        assert (result.statuses, result.status) == (statuses, max(statuses))
        assert result.failure is None

    def test_exit_with_a_text_prints_it_and_is_1(self, program):
        result = vmpp.run(program("raise SystemExit(f'text of {rank}')"), nprocs=3)
        assert result.statuses == [1, 1, 1]
        assert sorted(result.stderr.splitlines()) == [b"text of %d" % n for n in range(3)]
        assert result.failure is None

    def test_exit_handlers_run_before_the_streams_close(self, program):
        path = program("""
            import atexit, sys
            atexit.register(lambda: print("handler of", rank))
            sys.exit(rank)
        """)
        result = vmpp.run(path, nprocs=3)
        assert result.statuses == [0, 1, 2]
        assert sorted(result.stdout.splitlines()) == [b"handler of %d" % n for n in range(3)]


def test_ten_thousand_ranks_of_hello_world(program):
    # The longest test of a program: a few seconds. What makes it longer is worth a look.
    path = program("print(f'hello from {rank} of {comm.size} on {MPI.Get_processor_name()}')")
    result = vmpp.run(path, nprocs=10_000)
    assert result.status == 0
    lines = result.stdout.decode().splitlines()
    assert len(lines) == len(set(lines)) == 10_000
    assert {line.split()[2] for line in lines} == {str(rank) for rank in range(10_000)}


def test_the_programs_of_mpi4py_itself_run(shell):
    done = shell("run", "-n", 5, "-m", "mpi4py.bench", "helloworld")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(" on ")[0] for line in done.stdout.splitlines()] == [
        f"Hello, World! I am process {n} of 5" for n in range(5)
    ]
    done = shell("run", "-n", 5, "-m", "mpi4py.run", "-rc", "initialize=False", "-c", "print(1)")
    assert done.stdout == "1\n" * 5, done.stderr


def test_a_rank_that_fails_under_mpi4py_run_ends_the_job(program, shell):
    path = program("""
        import sys
        if rank == 1:
            sys.exit(5)
        comm.barrier()
    """)
    done = shell("run", "-n", 3, "-m", "mpi4py.run", path)
    assert (done.returncode, done.stdout, done.stderr) == (5, "", "")
    alone = shell("run", "-n", 3, path)
    assert alone.returncode == 1
    assert "deadlock" in alone.stderr


def test_filters_of_warnings_that_the_environment_sets(program, shell):
    path = program("""
        import warnings
        warnings.warn("first")
        warnings.warn("second", FutureWarning)
        warnings.warn("third", DeprecationWarning)
    """)

    def told(option):
        done = shell("run", "-n", 3, path, env={**os.environ, "PYTHONWARNINGS": option})
        return done.returncode, [
            done.stderr.count(f"Warning: {n}") for n in ("first", "second", "third")
        ]

    assert told("") == (0, [3, 3, 3])
    assert told("ignore") == (0, [0, 0, 0])
    assert told("ignore,default:sec:FutureWarning:__main__") == (0, [0, 3, 0])
    assert told("error::FutureWarning") == (1, [3, 1, 0])
    assert told("a:wrong:option:of:too:many,ignore:fir") == (0, [0, 3, 3])


def test_the_real_extension_module_is_never_loaded(program):
    path = program("""
        import sys
        files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
        print(any("mpi4py/MPI" in file for file in files), type(comm))
    """)
    assert vmpp.run(path, nprocs=3).stdout == b"False <class 'mpi4py.MPI.Intracomm'>\n" * 3
    assert "mpi4py.MPI" not in sys.modules
