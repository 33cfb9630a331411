"""Ends of processes that other processes have had started, for those who wait for them."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator

from vmpp.portals import Header
from vmpp.process import jobs
from vmpp.process.calls import Reply
from vmpp.service.record import JobRecord

Answer = Callable[[Header, Reply], object]


class Ends:
    """Tells each end to one of those who wait, as ``wait`` does of Unix."""

    __slots__ = ("_told", "_waiting")

    def __init__(self) -> None:
        self._told: set[tuple[int, int]] = set()
        self._waiting: dict[Header, tuple[JobRecord, jobs.AwaitEnd]] = {}

    def wait(self, header: Header, caller: JobRecord, call: jobs.AwaitEnd, answer: Answer) -> None:
        """Answer a request as soon as what it waits for has happened, now if it has."""
        reply = self._reply(caller, call)
        if reply is None:
            self._waiting[header] = caller, call
        else:
            answer(header, reply)

    def look(self, answer: Answer) -> None:
        """Answer those who have waited for what has happened since."""
        for header, (caller, call) in list(self._waiting.items()):
            if caller.gone.is_set():
                del self._waiting[header]
                continue
            reply = self._reply(caller, call)
            if reply is not None:
                del self._waiting[header]
                answer(header, reply)

    def give_up(self) -> list[Header]:
        """Return the requests of those who wait, and forget them."""
        waiting, self._waiting = self._waiting, {}
        return list(waiting)

    def _reply(self, caller: JobRecord, call: jobs.AwaitEnd) -> Reply | None:
        """Return the answer to a request; None if it has to wait."""
        mine = list(_processes(caller, call))
        new = [each for each in mine if (each[0].id, each[1]) not in self._told]
        if not new:
            return jobs.refusal(errno.ECHILD)
        ended = [each for each in new if each[2] is not None]
        if call.every:
            if len(ended) < len(new):
                return None
            self._told.update((record.id, rank) for record, rank, _ in new)
            return jobs.Ended(0, -1, max(status or 0 for _, _, status in new))
        if not ended:
            return None
        record, rank, status = ended[0]
        self._told.add((record.id, rank))
        return jobs.Ended(record.id, rank, status or 0, record.job.parcel)


def _processes(
    caller: JobRecord, call: jobs.AwaitEnd
) -> Iterator[tuple[JobRecord, int, int | None]]:
    """Yield job, rank and status of the processes that a request is about, in order."""
    for record in caller.origin.spawned:
        mine = record.parent == caller.id and record.home == call.home
        if mine and call.job in (0, record.id):
            for rank, status in enumerate(record.statuses):
                if call.rank in (-1, rank):
                    yield record, rank, status
