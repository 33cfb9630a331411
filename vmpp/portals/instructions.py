"""The instructions of handlers that the kernel interprets: a small register machine.

All values are 64-bit integers in two's complement, and arithmetic wraps round. Jumps go forward
only, so a program ends after at most as many steps as it has instructions; whoever writes loops has
them unrolled. There is no floating point: the kernel would have to save and restore the pipeline.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from operator import add, and_, eq, floordiv, le, lt, mod, mul, ne, or_, sub, xor
from typing import Final, NamedTuple

REGISTERS: Final = 64
"""Registers of the machine; all are 0 when a handler begins."""
MOST_INSTRUCTIONS: Final = 1 << 16
"""Of one handler."""
MOST_WORDS: Final = 8
"""Words that a handler can put into one message."""
MOST_SENDS: Final = 8
"""Messages that one run of a handler can send."""
MOST_HANDLERS: Final = 64
"""Handlers that a process can have installed."""
INSTRUCTION_BYTES: Final = 16
"""What an instruction takes of memory."""
WIDTHS: Final = (1, 2, 4, 8)
"""Bytes of what is read or written at once."""
FIELDS: Final = (
    "source", "group", "bits", "length", "offset", "user", "user_high", "reading", "size", "me",
)  # fmt: skip
"""What a handler can ask of the message and of where it is, by number."""


class Verdict(IntEnum):
    """What a handler says of its message at the end."""

    TAKE = 0
    SAVE = 1
    DROP = 2


class Op(IntEnum):
    """What an instruction does; `OPERANDS` says with what.

    R[a] is the register with number a, M the memory of the descriptor, B the message's body.
    """

    ADD = 0  # R[a] = R[b] + R[c]; so all up to MAX
    SUB = 1
    MUL = 2
    DIV = 3  # rounds down, as Python does
    MOD = 4
    AND = 5
    OR = 6
    XOR = 7
    SHL = 8  # by the low 6 bits of R[c]
    SHR = 9  # likewise; the sign is kept
    EQ = 10
    NE = 11
    LT = 12
    LE = 13
    MIN = 14
    MAX = 15
    CONST = 16  # R[a] = b
    MOVE = 17  # R[a] = R[b]
    FIELD = 18  # R[a] = field b
    LOAD = 19  # R[a] = M[R[b]], c bytes
    LOAD_AT = 20  # R[a] = M[b], c bytes
    STORE = 21  # M[R[a]] = R[b], c bytes
    STORE_AT = 22  # M[a] = R[b], c bytes
    BODY = 23  # R[a] = B[R[b]], c bytes
    COPY = 24  # M[R[a] ...] = B[R[b] ...], R[c] bytes
    JUMP = 25  # go on at a
    UNLESS = 26  # go on at b if R[a] is 0
    REPLY = 27  # send b words from R[a] on to the return portal of the sender
    SEND = 28  # send b words from R[a + 3] on to rank R[a], portal R[a + 1], with bits R[a + 2]
    FORWARD = 29  # send the body to rank R[a], portal R[a + 1], with bits R[a + 2]
    WAKE = 30  # let the process look again at what it waits for
    END = 31  # the verdict is a


class Instruction(NamedTuple):
    """One instruction: what it does, with up to three operands, and the line it comes from."""

    op: int
    a: int = 0
    b: int = 0
    c: int = 0
    line: int = 0


_SPECIAL: Final = {
    Op.CONST: "rv-", Op.MOVE: "rr-", Op.FIELD: "rf-", Op.LOAD: "rrw", Op.LOAD_AT: "row",
    Op.STORE: "rrw", Op.STORE_AT: "orw", Op.BODY: "rrw", Op.COPY: "rrr", Op.JUMP: "t--",
    Op.UNLESS: "rt-", Op.REPLY: "rn-", Op.SEND: "rm-", Op.FORWARD: "k--", Op.WAKE: "---",
    Op.END: "d--",
}  # fmt: skip

OPERANDS: Final = tuple(_SPECIAL.get(op, "rrr") for op in Op)
"""What the operands of each instruction are, a letter each: r a register, v a value, f a field,
w a width, o an offset, t an instruction further on, n so many registers, m three more than so many,
k three registers, d a verdict, - nothing."""


def wrapped(value: int) -> int:
    """Return what 64 bits in two's complement hold of *value*."""
    return ((value + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)


def _shift_left(left: int, right: int) -> int:
    return left << (right & 63)


def _shift_right(left: int, right: int) -> int:
    return left >> (right & 63)


ARITHMETIC: Final[tuple[Callable[[int, int], int], ...]] = (
    add, sub, mul, floordiv, mod, and_, or_, xor, _shift_left, _shift_right, eq, ne, lt, le, min,
    max,
)  # fmt: skip
"""What the instructions up to MAX compute, before it is wrapped round."""


def listing(code: tuple[Instruction, ...]) -> str:
    """Return the instructions in words, one a line, with their places."""
    return "\n".join(f"{place:4}  {_written(each)}" for place, each in enumerate(code))


def _written(instruction: Instruction) -> str:
    op = Op(instruction.op)
    operands = ", ".join(
        _operand(kind, value)
        for kind, value in zip(OPERANDS[op], instruction[1:4], strict=True)
        if kind != "-"
    )
    return f"{op.name.lower():<9}{operands}".rstrip()


def _operand(kind: str, value: int) -> str:
    if kind in "rk":
        return f"r{value}"
    if kind == "f":
        return FIELDS[value]
    if kind == "d":
        return Verdict(value).name
    return str(value)
