"""What a program's call of MPI looks like to a tool."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from vmpp.kernel import Process


class Place(NamedTuple):
    """A line of a program."""

    file: str
    line: int
    source: str

    def __str__(self) -> str:
        return f'  File "{self.file}", line {self.line}\n    {self.source}'


NOWHERE = Place("?", 0, "")


class Call:
    """A call that a program makes.

    Attributes:
        name: the method's, without its class.
        receiver: the handle or class whose method it is.
        arguments: those given and the defaults of the others, by name.
        place: the line of the program.
        rank: which rank of its job makes it.
        label: the method's name with that of the kind of handle: ``Comm.Send``.
    """

    __slots__ = ("arguments", "name", "place", "rank", "receiver")

    def __init__(
        self, name: str, receiver: Any, arguments: Mapping[str, Any], place: Place, rank: int
    ) -> None:
        self.name = name
        self.receiver = receiver
        self.arguments = arguments
        self.place = place
        self.rank = rank

    @property
    def label(self) -> str:
        family = getattr(self.receiver, "_family", None)
        return self.name if family is None else f"{family[0].__name__}.{self.name}"

    @classmethod
    def of(
        cls, process: Process, function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]
    ) -> Call:
        """Describe the call that *process* makes of *function*, from the line it has reached.

        A call with arguments that do not suit the function has none: it will raise TypeError.
        """
        signature = _signature(function)
        try:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            arguments: dict[str, Any] = dict(bound.arguments)
        except TypeError:
            arguments = {}
        arguments.pop("self", None)
        arguments.pop("cls", None)
        receiver = args[0] if args else None
        return cls(function.__name__, receiver, arguments, _place(process), process.rank)


@cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


def _place(process: Process) -> Place:
    frame = process.space.user_frame(sys._getframe(2))
    return NOWHERE if frame is None else Place(*process.space.lines(frame))
