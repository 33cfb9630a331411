"""What every allocation policy must do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from vmpp.errors import PluginError
from vmpp.service import AllocationPolicy, LaunchError, NodesBusyError, Places
from vmpp.service.nodebook import NodeBook
from vmpp.testing.rules import EXAMPLES, RuleBroken, Rules, Story, explore
from vmpp.testing.subjects import Subject, subject, topology_of

_MOST_NODES: Final = 30


def check_allocation_policy(
    allocator: str | Callable[[Places], AllocationPolicy],
    *,
    topology: str = "mesh2d",
    any_size: bool = True,
    examples: int = EXAMPLES,
) -> None:
    """Check an allocation policy, with jobs that come and go, and nodes that crash.

    Args:
        allocator: what chooses it, as in a machine file, or the factory that a plugin offers.
        topology: the topology of the machine.
        any_size: whether it promises a place on a machine that is idle to every job that wants no
            more nodes than there are, and not only to one of a single node.
        examples: how many sequences of jobs are tried.

    Raises:
        RuleBroken: it breaks a rule, which the message says, with the shortest example found.
    """
    checked = subject("allocator", allocator)
    explore(str(checked), lambda: _AllocationRules(checked, topology, any_size), examples)


class _Twins:
    """Asks two policies, made alike, and requires that they answer alike.

    One that draws no random numbers has to answer as one that has never been asked before.

    Attributes:
        broken: what rule has been broken, if any.
    """

    def __init__(self, story: Story, make: Callable[[Callable[[], float]], Any], seed: int) -> None:
        self._story = story
        self._make = make
        self._draws = False
        self._draw = Random(seed).random
        self._one = make(self._noted_draw)
        self._other = make(Random(seed).random)
        self.broken: RuleBroken | None = None

    def choose(self, free: Sequence[int], wanted: int) -> Any:
        answer = self._one.choose(free, wanted)
        self._story.tell(f"choose({list(free)}, {wanted}) is {_shown(answer)}")
        again = self._other.choose(free, wanted)
        if _shown(again) == _shown(answer) and not self._draws:
            again = self._make(self._noted_draw).choose(free, wanted)
        if _shown(again) != _shown(answer) and not self.broken:
            # The mechanism would take the error for the policy's own.
            self.broken = self._story.broken(
                "what it chooses depends on what it is asked, and on the random numbers it draws",
                f"another one chose {_shown(again)}",
            )
        return answer

    def _noted_draw(self) -> float:
        self._draws = True
        return self._draw()


def _shown(answer: Any) -> Any:
    return list(answer) if isinstance(answer, tuple | range) else answer


class _AllocationRules(Rules):
    """Jobs get nodes of a machine and give them back, and nodes crash."""

    def __init__(self, checked: Subject, topology: str, any_size: bool) -> None:
        super().__init__(str(checked))
        self._checked = checked
        self._topology = topology
        self._any_size = any_size
        self._jobs = 0

    @initialize(nodes=st.integers(1, _MOST_NODES), seed=st.integers(0, 3))
    def boot(self, nodes: int, seed: int) -> None:
        """Boot a machine."""
        topology = topology_of(self._topology, nodes)
        self._nodes = range(nodes)
        self.story.tell(f"nodes 0 to {nodes - 1} of dims {topology.dims}")

        def make(draw: Callable[[], float]) -> Any:
            places = Places(topology, self._nodes, draw)
            return self.story.ask("the factory", self._checked.choice, places)

        self._twins = _Twins(self.story, make, seed)
        self._book = NodeBook(self._nodes, range(0), self._twins, lambda nodes: None)

    @rule(share=st.integers(0, 100))
    def allocate(self, share: int) -> None:
        """Ask for nodes: a part of those that have not crashed."""
        alive = len(self._nodes) - len(self._book.crashed)
        if not alive:
            return
        self._jobs += 1
        size = 1 + share * (alive - 1) // 100
        idle = not self._book.leases
        self.story.tell(f"job {self._jobs} asks for {size}")
        try:
            self._book.allocate(self._jobs, size, {})
        except NodesBusyError:
            self._require_place(size, idle)
        except LaunchError as error:
            if isinstance(error.__cause__, PluginError):
                # It is about the one that asks, under whose name nobody knows the policy.
                what = str(error.__cause__).partition(".choose ")[2]
                raise self.story.broken("choose keeps its rules", f"choose {what}") from error
            self._require_place(size, idle)
        if self._twins.broken is not None:
            raise self._twins.broken

    def _require_place(self, size: int, idle: bool) -> None:
        self.story.require(
            not (idle and (self._any_size or size == 1)),
            "a job has a place on a machine that is idle, if it has as many nodes",
        )

    @rule(place=st.integers(0, 100))
    def release(self, place: int) -> None:
        """End a job."""
        jobs = sorted(self._book.leases)
        if jobs:
            job = jobs[place % len(jobs)]
            self.story.tell(f"job {job} ends")
            self._book.release(job)

    @rule(node=st.integers(0, _MOST_NODES))
    def crash(self, node: int) -> None:
        """Lose a node."""
        if node in self._nodes and node % 7 == 0:
            self.story.tell(f"node {node} crashes")
            self._book.lose(node)

    @invariant()
    def no_overlap(self) -> None:
        """Require that nobody has what another has."""
        if not hasattr(self, "_book"):
            return
        had: dict[int, int] = {}
        for job, lease in self._book.leases.items():
            for node in (*lease.nodes, *lease.held):
                self.story.require(
                    node in self._nodes and node not in had,
                    "no node is given to two jobs",
                    f"jobs {had.get(node)} and {job} have node {node}",
                )
                had[node] = job
