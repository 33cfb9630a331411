"""Queueing policies: whose turn it is to get nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl

if TYPE_CHECKING:
    from vmpp.hooks import QueueingFactory
    from vmpp.service import Waiting


class FirstComeFirstServed:
    """Jobs start in the order in which they came: one that does not fit holds up all after it."""

    __slots__ = ()

    def choose(self, waiting: Sequence[Waiting], free: Sequence[int]) -> int | None:
        """Return the one that has waited longest."""
        return 0


@hookimpl
def vmpp_queueing() -> Mapping[str, QueueingFactory]:
    """Offer the policies by the names that machine files use."""
    return {"fcfs": FirstComeFirstServed}
