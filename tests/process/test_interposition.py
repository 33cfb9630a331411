"""The interpreter is left as it was found, whatever ran in it."""

from __future__ import annotations

import _thread
import datetime
import io
import os
import queue
import random
import signal
import sys
import threading
import time

import pytest

from vmpp.process import Interposition, Program
from vmpp.process.imports import TABLE


def snapshot():
    """Return every attribute of every loaded module and of the classes that are patched.

    Hypothesis counts garbage collections in its own modules, on its own.
    """
    owners = {
        name: module
        for name, module in sys.modules.items()
        if hasattr(module, "__dict__") and not name.startswith("hypothesis")
    }
    state = {name: dict(vars(module)) for name, module in owners.items()}
    classes = {name: type(module) for name, module in owners.items()}
    for cls in (
        *(datetime.datetime, datetime.date, random.Random, threading.Condition, threading.Thread),
        *(_thread.LockType, _thread.RLock, queue.SimpleQueue),
    ):
        state[cls.__qualname__ + " class"] = dict(vars(cls))
    state["environ"] = (type(os.environ), type(os.environb), vars(os.environ)["_data"].copy())
    state["meta_path"], state["path"] = list(sys.meta_path), list(sys.path)
    state["supports_fd"] = set(os.supports_fd)
    return state, classes


def differences(before, after):
    """Return the names of what is not the same object."""
    for name, attributes in before.items():
        if isinstance(attributes, dict):
            for key, value in attributes.items():
                if key != "__warningregistry__" and after[name].get(key, before) is not value:
                    yield f"{name}.{key}"
        elif attributes != after[name]:
            yield name
    yield from before.keys() ^ after.keys()


BUSY = (
    "import atexit, datetime, importlib, os, random, sys, time, warnings\n"
    "import numpy as np\nimport state\n"
    "random.seed(1); np.random.seed(1); np.random.rand()\n"
    "os.environ['A'] = 'b'; sys.argv.append('x'); sys.path.insert(0, '/nowhere')\n"
    "sys.modules['made'] = state; sys.modules.pop('json', None)\n"
    "sys.stdout = sys.stderr; sys.new = 1; warnings.simplefilter('ignore')\n"
    "sys.meta_path.append(None); sys.meta_path.pop()\n"
    "import concurrent.futures.thread, queue, threading; threading.Lock().acquire()\n"
    "threading.local().x = threading.current_thread(); queue.SimpleQueue().put(1)\n"
    "time.sleep(1); datetime.datetime.now(); importlib.reload(state)\n"
)


@pytest.mark.parametrize("ending", ["", "1 / 0", "sys.exit(3)"])
def test_everything_is_restored_to_the_very_object(run_ranks, ending):
    run_ranks(BUSY, modules={"state.py": ""})  # loads the libraries
    before, classes = snapshot()
    run_ranks(BUSY + ending, modules={"state.py": ""}, fails=True)
    after, classes_after = snapshot()
    assert list(differences(before, after)) == []
    assert classes == classes_after
    assert TABLE.installed is None


def test_a_failing_job_leaves_nothing_to_the_next(run_ranks):
    first = run_ranks(BUSY + "print(len(sys.argv), os.environ)", modules={"state.py": ""})
    run_ranks("import sys\nsys.stdout = None\n1 / 0", fails=True)
    second = run_ranks(BUSY + "print(len(sys.argv), os.environ)", modules={"state.py": ""})
    assert [rank.errors for rank in first] == [rank.errors for rank in second]


def test_the_host_sees_its_own_while_a_machine_is_up():
    sleep, before = time.sleep, time.time()
    with Interposition():
        assert time.time() >= before
        assert time.sleep is not sleep
        assert random.random() != random.random()
        assert datetime.datetime.now().year > 2000
        assert os.getpid() != 0
        out, sys.stdout = sys.stdout, io.StringIO()
        try:
            print("held")
            assert sys.stdout.getvalue() == "held\n"
        finally:
            sys.stdout = out
    assert time.sleep is sleep


def test_interpositions_nest():
    real = os.getpid
    with Interposition():
        replaced = os.getpid
        with Interposition():
            assert os.getpid is replaced
        assert os.getpid is replaced
    assert os.getpid is real


def test_processes_of_two_machines_run_by_turns(folder, new_machine):
    source = (
        "import sys, time, state\nstate.values.append(sys.argv[1])\ntime.sleep(1)\n"
        "class Own: pass\nimport pickle\n"
        "print(sys.argv[1], state.values, type(pickle.loads(pickle.dumps(Own()))) is Own)\n"
    )
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "program.py").write_text(source)
        (folder / name / "state.py").write_text(f"values = ['{name}']")
    with Interposition():
        machines = []
        for name in ("one", "two"):
            machine = new_machine()
            program = Program.script("program.py", [name], str(folder / name))
            machines.append((machine, machine.launch(program, 3)))
        busy = True
        while busy:
            # One event of each by turns, without going back to the host's modules in between.
            busy = sum(machine.engine.step(1) for machine, _ in machines) > 0
    for (_, ranks), name in zip(machines, ("one", "two"), strict=True):
        assert {rank.output for rank in ranks} == {f"{name} ['{name}', '{name}'] True\n"}


def test_modules_that_stand_in_for_others_go_with_the_machine(folder, new_machine):
    from types import ModuleType

    import mpi4py

    made = ModuleType("mpi4py.MPI")
    made.answer = 42
    (folder / "program.py").write_text("from mpi4py import MPI\nprint(MPI.answer)")
    with Interposition({"mpi4py.MPI": lambda: made}):
        machine = new_machine()
        ranks = machine.launch(Program.script("program.py", (), str(folder)), 3)
        machine.run()
        assert sys.modules["mpi4py.MPI"] is made
    assert {rank.output for rank in ranks} == {"42\n"}
    assert "mpi4py.MPI" not in sys.modules
    assert not hasattr(mpi4py, "MPI")


def test_a_clock_is_no_method_of_the_class_that_keeps_it(run_ranks):
    ranks = run_ranks(
        "import time\nclass Timer:\n    clock = time.perf_counter\n    sleep = time.sleep\n"
        "timer = Timer()\nbegin = timer.clock()\ntimer.sleep(2)\n"
        "print(round(timer.clock() - begin))"
    )
    assert {rank.output for rank in ranks} == {"2\n"}


@pytest.mark.parametrize(
    "call",
    [
        "os.fork()",
        "os.system('true')",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "subprocess.run(['true'])",
        "os.popen('true')",
        "select.epoll()",
        "selectors.DefaultSelector()",
        "selectors.PollSelector()",
        "signal.alarm(1)",
        "multiprocessing.get_context('fork').Process(target=print).start()",
    ],
)
def test_what_a_compute_node_does_not_have_is_refused(run_ranks, call):
    (rank,) = run_ranks(
        "import errno, multiprocessing, os, select, selectors, signal, subprocess\n"
        f"try:\n    {call}\nexcept OSError as e:\n"
        "    print(e.errno == errno.ENOSYS, 'a compute node has no' in str(e))",
        ranks=1,
    )
    assert rank.output == "True True\n"


def test_a_signal_to_another_process_goes_nowhere(run_ranks):
    (rank,) = run_ranks(
        f"import os\ntry:\n    os.kill({os.getpid()}, {int(signal.SIGTERM)})\n"
        "except ProcessLookupError:\n    print('none')",
        ranks=1,
    )
    assert rank.output == "none\n"


def test_parsing_arguments_takes_no_system_call(run_ranks):
    # These processes have no files: whoever asks for one fails.
    ranks = run_ranks(
        "import argparse\nparser = argparse.ArgumentParser(prog='x')\n"
        "parser.add_argument('--n', type=int, help='a number')\n"
        "print(parser.parse_args(['--n', '3']).n, parser.format_help()[:8])"
    )
    assert {rank.output for rank in ranks} == {"3 usage: x\n"}


def test_looking_for_a_library_is_not_importing_it(run_ranks):
    sys.modules.pop("netrc", None)
    ranks = run_ranks(
        "import importlib.util, sys\n"
        "print(importlib.util.find_spec('netrc') is not None, importlib.util.find_spec('nosuch'))\n"
        "import netrc\nprint(netrc.__spec__.origin == netrc.__file__, 'netrc' in sys.modules)\n"
        "import xml.sax.saxutils\nprint(xml.sax.__name__, xml.sax.saxutils.__spec__.parent)"
    )
    assert {rank.output for rank in ranks} == {"True None\nTrue True\nxml.sax xml.sax\n"}
    assert type(sys.modules["netrc"].__spec__.loader).__name__ == "SourceFileLoader"


def test_a_library_is_loaded_once_and_its_parts_stay_together(
    run_ranks, monkeypatch, tmp_path_factory
):
    place = tmp_path_factory.mktemp("libraries")
    (place / "some_library").mkdir()
    (place / "some_library" / "__init__.py").write_text("from .inner import *\nx = inner.y + 1\n")
    (place / "some_library" / "inner.py").write_text("y = 1\nloads = []\nloads.append(1)\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(place)])
    ranks = run_ranks(
        "import some_library, time\nsome_library.inner.loads.append(2)\ntime.sleep(1)\n"
        "print(some_library.x, some_library.inner.loads)"
    )
    assert {rank.output for rank in ranks} == {"2 [1, 2, 2, 2]\n"}
    for name in ("some_library", "some_library.inner"):
        del sys.modules[name]
