"""Interrupts: what has to be done when a message comes, whatever the program does meanwhile.

The kernel raises an event for messages to the descriptors that `Events.raising` holds, and for no
others: a program without handlers that is short of nobody's memory is never interrupted. The
event's own handler, which costs a context switch, keeps the protocol going. A handler of the
program is then called where the program stands, as for a signal, and may block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp.portals import Header, PortalEntry
    from vmpp_nx._receives import Receives
    from vmpp_nx._sends import Sends

_PATIENCE: Final = 1000
"""How often a handler waits for the program to come out of a library's innermost parts."""


class Awaited(Protocol):
    """A request of the program's whose end calls a handler."""

    def look(self) -> Any:
        """Return None if it is complete by now, or the descriptor whose change it waits for."""

    def call(self) -> None:
        """Call the program's handler."""


class Events:
    """What interrupts a process, and the handlers of its program.

    Attributes:
        raising: the descriptors whose messages interrupt the program.
        masked: whether the program does not want its handlers to be called.
        pending: whether handlers are to be called where the program lets them.
    """

    __slots__ = (
        "_awaited", "_calling", "_engine", "_entry", "_process", "_receives", "_sends", "masked",
        "pending", "raising",
    )  # fmt: skip

    def __init__(self, process: Process, entry: PortalEntry) -> None:
        self._process = process
        self._engine = process.kernel.engine
        self._entry = entry
        self.raising: set[Any] = set()
        entry.raised_by = self.raising
        # What is to end with a handler, and the descriptor that it waits for; None if masked.
        self._awaited: dict[Awaited, Any] = {}
        self._calling = False
        self._sends: Any = None
        self._receives: Any = None
        self.masked = False
        self.pending = False

    def serve(self, sends: Sends, receives: Receives) -> None:
        """Know whom to tell of what has come."""
        self._sends = sends
        self._receives = receives

    def handle(self, header: Header, outcome: int) -> None:
        """Take in a message that interrupts; the kernel calls this, for all three portals."""
        self._receives.sweep()
        self._sends.read_requests(self._receives.lying)
        self._sends.read_news()
        if self.masked or self._calling or self.pending:
            return
        if any(self._watch(request) for request in list(self._awaited)):
            self.pending = True
            self._engine.at(max(self._process.clock, self._engine.now), self._enter, _PATIENCE)

    def _enter(self, patience: int) -> None:
        """Call handlers where the program stands; called by the engine."""
        process = self._process
        if not self.pending or process.dead or process.dying or not process.fiber:
            return
        if process.interrupt(self.run):
            return
        now = self._engine.now
        if patience and process.fibers is None and process.clock > now:
            self._engine.at(process.clock, self._enter, patience - 1)
        else:
            # It has threads: which of them would be interrupted? None: so handlers may not block.
            process.run_handler(lambda *_: self.run(), None, 0, now)  # type: ignore[arg-type]

    def run(self) -> None:
        """Call the handlers of all that is complete, in the order in which they were set up."""
        self.pending = False
        if self._calling or self.masked:
            return
        self._calling = True
        try:
            while (request := self._next()) is not None:
                request.call()
        finally:
            self._calling = False

    def _next(self) -> Awaited | None:
        """Return the first request that is complete, which is awaited no more."""
        for request in list(self._awaited):
            if self._watch(request):
                del self._awaited[request]
                self._settle()
                return request
        return None

    def expect(self, request: Awaited) -> None:
        """Call the handler of a *request* when it is complete; at once if it is."""
        self._awaited[request] = None
        if not self.masked and self._watch(request):
            self._run_here()
        self._settle()

    def mask(self, masked: bool) -> bool:
        """Have handlers called, or not; return whether they were masked before."""
        before, self.masked = self.masked, masked
        if masked and not before:
            for request, watch in self._awaited.items():
                self._unwatch(watch)
                self._awaited[request] = None
        elif before and not masked:
            ended = [each for each in list(self._awaited) if self._watch(each)]
            if ended:
                self._run_here()
        self._settle()
        return before

    def _run_here(self) -> None:
        """Call handlers from where the program has called the library, as if interrupted there."""
        if not self._calling:
            self._process.charge(self._process.kernel.context_switch)
            self.run()

    def _watch(self, request: Awaited) -> bool:
        """Have the end of a request interrupt the program; return whether it has come by now."""
        before, watch = self._awaited[request], request.look()
        if watch is not before:
            self._unwatch(before)
            self._awaited[request] = watch
            if watch is not None:
                self.raising.add(watch)
                self._sends.watched += watch is self._sends.news
        return watch is None

    def _unwatch(self, watch: Any) -> None:
        if watch is not None and watch is self._sends.news:
            self._sends.watched -= 1
            self._sends.settle()
        else:
            self.raising.discard(watch)

    def _settle(self) -> None:
        """Have messages looked at only while one of them may call a handler."""
        self._entry.handler = self.handle if self._awaited and not self.masked else None
