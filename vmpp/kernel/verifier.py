"""The check of handlers that the kernel is to interpret, before it does.

What comes here is a process's memory and may be anything. What passes ends after a known number of
steps, and stays within its registers. Offsets that are known beforehand are checked once against
the memory that there is; all others each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from vmpp.errors import VmppError
from vmpp.portals.handlers import HandlerProgram
from vmpp.portals.instructions import (
    FIELDS,
    MOST_INSTRUCTIONS,
    MOST_SENDS,
    MOST_WORDS,
    OPERANDS,
    REGISTERS,
    WIDTHS,
    Instruction,
    Op,
    Verdict,
)

_SENDS: Final = (Op.REPLY, Op.SEND, Op.FORWARD)
_FARTHEST: Final = 1 << 40
"""Where an offset ends that is known beforehand."""


class HandlerRefusedError(VmppError):
    """The kernel does not take a handler; the message says which, and names line and reason."""


@dataclass(frozen=True, slots=True)
class CheckedHandler:
    """A program that has passed.

    Attributes:
        name: what it is called in messages.
        code: of each instruction what it does, and its operands.
        lines: of each instruction the line that it comes from.
        steps: the most that it takes.
        sends: the most messages that it sends.
        memory: bytes that the descriptor must have for the offsets known beforehand.
    """

    name: str
    code: tuple[tuple[int, int, int, int], ...]
    lines: tuple[int, ...]
    steps: int
    sends: int
    memory: int


def verify(program: Any, limit: int) -> CheckedHandler:
    """Check a program, and return a copy that its process cannot change.

    Args:
        limit: steps that it may take at the most.

    Raises:
        HandlerRefusedError: it breaks a rule.
    """
    if type(program) is not HandlerProgram or type(program.name) is not str:
        raise HandlerRefusedError(f"{program!r:.60} is no program of a handler; compile one")
    name, code = " ".join(program.name[:60].split()), program.code
    if type(code) is not tuple or not 0 < len(code) <= MOST_INSTRUCTIONS:
        raise HandlerRefusedError(
            f"handler {name!r}: its code is no tuple of 1 to {MOST_INSTRUCTIONS} instructions"
        )
    for place, instruction in enumerate(code):
        reason = _wrong(instruction, place, len(code))
        if reason:
            line = _line(instruction)
            raise HandlerRefusedError(
                f"handler {name!r}, line {line}: instruction {place} {reason}"
            )
    if code[-1].op != Op.END:
        raise HandlerRefusedError(
            f"handler {name!r}, line {code[-1].line}: the last instruction does not end it"
        )
    steps = _longest(code, [1] * len(code))
    if steps > limit:
        raise HandlerRefusedError(
            f"handler {name!r}, line {code[-1].line}: takes up to {steps} steps, and this machine "
            f"allows {limit}; loop less, or raise [kernel] handler_limit"
        )
    sends = _longest(code, [int(each.op in _SENDS) for each in code])
    if sends > MOST_SENDS:
        last = [each.line for each in code if each.op in _SENDS][-1]
        raise HandlerRefusedError(
            f"handler {name!r}, line {last}: sends up to {sends} messages, not {MOST_SENDS} or less"
        )
    return CheckedHandler(
        name=name,
        code=tuple((each.op, each.a, each.b, each.c) for each in code),
        lines=tuple(each.line for each in code),
        steps=steps,
        sends=sends,
        memory=max(map(_reach, code)),
    )


def _wrong(instruction: Any, place: int, length: int) -> str:
    """Return what is wrong with an instruction, nothing if it is right."""
    if type(instruction) is not Instruction or any(type(each) is not int for each in instruction):
        return "is no instruction"
    op, *operands, line = instruction
    if not 0 <= op < len(OPERANDS):
        return f"is of no known kind: {op}"
    if not 0 <= line < _FARTHEST:
        return "comes from no line"
    for kind, value, following in zip(OPERANDS[op], operands, (*operands[1:], 0), strict=True):
        reason = _wrong_operand(kind, value, place, length)
        if reason:
            return reason
        if kind == "r" and op in (Op.REPLY, Op.SEND):
            last = value + following + (3 if op == Op.SEND else 0)
            if following < 0 or last > REGISTERS:
                return f"sends from registers that there are not: {value} to {last}"
    return ""


def _wrong_operand(kind: str, value: int, place: int, length: int) -> str:
    match kind:
        case "r":
            right, what = 0 <= value < REGISTERS, "is no register"
        case "k":
            right, what = 0 <= value <= REGISTERS - 3, "is not the first of three registers"
        case "v":
            right, what = -(1 << 63) <= value < 1 << 63, "is no 64-bit value"
        case "f":
            right, what = 0 <= value < len(FIELDS), "is no field of a message"
        case "w":
            right, what = value in WIDTHS, "is no width"
        case "o":
            right, what = 0 <= value < _FARTHEST, "is no offset"
        case "t":
            right, what = place < value < length, "is not an instruction further on"
        case "n" | "m":
            right, what = 0 <= value <= MOST_WORDS, f"is not 0 to {MOST_WORDS} words"
        case "d":
            right, what = value in tuple(Verdict), "is no verdict"
        case _:
            right, what = value == 0, "is one operand too many"
    return "" if right else f"cannot be: {value} {what}"


def _longest(code: Sequence[Instruction], weights: Sequence[int]) -> int:
    """Return the most that the weights of the instructions on one way through add up to."""
    # Jumps go forward: from the end backwards, what follows is known.
    most = [0] * (len(code) + 1)
    for place in range(len(code) - 1, -1, -1):
        op, a, b, _, _ = code[place]
        if op == Op.END:
            following = 0
        elif op == Op.JUMP:
            following = most[a]
        elif op == Op.UNLESS:
            following = max(most[place + 1], most[b])
        else:
            following = most[place + 1]
        most[place] = weights[place] + following
    return most[0]


def _reach(instruction: Instruction) -> int:
    """Return how far an offset that is known beforehand reaches."""
    op, a, b, c, _ = instruction
    if op == Op.LOAD_AT:
        return b + c
    return a + c if op == Op.STORE_AT else 0


def _line(instruction: Any) -> Any:
    line = getattr(instruction, "line", None) if type(instruction) is Instruction else None
    return line if type(line) is int else "?"
