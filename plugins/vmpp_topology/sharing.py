"""Max-min fair sharing of links among the flows that go over them, while flows come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heapreplace
from typing import TypeAlias

Flow: TypeAlias = int
Resource: TypeAlias = int


class Sharing:
    """Keeps the rates of flows max-min fair.

    No flow can have more unless another that has no more than it gets less: so each has what no
    flow exceeds, or goes over a resource that is full and of which nobody has more than it
    (Bertsekas and Gallager, Data Networks, 1992, 6.5.2). What comes or goes makes a difference to
    those flows first that share a full resource with it. They get new rates, by progressive
    filling, and then those for which what has just been said is no longer true, until it is true
    for all. Far away nothing is looked at.

    Shares are rounded down to whole numbers, so rates are fair to within the number of flows on a
    resource, and never more than there is.

    Attributes:
        rates: of all flows, as they were when they were last settled.
    """

    __slots__ = (
        "_capacity", "_fresh", "_held", "_most", "_over", "_tight", "_touched", "_used",
        "_users", "rates",
    )  # fmt: skip

    def __init__(self, capacity: Callable[[Resource], int], most: int) -> None:
        """Begin without flows.

        Args:
            capacity: tells how much a resource carries.
            most: what no flow exceeds.
        """
        self._capacity = capacity
        self._most = most
        self._over: dict[Flow, Sequence[Resource]] = {}
        self._users: dict[Resource, dict[Flow, None]] = {}
        # What is in use of each resource that does not have enough for all in any case, and which
        # of those each flow goes over. Elsewhere nobody can be in another's way.
        self._used: dict[Resource, int] = {}
        self._tight: dict[Flow, dict[Resource, None]] = {}
        # The full resource that keeps a flow from having more, if one does.
        self._held: dict[Flow, Resource | None] = {}
        self._fresh: dict[Flow, None] = {}
        self._touched: dict[Resource, None] = {}
        self.rates: dict[Flow, int] = {}

    def add(self, flow: Flow, over: Sequence[Resource]) -> None:
        """Let a flow begin over some resources."""
        self._over[flow] = over
        self._held[flow] = None
        self._tight[flow] = {}
        self.rates[flow] = 0
        self._fresh[flow] = None
        for resource in over:
            users = self._users.setdefault(resource, {})
            users[flow] = None
            if resource in self._used:
                self._tight[flow][resource] = None
            elif len(users) * self._most > self._capacity(resource):
                self._used[resource] = sum(map(self.rates.__getitem__, users))
                for user in users:
                    self._tight[user][resource] = None

    def remove(self, flow: Flow) -> None:
        """Let a flow end."""
        rate = self.rates.pop(flow)
        tight = self._tight.pop(flow)
        del self._held[flow]
        self._fresh.pop(flow, None)
        for resource in self._over.pop(flow):
            users = self._users[resource]
            del users[flow]
            if resource in tight:
                self._used[resource] -= rate
                self._touched[resource] = None
                if len(users) * self._most <= self._capacity(resource):
                    del self._used[resource]
                    for user in users:
                        del self._tight[user][resource]
            if not users:
                del self._users[resource]
                self._touched.pop(resource, None)

    def settle(self) -> dict[Flow, int]:
        """Make rates fair again, and return those that are others than before, in order."""
        some = dict(self._fresh)
        for resource in self._touched:
            some.update(self._held_by(resource))
        self._fresh.clear()
        self._touched.clear()
        before: dict[Flow, int] = {}
        more = some
        while more:
            before.update({flow: self.rates[flow] for flow in more})
            some.update(more)
            self._fill(sorted(some))
            more = self._unfair(some)
        return {flow: self.rates[flow] for flow in sorted(some) if self.rates[flow] != before[flow]}

    def _held_by(self, resource: Resource) -> dict[Flow, None]:
        held = self._held
        return {flow: None for flow in self._users[resource] if held[flow] == resource}

    def _fill(self, flows: Sequence[Flow]) -> None:
        """Give some flows what the others leave: all get more until a resource is full."""
        rates, held, tight, used, most = (
            self.rates, self._held, self._tight, self._used, self._most
        )  # fmt: skip
        before = {flow: rates[flow] for flow in flows}
        growing: dict[Resource, list[Flow]] = {}
        for flow in flows:
            rates[flow] = -1
            held[flow] = None
            for resource in tight[flow]:
                growing.setdefault(resource, []).append(flow)
        counts = {resource: len(users) for resource, users in growing.items()}
        left = {
            resource: self._capacity(resource)
            - used[resource]
            + sum(map(before.__getitem__, users))
            for resource, users in growing.items()
        }
        heap = [(left[resource] // counts[resource], resource) for resource in growing]
        heapify(heap)
        while heap and heap[0][0] < most:
            share, resource = heap[0]
            if not counts[resource]:
                heappop(heap)
                continue
            now = left[resource] // counts[resource]
            if now != share:
                # Others have stopped growing since, so this one fills up later.
                heapreplace(heap, (now, resource))
                continue
            heappop(heap)
            for flow in growing[resource]:
                if rates[flow] < 0:
                    rates[flow] = share
                    held[flow] = resource
                    for other in tight[flow]:
                        left[other] -= share
                        counts[other] -= 1
        for flow in flows:
            if rates[flow] < 0:
                rates[flow] = most
            more = rates[flow] - before[flow]
            if more:
                for resource in tight[flow]:
                    used[resource] += more

    def _unfair(self, settled: dict[Flow, None]) -> dict[Flow, None]:
        """Return flows for which their rates are no longer fair, now that some have others."""
        rates, held, used = self.rates, self._held, self._used
        found: dict[Flow, None] = {}
        for resource in dict.fromkeys(each for flow in settled for each in self._tight[flow]):
            users = self._users[resource]
            others = [flow for flow in users if flow not in settled]
            if not others:
                continue
            slack = len(users)
            full = self._capacity(resource) - used[resource] <= slack
            most = max(map(rates.__getitem__, users))
            least = min(
                (rates[flow] for flow in users if flow in settled and held[flow] == resource),
                default=self._most,
            )
            for flow in others:
                if rates[flow] > least + slack or (
                    held[flow] == resource and not (full and rates[flow] + slack >= most)
                ):
                    found[flow] = None
        return found
