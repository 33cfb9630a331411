"""The tracing policy: schedules as another one does, and says where every process's time went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from vmpp.parameters import Nested
from vmpp.pct import Profile, kernel_time
from vmpp_pct.single import SingleTask

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp.pct import SchedulingPolicy
    from vmpp.service import Coordinator


COMPUTING, KERNEL, BLOCKED, DESCHEDULED = "computing", "kernel", "blocked", "descheduled"


class Tracing:
    """Another policy schedules; where the time of processes went is told at a job's end."""

    def __init__(
        self, other: Annotated[Any, Nested("the policy that schedules")] = SingleTask
    ) -> None:
        """Trace what *other* makes."""
        policy: SchedulingPolicy = other()
        self.multitasking: bool = policy.multitasking
        self.observer = Profiler()
        self._policy = policy
        if hasattr(policy, "strobe"):
            self.strobe = policy.strobe

    @staticmethod
    def coordinator(other: Any = None) -> Coordinator | None:
        """Return the part of the other policy that is the whole machine's, if it has one."""
        make = None if other is None else other.related("coordinator")
        return None if make is None else make()

    def admit(self, loaded: int) -> str | None:
        """Ask the other policy."""
        return self._policy.admit(loaded)

    def choose(self, ready: Sequence[Process], now: int) -> int | None:
        """Ask the other policy."""
        return self._policy.choose(ready, now)

    def until(self, process: Process, now: int) -> int | None:
        """Ask the other policy."""
        return self._policy.until(process, now)

    def preempts(self, arrived: Process, running: Process, now: int) -> bool:
        """Ask the other policy."""
        return self._policy.preempts(arrived, running, now)


class Profiler:
    """Adds up what becomes of the processes of a node, and leaves it with their jobs."""

    def __init__(self) -> None:
        self._accounts: dict[Process, _Account] = {}

    def became_ready(self, process: Process, when: int) -> None:
        """Take note that a process waits no longer but for its CPU."""
        account = self._account(process, when)
        account.enters(DESCHEDULED, when)
        # What woke it is the kernel's work up to the process's clock.
        account.owed = max(0, process.clock - when)

    def switches(self, process: Process, when: int) -> None:
        """Take note that the kernel switches to a process."""
        self._account(process, when).enters(KERNEL, when)

    def runs(self, process: Process, when: int) -> None:
        """Take note that a process has its CPU."""
        self._account(process, when).enters(COMPUTING, when)

    def preempted(self, process: Process, when: int) -> None:
        """Take note that a process has lost its CPU."""
        self._account(process, when).enters(DESCHEDULED, when)

    def blocked(self, process: Process, when: int) -> None:
        """Take note that a process waits."""
        self._account(process, when).enters(BLOCKED, when)

    def ended(self, process: Process, when: int) -> None:
        """Leave the profile of a process with its job."""
        account = self._accounts.pop(process, None)
        if account is not None:
            process.job.profiles.append(account.close(when))

    def _account(self, process: Process, when: int) -> _Account:
        account = self._accounts.get(process)
        if account is None:
            account = self._accounts[process] = _Account(process, when)
        return account


class _Account:
    """What a process has done with its time so far.

    Attributes:
        owed: of the time until it has its CPU, what is the kernel's work for it.
    """

    __slots__ = ("_begin", "_kernel", "_mark", "_process", "_spent", "_state", "owed")

    def __init__(self, process: Process, when: int) -> None:
        self._process = process
        self._begin = self._mark = when
        self._kernel = 0
        self._state = DESCHEDULED
        self._spent = dict.fromkeys((COMPUTING, KERNEL, BLOCKED, DESCHEDULED), 0)
        self.owed = 0

    def enters(self, state: str, when: int) -> None:
        """Book the time since the last change, and the kernel's part of it; begin with *state*."""
        when = max(when, self._mark)
        passed = when - self._mark
        kernel = min(passed, self._kernels_part())
        self._spent[KERNEL] += kernel
        self._spent[self._state] += passed - kernel
        self._mark = when
        self._state = state
        self._kernel = kernel_time(self._process)

    def _kernels_part(self) -> int:
        """Return what the kernel has had of the time since the last change."""
        if self._state == COMPUTING:
            return kernel_time(self._process) - self._kernel
        owed, self.owed = self.owed, 0
        return owed if self._state == DESCHEDULED else 0

    def close(self, when: int) -> Profile:
        """Return what has become of all the process's time."""
        self.enters(BLOCKED, when)
        return Profile(
            self._process.rank, self._process.nid, self._begin, self._mark, **self._spent
        )
