"""The strober: has the rows of the Ousterhout matrix take turns on the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vmpp.errors import PluginError, broken, raised
from vmpp.kernel import QuintessentialKernel, SystemProcess
from vmpp.pct import Control, send_control
from vmpp.portals import Address

if TYPE_CHECKING:
    from vmpp.service.coordination import Coordinator
    from vmpp.service.record import JobRecord


class Strober(SystemProcess):
    """Sends strobes: control messages that say whose turn it is, down the trees of the jobs.

    A strobe goes down the trees of the jobs in the row that has its turn, and of those that have
    nodes on which that row is empty. One that is lost is made good by the next. As long as no more
    than one row is in use there are none; nor when nothing but strobes could happen, so that the
    machine is seen to be still, and jobs in a deadlock. Strobes are sent at the beginnings of
    quanta, as STORM's machine manager does everything (Frachtenberg et al., 'STORM: Lightning-Fast
    Resource Management', SC 2002).

    Attributes:
        due: when the next strobe is sent, in picoseconds; None: there is no next one.
        rests: whether there is none because nothing could happen.
    """

    __slots__ = (
        "_coordinator", "_engine", "_failed", "_is_still", "_kernel", "_rows", "_told", "due",
        "rests",
    )  # fmt: skip

    def __init__(
        self,
        kernel: QuintessentialKernel,
        pid: int,
        coordinator: Coordinator,
        is_still: Callable[[], bool],
        failed: Callable[[JobRecord, str], object],
    ) -> None:
        """Set the strober up, without jobs.

        Args:
            is_still: returns whether nothing but strobes can happen on the machine.
            failed: told of every job what rule its coordinator has broken; it has to end the job.
        """
        super().__init__(Address(kernel.nid, pid, -1, 0))
        self._kernel = kernel
        self._engine = kernel.engine
        self._coordinator = coordinator
        self._is_still = is_still
        self._failed = failed
        self._rows: dict[int, list[JobRecord]] = {}
        # Down whose trees the strobes of a row go.
        self._told: dict[int, list[JobRecord]] = {}
        self.due: int | None = None
        self.rests = False

    @property
    def rows(self) -> dict[int, tuple[int, ...]]:
        """The numbers of the jobs that stand in each row: the matrix."""
        return {
            row: tuple(record.id for record in records)
            for row, records in sorted(self._rows.items())
        }

    def add(self, record: JobRecord) -> None:
        """Have a job take turns with those in other rows."""
        self._rows.setdefault(record.job.row, []).append(record)
        self._told.clear()
        self._set_time()

    def remove(self, record: JobRecord) -> None:
        """Forget a job that has ended."""
        row = self._rows.get(record.job.row, [])
        if record in row:
            row.remove(record)
            self._told.clear()
            if not row:
                del self._rows[record.job.row]
            self._set_time()

    def go_on(self) -> None:
        """Go on after a rest."""
        self.rests = False
        self._set_time()

    def _set_time(self) -> None:
        """Have the next strobe sent at the beginning of the next quantum, if there are to be any.

        What is due is taken back if not, so that nothing is left for virtual time to go to.
        """
        if len(self._rows) < 2:
            self.rests = False
            if self.due is not None:
                self._engine.cancel(self.due, self._strobe)
                self.due = None
        elif self.due is None:
            quantum = self._coordinator.quantum
            self.rests = False
            self.due = (max(self.clock, self._engine.now) // quantum + 1) * quantum
            self._engine.at(self.due, self._strobe)

    def _strobe(self, _: object) -> None:
        """Begin a quantum."""
        if self.due != self._engine.now:
            # It has been taken back within its very instant.
            return
        self.due = None
        if self._is_still():
            self.rests = True
            return
        try:
            row = self._next_row()
        except PluginError as error:
            self._give_up(str(error))
            return
        self.clock = max(self.clock, self._engine.now)
        for record in self._whom_to_tell(row):
            self._tell(record, row)
        self._set_time()

    def _next_row(self) -> int:
        """Return the row that the coordinator chooses. Raises PluginError."""
        rows, coordinator = sorted(self._rows), self._coordinator
        try:
            place = coordinator.choose(tuple(rows), self._engine.now // coordinator.quantum)
        except Exception as error:
            raise raised(coordinator, "choose", error) from error
        if type(place) is not int or not 0 <= place < len(rows):
            answer = f"returned {place!r} for {len(rows)} rows"
            raise broken(coordinator, "choose", answer, "it returns the place of one of them")
        return rows[place]

    def _give_up(self, reason: str) -> None:
        """End the jobs, which nobody coordinates any more."""
        for records in list(self._rows.values()):
            for record in list(records):
                self._failed(record, reason)

    def _whom_to_tell(self, row: int) -> list[JobRecord]:
        """Return the jobs of a row, and those that have nodes on which it is empty."""
        told = self._told.get(row)
        if told is None:
            told = self._told[row] = list(self._rows[row])
            full = {node for record in told for node in record.job.nodes}
            for other, records in sorted(self._rows.items()):
                if other != row:
                    told += [each for each in records if not full.issuperset(each.job.nodes)]
        return told

    def _tell(self, record: JobRecord, row: int) -> None:
        job = record.job
        for rank in record.yod.heads():
            target = Address(job.nodes[rank], 0, -1, 0)
            send_control(self._kernel, self, target, Control.STROBE, job.id, rank, row)
