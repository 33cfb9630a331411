"""Subcubes of a hypercube, by the buddy system and by the Gray code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final

from vmpp.parameters import word

if TYPE_CHECKING:
    from vmpp.hardware import Topology
    from vmpp.service import Places


class Subcube:
    """A subcube of free nodes: as many as a job wants, rounded up to a power of two.

    The *code* says which subcubes are looked at, in order: ``binary`` those of 2^k nodes whose
    numbers follow on a multiple of 2^k, which is the buddy system; ``gray`` those whose numbers
    follow on each other in the reflected Gray code from a multiple of 2^(k-1), which are twice as
    many. The first that is free is taken (Chen and Shin, Processor allocation in an n-cube
    multiprocessor using Gray codes, 1987). The nCUBE 2 and the iPSC/860 gave out subcubes.

    It works on hypercubes, and on meshes and tori that are some.

    Raises:
        ValueError: the topology is no hypercube.
    """

    __slots__ = ("_dimension", "_regions")

    def __init__(
        self,
        places: Places,
        code: Annotated[
            str, word("order of the nodes, in which subcubes are runs", "binary", "gray")
        ] = "binary",
    ) -> None:
        self._dimension = _dimension(places.topology)
        self._regions = _CODES[code]

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        """Return all nodes of a subcube, by number; None if no large enough one is free."""
        order = (wanted - 1).bit_length()
        if len(free) < 1 << order:
            return None
        there = set(free)
        regions = self._regions(self._dimension, order)
        found = next((region for region in regions if there.issuperset(region)), None)
        return None if found is None else sorted(found)


def binary(dimension: int, order: int) -> Iterator[Sequence[int]]:
    """Yield the subcubes of 2^*order* nodes that differ in the lowest bits."""
    size = 1 << order
    for first in range(0, 1 << dimension, size):
        yield range(first, first + size)


def gray(dimension: int, order: int) -> Iterator[Sequence[int]]:
    """Yield the subcubes of 2^*order* nodes that follow on each other in the Gray code."""
    nodes, size = 1 << dimension, 1 << order
    last = nodes if order < dimension else 1
    for first in range(0, last, max(1, size // 2)):
        places = (place % nodes for place in range(first, first + size))
        yield [place ^ place >> 1 for place in places]


def _dimension(topology: Topology) -> int:
    """Return of how many dimensions a hypercube is. Raises ValueError if *topology* is none."""
    dimension = topology.size.bit_length() - 1
    if topology.size != 1 << dimension:
        raise ValueError(_NO_CUBE.format("it has not a power of two of places"))
    for node in range(topology.size):
        for bit in range(dimension):
            if topology.hops(node, node ^ 1 << bit) != 1:
                what = f"nodes {node} and {node ^ 1 << bit} are not linked"
                raise ValueError(_NO_CUBE.format(what))
    return dimension


_NO_CUBE: Final = (
    "the topology is no hypercube: {}; take the topology 'hypercube', or 'buddy' on a mesh"
)

_CODES: Final[Mapping[str, Callable[[int, int], Iterator[Sequence[int]]]]] = MappingProxyType(
    {"binary": binary, "gray": gray}
)
