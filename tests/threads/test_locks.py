"""What threads wait for: locks, conditions, events, semaphores, barriers, queues and pools."""

from __future__ import annotations

import queue
from collections import deque

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


class TestTimeouts:
    """All are in virtual time, and to the picosecond where no clock has to be read."""

    @pytest.mark.parametrize(
        "wait",
        [
            "lock.acquire(timeout=1.5)",
            "rlock.acquire(timeout=1.5)",
            "threading.Event().wait(1.5)",
            "threading.Event().wait(timeout=1.5)",
            "simple.get(timeout=1.5)",
            "with_condition()",
        ],
    )
    def test_exact_ones(self, told, wait):
        assert told(f"""
        lock, rlock, simple = threading.Lock(), threading.RLock(), queue.SimpleQueue()
        condition = threading.Condition()
        lock.acquire()
        started(lambda: (rlock.acquire(), time.sleep(50)), daemon=True)
        def with_condition():
            with condition:
                return condition.wait(1.5)
        before = time.monotonic_ns()
        try:
            tell({wait})
        except queue.Empty:
            tell(False)
        tell(time.monotonic_ns() - before)
        """) == [False, 1_500_000_000 + 100]

    def test_those_of_what_reads_clocks(self, told):
        assert told("""
        def late(wait, *args):
            try:
                return not wait(*args)
            except (queue.Empty, queue.Full, threading.BrokenBarrierError, TimeoutError):
                return True
        full = queue.Queue(1)
        full.put(1)
        tell((late(queue.Queue().get, True, 1), now()))
        tell((late(full.put, 2, True, 1), now()))
        tell((late(threading.Semaphore(0).acquire, True, 1), now()))
        tell((late(threading.Barrier(2).wait, 1), now()))
        condition = threading.Condition()
        with condition:
            tell((late(condition.wait_for, lambda: False, 1), now()))
        with ThreadPoolExecutor() as pool:
            tell((late(pool.submit(time.sleep, 2).result, 1), now()))
        tell(now())
        """) == [(True, seconds * 1000) for seconds in range(1, 7)] + [7000]

    def test_zero_and_negative_ones(self, told):
        assert told("""
        lock = threading.Lock()
        lock.acquire()
        tell(lock.acquire(timeout=0))
        tell(lock.acquire(False))
        tell(threading.Event().wait(-3))
        for timeout in (0, -1):
            try:
                queue.SimpleQueue().get(timeout=timeout)
            except (queue.Empty, ValueError) as error:
                tell(type(error).__name__)
        tell(now())
        """) == [False, False, False, "Empty", "ValueError", 0]


class TestLocks:
    def test_a_lock_goes_from_hand_to_hand(self, told):
        assert told("""
        lock = threading.Lock()
        def body(name):
            def turns():
                for _ in range(2):
                    with lock:
                        tell(name)
                        time.sleep(1)
            return turns
        joined(*map(body, "abc"))
        tell(now())
        """) == [*"abcabc", 6000]

    def test_nobody_enters_where_somebody_is(self, told):
        assert told("""
        from mpi4py import MPI
        lock, inside = threading.Lock(), []
        def body():
            for _ in range(20):
                with lock:
                    inside.append(1)
                    time.sleep(0)
                    MPI.COMM_SELF.sendrecv(None, 0, source=0)
                    told.append(len(inside))
                    inside.pop()
        joined(body, body, body)
        told[:] = [len(told), max(told)]
        """) == [60, 1]

    def test_a_lock_can_be_released_by_another_thread(self, told):
        assert told("""
        lock = threading.Lock()
        lock.acquire()
        threading.Timer(2, lock.release).start()
        tell((lock.acquire(), now(), lock.locked()))
        """) == [(True, 2000, True)]

    def test_its_holder_can_take_a_reentrant_lock_again(self, told):
        assert told("""
        lock = threading.RLock()
        def body():
            tell((lock.acquire(False), lock._is_owned(), lock._recursion_count()))
            with lock:
                tell((now(), lock._is_owned(), lock._recursion_count()))
        with lock, lock:
            thread, = started(body)
            time.sleep(1)
            tell(lock._recursion_count())
        thread.join()
        """) == [(False, False, 0), 2, (1000, True, 1)]

    def test_what_a_lock_looks_like(self, told):
        assert told("""
        import copy, pickle
        lock, rlock = threading.Lock(), threading.RLock()
        tell((isinstance(lock, _thread.LockType), isinstance(lock, type(threading.Lock()))))
        tell((repr(lock)[:30], repr(rlock)[:32]))
        for function in (copy.copy, copy.deepcopy, pickle.dumps):
            try:
                function(lock)
            except TypeError as error:
                tell(str(error))
        """) == [
            (True, True),
            ("<unlocked _thread.lock object ", "<unlocked _thread.RLock object c"),
            *["cannot pickle '_thread.lock' object"] * 3,
        ]

    def test_a_lock_of_a_shared_library_serves_all_ranks(self, told):
        """Made before the machine, by the host: it excludes the threads of other ranks as well."""
        assert told(
            """
        from mpi4py import MPI
        import tests_shared_lock_holder as library
        comm = MPI.COMM_WORLD
        comm.barrier()
        with library.lock, library.rlock:
            assert library.lock.locked()
            assert not library.lock.acquire(False)
            entered = now()
            time.sleep(1)
        tell(sorted(comm.gather(entered) or [0]))
        if comm.rank:
            raise SystemExit
        """,
            nprocs=3,
        ) == [[0, 1000, 2000]]

    @pytest.fixture(autouse=True)
    def _library(self, monkeypatch):
        import sys
        import threading
        from types import ModuleType

        library = ModuleType("tests_shared_lock_holder")
        library.lock, library.rlock = threading.Lock(), threading.RLock()
        monkeypatch.setitem(sys.modules, library.__name__, library)


class TestConditions:
    def test_conditions_wake_as_many_as_are_told(self, told):
        assert told("""
        condition = threading.Condition()
        def body(name):
            def waiting():
                with condition:
                    condition.wait()
                tell((name, now()))
            return waiting
        threads = started(*map(body, "abcd"))
        for count in (1, 2, 1):
            time.sleep(1)
            with condition:
                condition.notify(count)
        for thread in threads:
            thread.join()
        """) == [("a", 1000), ("b", 2000), ("c", 2000), ("d", 3000)]

    def test_events_barriers_and_semaphores(self, told):
        assert told("""
        event, barrier, semaphore = threading.Event(), threading.Barrier(3), threading.Semaphore(2)
        def body(seconds):
            def steps():
                event.wait()
                time.sleep(seconds)
                barrier.wait()
                with semaphore:
                    tell((seconds, now()))
                    time.sleep(1)
            return steps
        threads = started(*map(body, (3, 1, 2)))
        time.sleep(1)
        event.set()
        for thread in threads:
            thread.join()
        tell(now())
        """) == [(3, 4000), (1, 4000), (2, 5000), 6000]

    def test_timers(self, told):
        assert told("""
        threading.Timer(2, lambda: tell(now())).start()
        cancelled = threading.Timer(1, lambda: tell("no"))
        cancelled.start()
        cancelled.cancel()
        cancelled.join()
        time.sleep(3)
        """) == [2000]


class TestQueues:
    @pytest.mark.parametrize("kind", ["Queue", "SimpleQueue", "Queue(1)", "LifoQueue(1)"])
    def test_what_is_put_is_got(self, told, kind):
        call = kind if "(" in kind else f"{kind}()"
        assert told(f"""
        items = queue.{call}
        def producer():
            for number in range(5):
                time.sleep(1)
                items.put(number)
            items.put(None)
        started(producer)
        told.extend(iter(items.get, None))
        tell(now())
        """) == [0, 1, 2, 3, 4, 5000]

    def test_several_get_in_their_order(self, told):
        assert told("""
        items = queue.SimpleQueue()
        def consumer(name):
            return lambda: tell((name, items.get()))
        threads = started(*map(consumer, "abc"))
        for number in range(3):
            items.put(number)
        for thread in threads:
            thread.join()
        """) == [("a", 0), ("b", 1), ("c", 2)]

    def test_joining_a_queue(self, told):
        assert told("""
        items = queue.Queue()
        def worker():
            while True:
                time.sleep(items.get())
                items.task_done()
        started(worker, worker, daemon=True)
        for seconds in (1, 2, 3, 4):
            items.put(seconds)
        items.join()
        tell(now())
        """) == [6000]


class TestPools:
    def test_a_pool_works_side_by_side(self, told):
        assert told("""
        with ThreadPoolExecutor(3) as pool:
            told.extend(pool.map(lambda n: (time.sleep(n), n * n)[1], [3, 2, 1, 4]))
        tell(now())
        """) == [9, 4, 1, 16, 5000]

    def test_sets_of_futures_have_the_same_order_in_every_run(self, launch):
        text = """
        from concurrent.futures import as_completed
        with ThreadPoolExecutor(9) as pool:
            futures = [pool.submit(time.sleep, 1) for _ in range(9)]
        print([futures.index(each) for each in as_completed(futures)])
        print([hash(each) for each in futures])
        """
        first, second = (launch(text, nprocs=2) for _ in range(2))
        assert first.status == 0
        assert first.stdout == second.stdout

    def test_one_that_is_not_shut_down_ends_with_the_program(self, launch):
        result = launch("""
        pool = ThreadPoolExecutor(2)
        for n in (1, 2, 3):
            pool.submit(lambda n: (time.sleep(n), print(n, now())), n)
        """)
        assert result.stdout == b"1 1000\n2 2000\n3 4000\n"
        assert result.status == 0

    def test_exceptions_come_to_who_asks(self, told):
        assert told("""
        from concurrent.futures import as_completed, wait, FIRST_COMPLETED
        with ThreadPoolExecutor(2) as pool:
            try:
                pool.submit(int, "x").result()
            except ValueError as error:
                tell(str(error))
            futures = [pool.submit(time.sleep, n) for n in (2, 1)]
            tell(len(wait(futures, return_when=FIRST_COMPLETED).done))
            tell([futures.index(each) for each in as_completed(futures)])
        """) == ["invalid literal for int() with base 10: 'x'", 1, [1, 0]]

    def test_schedulers(self, told):
        assert told("""
        import sched
        scheduler = sched.scheduler()
        scheduler.enter(2, 1, lambda: tell(("b", now())))
        scheduler.enter(1, 1, lambda: tell(("a", now())))
        scheduler.run()
        """) == [("a", 1000), ("b", 2000)]


class TestPolling:
    """A loop that looks again and again ends, as others run and time passes in it."""

    @pytest.mark.parametrize(
        "look",
        [
            "time.sleep(0)",
            "time.time()",
            "lock.acquire(False)",
            "event.is_set()",
            "items.empty()",
            "lock.locked()",
            "lock.acquire(timeout=0)",
            "thread.is_alive()",
            "future.done()",
            "threading.active_count()",
        ],
    )
    def test_a_loop_over(self, told, look):
        assert told(f"""
        lock, event, items = threading.Lock(), threading.Event(), queue.Queue()
        simple = queue.SimpleQueue()
        lock.acquire()
        ready = []
        pool = ThreadPoolExecutor()
        future = pool.submit(time.sleep, 1)
        def body():
            time.sleep(2e-6)
            ready.append(1)
        thread, = started(body)
        while not ready:
            {look}
        tell(ready)
        """) == [[1]]

    def test_one_that_looks_at_nothing_is_ended_by_the_watchdog(self, launch):
        result = launch(
            """
            def body():
                while not ready:
                    pass
            ready = []
            started(body)
            time.sleep(1)
            ready.append(1)
            """,
            watchdog=0.3,
        )
        assert result.status == 1
        assert "rank 0" in result.failure
        assert "computes without end" in result.failure
        assert "while not ready:" in result.failure or "pass" in result.failure


class TestDeadlocks:
    def test_all_threads_are_reported_with_their_lines(self, launch):
        result = launch("""
        a, b, items = threading.Lock(), threading.Lock(), queue.Queue()
        def second():
            with b:
                time.sleep(1)
                with a: pass
        def third():
            items.get()
        thread, = started(second)
        threading.Thread(target=third, name="reader").start()
        with a:
            time.sleep(1)
            b.acquire()
        """)
        assert result.status == 1
        report = result.failure.splitlines()
        assert report[0].startswith("deadlock after 1 s: ")
        assert report[0].endswith("1 of 1 rank still waits:")
        assert report[1] == "  rank 0 in Lock.acquire(blocking=True, timeout=-1)"
        assert report[3].strip() == "b.acquire()"
        assert report[4] == "    thread 'Thread-1 (second)' in Lock.__enter__()"
        assert report[6].strip() == "with a: pass"
        assert report[7] == "    thread 'reader' in Queue.get(block=True, timeout=None)"
        assert report[9].strip() == "items.get()"

    def test_a_lock_taken_twice(self, launch):
        result = launch("lock = threading.Lock()\nlock.acquire()\nlock.acquire()\n")
        assert "deadlock" in result.failure
        assert "Lock.acquire" in result.failure

    def test_a_main_thread_at_its_end(self, launch):
        result = launch("started(threading.Event().wait)\n")
        assert "rank 0 in its end, which waits for its threads" in result.failure
        assert "thread 'Thread-1 (wait)' in " in result.failure


class TestRepeatability:
    def test_runs_repeat(self, launch):
        text = """
        from mpi4py import MPI
        import random
        comm = MPI.COMM_WORLD
        items, lock = queue.Queue(3), threading.Lock()
        def producer():
            for _ in range(5):
                time.sleep(random.random())
                items.put(random.random())
        def consumer():
            for _ in range(5):
                got = items.get()
                with lock:
                    time.sleep(got)
                    print(threading.current_thread().name, got, time.time())
        joined(producer, consumer, producer, consumer)
        with ThreadPoolExecutor(3) as pool:
            print(list(pool.map(lambda _: random.random(), range(9))))
        print(comm.allreduce(random.random()))
        """
        runs = [launch(text, nprocs=3, seed=5) for _ in range(2)]
        assert runs[0].digest == runs[1].digest
        assert runs[0].stdout == runs[1].stdout
        assert launch(text, nprocs=3, seed=6).stdout != runs[0].stdout


# -- random programs against a plain model ---------------------------------------------------------

Steps = list[tuple[str, int]]

QUEUES = 2


def model(threads: list[Steps]) -> tuple[list[list[int]], int]:
    """Return what each thread gets and when all have ended, in whole seconds.

    Threads put numbers, get them, or sleep; they run in the order in which they become able to,
    and what sleeps wakes when nobody else can run.
    """
    items: list[deque[int]] = [deque() for _ in range(QUEUES)]
    waiting: list[deque[int]] = [deque() for _ in range(QUEUES)]
    got: list[list[int]] = [[] for _ in threads]
    places = [0] * len(threads)
    runnable = deque(range(len(threads)))
    sleeping: list[tuple[int, int, int]] = []
    now = order = 0
    while runnable or sleeping:
        if not runnable:
            first = min(sleeping)
            sleeping.remove(first)
            now, _, thread = first
            runnable.append(thread)
            continue
        me = runnable.popleft()
        while places[me] < len(threads[me]):
            what, number = threads[me][places[me]]
            if what == "sleep":
                places[me] += 1
                order += 1
                sleeping.append((now + number, order, me))
                break
            which = number % QUEUES
            if what == "put":
                items[which].append(number)
                places[me] += 1
                if waiting[which]:
                    runnable.append(waiting[which].popleft())
            elif items[which]:
                got[me].append(items[which].popleft())
                places[me] += 1
            else:
                waiting[which].append(me)
                break
    return got, now


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 20)),
        st.tuples(st.just("get"), st.integers(0, QUEUES - 1)),
        st.tuples(st.just("sleep"), st.integers(1, 5)),
    ),
    max_size=6,
)


@given(st.lists(steps, min_size=1, max_size=4))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_random_programs_of_threads_and_queues(launch, threads):
    # In the end there is enough for everybody.
    last = [("put", number) for each in threads for what, number in each if what == "get"]
    threads = [[("sleep", 1), *each] for each in (*threads, [("sleep", 50), *last])]
    expected, end = model(threads)
    result = launch(f"""
    queues = [queue.SimpleQueue() for _ in range({QUEUES})]
    got = [[] for _ in range({len(threads)})]
    def thread(me, steps):
        def body():
            for what, number in steps:
                if what == "sleep":
                    time.sleep(number)
                elif what == "put":
                    queues[number % {QUEUES}].put(number)
                else:
                    got[me].append(queues[number].get())
        return body
    joined(*(thread(me, steps) for me, steps in enumerate({threads})))
    print(got, now() // 1000)
    """)
    assert result.failure is None
    assert result.stdout.decode() == f"{expected} {end}\n"


def test_the_model_knows_what_a_queue_is():
    items = queue.SimpleQueue()
    items.put(3)
    assert model([[("put", 3), ("get", 1)]]) == ([[items.get()]], 0)
