"""Where in a target's memory an operation works: from a program's arguments to groups of bytes."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import Any, Final

from vmpp_mpi._buffers._buffer import Spec
from vmpp_mpi._datatype import Basic, Datatype, Layout
from vmpp_mpi._datatype._numbers import DEFINITIONS
from vmpp_mpi._windows._groups import Group, grouped

_ITEMS: Final = 3


@dataclass(frozen=True, slots=True)
class Place:
    """A target argument: displacement in units of the target's, number and type of elements."""

    disp: int
    count: int
    datatype: Datatype


def place_of(target: Any, origin: Spec) -> Place:
    """Return what a *target* argument says; what it leaves out is as at the *origin*.

    Raises:
        ValueError: it is neither a displacement nor a list or tuple of up to three items.
        TypeError, KeyError: an item is of the wrong kind.
    """
    if target is None:
        return Place(0, origin.count, origin.datatype)
    if isinstance(target, (list, tuple)):
        if len(target) > _ITEMS:
            raise ValueError(f"target: expecting {_ITEMS} items at most")
        default: list[Any] = [0, origin.count, origin.datatype]
        disp, count, datatype = list(target) + default[len(target) :]
        if isinstance(datatype, str):
            datatype = Datatype.fromcode(datatype)
        if not isinstance(datatype, Datatype):
            raise TypeError(f"expected Datatype, got {type(datatype).__name__}")
        return Place(index(disp), index(count), datatype)
    try:
        return Place(index(target), origin.count, origin.datatype)
    except TypeError:
        raise ValueError("target: expecting integral or list/tuple") from None


def groups_of(place: Place, begin: int) -> list[Group]:
    """Return the bytes of a place whose first element's origin is at displacement *begin*."""
    layout, count = place.datatype._get(), place.count
    if layout.contiguous:
        nbytes = count * layout.size
        return [Group(begin, nbytes, 0, 1)] if nbytes else []
    groups = _regular(layout, count)
    if groups is None:
        groups = grouped(layout.runs(count))
    return [group.moved(begin) for group in groups]


def _regular(layout: Layout, count: int) -> list[Group] | None:
    """Return the groups of elements that are a column each, without looking at every run."""
    if count < 1 or len(layout.pieces) != 1:
        return None
    ((_, offset, run, dims),) = layout.pieces
    if len(dims) != 1 or dims[0][2] != run:
        return None
    ((repeat, stride, _),) = dims
    extent = layout.extent
    if extent == repeat * stride:
        return [Group(offset, run, stride, repeat * count)]
    return [Group(offset + number * extent, run, stride, repeat) for number in range(count)]


_ELEMENTS: Final[dict[Basic, Datatype]] = {
    definition.number: Datatype._wrap(definition)
    for definition in reversed(DEFINITIONS.values())
    if definition.number is not None
}


def element_of(datatype: Datatype) -> Datatype | None:
    """Return the predefined datatype that all data of *datatype* are, None if there are several."""
    basic = datatype._get().basic
    return None if basic is None else _ELEMENTS.get(basic)
