"""The book of compute nodes: which are free, and who has the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from vmpp.service.allocation import AllocationPolicy
from vmpp.service.errors import LaunchError, NodesBusyError


class NodeBook:
    """Gives nodes to jobs and takes them back, as the allocation policy chooses.

    Attributes:
        policy: chooses nodes; may be replaced at any time.
        holders: the jobs that have nodes, by node; the last one where several share it.
        crashed: the nodes that have crashed.
    """

    __slots__ = ("_boot", "_free", "_nodes", "_spare", "crashed", "holders", "policy")

    def __init__(
        self,
        nodes: Iterable[int],
        spare: range,
        policy: AllocationPolicy,
        boot: Callable[[Sequence[int]], object],
    ) -> None:
        """Open the book.

        Args:
            nodes: the numbers of those that jobs can have.
            spare: of those that can be booted for jobs that programs start, higher than all others.
            policy: chooses nodes.
            boot: boots some of the spare ones, the lowest first.
        """
        self._free = sorted(nodes)
        self._nodes = set(self._free)
        self._spare = spare
        self._boot = boot
        self.policy = policy
        self.holders: dict[int, int] = {}
        self.crashed: set[int] = set()

    @property
    def free(self) -> Sequence[int]:
        """The nodes that nobody has, sorted."""
        return self._free

    @property
    def within_reach(self) -> int:
        """How many nodes a job that a program starts could have now."""
        return len(self._free) + len(self._spare)

    def allocate(
        self, job: int, size: int, hosts: Mapping[int, int], *, more: bool = False
    ) -> tuple[int, ...]:
        """Give *size* nodes to *job*, and return them by rank.

        Args:
            hosts: the nodes that some ranks must have.
            more: whether further nodes may be booted.

        Raises:
            NodesBusyError: others have the nodes.
            LaunchError: there are not as many, or the policy has chosen what cannot be.
        """
        if more:
            self._grow(size - len(self._free))
        self._check_hosts(hosts)
        pinned = set(hosts.values())
        if not pinned <= set(self._free):
            busy = ", ".join(map(str, sorted(pinned - set(self._free))))
            raise NodesBusyError(f"nodes that are asked for by number are taken: {busy}")
        free = [node for node in self._free if node not in pinned]
        wanted = size - len(hosts)
        nodes = self.policy.choose(tuple(free), wanted) if wanted else ()
        if nodes is None:
            raise self._lacking(size, len(self._spare) if more else 0)
        rest = iter(nodes)
        by_rank = tuple(hosts[rank] if rank in hosts else next(rest, -1) for rank in range(size))
        taken = set(by_rank)
        if len(nodes) != wanted or len(taken) != size or not taken <= self._nodes:
            chosen = ", ".join(map(str, nodes))
            raise LaunchError(
                f"{type(self.policy).__name__} chose the nodes {chosen} for {wanted} processes; "
                "name another allocator in the machine's file"
            )
        self._free = [node for node in self._free if node not in taken]
        self.holders.update(dict.fromkeys(by_rank, job))
        return by_rank

    def check(self, size: int, hosts: Mapping[int, int]) -> None:
        """Raise LaunchError for what no job can ever have, as things are."""
        self._check_hosts(hosts)
        if size > len(self._nodes - self.crashed):
            raise self._lacking(size, 0)

    def _check_hosts(self, hosts: Mapping[int, int]) -> None:
        pinned = set(hosts.values())
        if len(pinned) != len(hosts):
            raise LaunchError("a node is asked for twice: a job has one process on a node")
        for node in sorted(pinned - self._nodes):
            raise LaunchError(f"no job can have node {node}: there is no such compute node")
        for node in sorted(pinned & self.crashed):
            raise LaunchError(f"no job can have node {node}: it has crashed")

    def _lacking(self, size: int, more: int) -> LaunchError:
        good = len(self._nodes - self.crashed) + more
        free = len(self._free) + more
        text = f"nodes are lacking: {size} wanted, {free} free"
        if size <= good:
            return NodesBusyError(text)
        return LaunchError(text if free == good else f"{text}, {good} in all")

    def _grow(self, lacking: int) -> None:
        """Boot *lacking* nodes more, if there are so many."""
        if not 0 < lacking <= len(self._spare):
            return
        fresh, self._spare = self._spare[:lacking], self._spare[lacking:]
        self._boot(fresh)
        self._nodes.update(fresh)
        good = [node for node in fresh if node not in self.crashed]
        self._free.extend(good)
        self._grow(lacking - len(good))

    def release(self, job: int, nodes: Sequence[int]) -> None:
        """Take back the *nodes* of a job."""
        for node in nodes:
            if self.holders.get(node) == job:
                del self.holders[node]
        self._free = sorted({*self._free, *nodes} - self.crashed)

    def lose(self, node: int) -> None:
        """Take note that a node has crashed."""
        self.crashed.add(node)
        self._free = [other for other in self._free if other != node]
