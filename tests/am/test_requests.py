"""Requests and replies: handlers that run elsewhere, and what they may do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

Lines = Callable[..., list[str]]


def test_a_request_runs_a_handler_and_a_reply_another(lines: Lines) -> None:
    text = """
    seen = []

    @am.handler
    def add(token, left, right):
        am.reply(token, answer, left + right, payload=token.payload[::-1])

    @am.handler
    def answer(token, total):
        seen.append((token.source, total, token.payload))

    am.barrier()
    am.request((me + 1) % n, add, me, 0.5, payload=b"abc").wait()
    print(me, seen)
    am.barrier()
    """
    assert lines(text, 3) == [f"{me} [({(me + 1) % 3}, {me + 0.5}, b'cba')]" for me in range(3)]


def test_handlers_run_while_the_program_computes_or_waits(lines: Lines) -> None:
    text = """
    import time
    import vmpp
    came = []

    @am.handler
    def note(token, number):
        came.append(number)

    am.barrier()
    if me:
        am.request(0, note, 1).wait()
        time.sleep(1)
        am.request(0, note, 2)
    else:
        vmpp.compute(0.5)
        print(came)
        am.block_until(lambda: len(came) == 2)
        print(came)
    am.barrier()
    """
    assert lines(text) == ["[1, 2]", "[1]"]


def test_a_request_that_comes_before_its_handler_waits_for_it(lines: Lines) -> None:
    text = """
    import time
    if me:
        print(am.request(0, 3, 20).wait())
    else:
        time.sleep(1)
        am.handler(3)(lambda token, number: am.result(token, number, number + 1))
        time.sleep(1)
    am.barrier()
    """
    assert lines(text) == ["(20, 21)"]


def test_handlers_have_numbers_by_order_or_by_choice(lines: Lines) -> None:
    text = """
    first = am.register(lambda token: None)
    chosen = am.register(lambda token: None, 7)
    second = am.register(lambda token: None)
    print(first, chosen, second)
    for number in (7, -1, 65280, "x"):
        try:
            am.register(print, number)
        except am.AmError as error:
            print(error)
    """
    found = lines(text, 1)
    assert found[0] == "'x' is no number of a handler: 0 to 65279 are"
    assert found[-2:] == ["65280 is no number of a handler: 0 to 65279 are",
                          "handler 7 is <lambda> already"]  # fmt: skip
    assert "0 7 1" in found


def test_handlers_held_run_where_the_program_polls(lines: Lines) -> None:
    text = """
    import time
    came = []

    @am.handler
    def note(token, number):
        came.append(number)

    am.barrier()
    if me:
        for number in range(3):
            am.request(0, note, number)
        am.quiet()
    else:
        am.hold_interrupts()
        am.hold_interrupts()
        time.sleep(1)
        print("held", came)
        am.resume_interrupts()
        print("still", came)
        am.poll()
        print("polled", came)
        am.resume_interrupts()
    am.barrier()
    """
    assert lines(text) == ["held []", "polled [0, 1, 2]", "still []"]


def test_what_has_waited_runs_when_interrupts_are_resumed(lines: Lines) -> None:
    text = """
    import time
    came = []
    am.register(lambda token: came.append(token.source))
    am.barrier()
    if me:
        am.request(0, 0)
    else:
        am.hold_interrupts()
        time.sleep(1)
        am.resume_interrupts()
        print(came)
    am.barrier()
    """
    assert lines(text) == ["[1]"]


def test_a_polling_process_pays_no_context_switch(run: Any) -> None:
    text = """
    import time
    am.register(lambda token: None)
    if HOLD:
        am.hold_interrupts()
    am.barrier()
    if me == 0:
        began = time.perf_counter_ns()
        am.request(1, 0).wait()
        print(time.perf_counter_ns() - began)
    am.barrier()
    """
    took = [
        int(run(text.replace("HOLD", hold), machine="paragon").stdout) for hold in ("True", "False")
    ]
    assert took[1] - took[0] == 60_000


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("am.request(0, 0)", "a handler may reply, and not request: it could wait for ever"),
        ("am.barrier()", "a handler may reply, and not meet others in a barrier: it could"),
        ("am.quiet()", "a handler may reply, and not wait: it could"),
        ("am.put(0, segment, 0, b'x')", "a handler may reply, and not put: it could"),
        ("am.fetch_add(0, segment, 0, 1)", "a handler may reply, and not do atomic operations"),
        ("am.kernel_call(0, 0)", "a handler may reply, and not call a handler in the kernel"),
        ("am.expose(8)", "a handler may reply, and not expose memory: it could"),
        ("am.reply(token, 1); am.reply(token, 1)", "a request is replied to once, and by its"),
        ("am.result(token, *range(17))", "a result has up to 16 words, not 17"),
        ("am.result(token, 0.5)", "(0.5,) are not all 64-bit integers"),
        ("am.reply(token, 2)", "a reply is not replied to: it could go on for ever"),
    ],
)
@pytest.mark.parametrize("held", ["", "am.hold_interrupts()"])
def test_what_a_handler_may_not_do(lines: Lines, what: str, message: str, held: str) -> None:
    text = f"""
    said = []

    def attempt(token):
        try:
            {what}
        except am.AmError as error:
            said.append(str(error))

    am.register(attempt)
    am.register(lambda token: None)
    am.register(attempt)
    segment = am.expose(8)
    {held}
    am.barrier()
    if me == 0:
        am.request(1, 0).wait()
    am.barrier()
    am.poll()
    print(*said)
    """
    found = " ".join(lines(text))
    assert message in found


def test_a_token_is_good_while_its_handler_runs(lines: Lines) -> None:
    text = """
    kept = []
    am.register(lambda token: kept.append(token))
    am.barrier()
    am.request(1 - me, 0).wait()
    am.barrier()
    try:
        am.reply(kept[0], 0)
    except am.AmError as error:
        print(error)
    am.barrier()
    """
    assert lines(text) == ["a request is replied to once, and by its handler while that runs"] * 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("am.request(2, 0)", "there is no rank 2: the job has ranks 0 to 1"),
        ("am.request(-1, 0)", "there is no rank -1: the job has ranks 0 to 1"),
        ("am.request(0, print)", "print is not registered as a handler; put @am.handler before it"),
        ("am.request(0, 0, *range(17))", "a handler takes up to 16 arguments, not 17"),
        ("am.request(0, 0, 'x')", "'x' is no argument of a handler: 64-bit integers and floats"),
        ("am.request(0, 0, 1 << 63)", "9223372036854775808 is no argument of a handler"),
        ("am.request(0, 0, payload=bytes(5000))", "a payload has up to 4096 bytes, not 5000; put"),
        ("am.request(0, 65280)", "65280 is no number of a handler: 0 to 65279 are"),
        ("am.request(0, 'x')", "'x' is no number of a handler: 0 to 65279 are"),
        ("am.request('x', 0)", "there is no rank x: the job has ranks 0 to 1"),
        (
            "am.request(0, 0, payload=5)",
            "a payload is bytes, or has a buffer of them: 5 is no such",
        ),
        ("am.request(0, 0, payload='x')", "a payload is bytes, or has a buffer of them: 'x' is"),
        ("am.resume_interrupts()", "interrupts are not held"),
    ],
)
def test_what_cannot_be_is_refused(lines: Lines, call: str, message: str) -> None:
    text = f"""
    try:
        {call}
    except am.AmError as error:
        print(error)
    """
    assert all(line.startswith(message) for line in lines(text))


def test_what_a_handler_raises_surfaces_in_the_program(lines: Lines) -> None:
    text = """
    def fail(token):
        raise LookupError("in the handler")

    am.register(fail)
    am.barrier()
    if me:
        am.request(0, 0).wait()
    else:
        try:
            am.block_until(lambda: False)
        except LookupError as error:
            print(error)
    am.barrier()
    """
    assert lines(text) == ["in the handler"]


@pytest.mark.parametrize("pct", ["single", "rr:1ms"])
def test_a_report_names_the_line_in_the_handler_and_where_the_program_stands(
    run: Any, pct: str
) -> None:
    text = """
    def fail(token):
        raise LookupError("in the handler")

    am.register(fail)
    if me:
        am.request(0, 0).wait()
    am.barrier()
    """
    failure = run(text, fails=True, policies={"pct": pct}).failure
    names = re.findall(r"File .*, line \d+, in (.*)\n", failure)
    assert names == ["<module>", "fail"]
    assert "am.barrier()" in failure


def test_arguments_keep_their_values(lines: Lines) -> None:
    values = [0, -1, 2**63 - 1, -(2**63), 0.1, float("inf"), True, 1e-300]
    text = f"""
    came = []
    am.register(lambda token, *values: came.extend(values))
    inf = float("inf")
    am.request(0, 0, *{values}).wait()
    print(*came)
    """
    assert lines(text, 1) == [" ".join(str(1 if each is True else each) for each in values)]


def test_requests_that_find_no_room_go_once_more(lines: Lines) -> None:
    text = """
    import time
    came = []
    am.register(lambda token, number: came.append((number, len(token.payload))))
    am.barrier()
    if me:
        for number in range(30):
            am.request(0, 0, number, payload=bytes(number % 3 * 100))
        am.quiet()
    else:
        am.hold_interrupts()
        time.sleep(0.05)
        am.block_until(lambda: len(came) == 30 * (n - 1))
        expected = [(number, number % 3 * 100) for number in range(30)] * (n - 1)
        print(sorted(came) == sorted(expected))
    am.barrier()
    """
    assert lines(text, 5, settings={"am.heap": "2 KiB"}) == ["True"]


def test_a_rank_that_has_ended_is_named(lines: Lines) -> None:
    text = """
    import time
    am.register(lambda token: None)
    segment = am.expose(8)
    if me:
        time.sleep(1)
        for begin in (
            lambda: am.request(0, 0), lambda: am.put_nb(0, segment, 0, b"x"),
            lambda: am.get_nb(0, segment, 0, bytearray(1)),
            lambda: am.fetch_add_nb(0, segment, 0, 1),
        ):
            try:
                begin().wait()
            except am.AmError as error:
                print(error)
    """
    expected = "rank 0 has ended; let all ranks meet in am.barrier() before the first ends"
    assert lines(text) == [expected] * 4


def test_the_library_takes_memory_when_it_is_used(run: Any) -> None:
    small = {"am.heap": "1 GiB", "node.memory": "64 MiB"}
    result = run("print(am.max_payload())", 1, settings=small, fails=True)
    assert "AmError: no memory for active messages ([am] heap): job 1 rank 0" in result.failure


def test_programs_outside_a_machine_are_told_so() -> None:
    from vmpp_am import am

    with pytest.raises(am.AmError, match="active messages are for programs on a machine: vmpp run"):
        am.rank()


def test_a_deadlock_names_handlers_that_there_are_not(run: Any) -> None:
    text = """
    if me:
        am.request(0, 5).wait()
    am.barrier()
    """
    result = run(text, fails=True)
    assert "rank 0 has requests for handler 5, which it has not registered" in result.failure
    assert "am.request" in result.failure or ".wait()" in result.failure


def test_a_deadlock_tells_of_handlers_in_the_kernel_that_have_failed(run: Any) -> None:
    text = """
    am.kernel_handler(0, "reply(load(offset))", bytearray(8), name="look")
    am.barrier()
    am.kernel_call(1 - me, 0, offset=4)
    """
    failure = run(text, fails=True).failure
    said = "handler 'look' in the kernel of rank 1 has failed; line 1: bytes 4 to 12 are not in the"
    assert said in failure


def test_a_program_that_looks_again_and_again_gets_on(lines: Lines) -> None:
    text = """
    am.register(lambda token: am.result(token, 5))
    am.barrier()
    handle = am.request(1 - me, 0)
    looks = 0
    while not handle.test():
        looks += 1
    print(handle.value, looks > 3)
    am.barrier()
    """
    assert lines(text) == ["(5,) True"] * 2


def test_numbers_of_numpy_are_numbers(lines: Lines) -> None:
    text = """
    import numpy as np
    seen = []
    am.register(lambda token, *values: seen.extend(values))
    memory = np.zeros(4, np.int64)
    segment = am.expose(memory)
    am.request(np.int64(0), np.int16(0), np.int32(3), np.float64(0.5)).wait()
    am.put(np.int8(0), segment, np.int64(8), np.array([7]))
    print(seen, am.fetch_add(np.int64(0), segment, np.int64(8), np.int64(1)), memory.tolist())
    """
    assert lines(text, 1) == ["[3, 0.5] 7 [0, 8, 0, 0]"]


def test_a_long_request_finds_its_payload_in_place(lines: Lines) -> None:
    text = """
    import numpy as np
    field = np.zeros(20_000)
    segment = am.expose(field)
    seen = []

    @am.handler
    def look(token, first, last):
        values = np.frombuffer(token.payload)
        seen.append((len(values), int(values[0]) == first, int(values[-1]) == last))
        values[0] = -1

    am.barrier()
    data = np.arange(10_000.0) + me
    am.request_long(1 - me, look, segment, 8 * 5000, data, me, 9_999 + me).wait()
    am.barrier()
    print(*seen, field[4999:5002].tolist())
    try:
        am.request_long(1 - me, look, segment, 8 * 15_000, data)
    except am.AmError as error:
        print(error)
    am.barrier()
    """
    expected = "put: bytes 120000 to 200000 are not in the 160000 that rank"
    found = lines(text)
    assert found[:2] == [f"(10000, True, True) [0.0, -1.0, {2.0 - me}]" for me in (1, 0)]
    assert [line.startswith(expected) for line in found] == [False, False, True, True]


def test_long_requests_are_refused_and_sent_again_with_their_place(lines: Lines) -> None:
    text = """
    import time
    total = []
    segment = am.expose(100)
    am.register(lambda token, k: total.append(token.payload[0] == k and len(token.payload) == 1))
    am.barrier()
    if me:
        for k in range(40):
            am.request_long(0, 0, segment, k, bytes([k]), k)
        am.quiet()
    else:
        am.hold_interrupts()
        time.sleep(0.01)
        am.block_until(lambda: len(total) == 40)
        print(all(total))
    am.barrier()
    """
    assert lines(text, settings={"am.heap": "1 KiB"}) == ["True"]


def test_a_rank_that_never_makes_room_is_named(lines: Lines) -> None:
    text = """
    import time
    am.register(lambda token: None)
    am.hold_interrupts()
    am.barrier()
    if me == 0:
        time.sleep(2000)
    else:
        try:
            for _ in range(4):
                am.request(0, 0, payload=bytes(am.max_payload()))
            am.quiet()
        except am.AmError as error:
            print(error, round(time.perf_counter(), -2))
    """
    full = "rank 0 has no room for requests, and runs no handlers 600.0"
    assert lines(text, 5, settings={"am.heap": "1 KiB"}) == [full] * 4


def test_requests_that_wait_for_a_handler_end_with_the_process(lines: Lines) -> None:
    text = """
    if me:
        try:
            am.request(0, 5).wait()
        except am.AmError as error:
            print(error)
    """
    said = "rank 0 has ended; let all ranks meet in am.barrier() before the first ends"
    assert lines(text) == [said]


def test_a_deadlock_tells_of_messages_for_handlers_in_the_kernel_that_there_are_not(
    run: Any,
) -> None:
    text = """
    if me == 0:
        am.kernel_call(1, 3, 7)
    am.barrier()
    """
    failure = run(text, fails=True).failure
    assert "rank 1 has had messages for kernel handler 3, which it has not installed" in failure
    assert "rank 0 has had" not in failure
