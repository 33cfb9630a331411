"""What each rank has for itself, as in a process of its own.

Every program here is run by several ranks that touch one thing in turn, and would see the others'
traces if they shared it.
"""

from __future__ import annotations

import ast
import os
import random
import sys
import time

import numpy as np
import pytest

import vmpp

RANKS = 4


@pytest.fixture
def told(program):
    """Return what runs a program in which each rank calls ``tell`` and returns what each told."""

    def run(text, nprocs=RANKS, **options):
        path = program(
            "told = []\ntell = told.append\n"
            "def turn():\n"
            "    'Let every other rank get as far as this one.'\n"
            "    comm.barrier()\n" + text + "\nfor each in comm.gather(told) or ():\n"
            "    print(repr(each))\n"
        )
        result = vmpp.run(path, nprocs=nprocs, **options)
        assert result.failure is None, result.failure
        assert result.status == 0, result.stderr.decode()
        return [ast.literal_eval(line) for line in result.stdout.decode().splitlines()]

    return run


class TestModules:
    def test_globals_of_the_main_module(self, told):
        assert told("""
count = rank
for _ in range(3):
    turn()
    count += 10
def read():
    return count
tell(read())
""") == [[rank + 30] for rank in range(RANKS)]

    def test_globals_of_the_programs_own_modules(self, told, program):
        program("count = 0\nknown = []\ndef add(n):\n    global count\n    count += n", "own.py")
        assert told("""
import own
turn()
own.known.append(rank)
own.add(rank)
turn()
import own as again
tell((again is own, own.count, own.known))
""") == [[(True, rank, [rank])] for rank in range(RANKS)]

    def test_packages_and_their_relative_imports(self, told, program):
        program("from . import parts\nfrom .parts import piece", "pack/__init__.py")
        program("from . import __name__ as outer\npiece = [rank]", "pack/parts.py")
        assert told("""
import importlib, pack
turn()
pack.parts.piece.append(pack.parts.outer)
tell((pack.piece, importlib.import_module("pack.parts") is pack.parts))
""") == [[([rank, "pack"], True)] for rank in range(RANKS)]

    def test_a_module_that_talks_while_it_is_imported(self, told, program):
        program("before = comm.allreduce(rank)\ncomm.barrier()\nafter = rank", "talks.py")
        assert told("import talks\ntell((talks.before, talks.after))") == [
            [(6, rank)] for rank in range(RANKS)
        ]

    def test_ranks_that_import_different_modules(self, told, program):
        for n in range(RANKS):
            program(f"number = {n}", f"only{n}.py")
        assert told("""
import importlib, sys
mine = importlib.import_module(f"only{rank}")
turn()
tell((mine.number, sorted(name for name in sys.modules if name.startswith("only"))))
""") == [[(rank, [f"only{rank}"])] for rank in range(RANKS)]

    def test_reloading_starts_afresh_for_one_rank(self, told, program):
        program("count = 0", "own.py")
        assert told("""
import importlib, own
own.count = 5
turn()
if rank == 1:
    importlib.reload(own)
turn()
tell(own.count)
""") == [[0 if rank == 1 else 5] for rank in range(RANKS)]

    def test_pickles_of_classes_of_the_main_module(self, told):
        assert told("""
import pickle
class Point:
    made_by = rank
    def __init__(self, x):
        self.x = x
    def __eq__(self, other):
        return type(other) is Point and self.x == other.x
turn()
copy = pickle.loads(pickle.dumps(Point(rank)))
tell((type(copy) is Point, copy.x))
got = comm.sendrecv(Point(rank), (rank + 1) % comm.size, source=(rank - 1) % comm.size)
tell((type(got) is Point, got.made_by, got.x))
tell([p == Point(n) for n, p in enumerate(comm.allgather(Point(rank)))])
""") == [[(True, rank), (True, rank, (rank - 1) % RANKS), [True] * RANKS] for rank in range(RANKS)]

    def test_pickles_of_classes_of_the_programs_modules(self, told, program):
        program("class Thing:\n    owner = rank", "things.py")
        assert told("""
import pickle, things
turn()
got = comm.sendrecv(things.Thing(), (rank + 1) % comm.size, source=(rank - 1) % comm.size)
tell((type(got) is things.Thing, got.owner))
""") == [[(True, rank)] for rank in range(RANKS)]

    def test_the_libraries_of_the_host_are_shared_and_whole(self, told):
        assert (
            told("""
import json, numpy, sys
tell((sys.modules["json"] is json, json.loads("[1]"), int(numpy.arange(4).sum())))
""")
            == [[(True, [1], 6)]] * RANKS
        )


class TestRandomness:
    def test_seeded_random_is_pythons(self, told):
        rows = told("""
import random
random.seed(rank)
first = random.random()
turn()
tell((first, random.random(), random.randint(1, 6), random.choice("abc")))
""")
        for rank, ((*drawn,),) in enumerate(rows):
            mine = random.Random(rank)
            assert drawn == [mine.random(), mine.random(), mine.randint(1, 6), mine.choice("abc")]

    def test_seeded_numpy_random_is_numpys(self, told):
        rows = told("""
import numpy as np
np.random.seed(rank)
first = float(np.random.rand())
turn()
tell((first, float(np.random.rand()), int(np.random.randint(100)), float(np.random.normal())))
""")
        for rank, ((*drawn,),) in enumerate(rows):
            mine = np.random.RandomState(rank)
            assert drawn == [mine.rand(), mine.rand(), mine.randint(100), mine.normal()]

    def test_states_are_saved_and_restored_by_one_rank(self, told):
        assert told("""
import random
state = random.getstate()
first = random.random()
turn()
if rank % 2:
    random.setstate(state)
tell(random.random() == first)
""") == [[bool(rank % 2)] for rank in range(RANKS)]

    def test_unseeded_ranks_differ(self, told):
        rows = told("""
import os, random, secrets, uuid
import numpy as np
tell((random.random(), float(np.random.rand()), os.urandom(8), secrets.token_hex(4)))
tell((str(uuid.uuid4()), float(np.random.default_rng().random())))
""")
        for column in zip(*(first + second for first, second in rows), strict=True):
            assert len(set(column)) == RANKS

    def test_the_hosts_own_generators_are_not_touched(self, told):
        random.seed(1)
        np.random.seed(1)
        expected = random.Random(1).random(), np.random.RandomState(1).rand()
        told("""
import random
import numpy as np
random.seed(2)
np.random.seed(2)
random.random(), np.random.rand()
""")
        assert (random.random(), np.random.rand()) == expected


class TestArgumentsEnvironmentAndDirectory:
    def test_arguments(self, told):
        assert told(
            """
import sys
sys.argv.append(str(rank))
turn()
tell(sys.argv[1:])
sys.argv = ["mine", rank]
turn()
tell(sys.argv)
""",
            args=["a"],
        ) == [[["a", str(rank)], ["mine", rank]] for rank in range(RANKS)]

    def test_environment(self, told):
        os.environ["VMPP_TEST_HOST"] = "host"
        try:
            assert told("""
import os
os.environ["MINE"] = str(rank)
if rank == 1:
    del os.environ["VMPP_TEST_HOST"]
turn()
tell((os.environ["MINE"], os.getenv("MINE"), os.environ.get("VMPP_TEST_HOST")))
""") == [[(str(rank), str(rank), None if rank == 1 else "host")] for rank in range(RANKS)]
            assert "MINE" not in os.environ
            assert os.environ["VMPP_TEST_HOST"] == "host"
        finally:
            del os.environ["VMPP_TEST_HOST"]

    def test_working_directory_and_relative_files(self, told, tmp_path):
        home = os.getcwd()
        assert told(
            """
import os, pathlib
os.mkdir(f"home{rank}")
os.chdir(f"home{rank}")
turn()
with open("notes", "w") as file:
    file.write(str(rank))
turn()
tell((os.path.basename(os.getcwd()), open("notes").read(), os.listdir()))
tell((pathlib.Path("notes").read_text(), str(pathlib.Path.cwd().name)))
""",
            cwd=tmp_path,
        ) == [
            [(f"home{rank}", str(rank), ["notes"]), (str(rank), f"home{rank}")]
            for rank in range(RANKS)
        ]
        assert os.getcwd() == home

    def test_the_search_path_of_modules(self, told, program):
        for n in range(RANKS):
            program(f"who = {n}", f"lib{n}/which.py")
        assert told("""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), f"lib{rank}"))
turn()
import which
tell((which.who, sum("lib" in os.path.basename(folder) for folder in sys.path[:1])))
""") == [[(rank, 1)] for rank in range(RANKS)]
        assert not any(os.path.basename(folder).startswith("lib0") for folder in sys.path)

    def test_process_numbers_and_signal_handlers(self, told):
        rows = told("""
import os, signal
caught = []
signal.signal(signal.SIGUSR1, lambda number, frame: caught.append(rank))
turn()
if rank == 2:
    os.kill(os.getpid(), signal.SIGUSR1)
turn()
tell((os.getpid(), caught))
""")
        assert [row[0][1] for row in rows] == [[], [], [2], []]
        assert len({row[0][0] for row in rows}) == RANKS


class TestStandardStreams:
    def test_redirected_by_some_ranks_only(self, told):
        assert told("""
import contextlib, io, sys
if rank % 2:
    with contextlib.redirect_stdout(io.StringIO()) as text:
        turn()
        print("captured by", rank)
        turn()
    tell(text.getvalue())
else:
    before = sys.stdout
    turn()
    turn()
    tell(sys.stdout is before)
""") == [[f"captured by {rank}\n" if rank % 2 else True] for rank in range(RANKS)]

    def test_replaced_for_good(self, told):
        assert told("""
import io, sys
real, sys.stderr = sys.stderr, io.StringIO()
turn()
print("said by", rank, file=sys.stderr)
turn()
tell(sys.stderr.getvalue())
sys.stderr = real
""") == [[f"said by {rank}\n"] for rank in range(RANKS)]


class TestTime:
    def test_it_is_virtual_and_each_ranks_own(self, told):
        before = time.perf_counter()
        rows = told("""
import time
clocks = time.time, time.perf_counter, time.monotonic, MPI.Wtime
before = [clock() for clock in clocks]
time.sleep(1000 * (rank + 1))
tell([round(clock() - begin) for clock, begin in zip(clocks, before)])
""")
        assert rows == [[[1000 * (rank + 1)] * 4] for rank in range(RANKS)]
        assert time.perf_counter() - before < 1000

    def test_it_begins_at_one_epoch_for_every_run(self, told):
        rows = told("import time, datetime\ntell((time.gmtime()[:4], time.time_ns() // 10**9))")
        assert rows == [[((2000, 1, 1, 0), 946_684_800)]] * RANKS

    def test_computing_takes_time_and_python_itself_none(self, told):
        rows = told("""
import time
import vmpp
times = [time.perf_counter_ns() for _ in range(2)]
sum(range(10_000))
times.append(time.perf_counter_ns())
tell(times[2] - times[1] == times[1] - times[0])
vmpp.compute(1e-3 * rank)
tell(round((time.perf_counter_ns() - times[2]) / 1e6, 2))
tell(time.process_time() >= 1e-3 * rank)
""")
        assert rows == [[True, float(rank), True] for rank in range(RANKS)]

    def test_a_process_that_sleeps_uses_no_processor(self, told):
        rows = told("""
import time
before = time.process_time()
time.sleep(5)
tell(time.process_time() - before < 1)
""")
        assert rows == [[True]] * RANKS

    def test_to_sleep_for_less_than_nothing_is_pythons_error(self, told):
        rows = told("""
import time
try:
    time.sleep(-1)
except ValueError as error:
    tell(str(error))
""")
        assert rows == [["sleep length must be non-negative"]] * RANKS


def test_two_jobs_of_one_interpreter_do_not_see_each_other(told, program):
    program("marks = []", "own.py")
    text = """
import os, random, sys, own
seen = (own.marks, "MARK" in os.environ, "MARK" in sys.argv, hasattr(sys, "mark"))
tell(seen + (random.random(),))
own.marks.append(rank)
os.environ["MARK"] = "x"
sys.argv.append("MARK")
"""
    assert told(text) == told(text)


@pytest.mark.parametrize("kind", ["type", "WithoutHash"])
def test_objects_that_are_left_at_the_end_are_finalized_in_their_own_process(program, kind):
    path = program(f"""
        class WithoutHash(type):
            def __eq__(self, other):
                return self is other
        class Noted(metaclass={kind}):
            def __init__(self, name):
                self.name = name
            def __del__(self):
                print("gone:", self.name, comm.rank)
        comm.barrier()
        one = Noted("object")
        several = [Noted("in a list")]
    """)
    result = vmpp.run(path, nprocs=3)
    assert result.failure is None
    assert sorted(result.stdout.decode().splitlines()) == sorted(
        f"gone: {name} {rank}" for name in ("object", "in a list") for rank in range(3)
    )
    assert result.stderr == b""


@pytest.mark.parametrize("end", ["os._exit(3)", "comm.Abort(3) if rank == 1 else comm.recv()"])
def test_where_the_end_is_sudden_they_are_lost_without_a_word(program, shell, end):
    program(f"""
        import os
        class Noted:
            def __del__(self):
                print("gone", comm.rank)
        def inner():
            local = Noted()
            {end}
        one = Noted()
        inner()
    """)
    done = shell("run", "-n", 3, "program.py")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


def test_an_object_is_found_behind_messages_that_came_while_it_was_waited_for(program):
    path = program(
        "if rank == 0:\n"
        "    for number in range(20):\n"
        "        comm.send(number, 1, tag=1)\n"
        "    comm.send('late', 1, tag=2)\n"
        "    for number in range(20, 25):\n"
        "        comm.send(number, 1, tag=1)\n"
        "elif rank == 1:\n"
        "    print(comm.recv(source=0, tag=2))\n"
        "    comm.probe(source=0, tag=1)\n"
        "    print([comm.recv(source=0, tag=1) for _ in range(25)])\n"
    )
    result = vmpp.run(path, nprocs=3)
    assert result.stdout.decode() == f"late\n{list(range(25))}\n"
