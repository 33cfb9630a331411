"""In/out arguments: what C passes by address, as something in Python whose value can be changed."""

from __future__ import annotations

from operator import index
from typing import Any, Final


class cell:  # noqa: N801 - it stands in a program where C has a variable
    """A place for one value, to be given where C gives the address of a variable.

    It counts as its value wherever a whole number is wanted, so a cell that a call has filled can
    be handed on to the next call.

    Attributes:
        value: what it holds.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any = 0) -> None:
        self.value = value

    def __index__(self) -> int:
        return index(self.value)

    __int__ = __index__

    def __repr__(self) -> str:
        return f"cell({self.value!r})"


_VALUES: Final = (int, type(None), memoryview, bytes, bytearray)
"""What is no cell, although some of it has elements that can be changed."""


def is_cell(argument: Any) -> bool:
    """Return whether *argument* is a place for a value, and no value itself.

    Cells are such places, objects of ctypes, references to these (``byref``), and lists and arrays
    of one element.
    """
    if isinstance(argument, _VALUES):
        return False
    return any(hasattr(argument, name) for name in ("value", "_obj", "__setitem__"))


def get(argument: Any) -> int:
    """Return the whole number that *argument* is, or has.

    Raises:
        TypeError: it is, and has, none, or has more than one.
    """
    return argument if type(argument) is int else index(value_of(argument))


def value_of(argument: Any) -> Any:
    """Return what *argument* holds if it is a cell, and itself if it is none.

    Raises:
        TypeError: it has room for more than one value.
    """
    if type(argument) is cell:
        return argument.value
    if not is_cell(argument):
        return argument
    place = getattr(argument, "_obj", argument)
    return place.value if hasattr(place, "value") else place[_only(place)]


def put(argument: Any, value: Any) -> None:
    """Have *argument*, which is a cell, hold *value*.

    Raises:
        TypeError: it has room for another number of values, or for no such value.
    """
    place = getattr(argument, "_obj", argument)
    if hasattr(place, "value"):
        place.value = value
    else:
        place[_only(place)] = value


def _only(place: Any) -> Any:
    """Return the index of the only element of a list or array."""
    shape = getattr(place, "shape", None)
    count = getattr(place, "size", None) if shape is not None else len(place)
    if count != 1:
        raise TypeError(f"an in/out argument has one element, not {count}")
    return 0 if shape is None else (0,) * len(shape)


def answer(result: int, *pairs: tuple[Any, Any]) -> Any:
    """Put values where the caller has a place for them, and return the others behind *result*.

    Args:
        pairs: arguments, each with what it is to hold.
    """
    left = []
    for argument, value in pairs:
        if type(argument) is cell:
            argument.value = value
        elif is_cell(argument):
            put(argument, value)
        else:
            left.append(value)
    return (result, *left) if left else result
