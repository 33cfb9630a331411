"""Threads of a program: ``threading`` and ``_thread`` as Python documents them, in virtual time."""

from __future__ import annotations

import re
import sys
from types import ModuleType

import pytest


class TestRunning:
    def test_threads_run_side_by_side(self, told):
        assert told("""
        def sleeper(seconds):
            def body():
                time.sleep(seconds)
                tell((seconds, now()))
            return body
        joined(sleeper(3), sleeper(1), sleeper(2))
        tell(now())
        """) == [(1, 1000), (2, 2000), (3, 3000), 3000]

    def test_arguments_names_and_what_a_thread_is(self, told):
        assert told("""
        def body(a, b):
            me = threading.current_thread()
            tell((a, b, me is thread, me.name, me.daemon, me.is_alive()))
        thread = threading.Thread(target=body, args=(1,), kwargs={"b": 2})
        tell((thread.is_alive(), thread.ident))
        thread.start()
        thread.join()
        tell((thread.is_alive(), thread.ident == threading.get_ident()))
        tell(threading.Thread(name="mine").name)
        """) == [
            (False, None),
            (1, 2, True, "Thread-1 (body)", False, True),
            (False, False),
            "mine",
        ]

    def test_what_runs_at_the_moment(self, told):
        assert told("""
        end = threading.Event()
        threads = started(end.wait, end.wait)
        tell((threading.active_count(), _thread._count()))
        tell([thread.name for thread in threading.enumerate()])
        tell(len({thread.ident for thread in threading.enumerate()}))
        end.set()
        for thread in threads:
            thread.join()
        tell(threading.enumerate() == [threading.main_thread()])
        """) == [(3, 2), ["MainThread", "Thread-1 (wait)", "Thread-2 (wait)"], 3, True]

    def test_numbers_are_unique_and_repeat(self, launch):
        text = """
        from mpi4py import MPI
        def body():
            told.append((threading.get_ident(), threading.get_native_id()))
            time.sleep(1)
        body()
        joined(body, body)
        for each in MPI.COMM_WORLD.gather(told) or ():
            print(*(number for pair in each for number in pair))
        """
        first, second = launch(text, nprocs=3), launch(text, nprocs=3)
        assert first.stdout == second.stdout
        numbers = [line.split() for line in first.stdout.decode().splitlines()]
        assert len({number for line in numbers for number in line}) == 3 * 4

    def test_a_thread_may_start_the_next_and_so_on(self, told):
        assert told("""
        def deeply(levels):
            return levels and 1 + deeply(levels - 1)
        def tick(left):
            if left:
                threading.Timer(1, tick, (left - 1,)).start()
            else:
                tell((deeply(900), now()))
        deeply(800)
        tick(200)
        while threading.active_count() > 1:
            time.sleep(1)
        """) == [(900, 200_000)]

    def test_joining_with_a_timeout(self, told):
        assert told("""
        thread, = started(lambda: time.sleep(5))
        thread.join(timeout=2)
        tell((now(), thread.is_alive()))
        thread.join(-1)
        tell((now(), thread.is_alive()))
        thread.join()
        thread.join()
        tell((now(), thread.is_alive()))
        """) == [(2000, True), (2000, True), (5000, False)]

    def test_the_time_of_the_processor(self, told):
        """Sleeping is not running, and two who sleep at once do not run less than not at all."""
        assert told("""
        import vmpp
        joined(lambda: time.sleep(5), lambda: time.sleep(5))
        tell(round(time.process_time(), 3))
        vmpp.compute(2)
        tell((round(time.process_time(), 3), now()))
        """) == [0.0, (2.0, 7000)]

    def test_mistakes(self, told):
        assert told("""
        def complaint(function, *args):
            try:
                function(*args)
            except (RuntimeError, TypeError, ValueError, OverflowError) as error:
                tell(f"{type(error).__name__}: {error}")
        thread = threading.Thread(target=int)
        complaint(thread.join)
        thread.start()
        complaint(thread.start)
        complaint(threading.current_thread().join)
        complaint(_thread.start_new_thread, 5, ())
        complaint(_thread.start_new_thread, int, [])
        complaint(threading.Lock().release)
        complaint(threading.RLock().release)
        complaint(threading.Lock().acquire, False, 1)
        complaint(threading.Lock().acquire, True, -2)
        complaint(threading.Lock().acquire, True, 1e20)
        complaint(threading.stack_size, 1)
        """) == [
            "RuntimeError: cannot join thread before it is started",
            "RuntimeError: threads can only be started once",
            "RuntimeError: cannot join current thread",
            "TypeError: first arg must be callable",
            "TypeError: 2nd arg must be a tuple",
            "RuntimeError: release unlocked lock",
            "RuntimeError: cannot release un-acquired lock",
            "ValueError: can't specify a timeout for a non-blocking call",
            "ValueError: timeout value must be a non-negative number",
            "OverflowError: timeout value is too large",
            "ValueError: size not valid: 1 bytes",
        ]

    def test_a_thread_without_an_object(self, told):
        assert told("""
        done = _thread.allocate_lock()
        done.acquire()
        def body(text, end="?"):
            tell((text, end, _thread.get_ident() == number[0]))
            done.release()
        number = []
        def later(*args, **kwargs):
            time.sleep(1)
            body(*args, **kwargs)
        number.append(_thread.start_new_thread(later, ("well",), {"end": "!"}))
        done.acquire()
        """) == [("well", "!", True)]

    def test_stack_sizes_can_be_asked_for(self, told):
        assert told("""
        tell((threading.stack_size(1 << 20), threading.stack_size(), threading.stack_size(0)))
        """) == [(0, 1 << 20, 0)]

    def test_traces_and_profiles_are_ignored(self, told):
        assert told("""
        threading.settrace(lambda *event: tell(event))
        threading.setprofile(lambda *event: tell(event))
        joined(lambda: tell("ran"))
        tell((threading.gettrace(), threading.getprofile()))
        """) == ["ran", (None, None)]


class TestImporting:
    def test_a_module_is_waited_for_until_it_is_whole(self, told, tmp_path):
        (tmp_path / "slow.py").write_text("import time\ntime.sleep(2)\nvalue = 3\n")
        assert told("""
        def body():
            import slow
            tell((slow.value, now()))
        joined(body, body)
        """) == [(3, 2000), (3, 2000)]

    def test_modules_that_import_each_other_in_two_threads(self, told, tmp_path):
        for name, other in ("ab", "ba"):
            (tmp_path / f"{name}.py").write_text(
                f"import time\ntime.sleep(1)\nimport {other}\nvalue = 3\n"
            )
        assert told("""
        import importlib
        joined(*(lambda name=name: tell(importlib.import_module(name).value) for name in "ab"))
        """) == [3, 3]

    def test_ranks_do_not_wait_for_each_other(self, told, tmp_path):
        (tmp_path / "meeting.py").write_text(
            "from mpi4py import MPI\nMPI.COMM_WORLD.barrier()\nrank = MPI.COMM_WORLD.rank\n"
        )
        assert told(
            """
        from mpi4py import MPI
        import meeting
        tell(MPI.COMM_WORLD.gather(meeting.rank))
        if meeting.rank:
            raise SystemExit
        """,
            nprocs=3,
        ) == [[0, 1, 2]]


class TestLocalData:
    def test_every_thread_has_its_own(self, told):
        assert told("""
        class Data(threading.local):
            shared = 0
            def __init__(self, start):
                self.value = start
        data = Data(7)
        data.value += 1
        def body():
            tell((data.value, hasattr(data, "extra")))
            data.value = data.extra = 50
            time.sleep(1)
            tell(data.value)
        data.extra = 1
        joined(body, body)
        tell((data.value, data.extra))
        """) == [(7, False), (7, False), 50, 50, (8, 1)]

    def test_every_rank_has_its_own(self, told):
        assert told(
            """
        from mpi4py import MPI
        import _threading_local
        comm = MPI.COMM_WORLD
        data = threading.local()
        data.rank = comm.rank
        comm.barrier()
        tell(comm.gather(data.rank))
        if comm.rank:
            raise SystemExit
        """,
            nprocs=3,
        ) == [[0, 1, 2]]

    def test_context_variables(self, told):
        assert told("""
        from contextvars import ContextVar
        variable = ContextVar("variable", default=0)
        variable.set(1)
        def body():
            tell(variable.get())
            variable.set(2)
            time.sleep(1)
            tell(variable.get())
        joined(body)
        joined(body)
        tell(variable.get())
        """) == [0, 2, 0, 2, 1]


class TestTheEnd:
    def test_threads_are_joined_and_daemons_are_not(self, launch):
        result = launch("""
        import atexit
        def body(seconds):
            time.sleep(seconds)
            print("slept", seconds)
        atexit.register(lambda: print("exit handler at", now()))
        threading._register_atexit(print, "main has ended at", now())
        started(lambda: body(3))
        started(lambda: body(2), lambda: body(9), daemon=True)
        threading.Timer(4, body, (1,)).start()
        """)
        assert result.stdout.decode().splitlines() == [
            "main has ended at 0", "slept 2", "slept 3", "slept 1", "exit handler at 5000",
        ]  # fmt: skip
        assert result.status == 0
        assert result.virtual_time < 6

    def test_a_daemon_is_ended_where_it_stands(self, launch, witness):
        result = launch("""
        import tests_witness
        def body():
            try:
                time.sleep(9)
            finally:
                tests_witness.told.append(now())
        lock = threading.Lock()
        lock.acquire()
        started(body, lock.acquire, daemon=True)
        time.sleep(2)
        print("main ends")
        """)
        assert (result.status, result.stdout, witness) == (0, b"main ends\n", [2000])

    @pytest.fixture
    def witness(self, monkeypatch):
        """A list that is outside of the machine: ``tests_witness.told`` for programs."""
        module = ModuleType("tests_witness")
        module.told = []
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module.told

    def test_a_thread_can_wait_for_the_main_one(self, launch):
        result = launch("""
        def body():
            threading.main_thread().join()
            print("ends at", now())
        started(body)
        time.sleep(2)
        """)
        assert result.stdout == b"ends at 2000\n"

    def test_the_status_is_the_main_threads(self, launch):
        text = """
        import sys
        started(lambda: (time.sleep(1), print("first"), sys.exit(5)))
        sys.exit(3)
        """
        result = launch(text)
        assert (result.status, result.stdout, result.stderr) == (3, b"first\n", b"")

    @pytest.mark.parametrize("how", ["os._exit(4)", "pool.submit(os._exit, 4).result()"])
    def test_any_thread_can_end_the_process_at_once(self, launch, how):
        result = launch(f"""
        import os
        pool = ThreadPoolExecutor(2)
        started(lambda: time.sleep(100))
        started(lambda: {how})
        time.sleep(50)
        print("never")
        """)
        assert (result.status, result.stdout) == (4, b"")
        assert result.virtual_time < 1

    def test_one_rank_ends_all_with_their_threads(self, launch):
        result = launch(
            """
        from mpi4py import MPI
        pool = ThreadPoolExecutor(2)
        pool.submit(time.sleep, 100)
        started(threading.Event().wait)
        if MPI.COMM_WORLD.rank == 2:
            started(lambda: MPI.COMM_WORLD.Abort(7))
        MPI.COMM_WORLD.barrier()
        threading.Event().wait()
        """,
            nprocs=3,
        )
        assert result.status == 7
        assert b"Exception in worker" not in result.stderr


class TestExceptions:
    def test_one_that_is_not_caught_is_shown_and_ends_only_its_thread(self, launch):
        result = launch("""
        def body():
            time.sleep(1)
            raise ValueError("in a thread")
        joined(body)
        print("main goes on")
        """)
        assert (result.status, result.stdout) == (0, b"main goes on\n")
        text = result.stderr.decode()
        assert text.startswith("Exception in thread Thread-1 (body):\nTraceback (most recent call")
        assert text.endswith("ValueError: in a thread\n")
        assert re.search(r'program.py", line \d+, in body\n    raise ValueError', text)
        assert "vmpp" not in text

    def test_exit_in_a_thread_is_silent(self, launch):
        result = launch("""
        import sys
        joined(sys.exit, _thread.exit)
        _thread.start_new_thread(sys.exit, (3,))
        """)
        assert (result.status, result.stderr) == (0, b"")

    def test_a_hook_of_the_programs_own(self, launch):
        result = launch(
            """
        from mpi4py import MPI
        def hook(args):
            print(MPI.COMM_WORLD.rank, args.exc_type.__name__, args.exc_value, args.thread.name)
        if MPI.COMM_WORLD.rank == 1:
            threading.excepthook = hook
        joined(lambda: 1 / 0)
        """,
            nprocs=2,
        )
        assert result.stdout == b"1 ZeroDivisionError division by zero Thread-1 (<lambda>)\n"
        assert result.stderr.count(b"Exception in thread") == 1

    def test_one_in_a_thread_without_an_object(self, launch):
        result = launch("""
        def body():
            raise ValueError("alone")
        _thread.start_new_thread(body, ())
        print("main goes on")
        """)
        assert result.stdout == b"main goes on\n"
        text = result.stderr.decode()
        assert text.startswith("Exception ignored in thread started by: <function body at ")
        assert text.endswith("ValueError: alone\n")

    def test_signals_are_the_main_threads(self, launch):
        result = launch("""
        import signal
        def body():
            time.sleep(1)
            try:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
            except ValueError as error:
                print(error)
            _thread.interrupt_main()
            print("thread goes on at", now())
        started(body)
        try:
            time.sleep(10)
        except KeyboardInterrupt:
            print("interrupted at", now())
        """)
        assert result.stdout.decode().splitlines() == [
            "signal only works in main thread of the main interpreter",
            "interrupted at 1000",
            "thread goes on at 1000",
        ]


class TestWithMpi:
    def test_any_thread_may_call_it(self, told):
        assert told(
            """
        from mpi4py import MPI
        comm = MPI.COMM_WORLD
        other = 1 - comm.rank
        def receiver(tag):
            return lambda: tell((tag, comm.recv(source=other, tag=tag)))
        def sender():
            for tag in (3, 1, 2):
                time.sleep(1)
                comm.send(f"message {tag}", other, tag)
        joined(*map(receiver, (1, 2, 3)), sender)
        if comm.rank:
            raise SystemExit
        """,
            nprocs=2,
        ) == [(tag, f"message {tag}") for tag in (3, 1, 2)]

    def test_collectives_on_communicators_of_their_own(self, told):
        assert told(
            """
        from mpi4py import MPI
        comms = [MPI.COMM_WORLD.Dup() for _ in range(3)]
        def summing(comm, place):
            def body():
                time.sleep((comm.rank + place) % 3)
                for _ in range(5):
                    total = comm.allreduce(comm.rank + place)
                told.append((place, total))
            return body
        joined(*(summing(comm, place) for place, comm in enumerate(comms)))
        told.sort()
        if comms[0].rank:
            raise SystemExit
        """,
            nprocs=4,
        ) == [(place, 6 + 4 * place) for place in range(3)]

    def test_which_thread_is_the_main_one(self, told):
        assert told("""
        from mpi4py import MPI
        tell((MPI.Is_thread_main(), MPI.Query_thread() == MPI.THREAD_MULTIPLE))
        joined(lambda: tell(MPI.Is_thread_main()))
        tell(MPI.Is_thread_main())
        """) == [(True, True), False, True]


def test_threads_of_shared_libraries_belong_to_whoever_starts_them(told):
    """``queue``, ``threading`` and ``concurrent.futures`` serve all ranks, each with its own."""
    assert told(
        """
    from mpi4py import MPI
    comm = MPI.COMM_WORLD
    with ThreadPoolExecutor(comm.rank + 1, thread_name_prefix="pool") as pool:
        waiting = [pool.submit(time.sleep, 5) for _ in range(comm.rank + 1)]
        comm.barrier()
        names = [thread.name for thread in threading.enumerate()][1:]
        comm.barrier()
    tell(comm.gather(names))
    if comm.rank:
        raise SystemExit
    """,
        nprocs=3,
    ) == [[[f"pool_{n}" for n in range(rank + 1)] for rank in range(3)]]
