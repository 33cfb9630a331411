"""Node allocation: the mechanism's question to the policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import index
from typing import Protocol

from vmpp.errors import broken, raised
from vmpp.hardware import Topology


@dataclass(frozen=True, slots=True)
class Places:
    """What an allocation policy may know of its machine.

    Attributes:
        topology: the places of all nodes, and the ways between them.
        nodes: the numbers of the compute nodes that the machine has booted with, sorted.
        draw: gives random numbers from 0 up to 1, from a stream of the machine's own.
    """

    topology: Topology
    nodes: Sequence[int]
    draw: Callable[[], float]


class AllocationPolicy(Protocol):
    """Chooses the nodes of a job. `vmpp.service.nodebook.NodeBook` keeps account of who has which.

    It is asked about nodes that could be given out, which need not be those that are free now: also
    whether a job would fit on the whole machine, or on one that has grown. So it should answer by
    what it is asked alone. Where jobs share nodes it is asked about one row after the other.
    """

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        """Return *wanted* of the *free* node numbers, which are sorted, in order of rank.

        It is asked only if there are as many. It may return more, if they cannot be given out
        singly: the job has ranks on the first *wanted* of them, and holds the others.

        Returns:
            None if there is no fitting choice: then the job waits until nodes are given back, or is
            refused if even the whole machine would not do.
        """
        ...


_RULE = "it may return as many of the free nodes as are wanted, or more, each once, or None"


def choice(policy: AllocationPolicy, free: Sequence[int], wanted: int) -> tuple[int, ...] | None:
    """Return what *policy* chooses; see `AllocationPolicy.choose`.

    Raises:
        PluginError: it raises an error, or chooses what it may not.
    """
    try:
        chosen = policy.choose(tuple(free), wanted)
    except Exception as error:
        raise raised(policy, "choose", error) from error
    if chosen is None:
        return None
    nodes = _numbers(policy, chosen, len(free) + 1)
    wrong = _wrong(nodes, free, wanted)
    if wrong:
        raise broken(policy, "choose", f"returned {wrong}", _RULE)
    return nodes


def _numbers(policy: AllocationPolicy, chosen: Iterable[int], most: int) -> tuple[int, ...]:
    """Return the first *most* of *chosen*, which may have no end."""
    try:
        return tuple(index(node) for node in islice(chosen, most))
    except TypeError as error:
        raise broken(policy, "choose", f"returned {chosen!r:.80}", _RULE) from error


def _wrong(nodes: tuple[int, ...], free: Sequence[int], wanted: int) -> str:
    """Return what is wrong with a choice, in words; nothing if it is right."""
    if len(nodes) < wanted:
        return f"{len(nodes)} nodes for {wanted}"
    taken = set(nodes).difference(free)
    if taken:
        return f"node {min(taken)}, which is not free"
    if len(set(nodes)) < len(nodes):
        return (
            f"node {max(nodes, key=nodes.count)} {nodes.count(max(nodes, key=nodes.count))} times"
        )
    return ""
