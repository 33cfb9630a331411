"""Writing instructions: registers, jumps that land later, and what is wrong where."""

from __future__ import annotations

import ast
from typing import Final

from vmpp.errors import VmppError
from vmpp.portals.instructions import MOST_INSTRUCTIONS, MOST_WORDS, REGISTERS, Instruction, Op

NAMES: Final = REGISTERS // 2
"""Registers for names, the lower half; the others are for values on the way."""
_MOST_LOOKS: Final = 16 * MOST_INSTRUCTIONS
"""At statements and values, a look each for every turn of a loop."""


class HandlerError(VmppError):
    """The text of a handler is not in the language; the message names line and reason."""


class Writer:
    """Writes the instructions of one handler.

    Attributes:
        code: what has been written.
        line: of the text, that is being looked at.
        temporaries: registers in use for values on the way.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.line = 1
        self.code: list[Instruction] = []
        self._landed = 0
        self._looks = 0
        self.temporaries = 0

    def look(self) -> None:
        """Count a statement or value that is looked at: not all of them write anything.

        Raises:
            HandlerError: there have been so many that nobody would wait for the end.
        """
        self._looks += 1
        if self._looks > _MOST_LOOKS:
            raise self.error("with its loops written out the handler is too long")

    def emit(self, op: Op, a: int = 0, b: int = 0, c: int = 0) -> None:
        """Write an instruction. Raises HandlerError if there are too many."""
        if len(self.code) >= MOST_INSTRUCTIONS:
            raise self.error(
                f"with its loops written out the handler has more than {MOST_INSTRUCTIONS} "
                "instructions"
            )
        self.code.append(Instruction(int(op), int(a), b, c, self.line))

    def emit_into(self, register: int, value: int) -> None:
        """Write what brings a value to *register*: by what computed it last, if that can be."""
        if not self.code or value < NAMES or self.code[-1].a != value:
            self.emit(Op.MOVE, register, value)
            return
        last = self.code[-1]
        computed = last.op <= Op.FIELD or last.op in (Op.LOAD, Op.LOAD_AT, Op.BODY)
        if computed and self._landed < len(self.code):
            self.code[-1] = last._replace(a=register)
        else:
            self.emit(Op.MOVE, register, value)

    def branch(self, register: int) -> int:
        """Write a jump that is taken if *register* is 0; `land` says where to."""
        self.emit(Op.UNLESS, register)
        return len(self.code) - 1

    def jump(self) -> int:
        """Write a jump; `land` says where to."""
        self.emit(Op.JUMP)
        return len(self.code) - 1

    def land(self, place: int) -> None:
        """Let a jump lead to what comes next."""
        self._landed = target = len(self.code)
        jump = self.code[place]
        self.code[place] = (
            jump._replace(a=target) if jump.op == Op.JUMP else jump._replace(b=target)
        )

    def temporary(self) -> int:
        """Return a register for a value on the way. Raises HandlerError if none is left."""
        if self.temporaries == NAMES:
            raise self.error("the statement is too long; set a name on the way")
        self.temporaries += 1
        return NAMES + self.temporaries - 1

    def offset(self, known: int) -> int:
        """Return an offset that is known, if it can be one. Raises HandlerError."""
        if not 0 <= known < 1 << 40:
            raise self.error(f"{known} is no offset in memory")
        return known

    def takes(self, name: str, given: int, wanted: int) -> None:
        """Raise HandlerError if a call is given too much or too little."""
        if given != wanted:
            raise self.error(f"{name} takes {wanted} values, not {given}")

    def arguments(self, name: str, call: ast.Call) -> list[ast.expr]:
        """Return what a call is given, if it is plain values. Raises HandlerError."""
        if call.keywords or any(isinstance(each, ast.Starred) for each in call.args):
            raise self.error(f"{name} takes plain values")
        return call.args

    def words(self, name: str, count: int) -> None:
        """Raise HandlerError if a message has too many words, or not even where to go."""
        if not 0 <= count <= MOST_WORDS:
            first = "rank, portal, bits and " if name == "send" else ""
            raise self.error(f"{name} takes {first}up to {MOST_WORDS} words")

    def check_name(self, name: str) -> None:
        """Raise HandlerError if a name is not one for values."""
        if name.startswith("__"):
            raise self.error(f"{name!r} is no name for a value")

    def error(self, reason: str) -> HandlerError:
        """Return the error for what is wrong in the line that is being looked at."""
        return HandlerError(f"handler {self.name!r}, line {self.line}: {reason}")


def described(node: ast.AST) -> str:
    """Return what a part of a text is, as its user would say."""
    return repr(ast.unparse(node).partition("\n")[0][:40])
