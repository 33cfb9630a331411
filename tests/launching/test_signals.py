"""Signals end the processes of a job that do not deal with them, and only one's own."""

from __future__ import annotations

import errno
import signal

import pytest

import vmpp
from vmpp.service.status import JobState

MILLISECOND = 10**9
ENDLESS = "time.sleep(1000)"


async def signalled(path, number, size=3, **options):
    """Launch a job, send it a signal when it has run for 5 ms, and return it when it is done."""
    async with vmpp.boot(nodes=4) as machine:
        with machine.services.client() as client:
            job = await machine.launch(path, size, client=client, **options)
            await client.sleep(5 * MILLISECOND)
            job.signal(number)
            await client.until(job.record.done)
            return job, machine.overview.job(job.id)


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGHUP, signal.SIGUSR1, signal.SIGSEGV],
)
@pytest.mark.parametrize("kill", [True, False])
async def test_whoever_has_no_handler_ends(program, number, kill):
    job, status = await signalled(program(ENDLESS), number, kill=kill)
    result = job.result()
    assert (result.status, result.statuses, result.failure) == (
        128 + number,
        [128 + number] * 3,
        None,
    )
    assert (status.state, status.exit, status.signal) == (JobState.CANCELLED, 128 + number, number)
    assert [(row.exit, row.signal) for row in job.completion()] == [(128 + number, number)] * 3


@pytest.mark.parametrize("number", [signal.SIGCHLD, signal.SIGWINCH])
async def test_some_signals_make_no_difference(program, number):
    job, status = await signalled(program("time.sleep(0.01)\nprint(rank)"), number)
    assert (status.state, status.exit, status.signal) == (JobState.COMPLETED, 0, 0)
    assert sorted(job.stdout.split()) == [b"0", b"1", b"2"]


async def test_a_program_may_ignore_a_signal_but_not_kill(program):
    path = program("""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(0.01)
        print(rank)
    """)
    job, status = await signalled(path, signal.SIGTERM)
    assert (status.exit, len(job.stdout.split())) == (0, 3)
    job, status = await signalled(path, signal.SIGKILL)
    assert (status.exit, job.stdout) == (137, b"")


async def test_a_handler_runs_where_the_program_stands(program):
    path = program("""
        seen = []
        def handler(number, frame):
            seen.append((number, frame.f_lineno, time.time() % 1 > 0.005))
        signal.signal(signal.SIGUSR2, handler)
        time.sleep(0.01)
        print(seen, time.time() % 1 > 0.01)
    """)
    job, status = await signalled(path, signal.SIGUSR2, size=1)
    assert job.stdout == b"[(12, 10, True)] True\n"
    assert status.exit == 0


async def test_a_handler_interrupts_work_and_waits_alike(program):
    path = program("""
        import vmpp
        told = []
        signal.signal(signal.SIGHUP, lambda *_: told.append(1))
        if rank == 0:
            vmpp.compute(0.01)
        elif rank == 1:
            comm.recv(source=2)
        else:
            time.sleep(0.01)
            comm.send("late", 1)
        print(rank, told)
    """)
    job, _ = await signalled(path, signal.SIGHUP)
    assert sorted(job.stdout.splitlines()) == [b"0 [1]", b"1 [1]", b"2 [1]"]


async def test_what_a_handler_raises_surfaces_in_the_program(program):
    path = program("""
        def handler(number, frame):
            sys.exit(40 + rank)
        signal.signal(signal.SIGTERM, handler)
        try:
            time.sleep(1)
        finally:
            print("cleaned up", rank)
    """)
    job, status = await signalled(path, signal.SIGTERM)
    assert job.result().statuses == [40, 41, 42]
    assert (status.state, status.exit, status.signal) == (JobState.FAILED, 42, 0)
    assert job.stdout.count(b"cleaned up") == 3


async def test_a_handler_may_print_send_and_wait(program):
    path = program("""
        def handler(number, frame):
            print("told", rank, comm.sendrecv(rank, 1 - rank, source=1 - rank))
            time.sleep(0.001)
        signal.signal(signal.SIGUSR1, handler)
        if rank == 0:
            got = comm.recv(source=1, tag=5)
        else:
            time.sleep(0.01)
            comm.send("late", 0, tag=5)
            got = None
        print("then", rank, got, time.time() % 1 > 0.01)
    """)
    job, status = await signalled(path, signal.SIGUSR1, size=2)
    assert sorted(job.stdout.splitlines()) == [
        b"then 0 late True", b"then 1 None True", b"told 0 1", b"told 1 0",
    ]  # fmt: skip
    assert status.exit == 0


@pytest.mark.parametrize("what", ["compute", "sleep"])
async def test_what_it_interrupts_takes_as_long_as_it_would_have(program, what):
    path = program(f"""
        import vmpp
        signal.signal(signal.SIGUSR1, lambda *_: vmpp.compute(0.1))
        begin = time.perf_counter()
        {"vmpp.compute(0.02)" if what == "compute" else "time.sleep(0.02)"}
        print(round(time.perf_counter() - begin, 3))
    """)
    job, _ = await signalled(path, signal.SIGUSR1, size=1)
    # Work is put off; a sleep is over when its time has come.
    assert float(job.stdout) == pytest.approx(0.12 if what == "compute" else 0.105, abs=2e-3)


async def test_a_program_that_polls_is_told_as_well(program):
    path = program("""
        told = []
        signal.signal(signal.SIGUSR1, lambda *_: told.append(rank))
        while not told:
            comm.iprobe()
        print(told)
    """)
    job, status = await signalled(path, signal.SIGUSR1, size=2)
    assert (status.exit, sorted(job.stdout.split())) == (0, [b"[0]", b"[1]"])


async def test_a_program_with_threads_is_told_in_a_handler_that_may_not_block(program):
    path = program("""
        import threading
        told = []
        signal.signal(signal.SIGUSR1, lambda *_: told.append(rank))
        thread = threading.Thread(target=time.sleep, args=(0.01,))
        thread.start()
        thread.join()
        print(told)
    """)
    job, status = await signalled(path, signal.SIGUSR1, size=2)
    assert (status.exit, sorted(job.stdout.split())) == (0, [b"[0]", b"[1]"])


async def test_an_error_in_a_handler_shows_the_program_and_nothing_else(program):
    path = program("""
        def handler(number, frame):
            try:
                {}["missing"]
            except KeyError:
                raise ValueError("never mind")
        signal.signal(signal.SIGUSR1, handler)
        comm.recv()
    """)
    job, status = await signalled(path, signal.SIGUSR1, size=1)
    failure = job.result().failure
    assert status.exit == 1
    assert failure.index("KeyError: 'missing'") < failure.index("ValueError: never mind")
    assert "Interruption" not in failure


async def test_a_second_signal_interrupts_the_handler_of_the_first(program):
    path = program("""
        def first(number, frame):
            time.sleep(0.02)
            print("first")
        signal.signal(signal.SIGUSR1, first)
        signal.signal(signal.SIGUSR2, lambda *_: print("second", flush=True))
        time.sleep(0.03)
        print(time.time() % 1 < 0.04)
    """)
    async with vmpp.boot(nodes=4) as machine:
        with machine.services.client() as client:
            job = await machine.launch(path, 1, client=client)
            for number in (signal.SIGUSR1, signal.SIGUSR2):
                await client.sleep(5 * MILLISECOND)
                job.signal(number)
            await client.until(job.record.done)
    assert job.stdout.split() == [b"second", b"first", b"True"]


async def test_some_ranks_may_deal_with_it_and_others_not(program):
    path = program("""
        if rank:
            signal.signal(signal.SIGUSR1, lambda *_: None)
        time.sleep(0.01)
    """)
    job, status = await signalled(path, signal.SIGUSR1)
    assert job.result().statuses == [138, 0, 0]
    assert (status.exit, status.signal) == (138, signal.SIGUSR1)


async def test_a_job_that_is_being_loaded_ends(program):
    async with vmpp.boot(nodes=4) as machine:
        with machine.services.client() as client:
            job = await machine.launch(program(ENDLESS), 3, client=client)
            assert job.status.state is JobState.LOADING
            job.signal(signal.SIGUSR1)
            await client.until(job.record.done)
        assert (job.status.state, job.status.exit) == (JobState.CANCELLED, 138)


async def test_only_the_owner_and_root_may_send_any(program, alice, bob, root):
    path = program(ENDLESS)
    async with vmpp.boot(nodes=4) as machine:
        jobs = [await machine.launch(path, 1, owner=alice) for _ in range(2)]
        with pytest.raises(OSError, match="belongs to alice, not to bob") as error:
            jobs[0].signal(signal.SIGTERM, bob)
        assert error.value.errno == errno.EPERM
        jobs[0].signal(signal.SIGTERM, alice)
        jobs[1].signal(signal.SIGTERM, root)
        assert [(await job.wait()).status for job in jobs] == [143, 143]


async def test_there_must_be_such_a_job_and_such_a_signal(program):
    async with vmpp.boot(nodes=4) as machine:
        job = await machine.launch(program("time.sleep(0.1)"), 1)
        for number in (-1, 0, 500):
            with pytest.raises(OSError, match="Invalid argument") as error:
                job.signal(number)
            assert error.value.errno == errno.EINVAL
        await job.wait()
        for number in (job.id, 99):
            with pytest.raises(ProcessLookupError, match=f"no job {number} waits or runs") as error:
                machine.signal(number, signal.SIGTERM)
            assert error.value.errno == errno.ESRCH
