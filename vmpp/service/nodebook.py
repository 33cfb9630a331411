"""The book of compute nodes: which are free, and who has the others."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from vmpp.errors import PluginError
from vmpp.service.allocation import AllocationPolicy, choice
from vmpp.service.errors import FragmentedError, LaunchError, NodesBusyError
from vmpp.service.rectangles import ANYWHERE, Site, rectangle


@dataclass(frozen=True, slots=True)
class Lease:
    """What a job has.

    Attributes:
        row: the row of the Ousterhout matrix that it lies in.
        nodes: those of its ranks, in their order.
        held: those that it has besides, since they cannot be given out singly: internal
            fragmentation.
        share: what jobs have in common that may have nodes together; empty: none may.
    """

    row: int
    nodes: tuple[int, ...]
    held: tuple[int, ...]
    share: str


@dataclass(frozen=True, slots=True)
class Fragmentation:
    """What a machine loses by being given out in pieces.

    Attributes:
        held: how many nodes jobs have now on which they have no ranks: internal fragmentation.
        waited: how many jobs have had to wait so far although as many nodes were free as they
            wanted: external fragmentation.
    """

    held: int
    waited: int


class NodeBook:
    """Gives nodes to jobs and takes them back, as the allocation policy chooses.

    Jobs that share nodes lie in different rows of an Ousterhout matrix, whose columns are the nodes
    (Ousterhout, Scheduling techniques for concurrent systems, 1982). Each lies in one row, the
    first in which the policy finds a place for it; a job that shares no nodes lies in row 0, and
    nobody is above it.

    Attributes:
        level: how many rows there may be: the multiprogramming level.
        leases: what jobs have, by their numbers.
        holders: the jobs that have nodes, by node, in the order of their rows.
        crashed: the nodes that have crashed.
    """

    __slots__ = (
        "_boot", "_coordinates", "_fitting", "_free", "_kept", "_makes_room", "_nodes", "_policy",
        "_spare", "_waited", "crashed", "holders", "leases", "level",
    )  # fmt: skip

    def __init__(
        self,
        nodes: Iterable[int],
        spare: range,
        policy: AllocationPolicy,
        boot: Callable[[Sequence[int]], object],
        *,
        level: int = 1,
        makes_room: bool = False,
        coordinates: Callable[[int], Sequence[int]] = lambda node: (node,),
    ) -> None:
        """Open the book.

        Args:
            nodes: the numbers of those that jobs can have.
            spare: of those that can be booted for jobs that programs start, higher than all others.
            policy: chooses nodes.
            boot: boots some of the spare ones, the lowest first.
            level: how many jobs may share a node.
            makes_room: whether some of the spare ones are booted also for a job for which the
                policy finds no place even on all others.
            coordinates: gives the place of a node in the network.
        """
        self._free = sorted(nodes)
        self._nodes = set(self._free)
        self._spare = spare
        self._boot = boot
        self._policy = policy
        self._fitting: set[tuple[int, frozenset[int]]] = set()
        self.level = level
        self._makes_room = makes_room
        self._coordinates = coordinates
        self.leases: dict[int, Lease] = {}
        self.holders: dict[int, tuple[int, ...]] = {}
        self._kept: set[int] = set()
        self.crashed: set[int] = set()
        self._waited: set[int] = set()

    @property
    def policy(self) -> AllocationPolicy:
        """What chooses nodes; may be replaced at any time."""
        return self._policy

    @policy.setter
    def policy(self, policy: AllocationPolicy) -> None:
        self._policy = policy
        self._fitting.clear()

    @property
    def free(self) -> Sequence[int]:
        """The nodes that nobody has, sorted."""
        return self._free

    @property
    def nodes(self) -> Sequence[int]:
        """The nodes that there are, sorted, those that have crashed included."""
        return sorted(self._nodes)

    @property
    def within_reach(self) -> int:
        """How many nodes a job that a program starts could have now."""
        return len(self._free) + len(self._spare)

    @property
    def fragmentation(self) -> Fragmentation:
        """What the machine loses by being given out in pieces."""
        held = sum(len(lease.held) for lease in self.leases.values())
        return Fragmentation(held, len(self._waited))

    def row_of(self, job: int) -> int:
        """Return the row that a job lies in; 0 if it has no nodes."""
        lease = self.leases.get(job)
        return 0 if lease is None else lease.row

    # -- giving nodes out ----------------------------------------------------------------------

    def allocate(
        self,
        job: int,
        size: int,
        hosts: Mapping[int, int],
        *,
        share: str = "",
        more: bool = False,
        site: Site = ANYWHERE,
    ) -> tuple[int, ...]:
        """Give *size* nodes to *job*, and return them by rank.

        Args:
            hosts: the nodes that some ranks must have.
            share: what jobs have in common that may share nodes with this one; empty: none may.
            more: whether further nodes may be booted as long as there are too few free ones.
            site: where its nodes are to be.

        Raises:
            NodesBusyError: others have the nodes; FragmentedError: not as many, but so that the
                policy finds no place for it.
            LaunchError: there are not as many, or never a place for it, or the policy has chosen
                what cannot be.
        """
        if more:
            self._grow(size - len(self._free))
        self._check_hosts(hosts)
        lease = self._lease(size, hosts, share, site)
        spare = self._spare if more or self._makes_room else range(0)
        if lease is None and site is ANYWHERE and self._make_room(size, hosts, spare):
            lease = self._lease(size, hosts, share, site)
        if lease is None:
            raise self._busy(job, size, hosts, share, site, more=more)
        self._enter(job, lease)
        return lease.nodes

    def sublet(self, home: int, job: int, nodes: tuple[int, ...], *, shared: bool) -> None:
        """Give *job* nodes that another one, or a reservation, has already.

        Args:
            home: who has them.
            job: who gets them as well.
            nodes: their numbers, by rank.
            shared: whether processes of several jobs may be there at a time.

        Raises:
            NodesBusyError: as many jobs as can be on one of them are there.
        """
        own = self.leases[home]
        rows = range(self.level) if shared else [own.row]
        for row in [own.row, *(each for each in rows if each != own.row)]:
            taken = [
                node
                for node in nodes
                for other in self.holders[node]
                if self.leases[other].row == row and not (other == home and self.kept(home))
            ]
            if not taken:
                self._enter(job, Lease(row, nodes, (), own.share))
                return
        raise NodesBusyError(f"node {taken[0]} has no room for one more process")

    def reserve(
        self, number: int, size: int, hosts: Mapping[int, int], *, share: str, site: Site
    ) -> tuple[int, ...]:
        """Keep *size* nodes under a *number*, for jobs that get them by `sublet`.

        Raises:
            NodesBusyError, LaunchError: as `allocate`.
        """
        nodes = self.allocate(number, size, hosts, share=share, more=True, site=site)
        self._kept.add(number)
        return nodes

    def kept(self, number: int) -> bool:
        """Return whether nothing runs under a *number*, which keeps nodes for others."""
        return number in self._kept

    def _lease(self, size: int, hosts: Mapping[int, int], share: str, site: Site) -> Lease | None:
        """Return what a job gets, in the first row that has a place for it."""
        pinned = set(hosts.values())
        wanted = size - len(hosts)
        for row in range(self.level if share else 1):
            there = site.narrowed(self._available(row, share))
            if not pinned <= set(there):
                continue
            rest_of = [node for node in there if node not in pinned]
            if site.shape is None:
                nodes = self._choice(rest_of, wanted)
            else:
                nodes = rectangle(rest_of, site.shape, self._coordinates, site.corner)
            if nodes is not None:
                rest = iter(nodes)
                ranks = range(size)
                by_rank = tuple(hosts[rank] if rank in hosts else next(rest) for rank in ranks)
                return Lease(row, by_rank, tuple(rest), share)
        return None

    def _available(self, row: int, share: str) -> list[int]:
        """Return the nodes that a job could have in a row, sorted."""
        if not share:
            return self._free
        shared = [
            node
            for node, jobs in self.holders.items()
            if node not in self.crashed
            and all(self.leases[job].share == share for job in jobs)
            and all(self.leases[job].row != row for job in jobs)
        ]
        return sorted([*self._free, *shared])

    def _choice(self, free: Sequence[int], wanted: int) -> tuple[int, ...] | None:
        if not wanted:
            return ()
        if len(free) < wanted:
            return None
        try:
            return choice(self._policy, free, wanted)
        except PluginError as error:
            raise LaunchError(f"{error}; choose another allocator") from error

    def _enter(self, job: int, lease: Lease) -> None:
        taken = {*lease.nodes, *lease.held}
        self._free = [node for node in self._free if node not in taken]
        self.leases[job] = lease
        for node in (*lease.nodes, *lease.held):
            others = self.holders.get(node)
            jobs = (job,) if others is None else tuple(sorted((*others, job), key=self.row_of))
            self.holders[node] = jobs

    # -- what cannot be ------------------------------------------------------------------------

    def check(self, size: int, hosts: Mapping[int, int], site: Site = ANYWHERE) -> None:
        """Raise LaunchError for what no job can ever have, as things are."""
        self._check_hosts(hosts)
        if size > len(self._nodes - self.crashed):
            raise self._lacking(size, 0)
        if site is not ANYWHERE:
            self._check_site(size, hosts, site)

    def _check_site(self, size: int, hosts: Mapping[int, int], site: Site) -> None:
        good = site.narrowed(sorted(self._nodes - self.crashed))
        outside = sorted(set(hosts.values()).difference(good))
        if outside:
            raise LaunchError(f"node {outside[0]} is not in the partition that is asked for")
        if size > len(good):
            raise LaunchError(f"nodes are lacking: {size} wanted, {len(good)} in the partition")
        if (
            site.shape is not None
            and rectangle(good, site.shape, self._coordinates, site.corner) is None
        ):
            rows, columns = site.shape
            raise LaunchError(f"there is no {rows} x {columns} rectangle of nodes")

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

    def _busy(
        self, job: int, size: int, hosts: Mapping[int, int], share: str, site: Site, *, more: bool
    ) -> LaunchError:
        """Return why a job does not get nodes now, and take note if that is for want of a place."""
        pinned = set(hosts.values())
        rows = range(self.level if share else 1)
        there = [set(site.narrowed(self._available(row, share))) for row in rows]
        if not any(pinned <= each for each in there):
            busy = ", ".join(map(str, sorted(pinned - there[0])))
            return NodesBusyError(f"nodes that are asked for by number are taken: {busy}")
        free = max(len(each) for each in there if pinned <= each)
        if free < size and site.within:
            return NodesBusyError(f"nodes are lacking: {size} wanted, {free} free in the partition")
        if free < size:
            return self._lacking(size, len(self._spare) if more else 0)
        self._waited.add(job)
        return FragmentedError(f"no place for {size} among the {free} nodes that are free")

    # -- growing -------------------------------------------------------------------------------

    def _make_room(self, size: int, hosts: Mapping[int, int], spare: Sequence[int]) -> bool:
        """Boot some of the *spare* nodes if a job would find no place if all nodes were free.

        Returns:
            Whether there are more nodes now.

        Raises:
            LaunchError: there is none even with all of them.
        """
        good = sorted(self._nodes - self.crashed)
        if size > len(good):
            return False
        pinned = frozenset(hosts.values())
        wanted = size - len(pinned)
        there = [node for node in good if node not in pinned]

        def fits(more: int) -> bool:
            return self._choice([*there, *spare[:more]], wanted) is not None

        key = wanted, pinned
        if key in self._fitting or fits(0):
            self._fitting.add(key)
            return False
        if not fits(len(spare)):
            raise LaunchError(
                f"{type(self._policy).__name__} has no place for a job on {size} nodes even if all "
                f"{len(good)} are free; take another size, or another allocator"
            )
        self._grow(bisect_left(range(len(spare) + 1), True, key=fits))
        return True

    def _grow(self, lacking: int) -> None:
        """Boot *lacking* nodes more, if there are so many."""
        if not 0 < lacking <= len(self._spare):
            return
        fresh, self._spare = self._spare[:lacking], self._spare[lacking:]
        self._boot(fresh)
        self._nodes.update(fresh)
        self._fitting.clear()
        good = [node for node in fresh if node not in self.crashed]
        self._free.extend(good)
        self._grow(lacking - len(good))

    # -- taking nodes back ---------------------------------------------------------------------

    def release(self, job: int) -> None:
        """Take back all that a job has."""
        lease = self.leases.pop(job, None)
        self._kept.discard(job)
        if lease is None:
            return
        left = []
        for node in (*lease.nodes, *lease.held):
            others = tuple(other for other in self.holders.pop(node) if other != job)
            if others:
                self.holders[node] = others
            else:
                left.append(node)
        self._free = sorted({*self._free, *left} - self.crashed)

    def lose(self, node: int) -> None:
        """Take note that a node has crashed."""
        self.crashed.add(node)
        self._fitting.clear()
        self._free = [other for other in self._free if other != node]
