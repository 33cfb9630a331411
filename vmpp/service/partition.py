"""The service partition: which servers there are, on which nodes, and whether they answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final, TypeVar

import trio

from vmpp.engine import Engine, Occasion
from vmpp.engine.bridge import Bridge
from vmpp.errors import VmppError, suggestion
from vmpp.kernel import QuintessentialKernel, SystemProcess
from vmpp.portals import Address
from vmpp.service.client import ServiceClient
from vmpp.service.prompt import PromptProcess
from vmpp.service.server import Server, Service, ServiceProcess
from vmpp.service.status import ServerStatus

SERVERS: Final = (
    "files", "names", "sockets", "yod", "allocation", "login", "accounting", "log",
)  # fmt: skip
"""The servers that machines have, in the order in which they are dealt out to service nodes."""

SESSIONS: Final = 1 << 24
"""Sessions have numbers above this one, jobs below."""

P = TypeVar("P", bound=SystemProcess)


class PlacementError(VmppError):
    """A server cannot be where it is said to be; the message says why."""


class UnknownServerError(VmppError):
    """The service partition has no server of that name."""


class ServicePartition:
    """The servers of a machine, by name, and the nodes that they share.

    Each server has a place that does not depend on which others there are: the one that the
    machine's file gives it, or the next in turn (`SERVERS`).

    Attributes:
        bridge: between virtual time and the servers' tasks.
        servers: all of them, by name.
        addresses: where they are, by name: what processes are linked to.
    """

    __slots__ = (
        "_further", "_kernels", "_nursery", "_pids", "_placement", "_sessions", "_starts",
        "_waiting", "addresses", "bridge", "servers",
    )  # fmt: skip

    def __init__(
        self,
        kernels: Sequence[QuintessentialKernel],
        bridge: Bridge,
        placement: Mapping[str, int] | None = None,
    ) -> None:
        """Set up a partition without servers.

        Args:
            kernels: of its nodes, in order.
            placement: the nodes of some servers, counted from 0, by name.

        Raises:
            PlacementError: there is no such server, or no such node.
        """
        self.bridge = bridge
        self.servers: dict[str, Server] = {}
        self.addresses: dict[str, Address] = {}
        self._kernels = kernels
        self._placement = dict(placement or {})
        self._further = len(SERVERS)
        self._pids = count(1).__next__
        self._sessions = SESSIONS
        self._nursery: trio.Nursery | None = None
        self._waiting: list[tuple[Callable[..., Awaitable[object]], tuple[Any, ...]]] = []
        self._starts: dict[str, Occasion] = {}
        for kernel in kernels:
            kernel.processes = {}
        _check(self._placement, len(kernels))

    @property
    def engine(self) -> Engine:
        """Virtual time."""
        return self._kernels[0].engine

    @property
    def now(self) -> int:
        """The virtual time, in picoseconds."""
        return self.engine.now

    # -- what is added -------------------------------------------------------------------------

    def add_prompt(self, service: Service) -> PromptProcess:
        """Add a server that does what *service* says, and never waits for the host."""
        server = self.enter(
            self._node(service.name), lambda kernel, pid: PromptProcess(kernel, pid, service)
        )
        self.name(service.name, server)
        return server

    def add(self, service: Service) -> ServiceProcess:
        """Add a server that does what *service* says; it runs as soon as the partition does."""

        def make(kernel: QuintessentialKernel, pid: int) -> ServiceProcess:
            return ServiceProcess(kernel, pid, service, self.bridge)

        server = self.enter(self._node(service.name), make)
        self.name(service.name, server)
        if self._nursery is not None:
            self._nursery.start_soon(server.run)
        return server

    def add_own(self, name: str, make: Callable[[QuintessentialKernel, int], P]) -> P:
        """Add a server that needs no task: *make* makes it, of a kernel and a process number."""
        server = self.enter(self._node(name), make)
        if isinstance(server, Server):
            self.name(name, server)
        return server

    def name(self, name: str, server: Server) -> None:
        """Have *server* found by *name*."""
        if name in self.servers:
            raise ValueError(f"there is a server {name!r} already")
        self.servers[name] = server
        self.addresses[name] = server.address

    def enter(self, node: int, make: Callable[[QuintessentialKernel, int], P]) -> P:
        """Return the process that *make* makes, on service node *node* under a new number."""
        kernel = self._kernels[node % len(self._kernels)]
        table = kernel.processes
        assert isinstance(table, dict)
        # Never used again, so that nobody gets what was meant for somebody else.
        pid = self._pids()
        process = table[pid] = make(kernel, pid)
        return process

    def leave(self, process: SystemProcess) -> None:
        """Forget a process, which takes no more messages."""
        process.dead = True
        for kernel in self._kernels:
            table = kernel.processes
            if kernel.nid == process.address.nid and isinstance(table, dict):
                del table[process.address.pid]
                kernel.own_messages += process.messages
                kernel.own_bytes += process.bytes

    def client(
        self, number: int = 0, *, node: int | None = None, exact: bool = True
    ) -> ServiceClient:
        """Return what a Trio task asks servers with; to be used in a ``with`` statement.

        Args:
            number: of the session or job on whose behalf it asks; 0: the system's.
            node: on which service node it is, in turn; as the number says if left out.
            exact: whether virtual time stands still from when an answer has come until the task
                asks or waits again.
        """
        return self.enter(
            number if node is None else node,
            lambda kernel, pid: ServiceClient(
                kernel, pid, number, self.addresses, self.bridge, self.leave, exact=exact
            ),
        )

    def start_task(self, task: Callable[..., Awaitable[object]], *args: Any) -> None:
        """Have a task run beside the servers; one that is started before they run waits for them.

        It ends with the partition; what it raises ends the machine.
        """
        if self._nursery is None:
            self._waiting.append((task, args))
        else:
            self._nursery.start_soon(task, *args)

    def up(self, name: str) -> Occasion:
        """Return the occasion of a server's answering again, if it has been stopped."""
        occasion = self._starts.setdefault(name, Occasion())
        server = self.servers.get(name)
        if server is None or not server.dead:
            occasion.set()
        return occasion

    def session(self) -> int:
        """Return a number for one more session."""
        self._sessions += 1
        return self._sessions

    def _node(self, name: str) -> int:
        """Return on which of the service nodes, counted from 0, a new server is to be."""
        node = self._placement.get(name)
        if node is not None:
            return node
        if name in SERVERS:
            return SERVERS.index(name)
        self._further += 1
        return self._further - 1

    # -- what is done with them ----------------------------------------------------------------

    async def run(self) -> None:
        """Run every server as a task, for ever."""
        async with trio.open_nursery() as self._nursery:
            for server in self.servers.values():
                if isinstance(server, ServiceProcess):
                    self._nursery.start_soon(server.run)
            for task, args in self._waiting:
                self._nursery.start_soon(task, *args)
            await trio.sleep_forever()

    def server(self, name: str) -> Server:
        """Return the server of that name.

        Raises:
            UnknownServerError: there is none.
        """
        found = self.servers.get(name)
        if found is None:
            raise UnknownServerError(
                f"there is no server {name!r}{suggestion(name, self.servers)} "
                f"(there is: {', '.join(_listed(self.servers))})"
            )
        return found

    async def caught_up(self) -> None:
        """Wait, on the host, until the servers' tasks have looked at all that has arrived by now.

        What a server does for the host, printing the output of jobs above all, it does when its
        task has its turn, a little ahead of virtual time. Whoever holds virtual time, and waits for
        this, sees of that what does not depend on the host.
        """
        while any(
            server.behind for server in self.servers.values() if isinstance(server, ServiceProcess)
        ):
            await trio.lowlevel.checkpoint()

    def stop(self, name: str) -> None:
        """Stop a server: whoever asks it from now on is told at once that it is not there.

        What it has acknowledged it still knows when it is started again.

        Raises:
            UnknownServerError: there is no such server.
        """
        server = self.server(name)
        if not server.dead:
            server.stop()
            self.bridge.wake()

    def start(self, name: str) -> None:
        """Have a server that was stopped answer again. Raises UnknownServerError."""
        self.server(name).start()
        occasion = self._starts.pop(name, None)
        if occasion is not None:
            occasion.set()
            self.bridge.wake()

    def abandon(self, job: int) -> None:
        """Have no server wait for the host on behalf of *job*: its processes are being killed."""
        for server in self.servers.values():
            server.abandon(job)

    def give_up(self) -> bool:
        """Have all requests of clients fail that wait for a reply; return whether there were any.

        What servers have asked others for fails first, so that they can reply.
        To be called when nothing else happens on the machine, and messages have been lost.
        """
        asking = [
            each.give_up() for each in self.servers.values() if isinstance(each, ServiceProcess)
        ]
        if any(asking):
            return True
        clients = [
            process
            for kernel in self._kernels
            for process in kernel.processes.values()
            if isinstance(process, ServiceClient)
        ]
        gave_up = [client.give_up() for client in clients]
        return any(gave_up)

    def status(self) -> list[ServerStatus]:
        """Return what there is to tell of the servers, in the order of their names."""
        return list(self._statuses())

    def _statuses(self) -> Iterator[ServerStatus]:
        for name, server in sorted(self.servers.items()):
            yield ServerStatus(
                name=name,
                node=server.address.nid,
                pid=server.address.pid,
                running=not server.dead,
                requests=server.requests,
                least_service_time=server.least_service_time,
            )


def _listed(names: Iterable[str]) -> Iterator[str]:
    """Yield names, those that differ in their numbers only as one, after the others."""
    numbered: dict[str, list[str]] = {}
    for name in names:
        word = name.rstrip("0123456789")
        if word == name:
            yield name
        else:
            numbered.setdefault(word, []).append(name)
    for found in numbered.values():
        yield found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}"


def _check(placement: Mapping[str, int], nodes: int) -> None:
    for name, node in placement.items():
        if name not in SERVERS:
            raise PlacementError(
                f"[servers] {name}: there is no server of that name{suggestion(name, SERVERS)} "
                f"(there is: {', '.join(SERVERS)})"
            )
        if not 0 <= node < nodes:
            raise PlacementError(
                f"[servers] {name}: the service partition has no node {node}, "
                f"only 0{f' to {nodes - 1}' if nodes > 1 else ''}"
            )
