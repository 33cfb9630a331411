"""The calls of NX: one table, from which programs get each in both of its forms.

A call is written once, as a function whose first parameter is the state of the process that calls,
and which raises `Refused` for what cannot be done. `call` enters it in `CALLS`. `plain` makes the
function that programs know by its name, `twin` the one whose name begins with an underscore; both
have the parameters of the call itself, so that reports of deadlocks and `help` show them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
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
        return body(state{arguments})
    except Refused as error:
        refusal = error
    end_with(state, {name!r}, refusal)

def _{name}({parameters}):
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


def forms(call: Call) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the function that programs call, and its twin.

    They are compiled with the parameters of the call: one that passes on ``*args`` costs as much
    as a send's own work, and reports could not name its arguments.
    """
    body = call.body
    parameters = [
        each.name if each.default is each.empty else f"{each.name}={each.default!r}"
        for each in call.parameters
    ]
    source = _FORMS.format(
        name=call.name,
        parameters=", ".join(parameters),
        arguments="".join(f", {each.name}" for each in call.parameters),
    )
    names: dict[str, Any] = {
        "__name__": "nx",
        "getcurrent": getcurrent,
        "find": find,
        "body": body,
        "Refused": Refused,
        "end_with": end_with,
        "keep": keep,
    }
    exec(compile(source, __file__, "exec"), names)
    made = names[call.name], names[f"_{call.name}"]
    text = inspect.getdoc(body)
    for function in made:
        function.__doc__ = text
        function.__annotations__ = {
            name: annotation
            for name, annotation in body.__annotations__.items()
            if name in {"return", *(each.name for each in call.parameters)}
        }
    return made


def functions(calls: Mapping[str, Call]) -> dict[str, Callable[..., Any]]:
    """Return all forms of *calls*, by the names that programs import."""
    found: dict[str, Callable[..., Any]] = {}
    for each in calls.values():
        found[each.name], found[f"_{each.name}"] = forms(each)
    return found
