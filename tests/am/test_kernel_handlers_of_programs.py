"""Programs' own handlers in the kernel, in every CPU mode and whatever else nodes do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Lines = Callable[..., list[str]]

COUNT = """
    HANDLER = '''
    store(0, load(0) + 1)
    store(8, load(8) + body(0))
    if load(0) == EXPECTED:
        wake()
    '''
    count = am.expose(16)
    am.kernel_handler(2, HANDLER, count, EXPECTED=n - 1)
    am.barrier()
    if me:
        am.kernel_signal(0, 2, 10 * me)
    else:
        words = memoryview(count.memory).cast("q")
        am.block_until(lambda: words[0] == n - 1)
        print(words.tolist())
    am.barrier()
"""


@pytest.mark.parametrize(
    "mode",
    ["heater", "message-coprocessor", "compute-coprocessor", "virtual-node"],
)
def test_messages_are_counted_in_every_mode(lines: Lines, mode: str) -> None:
    assert lines(COUNT, 4, policies={"mode": mode}) == ["[3, 60]"]


def test_messages_are_counted_on_noisy_nodes(lines: Lines) -> None:
    assert lines(COUNT, 4, policies={"noise": "ferreira-1000hz"}) == ["[3, 60]"]


def test_a_handler_replies_words(lines: Lines) -> None:
    text = """
    am.kernel_handler(0, "reply(source, bits, offset, user, body(0), body8(8) + ONE)",
                      bytearray(8), ONE=1)
    am.barrier()
    print(am.kernel_call(1 - me, 0, -5, payload=b"A", bits=7, offset=2, user=9))
    am.barrier()
    """
    assert lines(text) == ["(0, 7, 2, 9, -5, 66)", "(1, 7, 2, 9, -5, 66)"]


def test_what_runs_may_be_looked_at(lines: Lines) -> None:
    text = """
    handler = am.kernel_handler(0, "store(offset, 1)", bytearray(8), name="set one")
    am.barrier()
    for offset in (0, 4, 0):
        am.kernel_signal(1 - me, 0, offset=offset)
    am.barrier()
    print(handler.name, handler.steps, handler.runs, handler.faults, handler.fault)
    """
    expected = "set one 4 2 1 line 1: bytes 4 to 12 are not in the descriptor's 8"
    assert lines(text) == [expected, expected]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("am.kernel_handler(0, 'store(0, 1)', bytearray(8))", "kernel handler 0 is installed"),
        ("am.kernel_handler(8, 'pass', b'')", "kernel handlers have numbers 0 to 7, not 8"),
        ("am.kernel_signal(1, 'x')", "'x' is no number of a kernel handler: a whole number is"),
        ("am.kernel_handler(1, 'pass', 8)", "kernel_handler: this is no memory in one piece"),
        ("am.kernel_handler(1, 'pass', memoryview(b'abcd')[::2])",
         "kernel_handler: this is no memory in one piece"),
        ("am.kernel_call(1, 99)", "kernel handlers have numbers 0 to 7, not 99"),
        ("am.kernel_call(1, 0, payload='abc')", "a payload is bytes, or has a buffer of them"),
        ("am.kernel_call(1, 0, payload=3)", "a payload is bytes, or has a buffer of them"),
        ("am.kernel_call(1, 0, bits='x')", "'x' is no match bits: a whole number is"),
        ("am.kernel_signal(2, 0)", "there is no rank 2: the job has ranks 0 to 1"),
        ("am.kernel_handler(1, 'while 1: pass', b'')", "handler 'kernel handler 1', line 1: 'whi"),
        ("am.kernel_handler(1, 'for i in range(2000):\\n    wake()', b'')",
         "handler 'kernel handler 1', line 2: takes up to 2001 steps, and this machine"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(lines: Lines, call: str, message: str) -> None:
    text = f"""
    import vmpp
    am.kernel_handler(0, "pass", b"")
    try:
        {call!s}
    except vmpp.VmppError as error:
        print(error)
    # Nothing is under way.
    am.quiet()
    """
    found = lines(text)
    assert len(found) == 2
    assert all(line.startswith(message) for line in found)


def test_a_combining_tree_needs_no_process(lines: Lines) -> None:
    text = """
    import time
    UP = '''
    store(0, load(0) + 1)
    store(8, load(8) + body(0))
    if load(0) == EXPECTED:
        total = load(8)
        store(0, 0)
        store(8, 0)
        if me:
            send((me - 1) // 2, PORTAL, 0, total)
        else:
            store(16, total)
            wake()
    '''
    memory = am.expose(24)
    children = sum(child < n for child in (2 * me + 1, 2 * me + 2))
    am.kernel_handler(0, UP, memory, EXPECTED=children + 1,
                      PORTAL=am.kernel_portal(0))
    am.barrier()
    am.kernel_signal(me, 0, me + 1)
    words = memoryview(memory.memory).cast("q")
    if me:
        time.sleep(1)
    else:
        began = time.perf_counter()
        am.block_until(lambda: words[2])
        print(words[2], time.perf_counter() - began < 0.001)
    am.barrier()
    """
    assert lines(text, 13) == [f"{13 * 14 // 2} True"]


LOST = """
    import time
    import vmpp
    counter = am.expose(8)
    am.barrier()
    if me == 0:
        for _ in range(5):
            am.fetch_add(1, counter, 0, 1, by=BY)
        time.sleep(1)
    else:
        began = time.perf_counter_ns()
        vmpp.compute(0.01)
        print(time.perf_counter_ns() - began - 10**7 - 100)
    am.barrier()
"""


@pytest.mark.parametrize(("by", "lost"), [("kernel", 0), ("handler", 5 * (1000 + 100 + 250))])
def test_a_kernel_with_a_cpu_of_its_own_costs_the_program_nothing(
    lines: Lines, by: str, lost: int
) -> None:
    """In user space: a switch, 100 ns to find the handler, and 250 ns to hand the answer over."""
    found = lines(LOST.replace("BY", repr(by)), policies={"mode": "message-coprocessor"})
    assert found == [str(lost)]


@pytest.mark.parametrize(("mode", "crossing"), [("heater", 0), ("message-coprocessor", 2 * 150)])
def test_installing_is_a_trap_and_a_step_for_each_instruction(
    lines: Lines, mode: str, crossing: int
) -> None:
    text = """
    import time
    am.barrier()
    time.sleep(1e-3)
    began = time.perf_counter_ns()
    am.kernel_handler(0, "for i in range(100):\\n    wake()", b"")
    print(time.perf_counter_ns() - began - 100)
    """
    assert lines(text, 1, policies={"mode": mode}) == [str(200 + 101 * 5 + crossing)]
