"""The server of sockets: which places on which nodes are taken, and who listens there.

It brings two processes together. What they send each other then goes from one to the other.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from vmpp.process import jobs, places
from vmpp.process.calls import GARBAGE, Done, Reply, encode
from vmpp.service.server import Caller

FIRST_PORT: Final = 32768
LAST_PORT: Final = 60999
"""The ports that are given to who wants any."""

_SYSTEM: Final = 0
"""In place of a job's number: that of the system's own processes."""

_Key = tuple[int, str, int]
"""A node, and a port of it or, with `places.NO_PORT`, a name that is known there."""


@dataclass(slots=True)
class _Place:
    """A place that is taken.

    Attributes:
        job, rank, pid: of the process that has it.
        host: the address by which it can be reached.
        listener: the process's number of what listens; None: nobody does.
    """

    job: int
    rank: int
    pid: int
    host: str
    listener: int | None = None


def _key(node: int, host: str, port: int) -> _Key:
    return (node, host, port) if port == places.NO_PORT else (node, "", port)


class SocketServer:
    """Keeps the places of all nodes.

    A process gives its places back at its end. The nodes on which it can take some are its own.

    Attributes:
        name: what processes call it by.
        least_service_time: that of a request, ps.
    """

    __slots__ = ("_given", "_has_node", "_places", "least_service_time", "name")

    def __init__(self, least_service_time: int, has_node: Callable[[int], bool]) -> None:
        """Set the server up; *has_node* tells whether there is a compute node of a number."""
        self.name = places.SERVER
        self.least_service_time = least_service_time
        self._has_node = has_node
        self._places: dict[_Key, _Place] = {}
        self._given: dict[int, int] = {}

    def serve(self, caller: Caller, request: bytes) -> bytes:
        """Answer one *request* of *caller*."""
        try:
            call = places.decode_call(request)
        except GARBAGE:
            return encode(jobs.NOT_A_REQUEST)
        return encode(_ANSWERS[type(call)](self, caller, call))

    def close_job(self, job: int) -> None:
        """Forget the places of *job*, which has ended."""
        self._places = {key: place for key, place in self._places.items() if place.job != job}

    def _bind(self, caller: Caller, call: places.Bind) -> Reply:
        port = call.port or self._free_port(caller.node)
        key = _key(caller.node, call.host, port)
        if not port or key in self._places:
            return jobs.refusal(errno.EADDRINUSE)
        self._places[key] = _Place(caller.job, caller.rank, caller.pid, call.host)
        return places.Bound(port)

    def _free_port(self, node: int) -> int:
        """Return the next port of *node* that is free, 0 if there is none."""
        count = LAST_PORT - FIRST_PORT + 1
        before = self._given.get(node, 0)
        for number in range(before, before + count):
            port = FIRST_PORT + number % count
            if (node, "", port) not in self._places:
                self._given[node] = (number + 1) % count
                return port
        return 0

    def _own(self, caller: Caller, host: str, port: int) -> _Place | None:
        place = self._places.get(_key(caller.node, host, port))
        mine = place is not None and (place.job, place.rank) == (caller.job, caller.rank)
        return place if mine else None

    def _listen(self, caller: Caller, call: places.Listen) -> Reply:
        place = self._own(caller, call.host, call.port)
        if place is None:
            return jobs.refusal(errno.EINVAL)
        place.listener = call.listener
        return Done()

    def _leave(self, caller: Caller, call: places.Leave) -> Reply:
        if self._own(caller, call.host, call.port) is None:
            return jobs.refusal(errno.EINVAL)
        del self._places[_key(caller.node, call.host, call.port)]
        return Done()

    def _find(self, caller: Caller, call: places.Find) -> Reply:
        if not self._has_node(call.node):
            return jobs.refusal(errno.EHOSTUNREACH, f"the machine has no node at {call.host}")
        place = self._places.get(_key(call.node, call.host, call.port))
        if place is None and call.port == places.NO_PORT:
            return jobs.refusal(errno.ENOENT)
        if place is None or place.listener is None or place.host not in (call.host, places.ANY):
            return jobs.refusal(errno.ECONNREFUSED)
        return places.Found(place.job, place.rank, place.pid, place.listener)

    def _exists(self, caller: Caller, call: places.Exists) -> Reply:
        return Done() if self._has_node(call.node) else jobs.refusal(errno.ENOENT)

    def _forget(self, caller: Caller, call: places.Forget) -> Reply:
        if caller.job != _SYSTEM:
            return jobs.refusal(errno.EPERM)
        whose = call.job, call.rank
        self._places = {
            key: place for key, place in self._places.items() if (place.job, place.rank) != whose
        }
        return Done()


_ANSWERS: Final[dict[type, Callable[[SocketServer, Caller, Any], Reply]]] = {
    places.Bind: SocketServer._bind,
    places.Listen: SocketServer._listen,
    places.Leave: SocketServer._leave,
    places.Find: SocketServer._find,
    places.Exists: SocketServer._exists,
    places.Forget: SocketServer._forget,
}
