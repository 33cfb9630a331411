"""Co-routines on a compute co-processor: ``import coprocessor``."""

from __future__ import annotations

import pytest

from tests.cpumode.conftest import CLOCK_READ

HAND_OVER = 7.0
MODE = "compute-coprocessor"


def lines(printed, text: str, nprocs: int = 1) -> list[str]:
    return printed(MODE, nprocs, "import coprocessor\n" + text)


def test_both_cpus_compute_at_the_same_time(printed) -> None:
    (elapsed,) = lines(
        printed,
        """
begin = clock()
handle = coprocessor.start(vmpp.compute, 0.1)
vmpp.compute(0.1)
handle.wait()
print(round(clock() - begin, 3))
""",
    )
    assert float(elapsed) == pytest.approx(100_000 + 2 * HAND_OVER + CLOCK_READ)


def test_co_routines_run_one_after_the_other(printed) -> None:
    (elapsed,) = lines(
        printed,
        """
begin = clock()
handles = [coprocessor.start(vmpp.compute, 0.1) for _ in range(3)]
coprocessor.wait(*handles)
print(round(clock() - begin, 3))
""",
    )
    assert float(elapsed) == pytest.approx(300_000 + 2 * HAND_OVER + CLOCK_READ)


def test_a_co_routine_shares_memory_and_returns_what_its_function_does(printed) -> None:
    assert lines(
        printed,
        """
import numpy as np
a = np.zeros(4)
def fill(begin, end, *, value):
    vmpp.compute(flops=1000)
    a[begin:end] = value
    return end - begin
left = coprocessor.start(fill, 0, 2, value=1.0)
fill(2, 4, value=2.0)
print(left.done, left.wait(), left.done, a.tolist())
""",
    ) == ["False 2 True [1.0, 1.0, 2.0, 2.0]"]


def test_what_memory_it_takes_is_of_its_process(printed, machine) -> None:
    """A program with MPI takes 17 MiB and a little more."""
    path = machine("")
    path.write_text(path.read_text().replace("[node]", '[node]\nmemory = "20 MiB"'))
    assert printed(
        MODE, 1,
        """
        import coprocessor
        MPI.Alloc_mem(2 << 20).release()
        kept = coprocessor.start(MPI.Alloc_mem, 1 << 20).wait()
        try:
            MPI.Alloc_mem(2 << 20)
        except (MemoryError, MPI.Exception):
            print("no room beside", len(kept))
        """,
        machine=path,
    ) == ["no room beside 1048576"]  # fmt: skip


def test_it_can_be_waited_for_again(printed) -> None:
    assert lines(printed, "h = coprocessor.start(abs, -2)\nprint(h.wait(), h.wait())") == ["2 2"]


def test_what_it_raises_surfaces_where_it_is_waited_for(printed) -> None:
    assert lines(
        printed,
        """
handle = coprocessor.start(int, "one")
try:
    handle.wait()
except ValueError as error:
    print(error)
""",
    ) == ["invalid literal for int() with base 10: 'one'"]


@pytest.mark.parametrize(
    "call",
    [
        "comm.Barrier()",
        "comm.send(1, dest=0)",
        "own.Send(b'x', dest=0)",
        "own.Recv(bytearray(1))",
        "open('program.py')",
        "MPI.Get_processor_name()",
        "__import__('threading').Thread(target=int).start()",
        "__import__('os')._exit(3)",
    ],
)
def test_it_cannot_communicate_nor_call_the_system(printed, call) -> None:
    (said,) = lines(
        printed,
        f"""
own = comm.Dup()
handle = coprocessor.start(lambda: {call})
try:
    handle.wait()
except coprocessor.CoprocessorError as error:
    print(error)
""",
    )
    assert said == (
        "a co-routine on the co-processor computes and shares memory; it can neither communicate "
        "nor call the system, but whoever started it can"
    )


def test_what_it_prints_comes_out_with_what_its_process_prints(printed) -> None:
    said = lines(printed, "coprocessor.start(print, 'one', flush=True).wait()\nprint('two')")
    assert said == ["one", "two"]


@pytest.mark.parametrize("call", ["coprocessor.start(int)", "first.wait()"])
def test_it_neither_starts_nor_awaits_another(printed, call) -> None:
    (said,) = lines(
        printed,
        f"""
first = coprocessor.start(vmpp.compute, 0.1)
try:
    coprocessor.start(lambda: {call}).wait()
except coprocessor.CoprocessorError as error:
    print(error)
""",
    )
    assert said.startswith("a co-routine cannot ")
    assert said.endswith("; its process can")


def test_it_has_a_clock_and_can_sleep(printed) -> None:
    (elapsed,) = lines(
        printed,
        """
import time
def nap():
    begin = time.perf_counter()
    time.sleep(0.25)
    return time.perf_counter() - begin
print(coprocessor.start(nap).wait())
""",
    )
    assert float(elapsed) == pytest.approx(0.25 + CLOCK_READ * 1e-6)


def test_messages_arrive_meanwhile(printed) -> None:
    """The kernel and the program are on the other CPU, and do not mind."""
    assert lines(
        printed,
        """
handle = coprocessor.start(vmpp.compute, 1.0)
got = comm.sendrecv(rank, dest=1 - rank)
quick = clock() < 100_000
handle.wait()
print(rank, got, quick)
""",
        2,
    ) == ["0 1 True", "1 0 True"]


def test_a_thread_can_wait_for_one_while_others_run(printed) -> None:
    assert lines(
        printed,
        """
import threading
handle = coprocessor.start(vmpp.compute, 1.0)
done = []
waiter = threading.Thread(target=lambda: done.append(handle.wait()))
waiter.start()
vmpp.compute(0.5)
print(done)
waiter.join()
print(done, round(clock() / 1e6))
""",
    ) == ["[None] 1", "[]"]


def test_a_program_ends_when_its_co_routines_have(run) -> None:
    result = run(MODE, 1, "import coprocessor\ncoprocessor.start(vmpp.compute, 2.0)")
    assert result.status == 0
    assert 2.0 < result.virtual_time < 2.1


def test_one_that_fails_and_that_nobody_waits_for_is_told_of(run) -> None:
    result = run(MODE, 1, "import coprocessor\ncoprocessor.start(int, 'one')")
    assert result.status == 1
    assert b"a co-routine that nobody waited for raised an exception" in result.stderr
    assert b"ValueError: invalid literal" in result.stderr
    assert b"coroutines.py" not in result.stderr


@pytest.mark.parametrize("end", ["comm.Abort(3)", "__import__('os')._exit(3)"])
def test_one_does_not_outlive_its_process(run, end) -> None:
    result = run(
        MODE, 1,
        f"""
        import coprocessor
        def for_ever():
            try:
                vmpp.compute(1e6)
            finally:
                comm.Get_rank()
        coprocessor.start(for_ever)
        coprocessor.start(vmpp.compute, 1e6)
        vmpp.compute(0.001)
        {end}
        """,
    )  # fmt: skip
    assert result.status == 3
    assert result.virtual_time < 0.1


@pytest.mark.parametrize("mode", ["heater", "message-coprocessor", "virtual-node"])
def test_other_modes_have_none_and_say_so(printed, mode) -> None:
    said = printed(
        mode, 1,
        """
        import coprocessor
        try:
            coprocessor.start(vmpp.compute, 1.0)
        except coprocessor.CoprocessorError as error:
            print(coprocessor.available(), error)
        """,
    )  # fmt: skip
    assert said == [
        f"False job 1 has no compute co-processor in {mode}: launch it with "
        "'--mode compute-coprocessor' (yod -proc 2)"
    ]


def test_it_is_no_module_of_programs_outside() -> None:
    from vmpp_cpumode import coprocessor

    assert not coprocessor.available()
    with pytest.raises(coprocessor.CoprocessorError, match="inside a program"):
        coprocessor.start(int)
