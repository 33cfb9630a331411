"""Scheduling policies of the process control thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl
from vmpp_pct.gang import Gang
from vmpp_pct.priority import Priority
from vmpp_pct.round_robin import RoundRobin
from vmpp_pct.single import SingleTask
from vmpp_pct.tracing import Tracing

if TYPE_CHECKING:
    from vmpp.hooks import SchedulingFactory

__all__ = ["Gang", "Priority", "RoundRobin", "SingleTask", "Tracing"]


@hookimpl
def vmpp_policies() -> Mapping[str, SchedulingFactory]:
    """Offer the policies by the names that machine files use."""
    return {
        "single": SingleTask,
        "rr": RoundRobin,
        "priority": Priority,
        "gang": Gang,
        "tracing": Tracing,
    }
