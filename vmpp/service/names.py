"""The name server: ports at which processes can be reached, and the names they are found by."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, Final

from vmpp.process import jobs
from vmpp.process.calls import GARBAGE, Done, Reply, encode
from vmpp.service.identity import Credentials
from vmpp.service.server import Caller


class NameServer:
    """Keeps the ports of all jobs, and under which names of services they are published.

    What a job leaves behind goes with it.

    Attributes:
        name: what processes call it by.
        least_service_time: that of a request, ps.
    """

    __slots__ = ("_opened", "_ports", "_published", "_user", "least_service_time", "name")

    def __init__(
        self,
        least_service_time: int,
        user: Callable[[int], Credentials | None] = lambda job: None,
    ) -> None:
        """Set the server up; *user* tells whose a job is, None if nobody minds."""
        self.name = jobs.NAMES
        self._user = user
        self.least_service_time = least_service_time
        self._opened = 0
        self._ports: dict[str, jobs.Place] = {}
        self._published: dict[str, tuple[str, int]] = {}

    def serve(self, caller: Caller, request: bytes) -> bytes:
        """Answer one *request* of *caller*."""
        try:
            call = jobs.decode_call(request)
        except GARBAGE:
            return encode(jobs.NOT_A_REQUEST)
        answer = _ANSWERS.get(type(call))
        return encode(jobs.NOT_A_REQUEST if answer is None else answer(self, caller, call))

    def owner(self, port: str) -> jobs.Place | None:
        """Return who opened *port*, None if nobody has it open."""
        return self._ports.get(port)

    def has_port(self, job: int) -> bool:
        """Return whether *job* has a port open, at which others may reach it."""
        return any(place.job == job for place in self._ports.values())

    def close_job(self, job: int) -> None:
        """Forget the ports and names of *job*, which has ended."""
        self._ports = {port: place for port, place in self._ports.items() if place.job != job}
        self._published = {
            service: found for service, found in self._published.items() if found[1] != job
        }

    def _open(self, caller: Caller, call: jobs.OpenPort) -> Reply:
        self._opened += 1
        # As long as it is, it makes no difference to time how many there were before.
        port = f"vmpp-port-{self._opened:08d}"
        self._ports[port] = jobs.Place(caller.job, caller.rank)
        return jobs.Name(port)

    def _close(self, caller: Caller, call: jobs.ClosePort) -> Reply:
        owner = self._ports.get(call.port)
        if owner is None or owner.job != caller.job:
            return jobs.refusal(errno.ENOENT, f"port {call.port!r} is not open")
        del self._ports[call.port]
        return Done()

    def _publish(self, caller: Caller, call: jobs.Publish) -> Reply:
        if call.service in self._published:
            return jobs.refusal(errno.EEXIST, f"service {call.service!r} is published already")
        self._published[call.service] = call.port, caller.job
        return Done()

    def _unpublish(self, caller: Caller, call: jobs.Unpublish) -> Reply:
        if self._published.get(call.service) != (call.port, caller.job):
            return jobs.refusal(
                errno.ENOENT, f"service {call.service!r} is not published with port {call.port!r}"
            )
        del self._published[call.service]
        return Done()

    def _look_up(self, caller: Caller, call: jobs.LookUp) -> Reply:
        found = self._published.get(call.service)
        if found is None:
            return jobs.refusal(errno.ENOENT, f"service {call.service!r} is not published")
        asks, owner = self._user(caller.job), self._user(found[1])
        if asks is not None and owner is not None and not asks.may_command(owner):
            return jobs.refusal(errno.EPERM, f"service {call.service!r} is another user's")
        return jobs.Name(found[0])


_ANSWERS: Final[dict[type, Callable[[NameServer, Caller, Any], Reply]]] = {
    jobs.OpenPort: NameServer._open,
    jobs.ClosePort: NameServer._close,
    jobs.Publish: NameServer._publish,
    jobs.Unpublish: NameServer._unpublish,
    jobs.LookUp: NameServer._look_up,
}
