"""What every queueing policy must do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from vmpp.process.calls import encode
from vmpp.service import Caller, QueueingPolicy, Waiting, requests
from vmpp.service.allocator import AllocationServer
from vmpp.service.nodebook import NodeBook
from vmpp.testing.rules import EXAMPLES, RuleBroken, Rules, Story, explore
from vmpp.testing.subjects import Subject, subject

_MOST_NODES: Final = 8
_CROWD: Final = 40
"""Small jobs that come after a large one, and may not all pass it if nobody is to starve."""


def check_queueing_policy(
    queue: str | Callable[[], QueueingPolicy], *, fair: bool = True, examples: int = EXAMPLES
) -> None:
    """Check a queueing policy, with jobs that come and go.

    Args:
        queue: what chooses it, as in a machine file, or the factory that a plugin offers.
        fair: whether it promises that no job waits for ever, whoever else comes.
        examples: how many sequences of jobs are tried.

    Raises:
        RuleBroken: it breaks a rule, which the message says, with the shortest example found.
    """
    checked = subject("queue", queue)
    explore(str(checked), lambda: _QueueingRules(checked, fair), examples)


class _Anywhere:
    """An allocation policy without preferences."""

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        return free[:wanted] if len(free) >= wanted else None


class _Nobody:
    """A machine of which there is nothing to tell."""

    def jobs(self) -> Sequence[Any]:
        return ()

    def nodes(self) -> Sequence[Any]:
        return ()

    def signal(self, caller: int, job: int, number: int) -> None:
        raise ProcessLookupError


class _Twins:
    """Asks two policies, made alike, and requires that they answer alike, and with sense.

    Attributes:
        broken: what rule has been broken, if any.
    """

    def __init__(self, story: Story, one: QueueingPolicy, other: QueueingPolicy) -> None:
        self._story = story
        self._both = (one, other)
        self.broken: RuleBroken | None = None

    def choose(self, waiting: Sequence[Waiting], free: Sequence[int]) -> int | None:
        try:
            return self._checked(waiting, free)
        except RuleBroken as broken:
            # The server would take the error for the policy's own.
            self.broken = self.broken or broken
            return None

    def _checked(self, waiting: Sequence[Waiting], free: Sequence[int]) -> int | None:
        story = self._story
        answer, again = (
            story.ask("choose", each.choose, list(waiting), tuple(free)) for each in self._both
        )
        asked = ", ".join(f"job {each.job} ({each.size})" for each in waiting)
        story.tell(f"choose([{asked}], {list(free)}) is {answer!r}")
        story.require(
            answer is None or (type(answer) is int and 0 <= answer < len(waiting)),
            f"choose returns the place of one of those that wait, 0 to {len(waiting) - 1}, or None",
        )
        story.require(
            answer == again,
            "what it chooses depends on what it has been asked",
            f"another one chose {again!r}",
        )
        chosen: int | None = answer
        return chosen


class _QueueingRules(Rules):
    """Jobs wait for the nodes of a machine, get them and give them back."""

    def __init__(self, checked: Subject, fair: bool) -> None:
        super().__init__(str(checked))
        self._checked = checked
        self._fair = fair
        self._now = 0
        self._jobs = 0
        self._crowded = False

    @initialize(nodes=st.integers(1, _MOST_NODES))
    def boot(self, nodes: int) -> None:
        """Boot a machine."""
        made = [self.story.ask("the factory", self._checked.choice) for _ in range(2)]
        self._nodes = nodes
        self._twins = _Twins(self.story, *made)
        self._book = NodeBook(range(nodes), range(0), _Anywhere(), lambda nodes: None)
        self._server = AllocationServer(self._book, self._twins, _Nobody(), 0)

    @rule(size=st.integers(1, _MOST_NODES), uid=st.integers(0, 2), pause=st.integers(0, 10))
    def submit(self, size: int, uid: int, pause: int) -> None:
        """Ask for nodes for a job."""
        self._now += pause
        self._submit(min(size, self._nodes), uid)

    @rule(place=st.integers(0, _MOST_NODES))
    def finish(self, place: int) -> None:
        """End a job that runs."""
        running = sorted(self._book.leases)
        if running:
            self._finish(running[place % len(running)])

    @rule()
    def drain(self) -> None:
        """End all jobs that run, until nobody waits."""
        while self._server.waiting:
            self._finish_first()

    @rule()
    def crowd(self) -> None:
        """Have a job for the whole machine wait while small ones keep coming, if it is fair."""
        if not self._fair or self._crowded:
            return
        self._crowded = True
        for _ in range(self._nodes):
            self._submit(1, 0)
        large = self._submit(self._nodes, 1)
        for _ in range(_CROWD + len(self._server.waiting)):
            if all(each.job != large for each in self._server.waiting):
                return
            self._submit(1, 0)
            self._finish_first()
        raise self.story.broken(
            "no job waits for ever", f"job {large} waited while {_CROWD} that came later had nodes"
        )

    def _submit(self, size: int, uid: int) -> int:
        self._now += 1
        self._jobs += 1
        self.story.tell(f"job {self._jobs} of user {uid} asks for {size} of {self._nodes} nodes")
        self._server.decide(requests.Allocate(self._jobs, uid, size, {}), self._now)
        self._look()
        return self._jobs

    def _finish(self, job: int) -> None:
        self._now += 1
        self.story.tell(f"job {job} ends")
        self._server.serve(Caller(0, -1, self._now), encode(requests.Release(job, [])))
        self._look()

    def _finish_first(self) -> None:
        running = sorted(self._book.leases)
        self.story.require(
            bool(running), "on a machine that is idle one of those that wait gets nodes"
        )
        self._finish(running[0])

    def _look(self) -> None:
        if self._twins.broken is not None:
            raise self._twins.broken
