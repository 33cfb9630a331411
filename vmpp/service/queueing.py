"""Queueing: which of the jobs that wait for nodes gets some next, as a question to the policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from vmpp.errors import broken, raised


class Waiting(NamedTuple):
    """A job that waits for nodes.

    Attributes:
        job: its number.
        uid: number of the user whose it is.
        size: how many nodes it wants.
        since: when it was asked for, in picoseconds of virtual time.
        nodes: the numbers of the nodes that it must have; empty if any will do.
    """

    job: int
    uid: int
    size: int
    since: int
    nodes: tuple[int, ...] = ()


class QueueingPolicy(Protocol):
    """Says whose turn it is. The allocation server keeps the queue, in the order of arrival.

    It asks when a job has come and when nodes have been given back, once for every job that it can
    place: so a policy that answers quickly is asked no more than twice a job.
    """

    def choose(self, waiting: Sequence[Waiting], free: Sequence[int]) -> int | None:
        """Return the index of the one of *waiting*, never empty, that is to get nodes now.

        If that one does not fit into the *free* nodes, whose numbers are sorted, all wait until
        nodes are given back.

        Returns:
            None if all of them are to wait.
        """
        ...


def turn(policy: QueueingPolicy, waiting: Sequence[Waiting], free: Sequence[int]) -> int | None:
    """Return whose turn it is, by *policy*; see `QueueingPolicy.choose`.

    Raises:
        PluginError: it raises an error, or names nobody.
    """
    try:
        chosen = policy.choose(waiting, free)
    except Exception as error:
        raise raised(policy, "choose", error) from error
    if chosen is None or (isinstance(chosen, int) and 0 <= chosen < len(waiting)):
        return chosen
    answer = f"returned {chosen!r:.80} for {len(waiting)} jobs that wait"
    raise broken(policy, "choose", answer, "it may return the index of one, or None")
