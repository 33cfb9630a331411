"""Strobes: how a node's process control thread takes them, and whose turn it is on the node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from vmpp.kernel import Process
from vmpp.pct.control import CONTROL_PORTAL, Control, ControlMessage, control_info
from vmpp.portals import Address, Header, SendInfo

if TYPE_CHECKING:
    from vmpp.pct.thread import ProcessControlThread


@dataclass(frozen=True, slots=True)
class StrobeCosts:
    """What strobes cost a node, in picoseconds, from the machine's description.

    Attributes:
        work: to handle one, besides switching processes.
        wakeup: until the process control thread has a CPU to handle it with.
        jitter: the most by which that may take longer.
        draw: gives random numbers from 0 up to 1; where there is no jitter nobody asks.
    """

    work: int = 0
    wakeup: int = 0
    jitter: int = 0
    draw: Callable[[], float] = lambda: 0.0


NO_COSTS: Final = StrobeCosts()


class _Route(NamedTuple):
    """What is done with the strobes of one job and row, which are all alike."""

    job: int
    row: int
    below: tuple[tuple[Address, SendInfo], ...]


class Strobes:
    """Has the processes of one node take turns as strobes say.

    One strobe is handled after the other. Those that come faster than the node can handle them wait
    in line, with all other control messages, and are done the later the more there are.

    Attributes:
        row: of the Ousterhout matrix, whose turn it is; None: there has been no strobe.
    """

    __slots__ = ("_costs", "_engine", "_kernel", "_routes", "_rows", "_thread", "row")

    def __init__(self, thread: ProcessControlThread, costs: StrobeCosts) -> None:
        self._thread = thread
        self._kernel = thread.kernel
        self._engine = thread.kernel.engine
        self._costs = costs
        # Strobes are many, so what is done with them is worked out once: by what they bring.
        self._routes: dict[int | bytes, _Route] = {}
        # The rows that are in use, by process slot; None: that has to be looked up.
        self._rows: list[set[int]] | None = None
        self.row: int | None = None

    def forget(self) -> None:
        """Begin anew: the node has no process."""
        self._routes.clear()
        self._rows = self.row = None

    def joined(self) -> None:
        """Take note that there is one process more."""
        self._rows = None

    def left(self, process: Process) -> None:
        """Take note that *process* is no more: its row may be empty on its CPU."""
        self._rows = None
        if process.job.row == self.row and self.row not in self._used()[process.slot]:
            self._thread.dispatchers[process.slot].begin_turn(None)

    def take(self, header: Header) -> None:
        """Pass a strobe on down the tree of its job, and begin the turn that it speaks of."""
        thread, kernel = self._thread, self._kernel
        begin = thread.clock
        assert header.info is not None
        route = self._routes.get(header.info.user_data) or self._route(header)
        if thread.job_of(route.job) is None:
            # The job has ended while the strobe was on its way.
            return
        for target, info in route.below:
            kernel.send(thread, target, CONTROL_PORTAL, Control.STROBE, None, 0, info)
        self._handle(route.row, thread.clock - begin + kernel.context_switch)

    def _route(self, header: Header) -> _Route:
        message = ControlMessage.of(header)
        job = self._thread.job_of(message.job)
        if job is None:
            return _Route(message.job, message.value, ())
        below = tuple(
            (target, control_info(job.id, rank, message.value))
            for rank, target in self._thread.below(job, message.rank)
        )
        assert header.info is not None
        route = self._routes[header.info.user_data] = _Route(job.id, message.value, below)
        return route

    def _handle(self, row: int, taken: int) -> None:
        """Begin a turn of *row* when it is handled; *taken* has been spent on it already."""
        thread, costs = self._thread, self._costs
        cpu = self._kernel.node.kernel_cpu
        if costs.wakeup or costs.jitter:
            cpu.interrupt(taken)
            thread.clock += costs.wakeup + int(costs.jitter * costs.draw())
            self._engine.at(thread.clock, self._wakes)
        else:
            cpu.interrupt(taken + costs.work)
        thread.clock += costs.work
        self._engine.at(thread.clock, self._begin, row)

    def _wakes(self, _: object) -> None:
        self._kernel.node.kernel_cpu.interrupt(self._costs.work)

    def _begin(self, row: int) -> None:
        self.row = row
        for dispatcher, rows in zip(self._thread.dispatchers, self._used(), strict=True):
            dispatcher.begin_turn(row if row in rows else None)

    def _used(self) -> list[set[int]]:
        """Return the rows in which processes of this node stand, by process slot."""
        slots = len(self._thread.dispatchers)
        if self._rows is None or len(self._rows) != slots:
            self._rows = [set() for _ in range(slots)]
            for process in self._thread.processes.values():
                if isinstance(process, Process):
                    self._rows[process.slot].add(process.job.row)
        return self._rows
