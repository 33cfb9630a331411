"""Values: what is known while compiling, and instructions for what is not."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Final

from vmpp.errors import suggestion
from vmpp.portals.instructions import ARITHMETIC, FIELDS, Op, wrapped
from vmpp.portals.language._words import ACTS, BODIES, CALLS, LOADS, RESERVED, TWO, VALUES
from vmpp.portals.language._writer import NAMES, Writer, described

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

_UNARY: Final[dict[type[ast.unaryop], Callable[[int], int]]] = {
    ast.USub: lambda value: -value,
    ast.UAdd: lambda value: value,
    ast.Invert: lambda value: ~value,
    ast.Not: lambda value: int(not value),
}


class Expressions(Writer):
    """Writes what computes the values of expressions.

    Attributes:
        variables: registers of the names that have been set.
        constants: values of names that are known.
        over: names of loops that are over.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.variables: dict[str, int] = {}
        self.constants: dict[str, int] = {}
        self.over: set[str] = set()

    def value(self, expression: ast.expr) -> int:
        """Write what computes an expression, and return the register that has it then."""
        known = self.constant(expression)
        if known is not None:
            register = self.temporary()
            self.emit(Op.CONST, register, known)
            return register
        write = _EXPRESSIONS.get(type(expression))
        if write is None:
            raise self.error(f"{described(expression)} is not in the language")
        return write(self, expression)

    def _name_value(self, expression: ast.Name) -> int:
        name = expression.id
        if name in self.variables:
            return self.variables[name]
        if name in FIELDS:
            register = self.temporary()
            self.emit(Op.FIELD, register, FIELDS.index(name))
            return register
        if name in RESERVED:
            raise self.error(f"{name!r} is no value")
        if name in self.over:
            raise self.error(f"{name!r} has no value after its loop")
        known = (*self.variables, *self.constants, *FIELDS)
        raise self.error(f"{name!r} has no value yet{suggestion(name, known)}")

    def _binary(self, expression: ast.BinOp) -> int:
        op = _BINARY.get(type(expression.op))
        if op is None:
            hint = "; use //" if isinstance(expression.op, ast.Div) else ""
            raise self.error(f"there is no such operation on whole numbers{hint}")
        return self._compute(op, expression.left, expression.right)

    def _compute(self, op: Op, left: ast.expr, right: ast.expr) -> int:
        first = self.value(left)
        second = self.value(right)
        register = self.temporary()
        self.emit(op, register, first, second)
        return register

    def _compare(self, expression: ast.Compare) -> int:
        found = _COMPARISONS.get(type(expression.ops[0]))
        if len(expression.ops) != 1 or found is None:
            raise self.error("a comparison is of two numbers, by == != < <= > or >=")
        op, changes = found
        left, right = expression.left, expression.comparators[0]
        first, second = self.value(left), self.value(right)
        register = self.temporary()
        self.emit(op, register, *((second, first) if changes else (first, second)))
        return register

    def _unary(self, expression: ast.UnaryOp) -> int:
        operand = self.value(expression.operand)
        if isinstance(expression.op, ast.UAdd):
            return operand
        other, register = self.temporary(), self.temporary()
        self.emit(Op.CONST, other, -1 if isinstance(expression.op, ast.Invert) else 0)
        if isinstance(expression.op, ast.USub):
            self.emit(Op.SUB, register, other, operand)
        else:
            op = Op.XOR if isinstance(expression.op, ast.Invert) else Op.EQ
            self.emit(op, register, operand, other)
        return register

    def _bool(self, expression: ast.BoolOp) -> int:
        register = self.temporary()
        jumps = []
        for each in expression.values[:-1]:
            self.emit_into(register, self.value(each))
            if isinstance(expression.op, ast.And):
                jumps.append(self.branch(register))
            else:
                further = self.branch(register)
                jumps.append(self.jump())
                self.land(further)
        self.emit_into(register, self.value(expression.values[-1]))
        for place in jumps:
            self.land(place)
        return register

    def _choice(self, expression: ast.IfExp) -> int:
        known = self.constant(expression.test)
        if known is not None:
            return self.value(expression.body if known else expression.orelse)
        register = self.temporary()
        to_else = self.branch(self.value(expression.test))
        self.emit_into(register, self.value(expression.body))
        to_end = self.jump()
        self.land(to_else)
        self.emit_into(register, self.value(expression.orelse))
        self.land(to_end)
        return register

    def _call(self, expression: ast.Call) -> int:
        name = expression.func.id if isinstance(expression.func, ast.Name) else ""
        if name not in VALUES:
            if name in ACTS:
                raise self.error(f"{name} returns nothing")
            raise self.error(f"there is no {name or 'such call'!r}{suggestion(name, CALLS)}")
        arguments = self.arguments(name, expression)
        self.takes(name, len(arguments), 2 if name in TWO else 1)
        if name in TWO:
            return self._compute(TWO[name], *arguments)
        known = self.constant(arguments[0])
        if name in LOADS and known is not None:
            register = self.temporary()
            self.emit(Op.LOAD_AT, register, self.offset(known), LOADS[name])
            return register
        offset = self.value(arguments[0])
        register = self.temporary()
        if name in LOADS:
            self.emit(Op.LOAD, register, offset, LOADS[name])
        else:
            self.emit(Op.BODY, register, offset, BODIES[name])
        return register

    def row(self, expressions: list[ast.expr]) -> int:
        """Write what computes some values into registers in a row; return the first of them."""
        registers = [self.temporary() for _ in expressions or (None,)]
        for register, each in zip(registers, expressions, strict=False):
            self.temporaries = registers[-1] - NAMES + 1
            self.emit_into(register, self.value(each))
        return registers[0]

    # -- what is known -----------------------------------------------------------------------------

    def constant(self, expression: ast.expr) -> int | None:
        """Return the value of an expression that is known now, None if it is not."""
        self.look()
        if isinstance(expression, ast.Constant):
            value = expression.value
            if not isinstance(value, int):
                raise self.error(f"{value!r:.40} is no whole number")
            if value >= 1 << 64:
                raise self.error("a number has 64 bits")
            return wrapped(int(value))
        if isinstance(expression, ast.Name):
            return self.constants.get(expression.id)
        if isinstance(expression, ast.UnaryOp):
            operand = self.constant(expression.operand)
            return None if operand is None else wrapped(_UNARY[type(expression.op)](operand))
        if isinstance(expression, ast.BinOp):
            return self._folded(_BINARY.get(type(expression.op)), expression.left, expression.right)
        if isinstance(expression, ast.Compare) and len(expression.ops) == 1:
            op, changes = _COMPARISONS.get(type(expression.ops[0]), (None, False))
            sides = expression.left, expression.comparators[0]
            return self._folded(op, *(sides[::-1] if changes else sides))
        if isinstance(expression, ast.BoolOp):
            return self._known_bool(expression)
        if isinstance(expression, ast.IfExp):
            test = self.constant(expression.test)
            if test is None:
                return None
            return self.constant(expression.body if test else expression.orelse)
        if isinstance(expression, ast.Call) and len(expression.args) == 2:
            name = expression.func.id if isinstance(expression.func, ast.Name) else ""
            return self._folded(TWO.get(name), *expression.args)
        return None

    def _known_bool(self, expression: ast.BoolOp) -> int | None:
        known: int | None = None
        for each in expression.values:
            known = self.constant(each)
            if known is None or bool(known) == isinstance(expression.op, ast.Or):
                break
        return known

    def _folded(self, op: Op | None, left: ast.expr, right: ast.expr) -> int | None:
        first, second = self.constant(left), self.constant(right)
        if op is None or first is None or second is None:
            return None
        if op in (Op.DIV, Op.MOD) and second == 0:
            raise self.error("divides by 0")
        return wrapped(ARITHMETIC[op](first, second))


_EXPRESSIONS: Final[Mapping[type[ast.expr], Callable[..., int]]] = {
    ast.Name: Expressions._name_value,
    ast.BinOp: Expressions._binary,
    ast.Compare: Expressions._compare,
    ast.UnaryOp: Expressions._unary,
    ast.BoolOp: Expressions._bool,
    ast.IfExp: Expressions._choice,
    ast.Call: Expressions._call,
}
