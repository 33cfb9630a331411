"""Ways that are chosen by what links have to do, for the timings that know of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Final, TypeAlias

from vmpp.engine.queue import NEVER
from vmpp.hardware import Adaptive, Topology
from vmpp.parameters import word

DETERMINISTIC: Final = "deterministic"
ADAPTIVE: Final = "adaptive"
RoutingName: TypeAlias = Annotated[
    str, word("which way messages take: always the same, or by load", DETERMINISTIC, ADAPTIVE)
]
"""The parameter of a timing that says how messages are routed."""


class Ways:
    """Says which links messages take.

    An adaptive way is chosen as a message is handed over, by what its links have to do by then:
    that which has been booked for them, and that which the timing knows of besides.

    Attributes:
        route: the way of a message that is handed over now; see `vmpp.hardware.Routing`.
        take: the same, and counts that message.
        adaptive: whether messages between two nodes may take different ways.
    """

    __slots__ = (
        "_adapted",
        "_booked",
        "_down",
        "_load",
        "_time",
        "_turn",
        "adaptive",
        "route",
        "take",
    )

    def __init__(
        self,
        topology: Topology,
        routing: str,
        time: Callable[[int], int],
        load: Callable[[int], int] = lambda link: 0,
    ) -> None:
        """Route on *topology* in the way *routing* says.

        Args:
            time: when a message would leave a node that is handed over now.
            load: what a link has to do besides what is booked.

        Raises:
            ValueError: *topology* has no adaptive routing.
        """
        self.adaptive = routing == ADAPTIVE
        self._load = load
        self._time = time
        self._booked: dict[int, int] = {}
        self._turn = 0
        self._down: Callable[[int, int], bool] | None = None
        self.route: Callable[[int, int], Sequence[int]]
        self.take: Callable[[int, int], Sequence[int]]
        if not self.adaptive:
            self.route = self.take = lru_cache(maxsize=1 << 16)(topology.route)
        elif isinstance(topology, Adaptive):
            self._adapted = topology.adapted
            self.route, self.take = self._chosen, self._counted
        else:
            raise ValueError(
                "the topology's routing is deterministic, so messages have no choice of ways; take "
                "a topology with adaptive routing, such as 'torus', or leave 'adaptive' out"
            )

    def avoid(self, down: Callable[[int, int], bool]) -> None:
        """Take no link that is down where there is another way; see `vmpp.hardware.Routing`."""
        self._down = down

    def book(self, route: Sequence[int], amount: int) -> None:
        """Let each link of a way have so much more to do, or less."""
        for link in route:
            self._booked[link] = self._booked.get(link, 0) + amount

    def _chosen(self, source: int, destination: int) -> Sequence[int]:
        down, load, booked = self._down, self._load, self._booked
        when = self._time(source)

        def weigh(link: int) -> int:
            if down is not None and down(link, when):
                return NEVER
            return load(link) + booked.get(link, 0)

        return self._adapted(source, destination, weigh, self._turn)

    def _counted(self, source: int, destination: int) -> Sequence[int]:
        found = self._chosen(source, destination)
        self._turn += 1
        return found
