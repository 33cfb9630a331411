"""Max-min fair sharing of links among the flows that go over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heapreplace
from typing import TypeAlias

Flow: TypeAlias = int
Resource: TypeAlias = int


def shares(
    flows: Mapping[Flow, Sequence[Resource]], capacity: Mapping[Resource, int], most: int
) -> dict[Flow, int]:
    """Return the rate of each flow: max-min fair, by progressive filling.

    All rates grow together until a resource is full; the flows over it keep what they have, and the
    others go on (Bertsekas and Gallager, Data Networks, 1992, 6.5.2). No flow can have more unless
    another that has no more than it gets less. Shares are rounded down to whole numbers; of
    resources that fill up at once the one with the lowest number is first, which makes a difference
    to rounding only.

    Args:
        flows: for each flow the resources that it goes over.
        capacity: of each resource that may become full; others are left out.
        most: what no flow exceeds.
    """
    users: dict[Resource, list[Flow]] = {}
    for flow, over in flows.items():
        for resource in over:
            if resource in capacity:
                users.setdefault(resource, []).append(flow)
    left = {resource: capacity[resource] for resource in users}
    growing = {resource: len(sharers) for resource, sharers in users.items()}
    heap = [(left[resource] // growing[resource], resource) for resource in users]
    heapify(heap)
    rates: dict[Flow, int] = {}
    while heap and heap[0][0] < most:
        share, resource = heap[0]
        if not growing[resource]:
            heappop(heap)
            continue
        now = left[resource] // growing[resource]
        if now != share:
            # Others have stopped growing since, so this one fills up later.
            heapreplace(heap, (now, resource))
            continue
        heappop(heap)
        for flow in users[resource]:
            if flow not in rates:
                rates[flow] = share
                _settle(flows[flow], share, left, growing)
    return {flow: rates.get(flow, most) for flow in flows}


def _settle(
    over: Iterable[Resource],
    share: int,
    left: dict[Resource, int],
    growing: dict[Resource, int],
) -> None:
    """Have a flow keep *share* of each resource that it goes over."""
    for resource in over:
        if resource in left:
            left[resource] -= share
            growing[resource] -= 1
