"""The calls of NX: one table, from which programs get each in both of its forms.

A call is written once, as a function whose first parameter is the state of the process that calls,
and which raises `Refused` for what cannot be done. `call` enters it in `CALLS`. `functions` makes
the function that programs know by its name, and the twin whose name begins with an underscore; both
have the parameters of the call itself, so that reports of deadlocks and `help` show them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
def {name}({parameters}):
    try:
        state = getcurrent().process.libraries["nx"]
    except (AttributeError, KeyError):
        state = find()
    try:
        return {body}(state{arguments})
    except Refused as error:
        refusal = error
    end_with(state, {name!r}, refusal)

def _{name}({parameters}):
    try:
        state = getcurrent().process.libraries["nx"]
    except (AttributeError, KeyError):
        state = find()
    try:
        result = {body}(state{arguments})
    except Refused as error:
        return keep(state, error)
    return 0 if result is None else result
"""


def functions(calls: Mapping[str, Call]) -> dict[str, Callable[..., Any]]:
    """Return the functions that programs call, and their twins, by the names that these import.

    They are compiled with the parameters of the calls: functions that passed on ``*args`` would
    cost as much as a send's own work, and reports could not name their arguments.
    """
    names: dict[str, Any] = {
        "__name__": "nx",
        "getcurrent": getcurrent,
        "find": find,
        "Refused": Refused,
        "end_with": end_with,
        "keep": keep,
    }
    parameters = {call.name: call.parameters for call in calls.values()}
    source = []
    for call in calls.values():
        body = f"{call.name}__body"
        names[body] = call.body
        source.append(_forms(call.name, body, parameters[call.name]))
    exec(compile("".join(source), __file__, "exec"), names)
    found = {}
    for call in calls.values():
        wanted = {"return", *(each.name for each in parameters[call.name])}
        notes = {k: v for k, v in call.body.__annotations__.items() if k in wanted}
        for form in (call.name, f"_{call.name}"):
            function = found[form] = names[form]
            function.__doc__ = call.body.__doc__
            function.__annotations__ = notes
    return found


def _forms(name: str, body: str, parameters: Sequence[inspect.Parameter]) -> str:
    """Return the source of a call's two forms, which call the global *body*."""
    return _FORMS.format(
        name=name,
        body=body,
        parameters=", ".join(_written(each) for each in parameters),
        arguments="".join(f", {_stars(each)}{each.name}" for each in parameters),
    )


def _stars(parameter: inspect.Parameter) -> str:
    return "*" if parameter.kind is parameter.VAR_POSITIONAL else ""


def _written(parameter: inspect.Parameter) -> str:
    """Return a parameter as it stands in a function's head."""
    if parameter.default is parameter.empty:
        return f"{_stars(parameter)}{parameter.name}"
    return f"{parameter.name}={parameter.default!r}"
