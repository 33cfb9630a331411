"""The little language of handlers: what it says is what Python says, in 64 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vmpp.errors import VmppError
from vmpp.kernel import KernelCosts
from vmpp.kernel.verifier import verify
from vmpp.portals import HandlerProgram, MemoryOperation, PortalEntry, SendInfo, SingleBlock
from vmpp.portals.instructions import OPERANDS, Instruction, Op
from vmpp.portals.language import HandlerError, compile_handler

COSTS = KernelCosts(
    send=10, receive=20, match_entry=1, acknowledge=5, context_switch=50, handler_entry=3,
    handler_step=2, handler_limit=2000,
)  # fmt: skip


def handle(
    wired: Any,
    program: HandlerProgram,
    *,
    memory: bytes = bytes(64),
    body: bytes = b"",
    **info: Any,
) -> Any:
    """Run a program on one message; return its memory, the answers' words and the handler."""
    machine = wired(costs=COSTS)
    process = machine.processes[1]
    handler = machine.kernels[1].install(process, program)
    held = bytearray(memory)
    block = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY, memoryview(held))
    machine.install(PortalEntry(block, handler))
    answer = bytearray(64)
    there = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY, memoryview(answer))
    machine.install(PortalEntry(there), portal=9, nid=0)
    machine.put(body, info=SendInfo(return_portal=9, **info))
    assert machine.processes[0].table.drops == 0
    return held, words(answer[: max(0, there.count)]), handler, machine


def words(data: bytes) -> list[int]:
    return [
        int.from_bytes(data[place : place + 8], "little", signed=True)
        for place in range(0, len(data), 8)
    ]


def answer(wired: Any, text: str, **given: Any) -> list[int]:
    _, answers, handler, _ = handle(wired, compile_handler(text), **given)
    assert handler.fault == ""
    return answers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 7\nx += 3\nx *= x\nreply(x)", [100]),
        ("reply(-7 // 2, -7 % 2, 7 // -2)", [-4, 1, -4]),
        ("a = 0 - 7\nb = 2\nreply(a // b, a % b, -a, ~a, not a, +a)", [-4, 1, 7, 6, 0, -7]),
        ("a = 1 << 62\nreply(a * 2, a * 4, a + a - 1)", [-(2**63), 0, 2**63 - 1]),
        ("a = 0 - 8\nreply(a >> 1, a << 64, a << 65, a >> 127)", [-4, -8, -16, -1]),
        ("a = 6\nreply(a & 3, a | 1, a ^ 5, min(a, 2), max(a, 9))", [2, 7, 3, 2, 9]),
        ("a = 2\nreply(a < 2, a <= 2, a > 2, a >= 2, a == 2, a != 2)", [0, 1, 0, 1, 1, 0]),
        ("a = 5\nreply(a and 0, a and 3, 0 or a, a or 1 // (a - 5))", [0, 3, 5, 5]),
        ("a = 5\nreply(1 if a > 4 else 2, 1 if a < 4 else 2)", [1, 2]),
        ("x = 0\nfor i in range(5):\n    x += i * i\nreply(x)", [30]),
        ("x = 1\nfor i in range(9, 0, -3):\n    for j in range(i, i + 2):\n        x = x * j\n"
         "reply(x)", [9 * 10 * 6 * 7 * 3 * 4]),
        ("x = 0\nfor i in range(10):\n    if i == 3:\n        continue\n    if i == length:\n"
         "        break\n    x += i\nreply(x)", [0 + 1 + 2 + 4]),
        ("for i in range(0):\n    x = 1\nreply(0xFFFFFFFFFFFFFFFF)", [-1]),
        ("'What it is.'\npass\nreply()\nreply(4)", [4]),
        ("if length == 5:\n    x = 1\nelif length == 6:\n    x = 2\nelse:\n    x = 3\nreply(x)",
         [1]),
        ("if source > 9:\n    x = 7\nreply(x)", [0]),
        ("store32(0, -1)\nstore16(8, 65537)\nstore8(16, 511)\nreply(load(0), load32(0), load16(8), "
         "load8(16))", [2**32 - 1, 2**32 - 1, 1, 255]),
        ("reply(body8(0), body16(1), body32(1))", [0x61, 0x6362, 0x65646362]),
        ("reply(True, False + 1)", [1, 1]),
    ],
)  # fmt: skip
def test_what_a_handler_computes(wired: Any, text: str, expected: list[int]) -> None:
    assert answer(wired, text, body=b"abcde") == expected


def test_constants_come_from_outside(wired: Any) -> None:
    text = "for i in range(TURNS):\n    store(i * WIDTH, i)\nif LAST:\n    reply(load(WIDTH))"
    program = compile_handler(text, "test", TURNS=3, WIDTH=16, LAST=1)
    held, answers, handler, _ = handle(wired, program)
    assert (words(held)[:5], answers) == ([0, 0, 1, 0, 2], [1])
    # What is known beforehand takes no step.
    assert handler.steps == 3 * 2 + 3


def test_a_listing_is_for_people() -> None:
    program = compile_handler("if load(8) < 3:\n    reply(source)\nreturn DROP")
    assert program.listing().splitlines() == [
        "   0  load_at  r32, 8, 8",
        "   1  const    r33, 3",
        "   2  lt       r34, r32, r33",
        "   3  unless   r34, 6",
        "   4  field    r32, source",
        "   5  reply    r32, 1",
        "   6  end      DROP",
        "   7  end      TAKE",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ny = x +", "line 2: invalid syntax"),
        ("while 1:\n    pass", "line 1: 'while 1:' is not in the language"),
        ("import os", "line 1: 'import os' is not in the language"),
        ("def f():\n    pass", "line 1: 'def f():' is not in the language"),
        ("x = 1.5", "line 1: 1.5 is no whole number"),
        ("x = 'abc'", "line 1: 'abc' is no whole number"),
        ("x = 1 << 2 ** 3", "line 1: there is no such operation on whole numbers"),
        ("x = source / 2", "line 1: there is no such operation on whole numbers; use //"),
        ("x = 18446744073709551616", "line 1: a number has 64 bits"),
        ("x = [1]", "line 1: '[1]' is not in the language"),
        ("x = memory[0]", "line 1: 'memory[0]' is not in the language"),
        ("total = 1\n\nx = totl", "line 3: 'totl' has no value yet; did you mean 'total'?"),
        ("x = lenght", "line 1: 'lenght' has no value yet; did you mean 'length'?"),
        ("x = TAKE", "line 1: 'TAKE' is no value"),
        ("length = 3", "line 1: 'length' is a word of the language, and cannot be set"),
        ("load = 3", "line 1: 'load' is a word of the language, and cannot be set"),
        ("N = 3", "line 1: 'N' is a constant here, and cannot be set"),
        ("x, y = 1, 2", "line 1: only a name can be set"),
        ("x = y = 2", "line 1: one name at a time can be set"),
        ("__x = 1", "line 1: '__x' is no name for a value"),
        ("for i in range(source):\n    pass", "line 1: a loop goes over a range of constants: how "
         "often must be known"),
        ("for i in [1, 2]:\n    pass", "line 1: a loop goes over range(...)"),
        ("for i in range(1, 2, 0):\n    pass", "line 1: a loop goes on by more than 0"),
        ("for i in range(3):\n    i = 2", "line 2: 'i' is a constant here, and cannot be set"),
        ("for i in range(3):\n    pass\nx = i", "line 3: 'i' has no value after its loop"),
        ("x = 1\nfor x in range(3):\n    pass", "line 2: a loop needs a name of its own, and"),
        ("for i in range(10 ** 9):\n    pass", "line 1: a loop goes over a range of constants"),
        ("for i in range(1 << 60):\n    pass", "line 1: its loops have more than 65536 turns"),
        ("for i in range(300):\n    for j in range(300):\n        store(0, i)",
         "line 3: with its loops written out the handler has more than 65536 instructions"),
        ("for i in range(300):\n    for j in range(300):\n        pass",
         "line 2: its loops have more than 65536 turns in all"),
        ("break", "line 1: there is no loop here"),
        ("continue", "line 1: there is no loop here"),
        ("return 7", "line 1: a handler returns TAKE, SAVE, DROP or nothing"),
        ("load(0)", "line 1: what load returns is not used"),
        ("x = store(0, 1)", "line 1: store returns nothing"),
        ("print(3)", "line 1: there is no 'print'"),
        ("stor(0, 3)", "line 1: there is no 'stor'; did you mean 'store'?"),
        ("x = loud(0)", "line 1: there is no 'loud'; did you mean 'load'?"),
        ("x = load(0, 1)", "line 1: load takes 1 values, not 2"),
        ("x = load(offset=1)", "line 1: load takes plain values"),
        ("wake(*x)", "line 1: wake takes plain values"),
        ("store(-8, 1)", "line 1: -8 is no offset in memory"),
        ("reply(1, 2, 3, 4, 5, 6, 7, 8, 9)", "line 1: reply takes up to 8 words"),
        ("send(1, 2)", "line 1: send takes rank, portal, bits and up to 8 words"),
        ("x = 1 // 0", "line 1: divides by 0"),
        ("x = 1 < source < 3", "line 1: a comparison is of two numbers, by =="),
        ("x = source in size", "line 1: a comparison is of two numbers, by =="),
        ("source + 1", "line 1: 'source + 1' has no effect here"),
        ("x = " + "(source + " * 40 + "1" + ")" * 40, "line 1: the statement is too long"),
        ("\n".join(f"x{n} = source" for n in range(40)), "line 33: there are more than 32 names"),
        ("x = " + "-" * 5000 + "source", "is nested too deeply"),
        ("if source:\n    pass\n" + "elif source:\n    pass\n" * 3000, "is nested too deeply"),
        ("for i in range(60000):\n" + "    pass\n" * 2000, "line 576: with its loops written out"),
        ("for i in range(60000):\n    if " + "i + " * 90 + "i == -1:\n        pass",
         "line 2: with its loops written out the handler is too long"),
        ("pass\n" * 300_000, "has more than 1,048,576 characters"),
        ("x = 1\0", ""),
    ],
)  # fmt: skip
def test_what_is_not_in_the_language(text: str, message: str) -> None:
    with pytest.raises(HandlerError) as error:
        compile_handler(text, "mine", N=1)
    said = str(error.value)
    assert said.startswith("handler 'mine'")
    assert message in said
    assert "\n" not in said


@pytest.mark.parametrize("constant", ["source", "load", "TAKE", "range"])
def test_constants_have_names_of_their_own(constant: str) -> None:
    with pytest.raises(HandlerError, match=f"the constant '{constant}' is a word of the language"):
        compile_handler("pass", "mine", **{constant: 1})
    with pytest.raises(HandlerError, match=r"the constant 'N' is no whole number: 1\.5"):
        compile_handler("pass", "mine", N=1.5)
    numbers = compile_handler("store(0, N)", "mine", N=np.int16(7))
    assert numbers == compile_handler("store(0, 7)", "mine")


@pytest.mark.parametrize("text", [None, 5, b"pass"])
def test_a_handler_is_a_text(text: Any) -> None:
    with pytest.raises(HandlerError, match="handler 'mine': a handler is a text, not "):
        compile_handler(text, "mine")


# -- against Python --------------------------------------------------------------------------------

NUMBERS = st.sampled_from([0, 1, -1, 2, 7, 63, 64, 255, -(2**63), 2**63 - 1]) | st.integers(
    -(2**63), 2**63 - 1
)
OPERATORS = ["+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>", "<", "<=", ">", ">=", "==", "!="]


def wrap(value: int) -> int:
    return (int(value) + 2**63) % 2**64 - 2**63


class Wrapping(int):
    """A whole number of 64 bits, as Python computes with it, and wrapped round."""


def _wrapping(name: str) -> Any:
    plain = getattr(int, name)

    def operation(self: int, other: int) -> Wrapping:
        if "shift" in name:
            other = int(other) & 63
        return Wrapping(wrap(plain(int(self), int(other))))

    return operation


# What compares is a number, too, which may be shifted.
for _name in (
    "add", "sub", "mul", "floordiv", "mod", "and", "or", "xor", "lshift", "rshift",
    "lt", "le", "gt", "ge", "eq", "ne",
):  # fmt: skip
    setattr(Wrapping, f"__{_name}__", _wrapping(f"__{_name}__"))


@st.composite
def expressions(draw: Any, depth: int = 3) -> str:
    """Return an expression over the names a, b and c."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(["a", "b", "c"]))
    kind = draw(st.sampled_from(["binary", "binary", "binary", "and", "choice", "call"]))
    left, right = draw(expressions(depth - 1)), draw(expressions(depth - 1))
    if kind == "binary":
        return f"({left} {draw(st.sampled_from(OPERATORS))} {right})"
    if kind == "and":
        return f"({left} {draw(st.sampled_from(['and', 'or']))} {right})"
    if kind == "choice":
        return f"({left} if {draw(expressions(depth - 1))} else {right})"
    return f"{draw(st.sampled_from(['min', 'max']))}({left}, {right})"


@settings(max_examples=100)
@given(expressions(), NUMBERS, NUMBERS, NUMBERS)
@example("(a + ((a < a) << a))", -1, 0, 0)
def test_expressions_are_worth_what_python_says(
    wired: Any, text: str, a: int, b: int, c: int
) -> None:
    names = {"a": Wrapping(a), "b": Wrapping(b), "c": Wrapping(c)}
    try:
        expected = wrap(eval(text, {"__builtins__": {"min": min, "max": max}}, names))
    except ZeroDivisionError:
        expected = None
    body = b"".join(value.to_bytes(8, "little", signed=True) for value in (a, b, c))
    program = compile_handler(f"a = body(0)\nb = body(8)\nc = body(16)\nreply({text})")
    _, answers, handler, _ = handle(wired, program, body=body)
    assert answers == ([] if expected is None else [expected])
    assert handler.faults == (expected is None)
    # With constants in the names' places all of it is known beforehand, or comes to the same.
    known = text.replace("a", "A").replace("b", "B").replace("c", "C")
    for word in ("And", "mAx", "Bnd"):
        known = known.replace(word, word.lower())
    if expected is not None:
        program = compile_handler(f"reply({known})", "known", A=a, B=b, C=c)
        assert handle(wired, program)[1] == [expected]


# -- whatever the instructions ---------------------------------------------------------------------

OPERAND = (
    st.integers(0, 8) | st.integers(-2, 70) | st.sampled_from([1, 2, 4, 8, 60, 2**40, -(2**63)])
)
INSTRUCTION = st.builds(
    Instruction, st.integers(-1, len(OPERANDS)), OPERAND, OPERAND, OPERAND, st.integers(-1, 99)
)


@st.composite
def sound(draw: Any, place: int, length: int) -> Instruction:
    """Return an instruction that the kernel takes at *place*."""
    op = draw(st.integers(0, len(OPERANDS) - 1))
    kinds: dict[str, Any] = {
        "r": st.integers(0, 5), "k": st.integers(0, 4), "v": NUMBERS, "f": st.integers(0, 9),
        "w": st.sampled_from([1, 2, 4, 8]), "o": st.integers(0, 40), "n": st.integers(0, 3),
        "m": st.integers(0, 3), "t": st.integers(place + 1, length - 1), "d": st.integers(0, 2),
        "-": st.just(0),
    }  # fmt: skip
    return Instruction(op, *(draw(kinds[kind]) for kind in OPERANDS[op]), place)


@st.composite
def sound_code(draw: Any) -> tuple[Instruction, ...]:
    length = draw(st.integers(1, 30))
    code = [draw(sound(place, length)) for place in range(length - 1)]
    return (*code, Instruction(int(Op.END), draw(st.integers(0, 2)), line=length))


@settings(max_examples=120)
@given(
    st.lists(INSTRUCTION, min_size=1, max_size=12).map(tuple) | sound_code(), st.binary(max_size=24)
)
@example((Instruction(int(Op.COPY), 0, 1, 2), Instruction(int(Op.END))), b"")
def test_any_program_is_refused_or_stays_within_its_bounds(
    wired: Any, code: tuple[Instruction, ...], body: bytes
) -> None:
    program = HandlerProgram("random", code)
    checked = outcome(lambda: verify(program, COSTS.handler_limit))
    if isinstance(checked, str):
        assert "\n" not in checked
        return
    machine = wired(3, costs=COSTS)
    kernel, process = machine.kernels[1], machine.processes[1]
    around = bytearray(range(64))
    block = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY, memoryview(around)[16:56])
    handler = kernel.install(process, program)
    machine.install(PortalEntry(block, handler))
    before = bytes(around)
    machine.put(body, info=SendInfo(return_portal=9, offset=8), bits=3)
    # Nothing outside, nothing of what failed, and no longer than promised.
    assert (around[:16], around[56:]) == (before[:16], before[56:])
    sent = kernel.own_messages
    assert sent <= checked.sends
    taken = machine.trace.events
    steps = [taken[place + 1] for place in range(0, len(taken), 3) if taken[place + 2] == 1 << 40]
    assert handler.runs + handler.faults <= 1
    if handler.faults:
        assert bytes(around) == before
        assert (sent, process.table.drops) == (0, 1)
    assert all(each <= checked.steps <= COSTS.handler_limit for each in steps[1:])


@settings(max_examples=100)
@given(st.text(alphabet="abi01 \n()=+:,<", max_size=40) | st.text(max_size=20))
def test_any_text_is_compiled_or_refused_in_one_line(text: str) -> None:
    checked = outcome(lambda: verify(compile_handler(text), 1 << 16))
    assert not isinstance(checked, str) or "\n" not in checked


def outcome(check: Callable[[], Any]) -> Any:
    """Return what a check returns, or the error that it refuses with."""
    try:
        return check()
    except VmppError as error:
        return str(error)
