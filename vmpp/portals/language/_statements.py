"""Statements: control that only goes forward, and what a handler does."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from operator import index
from typing import Final

from vmpp.errors import suggestion
from vmpp.portals.handlers import HandlerProgram
from vmpp.portals.instructions import MOST_INSTRUCTIONS, Op, Verdict, wrapped
from vmpp.portals.language._expressions import Expressions
from vmpp.portals.language._words import ACTS, CALLS, RESERVED, STORES, VALUES, VERDICTS
from vmpp.portals.language._writer import NAMES, described


class _Loop:
    """A loop while its turns are written out: the jumps to the end of a turn, and of all."""

    def __init__(self) -> None:
        self.continues: list[int] = []
        self.breaks: list[int] = []


class Compiler(Expressions):
    """Writes the program of a handler."""

    def __init__(self, name: str, constants: Mapping[str, int]) -> None:
        super().__init__(name)
        self._loops: list[_Loop] = []
        self._turns = 0
        for key, value in constants.items():
            if key in RESERVED:
                raise self.error(f"the constant {key!r} is a word of the language")
            try:
                self.constants[key] = wrapped(index(value))
            except TypeError:
                raise self.error(
                    f"the constant {key!r} is no whole number: {value!r:.40}"
                ) from None

    def compile(self, body: list[ast.stmt]) -> HandlerProgram:
        """Return the program of all statements."""
        self._block(body)
        self.emit(Op.END, Verdict.TAKE)
        return HandlerProgram(self.name, tuple(self.code))

    def _block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self.line = statement.lineno
            self.look()
            self.temporaries = 0
            write = _STATEMENTS.get(type(statement))
            if write is None:
                raise self.error(f"{described(statement)} is not in the language")
            write(self, statement)

    def _assign(self, statement: ast.Assign) -> None:
        if len(statement.targets) != 1:
            raise self.error("one name at a time can be set")
        self._set(statement.targets[0], statement.value)

    def _augment(self, statement: ast.AugAssign) -> None:
        if not isinstance(statement.target, ast.Name):
            raise self.error("only a name can be set")
        left = ast.copy_location(ast.Name(statement.target.id, ast.Load()), statement)
        value = ast.copy_location(ast.BinOp(left, statement.op, statement.value), statement)
        self._set(statement.target, value)

    def _set(self, target: ast.expr, value: ast.expr) -> None:
        if not isinstance(target, ast.Name):
            raise self.error("only a name can be set")
        name = target.id
        if name in RESERVED:
            raise self.error(f"{name!r} is a word of the language, and cannot be set")
        if name in self.constants:
            raise self.error(f"{name!r} is a constant here, and cannot be set")
        self.check_name(name)
        register = self.value(value)
        if name not in self.variables:
            if len(self.variables) == NAMES:
                raise self.error(f"there are more than {NAMES} names")
            self.variables[name] = len(self.variables)
        self.emit_into(self.variables[name], register)

    def _if(self, statement: ast.If) -> None:
        known = self.constant(statement.test)
        if known is not None:
            self._block(statement.body if known else statement.orelse)
            return
        to_else = self.branch(self.value(statement.test))
        self._block(statement.body)
        if statement.orelse:
            to_end = self.jump()
            self.land(to_else)
            self._block(statement.orelse)
            self.land(to_end)
        else:
            self.land(to_else)

    def _for(self, statement: ast.For) -> None:
        if not isinstance(statement.target, ast.Name) or statement.orelse:
            raise self.error("a loop is 'for NAME in range(...)', without else")
        name = statement.target.id
        if name in RESERVED or name in self.constants or name in self.variables:
            raise self.error(f"a loop needs a name of its own, and {name!r} is taken")
        self.check_name(name)
        loop = _Loop()
        self._loops.append(loop)
        for turn in self._range(statement.iter):
            self.line = statement.lineno
            self._turns += 1
            if self._turns > MOST_INSTRUCTIONS:
                raise self.error(f"its loops have more than {MOST_INSTRUCTIONS} turns in all")
            self.constants[name] = turn
            self._block(statement.body)
            for place in loop.continues:
                self.land(place)
            loop.continues.clear()
        self.constants.pop(name, None)
        self.over.add(name)
        self._loops.pop()
        for place in loop.breaks:
            self.land(place)

    def _range(self, iterable: ast.expr) -> range:
        if not _calls(iterable, "range") or iterable.keywords:  # type: ignore[attr-defined]
            raise self.error("a loop goes over range(...)")
        given = [self.constant(argument) for argument in iterable.args]  # type: ignore[attr-defined]
        limits = [each for each in given if each is not None]
        if not 1 <= len(given) <= 3 or len(limits) < len(given):
            raise self.error("a loop goes over a range of constants: how often must be known")
        if len(limits) == 3 and limits[2] == 0:
            raise self.error("a loop goes on by more than 0")
        return range(*limits)

    def _break(self, statement: ast.Break) -> None:
        self._loop.breaks.append(self.jump())

    def _continue(self, statement: ast.Continue) -> None:
        self._loop.continues.append(self.jump())

    @property
    def _loop(self) -> _Loop:
        if not self._loops:
            raise self.error("there is no loop here")
        return self._loops[-1]

    def _pass(self, statement: ast.Pass) -> None:
        """Write nothing."""

    def _return(self, statement: ast.Return) -> None:
        value = statement.value
        if value is None:
            self.emit(Op.END, Verdict.TAKE)
        elif isinstance(value, ast.Name) and value.id in VERDICTS:
            self.emit(Op.END, VERDICTS[value.id])
        else:
            raise self.error(f"a handler returns {', '.join(VERDICTS)} or nothing")

    def _expression(self, statement: ast.Expr) -> None:
        call = statement.value
        if isinstance(call, ast.Constant) and isinstance(call.value, str):
            # What describes it.
            return
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise self.error(f"{described(call)} has no effect here")
        name = call.func.id
        if name not in ACTS:
            if name in VALUES:
                raise self.error(f"what {name} returns is not used")
            raise self.error(f"there is no {name!r}{suggestion(name, CALLS)}")
        self._act(name, self.arguments(name, call))

    def _act(self, name: str, arguments: list[ast.expr]) -> None:
        count = len(arguments)
        if name in STORES:
            self.takes(name, count, 2)
            self._store(arguments, STORES[name])
        elif name == "copy":
            self.takes(name, count, 3)
            self.emit(Op.COPY, *(self.value(each) for each in arguments))
        elif name == "reply":
            self.words(name, count)
            self.emit(Op.REPLY, self.row(arguments), count)
        elif name == "send":
            self.words(name, count - 3)
            self.emit(Op.SEND, self.row(arguments), count - 3)
        elif name == "forward":
            self.takes(name, count, 3)
            self.emit(Op.FORWARD, self.row(arguments))
        else:
            self.takes(name, count, 0)
            self.emit(Op.WAKE)

    def _store(self, arguments: list[ast.expr], width: int) -> None:
        known = self.constant(arguments[0])
        if known is not None:
            self.emit(Op.STORE_AT, self.offset(known), self.value(arguments[1]), width)
        else:
            offset = self.value(arguments[0])
            self.emit(Op.STORE, offset, self.value(arguments[1]), width)


def _calls(expression: ast.expr, name: str) -> bool:
    return (
        isinstance(expression, ast.Call)
        and isinstance(expression.func, ast.Name)
        and expression.func.id == name
    )


_STATEMENTS: Final[Mapping[type[ast.stmt], Callable[..., None]]] = {
    ast.Assign: Compiler._assign,
    ast.AugAssign: Compiler._augment,
    ast.If: Compiler._if,
    ast.For: Compiler._for,
    ast.Break: Compiler._break,
    ast.Continue: Compiler._continue,
    ast.Pass: Compiler._pass,
    ast.Return: Compiler._return,
    ast.Expr: Compiler._expression,
}
