"""Graphs of processes: one that every process knows whole, and one of which each knows its part."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from struct import Struct
from typing import Final

from vmpp_mpi._constants import DIST_GRAPH, GRAPH
from vmpp_mpi._topologies._placement import Edges, Layout

_NUMBER: Final = Struct("<q")


class Graph:
    """A graph of ranks that all of them know.

    Args:
        index: for each rank how many edges it and those before it have.
        edges: the neighbours of all ranks, one after the other.

    Attributes:
        index: as given.
        edges: as given.
        size: number of ranks.
    """

    __slots__ = ("edges", "index", "size")

    kind = GRAPH
    """What MPI calls such a topology."""

    def __init__(self, index: Sequence[int], edges: Sequence[int]) -> None:
        self.index = tuple(index)
        self.edges = tuple(edges)
        self.size = len(self.index)

    def neighbours(self, rank: int) -> list[int]:
        """Return the neighbours of *rank*, in the order in which they were given."""
        return list(self.edges[self.index[rank - 1] if rank else 0 : self.index[rank]])

    def around(self, rank: int) -> tuple[list[int], list[int]]:
        """Return the ranks that messages to *rank* come from, and those that its own go to."""
        found = self.neighbours(rank)
        return found, found

    def layout(self) -> Layout:
        """Return what there is to know for placing the ranks."""
        bounds = pairwise((0, *self.index))
        return grown([[(other, 1) for other in self.edges[begin:end]] for begin, end in bounds])


@lru_cache(maxsize=8)
def graph(index: tuple[int, ...], edges: tuple[int, ...]) -> Graph:
    """Return a graph; all ranks share one."""
    return Graph(index, edges)


class Neighbourhood:
    """What a process knows of a distributed graph.

    Attributes:
        sources: ranks that messages come from.
        destinations: ranks that messages go to.
        weights: of the sources and of the destinations, None if the graph has none.
    """

    __slots__ = ("destinations", "sources", "weights")

    kind = DIST_GRAPH
    """What MPI calls such a topology."""

    def __init__(
        self,
        sources: Sequence[int],
        destinations: Sequence[int],
        weights: tuple[Sequence[int], Sequence[int]] | None,
    ) -> None:
        self.sources = sources
        self.destinations = destinations
        self.weights = weights

    def around(self, rank: int) -> tuple[list[int], list[int]]:
        """Return the ranks that messages come from, and those that they go to."""
        return list(self.sources), list(self.destinations)

    def pack(self) -> bytes:
        """Return it as bytes."""
        weights = ((), ()) if self.weights is None else self.weights
        return numbers(
            [len(self.sources), len(self.destinations), self.weights is not None]
            + [number for part in (self.sources, self.destinations, *weights) for number in part]
        )

    @classmethod
    def unpack(cls, data: bytes) -> Neighbourhood:
        """Return what `pack` gave."""
        indegree, outdegree, weighted, *rest = from_numbers(data)
        degree = indegree + outdegree
        weights = (rest[degree : degree + indegree], rest[degree + indegree :])
        return cls(rest[:indegree], rest[indegree:degree], weights if weighted else None)


class WholeGraph:
    """A distributed graph, brought together to place its ranks.

    Attributes:
        parts: what each rank knows, as bytes.
        size: number of ranks.
    """

    __slots__ = ("parts", "size")

    def __init__(self, parts: tuple[bytes, ...]) -> None:
        self.parts = parts
        self.size = len(parts)

    def layout(self) -> Layout:
        """Return what there is to know for placing the ranks."""
        edges: list[list[tuple[int, int]]] = []
        for part in map(Neighbourhood.unpack, self.parts):
            weights = part.weights[1] if part.weights else [1] * len(part.destinations)
            edges.append(list(zip(part.destinations, weights, strict=True)))
        return grown(edges)


@lru_cache(maxsize=4)
def whole_graph(parts: tuple[bytes, ...]) -> WholeGraph:
    """Return a distributed graph; all ranks share one."""
    return WholeGraph(parts)


def grown(edges: Edges) -> Layout:
    """Return the layout of a graph that is cut by growing one part from a rank at its rim."""
    near: list[set[int]] = [set() for _ in edges]
    for rank, neighbours in enumerate(edges):
        for other, _ in neighbours:
            near[rank].add(other)
            near[other].add(rank)
    links = [sorted(others) for others in near]

    def divide(ranks: list[int]) -> tuple[list[int], list[int]]:
        inside = set(ranks)
        rim = _breadth_first(links, inside, ranks, ranks[0])[-1]
        order = _breadth_first(links, inside, ranks, rim)
        half = len(order) // 2
        return order[:half], order[half:]

    return Layout(edges, divide)


def _breadth_first(
    links: list[list[int]], inside: set[int], ranks: list[int], first: int
) -> list[int]:
    """Return *ranks* in the order in which they are reached from *first*, then from the others."""
    seen = {first}
    order = [first]
    for start in (first, *ranks):
        if start not in seen:
            seen.add(start)
            order.append(start)
        reached = len(order) - 1
        while reached < len(order):
            for other in links[order[reached]]:
                if other in inside and other not in seen:
                    seen.add(other)
                    order.append(other)
            reached += 1
    return order


def numbers(values: Sequence[int]) -> bytes:
    """Return whole numbers as bytes."""
    return Struct(f"<{len(values)}q").pack(*values)


def from_numbers(data: bytes) -> list[int]:
    """Return the numbers that `numbers` packed."""
    return [value for (value,) in _NUMBER.iter_unpack(data)]
