"""Scheduling policies of the process control thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl

if TYPE_CHECKING:
    from vmpp.hooks import SchedulingFactory
    from vmpp.kernel import Process


class SingleTask:
    """One process per node, which has the CPU until it blocks: Puma's usual way."""

    __slots__ = ()

    def admit(self, loaded: int) -> str | None:
        """Refuse a second process."""
        return "the single-task policy runs one process at a time" if loaded else None

    def choose(self, ready: Sequence[Process]) -> int:
        """Return the only one there is."""
        return 0


@hookimpl
def vmpp_policies() -> Mapping[str, SchedulingFactory]:
    """Offer the policies by the names that machine files use."""
    return {"single": SingleTask}
