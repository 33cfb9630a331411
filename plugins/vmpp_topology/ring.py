"""A ring: a torus of one dimension."""

from __future__ import annotations

from vmpp_topology.torus import Torus


class Ring(Torus):
    """Nodes in a circle; a message goes the shorter way round, as in a `Torus`.

    Link ``2 * node`` leads up, the next one down.

    Raises:
        ValueError: *dims* are not one positive number.
    """

    __slots__ = ()

    def __init__(self, dims: tuple[int, ...]) -> None:
        if len(dims) != 1 or dims[0] < 1:
            raise ValueError(f"a ring has one positive dimension, not {list(dims)}")
        super().__init__(dims)

    @staticmethod
    def grown(nodes: int, dimensions: int = 1) -> tuple[int, ...]:
        """Return the dimension of a ring of *nodes* nodes."""
        return (max(1, nodes),)

    def hops(self, source: int, destination: int) -> int:
        """Return the shorter way round."""
        return self._distances[0][destination - source]
