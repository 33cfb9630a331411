"""What meshes of any number of dimensions amount to: links, distances and bisection width."""

from __future__ import annotations

from fractions import Fraction

from vmpp_topology.arrays import mean_distance, mesh_bisection, mesh_cables, mesh_mean


class Mesh:
    """Closed forms for a mesh; a class for each number of dimensions has its routes."""

    __slots__ = ()

    dims: tuple[int, ...]

    def cables(self) -> int:
        """Return the links between neighbours, two for each pair."""
        return mesh_cables(self.dims)

    def degree(self) -> int:
        """Return two for each dimension, but less where no node has neighbours on both sides."""
        return sum(min(2, side - 1) for side in self.dims)

    def diameter(self) -> int:
        """Return the links from corner to corner."""
        return sum(self.dims) - len(self.dims)

    def average_distance(self) -> Fraction:
        """Return the sum of (k - 1 / k) / 3 over sides k, without what is from a node to itself."""
        return mean_distance(self.dims, map(mesh_mean, self.dims))

    def bisection(self) -> int:
        """Return the links across the longest side, and a few more if that is odd."""
        return mesh_bisection(self.dims)
