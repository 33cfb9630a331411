"""What every rank has for itself: each test fails if ranks shared it."""

from __future__ import annotations

import random
import sys

RANK = "from vmpp.engine import current_process; rank = current_process().rank\n"


def test_module_globals_of_the_program_are_its_own(run_ranks):
    ranks = run_ranks(
        RANK + "import time\ncount = 0\nfor _ in range(3):\n count += rank\n time.sleep(1)\n"
        "print(count, __name__)"
    )
    assert [rank.output for rank in ranks] == ["0 __main__\n", "3 __main__\n", "6 __main__\n"]


def test_modules_from_its_own_folder_are_its_own(run_ranks):
    ranks = run_ranks(
        RANK + "import time, state, package.inner as inner\n"
        "state.value = inner.value = rank\ntime.sleep(1)\n"
        "import state as again, sys\n"
        "print(again.value, inner.value, sys.modules['state'] is state, inner.up.name)",
        modules={
            "state.py": "value = None",
            "package/__init__.py": "name = 'package'",
            "package/inner.py": "from .. import package as up\nvalue = None"
            if False
            else "from . import __name__ as n\nimport package as up\nvalue = None",
        },
    )
    assert [rank.output for rank in ranks] == [f"{r} {r} True package\n" for r in range(3)]


def test_classes_of_the_program_are_pickled_in_the_rank_that_has_them(run_ranks):
    ranks = run_ranks(
        RANK + "import pickle, time, shapes\n"
        "class Here:\n    pass\n"
        "class Slow:\n"
        "    def __reduce__(self):\n        time.sleep(1)\n        return Here, ()\n"
        "data = pickle.dumps([Here(), shapes.There(), Slow()])\n"
        "time.sleep(1)\n"
        "here, there, slow = pickle.loads(data)\n"
        "print(type(here) is Here, type(there) is shapes.There, type(slow) is Here)\n"
        "here, there, slow = pickle._loads(pickle._dumps([Here(), shapes.There(), Here]))\n"
        "print(type(here) is Here, type(there) is shapes.There, slow is Here)\n",
        modules={"shapes.py": "class There:\n    pass\n"},
    )
    assert all(rank.output == "True True True\n" * 2 for rank in ranks)


def test_a_rank_sees_nothing_of_modules_that_others_import(run_ranks):
    ranks = run_ranks(
        RANK + "import sys, time\nif rank == 1:\n    import extra\n"
        "if rank == 2:\n    sys.modules['absent'] = None\n    del sys.modules['json']\n"
        "time.sleep(1)\n"
        "print('extra' in sys.modules, 'absent' in sys.modules, 'json' in sys.modules)",
        modules={"extra.py": ""},
    )
    assert [rank.output for rank in ranks] == [
        "False False True\n",
        "True False True\n",
        "False True False\n",
    ]


def test_a_module_may_block_while_it_is_imported(run_ranks):
    ranks = run_ranks(
        "import slow\nprint(slow.before, slow.after)",
        modules={
            "slow.py": RANK + "import time\nbefore = rank\ntime.sleep(1 + rank)\nafter = rank\n"
        },
    )
    assert [rank.output for rank in ranks] == ["0 0\n", "1 1\n", "2 2\n"]


def test_reloading_runs_the_rank_own_module_again(run_ranks):
    ranks = run_ranks(
        RANK + "import importlib, time, state, json\nstate.value = rank\ntime.sleep(1)\n"
        "before = state.value\nassert importlib.reload(state) is state\ntime.sleep(1)\n"
        "assert importlib.reload(json) is json\n"
        "print(before, state.value)",
        modules={"state.py": "value = 'new'"},
    )
    assert [rank.output for rank in ranks] == ["0 new\n", "1 new\n", "2 new\n"]


def test_the_random_module_is_seeded_by_each_rank(run_ranks):
    ranks = run_ranks(
        RANK + "import random, time\nrandom.seed(rank)\nnumbers = []\n"
        "for _ in range(3):\n    numbers.append(random.random())\n    time.sleep(1)\n"
        "print(numbers)"
    )
    expected = []
    for seed in range(3):
        generator = random.Random(seed)
        expected.append(f"{[generator.random() for _ in range(3)]}\n")
    assert [rank.output for rank in ranks] == expected


def test_numpy_random_is_seeded_by_each_rank(run_ranks):
    import numpy

    ranks = run_ranks(
        RANK + "import numpy as np, time\nnp.random.seed(rank)\nnumbers = []\n"
        "for _ in range(2):\n    numbers += [np.random.rand(), np.random.normal()]\n"
        "    time.sleep(1)\n"
        "print(numbers == [float(n) for n in numbers], [float(n) for n in numbers])"
    )
    for rank in ranks:
        state = numpy.random.RandomState(rank.rank)
        numbers = [float(draw()) for _ in range(2) for draw in (state.rand, state.normal)]
        assert rank.output == f"True {numbers}\n"


def test_numpy_hands_out_the_state_of_the_rank(run_ranks):
    ranks = run_ranks(
        RANK + "import numpy as np, time\nnp.random.seed(7 + rank)\n"
        "kept = np.random.get_state()\nfirst = np.random.random_sample()\ntime.sleep(1)\n"
        "np.random.set_state(kept)\ntime.sleep(1)\nprint(np.random.random_sample() == first,"
        " np.random.mtrand._rand.randint(1 << 30) == np.random.RandomState(7 + rank).randint(1))"
    )
    assert {rank.output for rank in ranks} == {"True False\n"}


DRAW = (
    "import os, random, secrets, uuid, numpy as np\n"
    "print(random.random(), random.Random().random(), os.urandom(4), secrets.token_hex(4),"
    " uuid.uuid4(), uuid.uuid1(), np.random.rand(), np.random.default_rng().random(),"
    " random.SystemRandom().random())"
)


def test_unseeded_randomness_repeats_with_the_seed_and_differs_between_ranks(run_ranks):
    first, second = run_ranks(DRAW), run_ranks(DRAW)
    other = run_ranks(DRAW, seed=2)
    assert [rank.output for rank in first] == [rank.output for rank in second]
    assert len({rank.output for rank in (*first, *other)}) == 6


def test_every_rank_leaves_with_its_own_status(run_ranks):
    ranks = run_ranks(RANK + "import sys, time\ntime.sleep(3 - rank)\nsys.exit(rank * 10)")
    assert [rank.status for rank in ranks] == [0, 10, 20]


def test_arguments_and_path_can_be_changed_by_a_rank(run_ranks, folder):
    ranks = run_ranks(
        RANK + "import sys, time\nsys.argv.append(str(rank))\nsys.path.append(f'/{rank}')\n"
        "time.sleep(1)\nprint(sys.argv, sys.path[0], sys.path[-1])\nsys.argv = [rank]\n"
        "time.sleep(1)\nprint(sys.argv)",
        args=["-x", "y"],
    )
    assert [rank.output for rank in ranks] == [
        f"['program.py', '-x', 'y', '{r}'] {folder} /{r}\n[{r}]\n" for r in range(3)
    ]


def test_the_environment_can_be_changed_by_a_rank(run_ranks):
    import os

    ranks = run_ranks(
        RANK + "import os, time\nfrom os import environ\nos.environ['WHO'] = str(rank)\n"
        "os.environ.setdefault('GIVEN', 'no')\nif rank == 1:\n    del os.environ['SHARED']\n"
        "time.sleep(1)\n"
        "print(environ['WHO'], os.getenv('WHO'), os.environb[b'WHO'], os.environ.get('SHARED'),"
        " sorted(os.environ))",
        environ={"SHARED": "s", "GIVEN": "yes"},
    )
    assert [rank.output for rank in ranks] == [
        "0 0 b'0' s ['GIVEN', 'SHARED', 'WHO']\n",
        "1 1 b'1' None ['GIVEN', 'WHO']\n",
        "2 2 b'2' s ['GIVEN', 'SHARED', 'WHO']\n",
    ]
    assert "WHO" not in os.environ


def test_the_environment_can_be_replaced_by_a_rank(run_ranks):
    ranks = run_ranks(
        RANK + "import os, time\nold = os.environ\nos.environ = {'WHO': str(rank)}\n"
        "time.sleep(1)\nprint(os.environ, os.getenv('WHO'))\nos.environ = old\n"
        "print(os.getenv('WHO'))",
        environ={},
    )
    assert [rank.output for rank in ranks] == [f"{{'WHO': '{r}'}} {r}\nNone\n" for r in range(3)]


def test_exit_handlers_run_when_their_rank_leaves(run_ranks):
    ranks = run_ranks(
        RANK + "import atexit, time\natexit.register(print, 'first', rank)\n"
        "@atexit.register\ndef last():\n    print('last', rank)\n"
        "@atexit.register\ndef never():\n    print('never')\n"
        "atexit.unregister(never)\natexit.register(lambda: 1 / 0)\n"
        "time.sleep(3 - rank)\nprint('end', rank)"
    )
    for rank in ranks:
        r = rank.rank
        assert rank.output == f"end {r}\nlast {r}\nfirst {r}\n"
        assert rank.errors.startswith("Exception ignored in atexit callback")
        assert rank.errors.endswith("ZeroDivisionError: division by zero\n")
        assert "space.py" not in rank.errors


def test_finalizers_run_when_their_rank_leaves(run_ranks):
    ranks = run_ranks(
        RANK + "import weakref, time\nclass Thing: pass\nthing = Thing()\n"
        "weakref.finalize(thing, print, 'gone', rank)\ntime.sleep(rank)\nprint('end')"
    )
    assert [rank.output for rank in ranks] == [f"end\ngone {r}\n" for r in range(3)]


def test_standard_output_can_be_redirected_by_a_rank(run_ranks):
    ranks = run_ranks(
        RANK + "import contextlib, io, sys, time\nhold = io.StringIO()\n"
        "with contextlib.redirect_stdout(hold) if rank != 1 else contextlib.nullcontext():\n"
        "    print('inside', rank)\n    time.sleep(1)\n    print('still', rank)\n"
        "    sys.stdout.write('raw\\n')\n"
        "time.sleep(1)\nprint('outside', hold.getvalue())"
    )
    for rank in ranks:
        r = rank.rank
        if r == 1:
            assert rank.output == "inside 1\nstill 1\nraw\noutside \n"
        else:
            assert rank.output == f"outside inside {r}\nstill {r}\nraw\n\n"


def test_standard_output_may_be_wrapped_in_something_that_writes_to_it(run_ranks):
    ranks = run_ranks(
        RANK + "import sys, time\n"
        "class Tee:\n"
        "    def __init__(self, to): self.to = to\n"
        "    def write(self, text): return self.to.write(text.upper())\n"
        "    def flush(self): self.to.flush()\n"
        "sys.stdout = Tee(sys.stdout)\ntime.sleep(1)\nprint('rank', rank, flush=True)\n"
        "sys.stdout = sys.__stdout__\nprint('rank')"
    )
    assert [rank.output for rank in ranks] == [f"RANK {r}\nrank\n" for r in range(3)]


def test_a_library_that_keeps_standard_error_writes_to_that_of_the_caller(run_ranks):
    ranks = run_ranks(
        RANK + "import logging, time\nlogging.basicConfig(format='%(message)s')\ntime.sleep(1)\n"
        "logging.warning('rank %d', rank)"
    )
    assert [rank.errors for rank in ranks] == [f"rank {r}\n" for r in range(3)]


def test_the_standard_streams_look_like_text_files(run_ranks):
    run_ranks(
        "import io, sys\nassert isinstance(sys.stdout, io.TextIOWrapper)\n"
        "assert sys.stdout is sys.__stdout__ and sys.stdout.encoding.lower() == 'utf-8'\n"
        "sys.stdout.buffer.write(b'bytes')\nassert list(sys.stdin) == ['a line\\n']\n"
    )


def test_clocks_are_those_of_the_rank(run_ranks):
    ranks = run_ranks(
        RANK + "import time, timeit, datetime\n"
        "begin = time.time(), time.perf_counter(), timeit.default_timer()\n"
        "time.sleep(10 * (rank + 1))\n"
        "print([round(b - a) for a, b in zip(begin,"
        " (time.time(), time.perf_counter(), timeit.default_timer()))],"
        " round(time.process_time()), time.ctime(), datetime.datetime.now().isoformat()[:19],"
        " datetime.date.today(), time.strftime('%Y %Z'))"
    )
    for rank in ranks:
        s = 10 * (rank.rank + 1)
        assert rank.output == (
            f"[{s}, {s}, {s}] 0 Sat Jan  1 00:00:{s} 2000 2000-01-01T00:00:{s}"
            " 2000-01-01 2000 UTC\n"
        )


def test_a_program_that_polls_a_clock_gets_on(run_ranks):
    ranks = run_ranks(
        "import time\nbegin = time.monotonic()\nwhile time.monotonic() < begin + 1e-5: pass\n"
    )
    assert all(rank.clock >= 10_000_000 for rank in ranks)


def test_sleep_refuses_what_python_refuses(run_ranks):
    (rank,) = run_ranks(
        "import time\n"
        "for wrong in (-1, float('nan'), 'x', None):\n"
        "    try:\n        time.sleep(wrong)\n"
        "    except (TypeError, ValueError) as e:\n        print(type(e).__name__, end=' ')\n"
        "time.sleep(True); time.sleep(0)",
        ranks=1,
    )
    assert rank.output == "ValueError ValueError TypeError TypeError "


def test_an_exception_hook_is_its_rank_own(run_ranks):
    ranks = run_ranks(
        RANK + "import sys, time\nif rank:\n"
        "    sys.excepthook = lambda kind, error, trace: print('hook', rank, error)\n"
        "time.sleep(1)\nraise ValueError(rank)",
        fails=True,
    )
    assert [rank.failure.shown for rank in ranks] == [False, True, True]
    assert [rank.output for rank in ranks] == ["", "hook 1 1\n", "hook 2 2\n"]


def test_signal_handlers_are_their_rank_own(run_ranks):
    import signal

    before = signal.getsignal(signal.SIGUSR1)
    ranks = run_ranks(
        RANK + "import os, signal, time\n"
        "signal.signal(signal.SIGUSR1, lambda number, frame: print('got', rank))\n"
        "time.sleep(1)\nos.kill(os.getpid(), signal.SIGUSR1)\n"
        "if rank == 2:\n    signal.raise_signal(signal.SIGTERM)"
    )
    assert [rank.output for rank in ranks] == [f"got {r}\n" for r in range(3)]
    assert [rank.status for rank in ranks] == [0, 0, 143]
    assert signal.getsignal(signal.SIGUSR1) is before


def test_process_and_node_have_names_of_their_own(run_ranks):
    ranks = run_ranks(
        "import os, socket, platform\nprint(os.getpid(), socket.gethostname(),"
        " platform.node() == os.uname().nodename == socket.gethostname())"
    )
    assert len({rank.output for rank in ranks}) == 3
    assert all(rank.output.endswith(f"vmpp-n{rank.rank:05d} True\n") for rank in ranks)


def test_builtins_and_sys_are_as_before_when_the_machine_is_gone(run_ranks):
    import builtins

    before = dict(vars(sys)), dict(vars(builtins))
    run_ranks(
        "import builtins, sys\nbuiltins.extra = 1\nsys.extra = 2\nsys.setrecursionlimit(5000)\n"
        "builtins.print = len\nsys.ps1 = '?'"
    )
    assert (dict(vars(sys)), dict(vars(builtins))) == before
    assert sys.getrecursionlimit() < 5000


def test_the_program_and_its_libraries_draw_from_one_state(run_ranks):
    ranks = run_ranks(
        RANK + "import random, time\n"
        "random.seed(rank)\nfirst = random.random()\ntime.sleep(1)\nrandom.seed(rank)\n"
        "import statistics\ntime.sleep(1)\n"
        "assert statistics.NormalDist().samples(1) and random.random() != first\n"
        "random.seed(rank)\nimport tempfile, pickle\n"
        "copy = pickle.loads(pickle.dumps(random.Random(3)))\n"
        "assert copy.random() == random.Random(3).random()\n"
        "shuffled = [1, 2, 3, 4, 5]\nrandom.shuffle(shuffled)\nprint(shuffled)"
    )
    for rank in ranks:
        expected = [1, 2, 3, 4, 5]
        random.Random(rank.rank).shuffle(expected)
        assert rank.output == f"{expected}\n"


def test_warning_filters_are_their_rank_own(run_ranks):
    ranks = run_ranks(
        RANK + "import time, warnings\n"
        "with warnings.catch_warnings(record=rank == 1) as caught:\n"
        "    warnings.simplefilter('ignore' if rank == 0 else 'always')\n"
        "    time.sleep(1 + rank)\n    warnings.warn('inside')\n    time.sleep(1)\n"
        "time.sleep(3 - rank)\nwarnings.warn('outside')\n"
        "print(len(caught or []), len(warnings.filters))"
    )
    assert [rank.output for rank in ranks] == ["0 5\n", "1 5\n", "0 5\n"]
    texts = [[line.split()[-1] for line in r.errors.splitlines()[::2]] for r in ranks]
    assert texts == [["outside"], ["outside"], ["inside", "outside"]]


def test_a_rank_may_show_warnings_its_own_way(run_ranks):
    ranks = run_ranks(
        RANK + "import time, warnings\nif rank:\n"
        "    warnings.showwarning = lambda message, *rest, **more: print('own', message)\n"
        "time.sleep(1)\nwarnings.warn('w')\nwarnings.resetwarnings()\ntime.sleep(1)\n"
        "print(warnings.filters)"
    )
    assert [rank.output for rank in ranks] == ["[]\n", "own w\n[]\n", "own w\n[]\n"]
    assert "UserWarning: w" in ranks[0].errors


def test_what_stands_in_for_standard_output_is_flushed_at_the_end(run_ranks):
    ranks = run_ranks(
        RANK + "import io, sys, time\n"
        "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='ascii', errors='replace')\n"
        "time.sleep(1)\nprint('rank', rank, '\xe9')\nimport atexit\natexit.register(print, 'end')"
    )
    assert [rank.output for rank in ranks] == [f"rank {r} ?\nend\n" for r in range(3)]
