"""A fat tree: a k-ary n-tree of switches, as QsNet's and the CM-5's data network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import comb, prod
from typing import Annotated

from vmpp.parameters import count
from vmpp_topology.arrays import strides

ARITY = 4
"""Of fat trees that grow, if nobody says: that of QsNet's."""


class FatTree:
    """*dims* = (k, powers of k ...): k nodes at each of the lowest switches, k^n nodes in all.

    Of n levels of switches each has k^(n-1), with k links down and, but for the highest, k up
    (Petrini and Vanneschi, k-ary n-trees: High Performance Networks for Massively Parallel
    Architectures, 1997). A message goes up to the lowest level from which there is a way down to
    its destination. On the way up it takes, at level l, the link given by digit l of the
    destination's number to the base k, so every link down is used for few destinations, and shifts
    meet nowhere (d-mod-k: Zahavi, D-Mod-K Routing Providing Non-Blocking Traffic for Shift
    Permutations on Real Life Fat Trees, 2010). With adaptive routing it is that with the least to
    do, as in QsNet and the CM-5, where the link down that it leads to counts as well. What goes up
    and then down cannot deadlock.

    Levels are counted from 0, the switches with the nodes. Link ``level * size + n`` leads up from
    node n if the level is 0, and otherwise from switch ``n // k`` of the level below it by port
    ``n % k``; link ``levels * size`` further on leads down the same cable. A switch's number within
    its level has n - 1 digits to the base k; port p up from level l leads to the switch whose digit
    l is p.

    Raises:
        ValueError: *dims* are not powers of the first of them.
    """

    __slots__ = ("_digits", "_per_level", "_strides", "arity", "dims", "levels", "links", "size",
                 "vertices")  # fmt: skip

    def __init__(
        self,
        dims: tuple[int, ...],
        arity: Annotated[
            int, count("links up, and down, of a switch; otherwise as dims say", 2, 1024)
        ] = 0,
    ) -> None:
        arity = arity or (dims[0] if dims else 0)
        if not dims or arity < 2 or dims[0] != arity:
            first = arity if arity > 1 else "two or more"
            raise ValueError(f"a fat tree has {first} as first dimension, not {list(dims)}")
        self.levels = sum(_logarithm(side, arity, dims) for side in dims)
        self.dims: tuple[int, ...] = dims
        self.arity = arity
        self.size = prod(dims)
        self.links = 2 * self.levels * self.size
        self._per_level = self.size // arity
        self.vertices = self.size + self.levels * self._per_level
        self._strides = strides(dims)
        self._digits = [arity**level for level in range(self.levels + 1)]

    @staticmethod
    def grown(nodes: int, arity: int = ARITY) -> tuple[int, ...]:
        """Return the dimensions of the smallest fat tree with room for *nodes* nodes.

        They are the nodes of a switch, and the switches that have nodes.
        """
        return FatTree.extended((arity or ARITY, 1), nodes)

    @staticmethod
    def extended(dims: tuple[int, ...], nodes: int) -> tuple[int, ...]:
        """Return the dimensions with levels put on top until there is room for *nodes* nodes."""
        if len(dims) == 1:
            return dims
        *first, last = dims
        while prod(first) * last < nodes:
            last *= dims[0]
        return (*first, last)

    def coordinates(self, node: int) -> tuple[int, ...]:
        """Return the place of *node*: its link of its switch first."""
        return tuple(
            node // stride % side for stride, side in zip(self._strides, self.dims, strict=True)
        )

    def hops(self, source: int, destination: int) -> int:
        """Return twice the number of levels that a message goes up."""
        arity = self.arity
        found = 0
        while source != destination:
            source //= arity
            destination //= arity
            found += 2
        return found

    def route(self, source: int, destination: int) -> list[int]:
        """Return the links up, as the destination's digits say, and those down."""
        digits, arity = self._digits, self.arity
        ports = [
            destination // digits[level] % arity
            for level in range(self.hops(source, destination) // 2 - 1)
        ]
        return self._way(source, destination, ports)

    def adapted(
        self, source: int, destination: int, load: Callable[[int], int], turn: int
    ) -> Sequence[int]:
        """Return a way whose links at each level, that up and that down, have the least to do."""
        ports: list[int] = []
        arity, down = self.arity, self.levels * self.size
        switch, there = source // arity, destination // arity
        for level in range(self.hops(source, destination) // 2 - 1):
            digit, cables = self._digits[level], (level + 1) * self.size
            up_links, down_links = cables + switch * arity, down + cables + there * arity
            # Of several that have as little to do, the one that `route` takes, or the next.
            usual = destination // digit % arity
            in_turn = [(usual + further) % arity for further in range(arity)]
            loads = [max(load(up_links + port), load(down_links + port)) for port in in_turn]
            port = in_turn[loads.index(min(loads))]
            ports.append(port)
            switch += (port - switch // digit % arity) * digit
            there += (port - there // digit % arity) * digit
        return self._way(source, destination, ports)

    def _way(self, source: int, destination: int, ports: Sequence[int]) -> list[int]:
        """Return the links up by *ports*, one for each level of switches, and those down."""
        if source == destination:
            return []
        arity, size, digits = self.arity, self.size, self._digits
        down = self.levels * size
        switch = source // arity
        up_links = [source]
        for level, port in enumerate(ports):
            up_links.append((level + 1) * size + switch * arity + port)
            switch += (port - switch // digits[level] % arity) * digits[level]
        down_links = []
        for level in range(len(ports) - 1, -1, -1):
            # The cable down to the level below is that by which the switch there comes up here.
            here = switch // digits[level] % arity
            to = destination // digits[level + 1] % arity
            switch += (to - here) * digits[level]
            down_links.append(down + (level + 1) * size + switch * arity + here)
        return [*up_links, *down_links, down + destination]

    def ends(self, link: int) -> tuple[int, int]:
        """Return the node or switch that a link leads from and that which it leads to."""
        back, cable = divmod(link, self.levels * self.size)
        level, number = divmod(cable, self.size)
        switch, port = divmod(number, self.arity)
        if level == 0:
            lower, upper = number, switch
        else:
            lower = self.size + (level - 1) * self._per_level + switch
            digit = self._digits[level - 1]
            upper = level * self._per_level + switch
            upper += (port - switch // digit % self.arity) * digit
        upper += self.size
        return (upper, lower) if back else (lower, upper)

    def cables(self) -> int:
        """Return one up and one down for each node at each level."""
        return self.links

    def degree(self) -> int:
        """Return those of a switch: k down, and k up if there is a level above."""
        return self.arity * min(2, self.levels)

    def diameter(self) -> int:
        """Return the links up to the top and down again."""
        return 2 * self.levels

    def average_distance(self) -> Fraction:
        """Return the sum of 2 l (k - 1) k^(l - 1) over levels l from 1 on, by the other nodes."""
        pairs = ((level, self._digits[level - 1]) for level in range(1, self.levels + 1))
        total = sum(2 * level * (self.arity - 1) * nearer for level, nearer in pairs)
        return Fraction(total, self.size - 1)

    def bisection(self) -> int:
        """Return half the number of nodes: no cut of the tree is narrower than the nodes' links."""
        return self.size // 2

    def pairwise(self, nodes: Sequence[int]) -> int:
        """Return twice the number of levels that are below the way up of each pair."""
        all_pairs = comb(len(nodes), 2)
        total = 0
        for digit in self._digits[:-1]:
            together = Counter(node // digit for node in nodes)
            total += all_pairs - sum(comb(count, 2) for count in together.values())
        return 2 * total


def _logarithm(number: int, base: int, dims: tuple[int, ...]) -> int:
    """Return which power of *base* a number is."""
    power = 0
    while number > 1 and number % base == 0:
        number //= base
        power += 1
    if number != 1:
        raise ValueError(f"a fat tree has powers of {base} as dimensions, not {list(dims)}")
    return power
