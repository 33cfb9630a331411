"""Introductions: letting the processes of jobs get messages of other jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from struct import pack

from vmpp.pct import Control
from vmpp.service.record import JobRecord


class _Introduction:
    """Jobs being told of each other, and what is to be done when the last one knows.

    Attributes:
        told: the jobs that have not confirmed it, by number, with those that they are told of.
        missing: for each of them the ranks whose nodes are to confirm it: that of the root alone
            for what went down the tree.
        then: what is to be done.
    """

    __slots__ = ("missing", "then", "told")

    def __init__(self, told: dict[int, Sequence[int]], then: Callable[[], object]) -> None:
        self.told = told
        self.missing: dict[int, set[int]] = {}
        self.then = then


class Introductions:
    """All introductions that are under way."""

    __slots__ = ("_made", "_under_way")

    def __init__(self) -> None:
        self._made = 0
        self._under_way: dict[int, _Introduction] = {}

    def introduce(
        self, told: Mapping[JobRecord, Sequence[int]], then: Callable[[], object]
    ) -> None:
        """Let jobs get messages of other ones, and call *then* when all their kernels know.

        Args:
            told: the jobs, each with the numbers of those that it does not know yet.
        """
        self._made += 1
        number = self._made
        waiting = {record.id: others for record, others in told.items() if others}
        self._under_way[number] = _Introduction(waiting, then)
        for record, others in told.items():
            if others:
                self._admit(record, number)
        self._go_on(number)

    def _admit(self, record: JobRecord, number: int) -> None:
        """Tell a job of others: down the tree, or each node by itself if ranks are lost."""
        introduction = self._under_way[number]
        others = introduction.told[record.id]
        ranks = [rank for rank in record.job.leaders if rank not in record.lost]
        if record.lost:
            number = -number
        else:
            ranks = ranks[:1]
        introduction.missing[record.id] = set(ranks)
        record.yod.tell_ranks(ranks, Control.ADMIT, pack(f"<{len(others)}I", *others), number)

    def repeat(self, record: JobRecord) -> None:
        """Tell a job that has lost a rank again: what went through that has not come further."""
        for number, introduction in list(self._under_way.items()):
            if record.id in introduction.told:
                self._admit(record, number)

    def confirm(self, record: JobRecord, rank: int, number: int) -> None:
        """Take note that the node of *rank*, and those below it if it is the root, know."""
        introduction = self._under_way.get(number)
        missing = None if introduction is None else introduction.missing.get(record.id)
        if introduction is None or missing is None:
            return
        missing.discard(rank)
        if not missing:
            del introduction.missing[record.id]
            record.connected.update(introduction.told.pop(record.id))
            self._go_on(number)

    def forget(self, record: JobRecord) -> None:
        """Wait no more for a job of which no process is left."""
        for number, introduction in list(self._under_way.items()):
            if introduction.told.pop(record.id, None) is not None:
                self._go_on(number)

    def _go_on(self, number: int) -> None:
        """Go on if the last job has confirmed an introduction."""
        if not self._under_way[number].told:
            self._under_way.pop(number).then()
