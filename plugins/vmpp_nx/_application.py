"""The application that a process belongs to: which nodes it has, and which processes are on them.

A program that is launched as a job has all of the job's nodes as its application, and a process on
each. More processes come in as jobs that have been spawned on these nodes; or on nodes of its own,
if a process has made an application by ``nx_initve``. Node and process type address a process.
What a process does not know of the others it asks the launcher, when it needs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from vmpp.portals import Address
from vmpp.process import jobs
from vmpp_nx._errors import Refused

if TYPE_CHECKING:
    from vmpp.kernel import Process

LIBRARY: Final = "nx"
"""Whose the parcels are of jobs that are spawned as below."""


class Crew(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The processes of one job that belong to an application, by rank.

    Attributes:
        job: its number.
        ptype: their process type.
        places: their nodes in the application.
        nodes: numbers of these nodes in the machine.
        pids: numbers of the processes there.
    """

    job: int
    ptype: int
    places: tuple[int, ...]
    nodes: tuple[int, ...]
    pids: tuple[int, ...]

    def address(self, rank: int) -> Address:
        """Return where the process of a rank is."""
        return Address(self.nodes[rank], self.pids[rank], rank, self.job)


class Parcel(msgspec.Struct, frozen=True, array_like=True):
    """What a process that is loaded is told.

    Attributes:
        home: number by which the launcher knows the application's nodes.
        nodes: numbers of these nodes in the machine.
        ptype: own process type.
        places: own nodes in the application, by rank.
        founder: of the process, or processes, that the application began with.
        answers: what the calls have returned that the loading process had made to set up
            applications and fork, if this process is to get to the same point of the same program.
    """

    home: int
    nodes: tuple[int, ...]
    ptype: int
    places: tuple[int, ...]
    founder: Crew
    answers: tuple[int, ...] = ()


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Parcel).decode


def packed(parcel: Parcel) -> bytes:
    """Return a parcel as it travels."""
    return _encode(parcel)


def unpacked(parcel: bytes) -> Parcel:
    """Return a parcel that has travelled. Raises msgspec.DecodeError: it is none."""
    return _decode(parcel)


class Application:
    """An application, as one of its processes knows it.

    Attributes:
        home: number by which the launcher knows its nodes.
        nodes: numbers of its nodes in the machine.
        node: own node; as many as there are, of a process that is on none of them.
        founder: what it began with.
        settings: keys of the machine's file that are other for what is loaded, by name.
        answers: what earlier calls that set up applications and fork are to return here, in order.
    """

    __slots__ = (
        "_crews", "_own", "_process", "_seen", "answers", "founder", "home", "node", "nodes",
        "settings",
    )  # fmt: skip

    def __init__(
        self, process: Process, home: int, nodes: tuple[int, ...], node: int, founder: Crew
    ) -> None:
        self._process = process
        self.home = home
        self.nodes = nodes
        self.node = node
        self.founder = founder
        self.answers: tuple[int, ...] = ()
        self.settings: dict[str, str] = {}
        self._own = process.job.id
        self._crews: dict[int, Crew] = {founder.job: founder}
        self._seen: frozenset[int] = frozenset({self._own})

    @classmethod
    def of_job(cls, process: Process, ptype: int) -> Application:
        """Return the application of a process that has been launched, which is its job."""
        job = process.job
        places = job.places or tuple(range(job.size))
        founder = _crew(process, ptype, places)
        nodes = job.application or tuple(job.nodes)
        return cls(process, job.id, nodes, places[process.rank], founder)

    @classmethod
    def loaded(cls, process: Process) -> tuple[Application, int]:
        """Return the application of a process that has been loaded, and its process type."""
        parcel = unpacked(process.job.parcel)
        node = parcel.places[process.rank]
        made = cls(process, parcel.home, parcel.nodes, node, parcel.founder)
        made.answers = parcel.answers
        own = _crew(process, parcel.ptype, parcel.places)
        made._crews[own.job] = own
        return made, parcel.ptype

    @classmethod
    def founded(
        cls, process: Process, home: int, nodes: tuple[int, ...], ptype: int
    ) -> Application:
        """Return the application that a process founds on nodes of which it has none."""
        job, address = process.job, process.address
        founder = Crew(job.id, ptype, (len(nodes),), (address.nid,), (address.pid,))
        return cls(process, home, nodes, len(nodes), founder)

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.nodes)

    @property
    def jobs(self) -> list[int]:
        """Numbers of the jobs that its processes are known to belong to."""
        return sorted({self._own, *self._crews})

    @property
    def crews(self) -> list[Crew]:
        """The processes that there are, as far as is known, by job."""
        return [self._crews[job] for job in sorted(self._crews)]

    def parcel(self, ptype: int, places: tuple[int, ...], answers: tuple[int, ...] = ()) -> bytes:
        """Return what to tell processes that are loaded."""
        return packed(Parcel(self.home, self.nodes, ptype, places, self.founder, answers))

    def enter(self, crew: Crew) -> None:
        """Know of more processes."""
        self._crews[crew.job] = crew

    # -- finding each other ----------------------------------------------------------------------

    def address(self, node: int, ptype: int) -> Address:
        """Return where the process of a node and type is.

        Raises:
            Refused: EQNODE: there is no such node; EQPID: no such process is there.
        """
        if not 0 <= node <= self.size:
            raise Refused("EQNODE", f"{node} is not from 0 to {self.size - 1}")
        found = self._find(node, ptype)
        if found is not None:
            return found
        own = self._crews.get(self._own)
        if own is None or node not in own.places:
            self.refresh()
        else:
            self.look_for_news()
        found = self._find(node, ptype)
        if found is not None:
            return found
        if own is None or node not in own.places:
            raise Refused("EQPID", f"no process of type {ptype} is on node {node}")
        # It may have set another type than the others of its job.
        return own.address(own.places.index(node))

    def _find(self, node: int, ptype: int) -> Address | None:
        # The newest first: one may have ended, and another have been loaded in its place.
        for job in sorted(self._crews, reverse=True):
            crew = self._crews[job]
            if crew.ptype == ptype and node in crew.places:
                return crew.address(crew.places.index(node))
        return None

    def addresses(self, node: int) -> list[Address]:
        """Return where processes of a node are."""
        self.look_for_news()
        return [crew.address(crew.places.index(node)) for crew in self.crews if node in crew.places]

    def node_of(self, source: Address) -> int:
        """Return the node of a process that has sent something."""
        crew = self._crews.get(source.group)
        if crew is None and not self._process.in_handler:
            self.refresh()
            crew = self._crews.get(source.group)
        return source.rank if crew is None else crew.places[source.rank]

    def look_for_news(self) -> None:
        """Ask of other processes, if any have been let in since."""
        if not self._process.admitted <= self._seen:
            self.refresh()

    def refresh(self) -> None:
        """Ask the launcher which processes there are by now."""
        self._seen = self._process.admitted | {self._own}
        try:
            found = jobs.ask(self._process, jobs.LAUNCHER, jobs.ListRelatives(self.home))
        except OSError as error:
            raise Refused(error.errno or 0, error.strerror or "") from None
        for each in found.jobs:
            if each.job not in self._crews:
                try:
                    parcel = unpacked(each.parcel)
                except msgspec.DecodeError:
                    continue
                self.enter(
                    Crew(each.job, parcel.ptype, parcel.places, tuple(each.nodes), tuple(each.pids))
                )


def _crew(process: Process, ptype: int, places: tuple[int, ...]) -> Crew:
    """Return the processes of the own job."""
    job = process.job
    pids = tuple(address.pid for address in job.addresses)
    return Crew(job.id, ptype, places, tuple(job.nodes), pids)
