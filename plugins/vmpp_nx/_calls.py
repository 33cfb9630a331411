"""The calls of NX: one table, from which programs get each in both of its forms.

A call is written once, as a function whose first parameter is the state of the process that calls,
and which raises `Refused` for what cannot be done. `call` enters it in `CALLS`. `functions` makes
the function that programs know by its name, and the twin whose name begins with an underscore; both
have the parameters of the call itself, so that reports of deadlocks and `help` show them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import CodeType, FunctionType
from typing import Any, Final, TypeVar

from greenlet import getcurrent

from vmpp_nx._errors import Refused
from vmpp_nx._state import end_with, find, keep

F = TypeVar("F", bound=Callable[..., Any])

PARAGON: Final = "Paragon"
IPSC: Final = "iPSC"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of NX.

    Attributes:
        name: by which programs know it.
        body: what it does; the first parameter is the state of the process.
        dialect: whose name it is.
    """

    name: str
    body: Callable[..., Any]
    dialect: str = PARAGON

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """What programs give it."""
        return list(inspect.signature(self.body).parameters.values())[1:]


_GLOBALS: Final[dict[str, Any]] = {
    "__name__": "nx",
    "getcurrent": getcurrent,
    "find": find,
    "Refused": Refused,
    "end_with": end_with,
    "keep": keep,
}
"""What the functions that programs call refer to."""

CALLS: Final[dict[str, Call]] = {}
"""All calls, by name, in the order in which they are written down."""


def call(*aliases: str, dialect: str = PARAGON, name: str = "") -> Callable[[F], F]:
    """Enter a function in the table of calls, by its own name unless *name* is another.

    Args:
        aliases: further names, those of the iPSC.
        dialect: whose name the first is.
        name: of the call, where that would be a bad one for a function of Python's.
    """

    def enter(body: F) -> F:
        first = name or body.__name__
        for each, whose in ((first, dialect), *((alias, IPSC) for alias in aliases)):
            if each in CALLS:
                raise ValueError(f"there is a call {each!r} already")
            CALLS[each] = Call(each, body, whose)
        return body

    return enter


_FORMS: Final = """
def plain({parameters}):
    try:
        state = getcurrent().process.libraries["nx"]
    except (AttributeError, KeyError):
        state = find()
    try:
        return body(state{arguments})
    except Refused as error:
        refusal = error
    end_with(state, "a name", refusal)

def twin({parameters}):
    try:
        state = getcurrent().process.libraries["nx"]
    except (AttributeError, KeyError):
        state = find()
    try:
        result = body(state{arguments})
    except Refused as error:
        return keep(state, error)
    return 0 if result is None else result
"""
_NAME: Final = "a name"
"""What stands in the forms in the place of a call's name."""


def functions(calls: Mapping[str, Call]) -> dict[str, Callable[..., Any]]:
    """Return the functions that programs call, and their twins, by the names that these import.

    They have the parameters of the calls: functions that passed on ``*args`` would cost as much as
    a send's own work, and reports could not name their arguments.
    """
    found: dict[str, Callable[..., Any]] = {}
    for call in calls.values():
        parameters = call.parameters
        named = tuple(each.name for each in parameters)
        starred = bool(parameters) and parameters[-1].kind is inspect.Parameter.VAR_POSITIONAL
        wanted = {"return", *named}
        notes = {k: v for k, v in call.body.__annotations__.items() if k in wanted}
        names = {**_GLOBALS, "body": call.body}
        defaults = tuple(each.default for each in parameters if each.default is not each.empty)
        for form, code in zip(
            (call.name, f"_{call.name}"), _shape(len(named), starred), strict=True
        ):
            function = FunctionType(_called(code, form, named), names, form, defaults)
            function.__doc__ = call.body.__doc__
            function.__annotations__ = notes
            found[form] = function
    return found


@cache
def _shape(count: int, starred: bool) -> tuple[CodeType, CodeType]:
    """Return the code of both forms with so many parameters, the last of which may be starred.

    To compile the forms of every single call would take longer than many a program runs.
    """
    named = [f"p{place}" for place in range(count)]
    if starred:
        named[-1] = f"*{named[-1]}"
    source = _FORMS.format(
        parameters=", ".join(named), arguments="".join(f", {each}" for each in named)
    )
    names: dict[str, Any] = {}
    exec(compile(source, __file__, "exec"), names)
    return names["plain"].__code__, names["twin"].__code__


def _called(code: CodeType, form: str, parameters: tuple[str, ...]) -> CodeType:
    """Return *code* for a function called *form*, with these names of parameters."""
    return code.replace(
        co_name=form,
        co_qualname=form,
        co_varnames=parameters + code.co_varnames[len(parameters) :],
        co_consts=tuple(form if each == _NAME else each for each in code.co_consts),
    )
