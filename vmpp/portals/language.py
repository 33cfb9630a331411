"""The little language of handlers that the kernel interprets: text in, instructions out.

It is a subset of Python's syntax: whole numbers, names, conditions, loops over constant ranges, and
calls that look at the message, read and write the descriptor's memory, and send. The body of a loop
is repeated for each turn, so that the instructions only go forward. This is user space's: the
kernel checks what comes of it, and trusts nothing here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from textwrap import dedent
from typing import Final

from vmpp.errors import VmppError, suggestion
from vmpp.portals.handlers import HandlerProgram
from vmpp.portals.instructions import (
    FIELDS,
    MOST_INSTRUCTIONS,
    MOST_WORDS,
    REGISTERS,
    Instruction,
    Op,
    Verdict,
)


class HandlerError(VmppError):
    """The text of a handler is not in the language; the message names line and reason."""


VERDICTS: Final = {verdict.name: int(verdict) for verdict in Verdict}
_WIDTHS: Final = {"": 8, "8": 1, "16": 2, "32": 4}
_LOADS: Final = {f"load{name}": width for name, width in _WIDTHS.items()}
_STORES: Final = {f"store{name}": width for name, width in _WIDTHS.items()}
_BODIES: Final = {f"body{name}": width for name, width in _WIDTHS.items()}
_TWO: Final = {"min": Op.MIN, "max": Op.MAX}
_VALUES: Final = (*_LOADS, *_BODIES, *_TWO)
_ACTS: Final = (*_STORES, "copy", "reply", "send", "forward", "wake")
_CALLS: Final = (*_VALUES, *_ACTS)
_RESERVED: Final = frozenset((*FIELDS, *VERDICTS, *_CALLS, "range"))

_BINARY: Final[dict[type[ast.operator], Op]] = {
    ast.Add: Op.ADD, ast.Sub: Op.SUB, ast.Mult: Op.MUL, ast.FloorDiv: Op.DIV, ast.Mod: Op.MOD,
    ast.BitAnd: Op.AND, ast.BitOr: Op.OR, ast.BitXor: Op.XOR, ast.LShift: Op.SHL,
    ast.RShift: Op.SHR,
}  # fmt: skip
_COMPARISONS: Final[dict[type[ast.cmpop], tuple[Op, bool]]] = {
    ast.Eq: (Op.EQ, False), ast.NotEq: (Op.NE, False), ast.Lt: (Op.LT, False),
    ast.LtE: (Op.LE, False), ast.Gt: (Op.LT, True), ast.GtE: (Op.LE, True),
}  # fmt: skip
"""The instruction of a comparison, and whether its sides change places."""

_FOLDED: Final[dict[Op, Callable[[int, int], int]]] = {
    Op.ADD: lambda left, right: left + right,
    Op.SUB: lambda left, right: left - right,
    Op.MUL: lambda left, right: left * right,
    Op.AND: lambda left, right: left & right,
    Op.OR: lambda left, right: left | right,
    Op.XOR: lambda left, right: left ^ right,
    Op.SHL: lambda left, right: left << (right & 63),
    Op.SHR: lambda left, right: left >> (right & 63),
    Op.EQ: lambda left, right: int(left == right),
    Op.NE: lambda left, right: int(left != right),
    Op.LT: lambda left, right: int(left < right),
    Op.LE: lambda left, right: int(left <= right),
    Op.MIN: min,
    Op.MAX: max,
    Op.DIV: lambda left, right: left // right,
    Op.MOD: lambda left, right: left % right,
}


def compile_handler(text: str, name: str = "handler", /, **constants: int) -> HandlerProgram:
    """Return the program of a handler written in the little language.

    Args:
        text: the handler, as statements.
        name: what it is called in messages.
        constants: values for names that the text uses and does not set.

    Raises:
        HandlerError: the text is not in the language; one line.
    """
    compiler = _Compiler(name, constants)
    try:
        tree = ast.parse(dedent(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or str(error)
        line = getattr(error, "lineno", None) or 1
        raise HandlerError(f"handler {name!r}, line {line}: {reason}") from None
    try:
        return compiler.compile(tree.body)
    except RecursionError:
        raise HandlerError(f"handler {name!r}: is nested too deeply") from None


class _Loop:
    """A loop while its turns are written out: the jumps to the end of a turn, and of all."""

    def __init__(self) -> None:
        self.continues: list[int] = []
        self.breaks: list[int] = []


class _Compiler:
    """Writes the instructions of one handler."""

    def __init__(self, name: str, constants: Mapping[str, int]) -> None:
        self._name = name
        self._line = 1
        self._code: list[Instruction] = []
        self._variables: dict[str, int] = {}
        self._constants: dict[str, int] = {}
        self._over: set[str] = set()
        self._loops: list[_Loop] = []
        self._temporaries = 0
        self._landed = 0
        self._turns = 0
        for key, value in constants.items():
            if key in _RESERVED:
                raise self._error(f"the constant {key!r} is a word of the language")
            if type(value) is not int:
                raise self._error(f"the constant {key!r} is no whole number: {value!r:.40}")
            self._constants[key] = _wrapped(value)

    def compile(self, body: list[ast.stmt]) -> HandlerProgram:
        """Return the program of all statements."""
        self._block(body)
        self._emit(Op.END, Verdict.TAKE)
        return HandlerProgram(self._name, tuple(self._code))

    # -- statements ----------------------------------------------------------------------------

    def _block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self._line = statement.lineno
            self._temporaries = 0
            write = _STATEMENTS.get(type(statement))
            if write is None:
                raise self._error(f"{_described(statement)} is not in the language")
            write(self, statement)

    def _assign(self, statement: ast.Assign) -> None:
        if len(statement.targets) != 1:
            raise self._error("one name at a time can be set")
        self._set(statement.targets[0], statement.value)

    def _augment(self, statement: ast.AugAssign) -> None:
        if not isinstance(statement.target, ast.Name):
            raise self._error("only a name can be set")
        left = ast.copy_location(ast.Name(statement.target.id, ast.Load()), statement)
        value = ast.copy_location(ast.BinOp(left, statement.op, statement.value), statement)
        self._set(statement.target, value)

    def _set(self, target: ast.expr, value: ast.expr) -> None:
        if not isinstance(target, ast.Name):
            raise self._error("only a name can be set")
        name = target.id
        if name in _RESERVED:
            raise self._error(f"{name!r} is a word of the language, and cannot be set")
        if name in self._constants:
            raise self._error(f"{name!r} is a constant here, and cannot be set")
        self._check_name(name)
        register = self._value(value)
        if name not in self._variables:
            if len(self._variables) == REGISTERS // 2:
                raise self._error(f"there are more than {REGISTERS // 2} names")
            self._variables[name] = len(self._variables)
        self._emit_into(self._variables[name], register)

    def _if(self, statement: ast.If) -> None:
        known = self._constant(statement.test)
        if known is not None:
            self._block(statement.body if known else statement.orelse)
            return
        to_else = self._branch(self._value(statement.test))
        self._block(statement.body)
        if statement.orelse:
            to_end = self._jump()
            self._land(to_else)
            self._block(statement.orelse)
            self._land(to_end)
        else:
            self._land(to_else)

    def _for(self, statement: ast.For) -> None:
        if not isinstance(statement.target, ast.Name) or statement.orelse:
            raise self._error("a loop is 'for NAME in range(...)', without else")
        name = statement.target.id
        if name in _RESERVED or name in self._constants or name in self._variables:
            raise self._error(f"a loop needs a name of its own, and {name!r} is taken")
        self._check_name(name)
        loop = _Loop()
        self._loops.append(loop)
        for turn in self._range(statement.iter):
            self._line = statement.lineno
            self._turns += 1
            if self._turns > MOST_INSTRUCTIONS:
                raise self._error(f"its loops have more than {MOST_INSTRUCTIONS} turns in all")
            self._constants[name] = turn
            self._block(statement.body)
            for place in loop.continues:
                self._land(place)
            loop.continues.clear()
        self._constants.pop(name, None)
        self._over.add(name)
        self._loops.pop()
        for place in loop.breaks:
            self._land(place)

    def _range(self, iterable: ast.expr) -> range:
        if not _calls(iterable, "range") or iterable.keywords:  # type: ignore[attr-defined]
            raise self._error("a loop goes over range(...)")
        given = [self._constant(argument) for argument in iterable.args]  # type: ignore[attr-defined]
        limits = [each for each in given if each is not None]
        if not 1 <= len(given) <= 3 or len(limits) < len(given):
            raise self._error("a loop goes over a range of constants: how often must be known")
        if len(limits) == 3 and limits[2] == 0:
            raise self._error("a loop goes on by more than 0")
        return range(*limits)

    def _break(self, statement: ast.Break) -> None:
        self._loop.breaks.append(self._jump())

    def _continue(self, statement: ast.Continue) -> None:
        self._loop.continues.append(self._jump())

    @property
    def _loop(self) -> _Loop:
        if not self._loops:
            raise self._error("there is no loop here")
        return self._loops[-1]

    def _pass(self, statement: ast.Pass) -> None:
        """Write nothing."""

    def _return(self, statement: ast.Return) -> None:
        value = statement.value
        if value is None:
            self._emit(Op.END, Verdict.TAKE)
        elif isinstance(value, ast.Name) and value.id in VERDICTS:
            self._emit(Op.END, VERDICTS[value.id])
        else:
            raise self._error(f"a handler returns {', '.join(VERDICTS)} or nothing")

    def _expression(self, statement: ast.Expr) -> None:
        call = statement.value
        if isinstance(call, ast.Constant) and isinstance(call.value, str):
            # What describes it.
            return
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise self._error(f"{_described(call)} has no effect here")
        name = call.func.id
        if name not in _ACTS:
            if name in _VALUES:
                raise self._error(f"what {name} returns is not used")
            raise self._error(f"there is no {name!r}{suggestion(name, _CALLS)}")
        self._act(name, self._arguments(name, call))

    def _arguments(self, name: str, call: ast.Call) -> list[ast.expr]:
        if call.keywords or any(isinstance(each, ast.Starred) for each in call.args):
            raise self._error(f"{name} takes plain values")
        return call.args

    def _act(self, name: str, arguments: list[ast.expr]) -> None:
        count = len(arguments)
        if name in _STORES:
            self._takes(name, count, 2)
            self._store(arguments, _STORES[name])
        elif name == "copy":
            self._takes(name, count, 3)
            self._emit(Op.COPY, *(self._value(each) for each in arguments))
        elif name == "reply":
            self._words(name, count)
            self._emit(Op.REPLY, self._row(arguments), count)
        elif name == "send":
            self._words(name, count - 3)
            self._emit(Op.SEND, self._row(arguments), count - 3)
        elif name == "forward":
            self._takes(name, count, 3)
            self._emit(Op.FORWARD, self._row(arguments))
        else:
            self._takes(name, count, 0)
            self._emit(Op.WAKE)

    def _store(self, arguments: list[ast.expr], width: int) -> None:
        known = self._constant(arguments[0])
        if known is not None:
            self._emit(Op.STORE_AT, self._offset(known), self._value(arguments[1]), width)
        else:
            offset = self._value(arguments[0])
            self._emit(Op.STORE, offset, self._value(arguments[1]), width)

    # -- expressions ---------------------------------------------------------------------------

    def _value(self, expression: ast.expr) -> int:
        """Write what computes an expression, and return the register that has it then."""
        known = self._constant(expression)
        if known is not None:
            register = self._temporary()
            self._emit(Op.CONST, register, known)
            return register
        write = _EXPRESSIONS.get(type(expression))
        if write is None:
            raise self._error(f"{_described(expression)} is not in the language")
        return write(self, expression)

    def _name_value(self, expression: ast.Name) -> int:
        name = expression.id
        if name in self._variables:
            return self._variables[name]
        if name in FIELDS:
            register = self._temporary()
            self._emit(Op.FIELD, register, FIELDS.index(name))
            return register
        if name in _RESERVED:
            raise self._error(f"{name!r} is no value")
        if name in self._over:
            raise self._error(f"{name!r} has no value after its loop")
        known = (*self._variables, *self._constants, *FIELDS)
        raise self._error(f"{name!r} has no value yet{suggestion(name, known)}")

    def _binary(self, expression: ast.BinOp) -> int:
        op = _BINARY.get(type(expression.op))
        if op is None:
            hint = "; use //" if isinstance(expression.op, ast.Div) else ""
            raise self._error(f"there is no such operation on whole numbers{hint}")
        return self._compute(op, expression.left, expression.right)

    def _compute(self, op: Op, left: ast.expr, right: ast.expr) -> int:
        first = self._value(left)
        second = self._value(right)
        register = self._temporary()
        self._emit(op, register, first, second)
        return register

    def _compare(self, expression: ast.Compare) -> int:
        found = _COMPARISONS.get(type(expression.ops[0]))
        if len(expression.ops) != 1 or found is None:
            raise self._error("a comparison is of two numbers, by == != < <= > or >=")
        op, changes = found
        left, right = expression.left, expression.comparators[0]
        first, second = self._value(left), self._value(right)
        register = self._temporary()
        self._emit(op, register, *((second, first) if changes else (first, second)))
        return register

    def _unary(self, expression: ast.UnaryOp) -> int:
        operand = self._value(expression.operand)
        if isinstance(expression.op, ast.UAdd):
            return operand
        other, register = self._temporary(), self._temporary()
        self._emit(Op.CONST, other, -1 if isinstance(expression.op, ast.Invert) else 0)
        if isinstance(expression.op, ast.USub):
            self._emit(Op.SUB, register, other, operand)
        else:
            op = Op.XOR if isinstance(expression.op, ast.Invert) else Op.EQ
            self._emit(op, register, operand, other)
        return register

    def _bool(self, expression: ast.BoolOp) -> int:
        register = self._temporary()
        jumps = []
        for each in expression.values[:-1]:
            self._emit_into(register, self._value(each))
            if isinstance(expression.op, ast.And):
                jumps.append(self._branch(register))
            else:
                further = self._branch(register)
                jumps.append(self._jump())
                self._land(further)
        self._emit_into(register, self._value(expression.values[-1]))
        for place in jumps:
            self._land(place)
        return register

    def _choice(self, expression: ast.IfExp) -> int:
        register = self._temporary()
        to_else = self._branch(self._value(expression.test))
        self._emit_into(register, self._value(expression.body))
        to_end = self._jump()
        self._land(to_else)
        self._emit_into(register, self._value(expression.orelse))
        self._land(to_end)
        return register

    def _call(self, expression: ast.Call) -> int:
        name = expression.func.id if isinstance(expression.func, ast.Name) else ""
        if name not in _VALUES:
            if name in _ACTS:
                raise self._error(f"{name} returns nothing")
            raise self._error(f"there is no {name or 'such call'!r}{suggestion(name, _CALLS)}")
        arguments = self._arguments(name, expression)
        self._takes(name, len(arguments), 2 if name in _TWO else 1)
        if name in _TWO:
            return self._compute(_TWO[name], *arguments)
        known = self._constant(arguments[0])
        if name in _LOADS and known is not None:
            register = self._temporary()
            self._emit(Op.LOAD_AT, register, self._offset(known), _LOADS[name])
            return register
        offset = self._value(arguments[0])
        register = self._temporary()
        if name in _LOADS:
            self._emit(Op.LOAD, register, offset, _LOADS[name])
        else:
            self._emit(Op.BODY, register, offset, _BODIES[name])
        return register

    def _row(self, expressions: list[ast.expr]) -> int:
        """Write what computes some values into registers in a row; return the first of them."""
        registers = [self._temporary() for _ in expressions or (None,)]
        for register, each in zip(registers, expressions, strict=False):
            self._temporaries = registers[-1] - REGISTERS // 2 + 1
            self._emit_into(register, self._value(each))
        return registers[0]

    # -- constants -----------------------------------------------------------------------------

    def _constant(self, expression: ast.expr) -> int | None:
        """Return the value of an expression that is known now, None if it is not."""
        if isinstance(expression, ast.Constant):
            value = expression.value
            if not isinstance(value, int):
                raise self._error(f"{value!r:.40} is no whole number")
            if value >= 1 << 64:
                raise self._error("a number has 64 bits")
            return _wrapped(int(value))
        if isinstance(expression, ast.Name):
            return self._constants.get(expression.id)
        if isinstance(expression, ast.UnaryOp):
            operand = self._constant(expression.operand)
            return None if operand is None else _wrapped(_UNARY[type(expression.op)](operand))
        if isinstance(expression, ast.BinOp):
            return self._folded(_BINARY.get(type(expression.op)), expression.left, expression.right)
        if isinstance(expression, ast.Compare) and len(expression.ops) == 1:
            op, changes = _COMPARISONS.get(type(expression.ops[0]), (None, False))
            sides = expression.left, expression.comparators[0]
            return self._folded(op, *(sides[::-1] if changes else sides))
        if isinstance(expression, ast.Call) and len(expression.args) == 2:
            name = expression.func.id if isinstance(expression.func, ast.Name) else ""
            return self._folded(_TWO.get(name), *expression.args)
        return None

    def _folded(self, op: Op | None, left: ast.expr, right: ast.expr) -> int | None:
        first, second = self._constant(left), self._constant(right)
        if op is None or first is None or second is None:
            return None
        if op in (Op.DIV, Op.MOD) and second == 0:
            raise self._error("divides by 0")
        return _wrapped(_FOLDED[op](first, second))

    # -- instructions --------------------------------------------------------------------------

    def _emit(self, op: Op, a: int = 0, b: int = 0, c: int = 0) -> None:
        if len(self._code) >= MOST_INSTRUCTIONS:
            raise self._error(
                f"with its loops written out the handler has more than {MOST_INSTRUCTIONS} "
                "instructions"
            )
        self._code.append(Instruction(int(op), int(a), b, c, self._line))

    def _emit_into(self, register: int, value: int) -> None:
        """Write what brings a value to *register*: by what computed it last, if that can be."""
        if not self._code or value < REGISTERS // 2 or self._code[-1].a != value:
            self._emit(Op.MOVE, register, value)
            return
        last = self._code[-1]
        computed = last.op <= Op.FIELD or last.op in (Op.LOAD, Op.LOAD_AT, Op.BODY)
        if computed and self._landed < len(self._code):
            self._code[-1] = last._replace(a=register)
        else:
            self._emit(Op.MOVE, register, value)

    def _branch(self, register: int) -> int:
        """Write a jump that is taken if *register* is 0; `_land` says where to."""
        self._emit(Op.UNLESS, register)
        return len(self._code) - 1

    def _jump(self) -> int:
        self._emit(Op.JUMP)
        return len(self._code) - 1

    def _land(self, place: int) -> None:
        """Let a jump lead to what comes next."""
        self._landed = target = len(self._code)
        jump = self._code[place]
        self._code[place] = (
            jump._replace(a=target) if jump.op == Op.JUMP else jump._replace(b=target)
        )

    def _temporary(self) -> int:
        if self._temporaries == REGISTERS // 2:
            raise self._error("the statement is too long; set a name on the way")
        self._temporaries += 1
        return REGISTERS // 2 + self._temporaries - 1

    # -- what is wrong -------------------------------------------------------------------------

    def _offset(self, known: int) -> int:
        if not 0 <= known < 1 << 40:
            raise self._error(f"{known} is no offset in memory")
        return known

    def _takes(self, name: str, given: int, wanted: int) -> None:
        if given != wanted:
            raise self._error(f"{name} takes {wanted} values, not {given}")

    def _words(self, name: str, count: int) -> None:
        if not 0 <= count <= MOST_WORDS:
            first = "rank, portal, bits and " if name == "send" else ""
            raise self._error(f"{name} takes {first}up to {MOST_WORDS} words")

    def _check_name(self, name: str) -> None:
        if name.startswith("__"):
            raise self._error(f"{name!r} is no name for a value")

    def _error(self, reason: str) -> HandlerError:
        return HandlerError(f"handler {self._name!r}, line {self._line}: {reason}")


_UNARY: Final[dict[type[ast.unaryop], Callable[[int], int]]] = {
    ast.USub: lambda value: -value,
    ast.UAdd: lambda value: value,
    ast.Invert: lambda value: ~value,
    ast.Not: lambda value: int(not value),
}


def _wrapped(value: int) -> int:
    """Return what 64 bits in two's complement hold of *value*."""
    return ((value + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)


def _calls(expression: ast.expr, name: str) -> bool:
    return (
        isinstance(expression, ast.Call)
        and isinstance(expression.func, ast.Name)
        and expression.func.id == name
    )


def _described(node: ast.AST) -> str:
    """Return what a part of a text is, as its user would say."""
    return repr(ast.unparse(node).partition("\n")[0][:40])


_STATEMENTS: Final[Mapping[type[ast.stmt], Callable[..., None]]] = {
    ast.Assign: _Compiler._assign,
    ast.AugAssign: _Compiler._augment,
    ast.If: _Compiler._if,
    ast.For: _Compiler._for,
    ast.Break: _Compiler._break,
    ast.Continue: _Compiler._continue,
    ast.Pass: _Compiler._pass,
    ast.Return: _Compiler._return,
    ast.Expr: _Compiler._expression,
}

_EXPRESSIONS: Final[Mapping[type[ast.expr], Callable[..., int]]] = {
    ast.Name: _Compiler._name_value,
    ast.BinOp: _Compiler._binary,
    ast.Compare: _Compiler._compare,
    ast.UnaryOp: _Compiler._unary,
    ast.BoolOp: _Compiler._bool,
    ast.IfExp: _Compiler._choice,
    ast.Call: _Compiler._call,
}
