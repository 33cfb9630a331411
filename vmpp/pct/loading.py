"""Loading: the fan-out tree, and what the process control thread asks of user space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vmpp.kernel import Job, Process


def parent(rank: int, fanout: int) -> int:
    """Return the rank above *rank* in the tree; for rank 0, which has none, a negative number.

    As in Cplant: ``(rank - 1) / d``, with children ``d * rank + 1 + k``.
    """
    return (rank - 1) // fanout


def children(rank: int, fanout: int, size: int) -> range:
    """Return the ranks below *rank* in a tree of *size* ranks."""
    first = rank * fanout + 1
    return range(min(first, size), min(first + fanout, size))


def above(job: Job, rank: int, fanout: int) -> int:
    """Return who stands for the node above that of *rank* of a job; negative for the root.

    The tree is one of nodes. For each stands its first rank.
    """
    each = job.roles.ranks
    return parent(rank // each, fanout) * each


def below(job: Job, rank: int, fanout: int) -> list[int]:
    """Return who stand for the nodes right below that of *rank* of a job."""
    each = job.roles.ranks
    return [place * each for place in children(rank // each, fanout, len(job.leaders))]


class LoadError(Exception):
    """A process cannot be loaded on a node; the message says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a process ended.

    Attributes:
        status: its exit status, 0 to 255.
        failure: what to tell the user if it ended by an error; None if it ended by itself.
    """

    status: int
    failure: str | None = None


class Loader(Protocol):
    """The user space of a compute node, as the process control thread uses it."""

    def memory(self, process: Process) -> int:
        """Return how many bytes of the node's memory *process* needs."""
        ...

    def prepare(self, process: Process) -> None:
        """Make the address space of *process* and link its libraries.

        Raises:
            LoadError: it cannot be made.
        """
        ...

    def main(self, process: Process) -> Outcome:
        """Run the program in the fiber that calls, to its end."""
        ...

    def signal(self, process: Process, number: int) -> bool:
        """Let the program deal with a signal; return False if it does not, which ends it."""
        ...

    def discard(self, process: Process) -> None:
        """Let go of everything that *process*, which has ended, held."""
        ...
