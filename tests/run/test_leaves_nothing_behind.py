"""None of it leaves a task, fiber, temporary file or changed interpreter state behind."""

from __future__ import annotations

import builtins
import gc
import io
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import time
import warnings

import pytest
import trio
from greenlet import greenlet

import vmpp
from vmpp.engine import current_process
from vmpp.service.files import FileServer

GOOD = """
import atexit, builtins, json, os, random, signal, sys, tempfile, time
import numpy as np
import helper

class Own:
    pass

helper.kept.append(Own())
random.seed(1)
np.random.seed(1)
os.environ["LEFT"] = "behind"
os.makedirs("sub", exist_ok=True)
os.chdir("sub")
sys.path.insert(0, "elsewhere")
sys.argv.append("more")
signal.signal(signal.SIGTERM, lambda *_: None)
atexit.register(print, "the end")
with tempfile.NamedTemporaryFile("w") as file:
    file.write("x")
    comm.barrier()
time.sleep(1)
print(comm.allreduce(rank), helper.kept[0].__class__.__name__)
"""
BAD = {
    "raises": "import helper\nopen('left open', 'w')\nif rank == 1:\n    1 / 0\n"
    "comm.recv(source=0)",
    "aborts": "import helper, sys\nsys.stdout = None\ncomm.barrier()\ncomm.Abort(3)",
    "deadlocks": "import helper\nhelper.kept.append(comm.irecv(source=0))\ncomm.barrier()\n"
    "comm.recv(source=0)",
    "loops": "import helper\nif rank == 1:\n    while True:\n        pass\ncomm.barrier()",
    "changes": "import builtins, sys, io\nsys.stdout = sys.stderr = io.StringIO()\n"
    "sys.modules['planted'] = sys\nsys.setrecursionlimit(5000)\nsys.exit(3)",
    "does not want to die": """
import helper
for _ in range(50):
    try:
        comm.barrier() if rank != 1 else 1 / 0
    except ZeroDivisionError:
        raise
    except BaseException:
        pass
""",
}


def functions():
    """Return every function that programs see virtually, as the host has it now."""
    names = ("open", "listdir", "getcwd", "chdir", "write", "read", "stat", "environ", "urandom")
    return (
        builtins.open, builtins.print, builtins.__import__, builtins.input, io.open,
        *(getattr(os, name) for name in names),
        time.time, time.sleep, time.perf_counter, random.random, random.seed,
        threading.Thread.start, tempfile.gettempdir, signal.signal,
        sys.stdin, sys.stdout, sys.stderr, sys.argv, sys.path, sys.excepthook, sys.displayhook,
        type(sys), type(os), type(os.environ),
        sys.__dict__["stdout"], sys.__dict__["argv"], sys.__dict__["path"],
    )  # fmt: skip


class State:
    """What a job might change."""

    def __init__(self):
        gc.collect()
        self.fibers = sum(
            isinstance(one, greenlet) and not one.dead and one.parent is not None
            for one in gc.get_objects()
        )
        self.modules = dict(sys.modules)
        self.builtins = dict(vars(builtins))
        self.functions = functions()
        self.values = (
            list(sys.path), list(sys.argv), list(sys.meta_path), list(sys.path_hooks),
            dict(os.environ), os.getcwd(), random.getstate(), sys.getrecursionlimit(),
            list(warnings.filters), sys.gettrace(), sys.getprofile(), tempfile.tempdir,
            resource.getrlimit(resource.RLIMIT_NOFILE), gc.get_threshold(), gc.isenabled(),
            gc.get_freeze_count(),
        )  # fmt: skip
        self.signals = [signal.getsignal(number) for number in sorted(signal.valid_signals())]
        self.threads = threading.enumerate()
        self.descriptors = sorted(os.listdir("/proc/self/fd"))
        self.temporary = sorted(os.listdir(tempfile.gettempdir()))

    def check(self, other):
        """Check that *other*, taken later, is the same."""
        assert other.modules.keys() == self.modules.keys()
        for name, module in self.modules.items():
            assert other.modules[name] is module, name
        assert other.builtins.keys() == self.builtins.keys()
        for name, value in self.builtins.items():
            assert other.builtins[name] is value, name
        for was, is_now in zip(self.functions, other.functions, strict=True):
            assert is_now is was
        for was, is_now in zip(self.values, other.values, strict=True):
            assert is_now == was
        assert other.signals == self.signals
        assert other.threads == self.threads
        assert other.descriptors == self.descriptors
        assert other.temporary == self.temporary
        assert other.fibers == self.fibers


@pytest.fixture
def jobs(program, tmp_path, monkeypatch):
    """Return what runs one of the programs, after each has been run once to load libraries."""
    program("kept = []", "helper.py")
    paths = {name: program(text, f"{name}.py") for name, text in {"good": GOOD, **BAD}.items()}
    for folder in ("run", "temporary"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    def run(name):
        return vmpp.run(paths[name], nprocs=3, cwd=tmp_path / "run", watchdog=0.05)

    run("good")
    run("raises")
    return run


@pytest.mark.parametrize("bad", list(BAD))
def test_two_jobs_and_a_failing_one_between_them(jobs, bad):
    first = jobs("good")
    assert first.failure is None
    assert sorted(first.stdout.splitlines()) == [b"3 Own"] * 3 + [b"the end"] * 3
    before = State()
    assert jobs(bad).status != 0
    before.check(State())
    again = jobs("good")
    assert (again.stdout, again.digest) == (first.stdout, first.digest)
    before.check(State())


def test_nothing_refers_to_the_processes_of_a_job_that_has_ended(jobs):
    def spaces():
        gc.collect()
        return [one for one in gc.get_objects() if type(one).__name__ == "AddressSpace"]

    # Programs that catch everything, in other tests, stay parked for good.
    before = len(spaces())
    for name in ("good", "deadlocks", "raises"):
        jobs(name)
        assert len(spaces()) == before


def test_a_refused_program_changes_nothing(program, jobs):
    before = State()
    for wrong in ("nowhere.py", program("def f(:", "wrong.py")):
        with pytest.raises(vmpp.VmppError):
            vmpp.run(wrong, nprocs=3)
    before.check(State())


async def test_a_machine_that_is_cancelled_leaves_no_task(program):
    tasks = trio.lowlevel.current_statistics().tasks_living
    threads = threading.enumerate()
    descriptors = os.listdir("/proc/self/fd")
    for text in ("input()", "while True:\n    comm.barrier()", "import time\ntime.sleep(1e9)"):
        with trio.CancelScope() as scope:
            async with vmpp.boot() as machine:
                await machine.launch(program(text), 3)
                for _ in range(20):
                    await trio.lowlevel.checkpoint()
                scope.cancel()
                await trio.sleep_forever()
        assert scope.cancelled_caught
        assert trio.lowlevel.current_statistics().tasks_living == tasks
        assert threading.enumerate() == threads
        assert os.listdir("/proc/self/fd") == descriptors
    assert current_process() is None


async def test_a_machine_goes_down_with_programs_that_do_not(program):
    path = program("""
        try:
            print("up", flush=True)
            while True:
                comm.barrier()
        finally:
            while True:
                pass
    """)
    async with vmpp.boot(watchdog=0.1) as machine:
        job = await machine.launch(path, 3)
        while job.stdout.count(b"up") < 3:
            await trio.lowlevel.checkpoint()


async def test_the_host_is_itself_while_a_machine_is_up(program):
    stdout, argv, here = sys.stdout, sys.argv, os.getcwd()
    async with vmpp.boot() as machine:
        path = program(
            "import os, sys\nos.chdir('/')\nsys.argv = 3\nwhile True:\n    comm.barrier()"
        )
        await machine.launch(path, 3)
        while machine.counters()["messages"] < 200:
            await trio.lowlevel.checkpoint()
        assert sys.stdout is stdout
        assert sys.argv is argv
        assert os.getcwd() == here
        assert abs(time.time() - os.stat(path).st_mtime) < 3600
        assert sys.modules["__main__"].__dict__.get("comm") is None


def test_a_program_that_catches_everything_for_ever_cannot_keep_the_machine(program, shell):
    program("""
        while True:
            try:
                comm.barrier() if rank else comm.Abort(4)
            except BaseException:
                pass
    """)
    done = shell("run", "-n", 3, "program.py")
    assert (done.returncode, done.stdout, done.stderr) == (4, "", "")


def test_ranks_that_have_left_have_no_file_open(program, tmp_path, monkeypatch):
    path = program(f"import os\nos.open('{tmp_path}/mine%d' % rank, os.O_CREAT | os.O_RDWR)\n")
    opened = []
    close_job = FileServer.close_job

    def counted(server, job):
        opened.append(server.open_files)
        close_job(server, job)

    monkeypatch.setattr(FileServer, "close_job", counted)
    assert vmpp.run(path, nprocs=3).status == 0
    assert len(list(tmp_path.glob("mine*"))) == 3
    assert opened[0] == 0
