"""A dragonfly: groups of routers that are linked among themselves, and groups that are, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from math import comb, prod
from typing import Annotated

from vmpp.parameters import count


class Dragonfly:
    """*dims* = (p, a, g): p nodes at each router, a routers in each group, g groups.

    Every two routers of a group have a link. Each router has h links to other groups; those of a
    group are dealt out to the others in turn as often as they go round, so every two groups have
    one, or several (Kim, Dally, Scott and Abts, Technology-Driven, Highly-Scalable Dragonfly
    Topology, 2008). There, a = 2 p = 2 h balances the load, and g can be a h + 1.

    A message goes at most by one link within its group, one to the other group, and one there. If
    several links join both groups it takes one with the fewest of those, and of several such one
    given by the numbers of the two nodes. Adaptive routing is UGAL: it compares that way with one
    by way of a third group (Valiant), the third groups taken in turn, and takes the other if what
    the busiest link of it has to do, times its length, is less.

    A message takes virtual channel 0 of links before its first between groups, 1 of those after it,
    and 2 of those after the second; so routes cannot deadlock.

    Links, in turn: n leads from node n to its router, ``size + n`` from the router to it, then come
    those within groups, ``router * a + position of the other``, and last those between groups,
    ``router * h + port``.

    Raises:
        ValueError: *dims* are not three positive numbers, or the groups cannot all be linked.
    """

    __slots__ = ("_between", "_routers", "_within", "copies", "dims", "h", "links", "size",
                 "vertices")  # fmt: skip

    def __init__(
        self,
        dims: tuple[int, ...],
        h: Annotated[
            int, count("links of a router to other groups; otherwise balanced", 1, 1024)
        ] = 0,
    ) -> None:
        if len(dims) != 3 or min(dims) < 1:
            raise ValueError(f"a dragonfly has three positive dimensions, not {list(dims)}")
        p, a, g = dims
        self.h = h = h or max(p, -(-(g - 1) // a))
        if a * h < g - 1:
            raise ValueError(
                f"a dragonfly of groups of {a} routers with {h} links each has up to {a * h + 1} "
                f"groups, not {g}"
            )
        self.dims: tuple[int, ...] = dims
        self.size = prod(dims)
        self._routers = a * g
        self.copies = a * h // (g - 1) if g > 1 else 0
        self._within = 2 * self.size
        self._between = self._within + self._routers * a
        self.links = self._between + self._routers * h
        self.vertices = self.size + self._routers

    @staticmethod
    def grown(nodes: int, h: int = 0) -> tuple[int, ...]:
        """Return the dimensions of a balanced dragonfly with room for *nodes* nodes."""
        h = h or next(h for h in range(1, nodes + 2) if 2 * h * h * (2 * h * h + 1) >= nodes)
        p, a = h, 2 * h
        return p, a, max(1, -(-nodes // (p * a)))

    def coordinates(self, node: int) -> tuple[int, ...]:
        """Return which link of which router of which group *node* has."""
        p, a, _ = self.dims
        return node % p, node // p % a, node // (p * a)

    def hops(self, source: int, destination: int) -> int:
        """Return the links that `route` takes, those between nodes and routers included."""
        if source == destination:
            return 0
        p, a, _ = self.dims
        router, to_router = source // p, destination // p
        if router == to_router:
            return 2
        group, to_group = router // a, to_router // a
        if group == to_group:
            return 3
        return 3 + min(
            (leaves != router) + (enters != to_router)
            for leaves, _, enters in self._joints(group, to_group)
        )

    def route(self, source: int, destination: int) -> list[int]:
        """Return the links within the group, to the other one, and within that."""
        if source == destination:
            return []
        p = self.dims[0]
        way = self._way(source // p, destination // p, source + destination)
        return [source, *way, self.size + destination]

    def adapted(
        self, source: int, destination: int, load: Callable[[int], int], turn: int
    ) -> Sequence[int]:
        """Return the minimal way, or one by way of a third group if there is less to do."""
        p, a, g = self.dims
        straight = self.route(source, destination)
        group, to_group = source // (p * a), destination // (p * a)
        others = g - (1 if group == to_group else 2)
        if group == to_group or others < 1:
            return straight
        third = turn % others
        for taken in sorted((group, to_group)):
            third += third >= taken
        between = self._entry(source // p, third, source + destination)
        there = self._way(source // p, between, source + destination)
        onward = self._way(between, destination // p, source + destination)
        detour = [source, *there, *onward, self.size + destination]
        # The links between a node and its router are the same on both ways.
        cost, other = (max(map(load, way[1:-1])) * len(way[1:-1]) for way in (straight, detour))
        return straight if cost <= other else detour

    def channels(self, route: Sequence[int]) -> list[int]:
        """Return how many links between groups a message has taken before each link."""
        found = []
        passed = 0
        for link in route:
            found.append(passed)
            passed += link >= self._between
        return found

    def ends(self, link: int) -> tuple[int, int] | None:
        """Return the node or router that a link leads from and to; None if there is none there."""
        p, a, _ = self.dims
        if link < self._within:
            back, node = divmod(link, self.size)
            router = self.size + node // p
            return (router, node) if back else (node, router)
        if link < self._between:
            router, place = divmod(link - self._within, a)
            other: int | None = router // a * a + place
        else:
            router, port = divmod(link - self._between, self.h)
            other = self._across(router, port)
        return None if other in (None, router) else (self.size + router, self.size + other)

    def cables(self) -> int:
        """Return those of nodes, those within groups, and those between groups."""
        _, a, g = self.dims
        return 2 * self.size + g * a * (a - 1) + g * (g - 1) * self.copies

    def degree(self) -> int:
        """Return those of the first router of a group: to p nodes, a - 1 routers and h groups."""
        p, a, g = self.dims
        return p + a - 1 + min(self.h, self.copies * (g - 1))

    def diameter(self) -> int:
        """Return the most links of a way that `route` takes: 5 as a rule."""
        p, a, _ = self.dims
        if self._routers == 1:
            return 2 * (p > 1)
        within = 3 if a > 1 else 0
        return max([within, *(most for most, _ in self._distances())])

    def average_distance(self) -> Fraction:
        """Return the mean, from counts of the routers at which two groups are joined."""
        p, a, g = self.dims
        if self.size == 1:
            return Fraction()
        near = g * a * p * (2 * (p - 1) + 3 * p * (a - 1))
        far = sum(total for _, total in self._distances())
        return Fraction(near + p * p * far, self.size * (self.size - 1))

    def bisection(self) -> int:
        """Return the links from half of the groups to the others.

        It is the narrowest cut if a is at least 2 h, as it should be, and g is even. If g is odd,
        the halves differ by one group.
        """
        _, _, g = self.dims
        if g == 1:
            return self._within_bisection()
        return min(self.size // 2, g // 2 * (g - g // 2) * self.copies)

    def pairwise(self, nodes: Sequence[int]) -> int:
        """Return the sum over pairs of routers that have some of the nodes."""
        p = self.dims[0]
        there = Counter(node // p for node in nodes)
        total = 2 * sum(comb(some, 2) for some in there.values())
        for one, other in combinations(sorted(there), 2):
            total += there[one] * there[other] * self.hops(one * p, other * p)
        return total

    def _within_bisection(self) -> int:
        """Return the bisection width of one group."""
        p, a, _ = self.dims
        # The nodes of an odd router are cut from it, as many as there are in one half.
        return min(self.size // 2, a // 2 * (a - a // 2) + a % 2 * (p // 2))

    # -- routers -------------------------------------------------------------------------------

    def _joints(self, group: int, to_group: int) -> Iterator[tuple[int, int, int]]:
        """Yield, for each link between two groups, its router, its number, and its router there."""
        _, a, g = self.dims
        h = self.h
        ahead, back = to_group - (to_group > group), group - (group > to_group)
        for copy in range(self.copies):
            port, back_port = copy * (g - 1) + ahead, copy * (g - 1) + back
            yield (
                group * a + port // h,
                self._between + group * a * h + port,
                to_group * a + back_port // h,
            )

    def _across(self, router: int, port: int) -> int | None:
        """Return the router at the other end of a link between groups."""
        _, a, g = self.dims
        group, place = divmod(router, a)
        if place * self.h + port >= self.copies * (g - 1):
            return None
        copy, ahead = divmod(place * self.h + port, g - 1)
        to_group = ahead + (ahead >= group)
        back_port = copy * (g - 1) + group - (group > to_group)
        return to_group * a + back_port // self.h

    def _way(self, router: int, to_router: int, spread: int) -> list[int]:
        """Return the links between two routers, by the joint that *spread* chooses of the best."""
        _, a, _ = self.dims
        group, to_group = router // a, to_router // a
        if group == to_group:
            return self._local(router, to_router)
        leaves, link, enters = self._joint(router, to_group, to_router, spread)
        return [*self._local(router, leaves), link, *self._local(enters, to_router)]

    def _entry(self, router: int, to_group: int, spread: int) -> int:
        """Return the router at which a message from *router* comes into another group."""
        return self._joint(router, to_group, None, spread)[2]

    def _joint(
        self, router: int, to_group: int, to_router: int | None, spread: int
    ) -> tuple[int, int, int]:
        """Return the link by which a message leaves for another group; see `_joints`."""
        joints = list(self._joints(router // self.dims[1], to_group))
        locals_ = [
            (leaves != router) + (to_router is not None and enters != to_router)
            for leaves, _, enters in joints
        ]
        fewest = min(locals_)
        best = [joint for joint, local in zip(joints, locals_, strict=True) if local == fewest]
        return best[spread % len(best)]

    def _local(self, router: int, to_router: int) -> list[int]:
        """Return the link between two routers of a group."""
        a = self.dims[1]
        return [self._within + router * a + to_router % a] if router != to_router else []

    def _distances(self) -> Iterator[tuple[int, int]]:
        """Yield, for every two groups, the most links between nodes, and the sum over routers."""
        _, a, g = self.dims
        for group in range(g):
            for to_group in range(g):
                if group == to_group:
                    continue
                joints = {(leaves, enters) for leaves, _, enters in self._joints(group, to_group)}
                left = a - len({leaves for leaves, _ in joints})
                right = a - len({enters for _, enters in joints})
                none, both = len(joints), left * right
                one = a * a - none - both
                most = 5 if both else 4 if one else 3
                yield most, 3 * a * a + one + 2 * both
