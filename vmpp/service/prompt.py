"""Prompt servers: those that never wait for the host, and so answer within virtual time."""

from __future__ import annotations

from functools import partial

from vmpp.kernel import QuintessentialKernel
from vmpp.portals import Header
from vmpp.service.server import Caller, Later, Server, Service


class PromptProcess(Server):
    """A server that needs no task: it does what a `Service` says when a request is due.

    What it changes changes at that very instant, so that others of the system may look at it as
    well.
    """

    __slots__ = ("_later", "_service")

    def __init__(self, kernel: QuintessentialKernel, pid: int, service: Service) -> None:
        super().__init__(kernel, pid, service.least_service_time)
        self._service = service
        self._later: dict[Later, Header] = {}

    def stop(self) -> None:
        """Take no more requests, and let none wait on."""
        super().stop()
        for later in list(self._later):
            self._answered(later, None)

    def received(self, header: Header, due: int) -> None:
        """Serve a request when it is due."""
        self.kernel.engine.at(due, self._serve, header)

    def _serve(self, header: Header) -> None:
        source = header.source
        now = self.kernel.engine.now
        caller = Caller(source.group, source.rank, now, source.nid, source.pid)
        answer = self._service.serve(caller, header.body or b"")
        if isinstance(answer, bytes):
            self.reply((header, answer))
        elif not isinstance(answer, Later):
            raise TypeError(f"a prompt server waits for the host: {self._service!r}")
        elif self.dead:
            self.reply((header, None))
        else:
            self._later[answer] = header
            answer.promise(partial(self._answered, answer))

    def _answered(self, later: Later, reply: bytes | None) -> bool:
        header = self._later.pop(later, None)
        if header is None:
            return False
        self.reply((header, reply))
        return True
