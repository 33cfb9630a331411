"""What a process has of NX: made by the first call in it, and found by every other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from vmpp.engine import current_process
from vmpp.hardware import OutOfMemory
from vmpp_nx._application import LIBRARY, Application
from vmpp_nx._errors import Refused, Who
from vmpp_nx._mailbox import mailbox_of
from vmpp_nx._messages import Messages

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp.portals import Address
    from vmpp_nx._mailbox import Mailbox
    from vmpp_nx._parameters import Parameters

P = TypeVar("P")

KEY: Final = "nx"
"""Under which a process keeps its state of NX among those of its libraries."""


class State:
    """One process's NX.

    Attributes:
        process: whose it is.
        parameters: sizes and times of the library, from the machine's description.
        messages: its end of the message protocol.
        errno: number of the last error that an underscore call has told of.
        led: whether the node's lamp is on.
    """

    __slots__ = ("_parts", "errno", "led", "messages", "parameters", "process")

    def __init__(self, process: Process, mailbox: Mailbox) -> None:
        self.process = process
        self.parameters: Parameters = mailbox.parameters
        self.messages = Messages(process, mailbox)
        if process.job.library == LIBRARY:
            loaded, ptype = Application.loaded(process)
            self.messages.ptype = ptype
            self.belong(loaded)
        elif process.job.places:
            self.belong(Application.of_job(process, self.messages.ptype))
        self.errno = 0
        self.led = 0
        self._parts: dict[type[Any], Any] = {}

    @property
    def node(self) -> int:
        """Number of the process's node in its application."""
        return self.process.rank if self.application is None else self.application.node

    @property
    def size(self) -> int:
        """Number of nodes of the application."""
        return self.process.size if self.application is None else self.application.size

    @property
    def ptype(self) -> int:
        """Process type, -1 if it has none yet."""
        return self.messages.ptype

    @property
    def addresses(self) -> list[Address]:
        """Where the processes of the own type are, by node."""
        application = self.application
        job = self.process.job
        if application is None or (application.home == job.id and not job.places):
            return job.addresses
        own = self.messages.own_ptype()
        return [application.address(node, own) for node in range(application.size)]

    def belong(self, application: Application) -> None:
        """Belong to another application than the own job."""
        self.messages.application = application
        self.messages.nodes.clear()

    @property
    def application(self) -> Application | None:
        """The application that it belongs to, None as long as that is just its job."""
        return self.messages.application

    @property
    def relations(self) -> Application:
        """The application, with what is known of processes that have been loaded."""
        found = self.application
        if found is None:
            found = Application.of_job(self.process, self.messages.ptype)
            self.belong(found)
        return found

    def part(self, kind: type[P]) -> P:
        """Return what a group of calls keeps of this process: one *kind*, made when asked for.

        It is made with the state as its argument.
        """
        found: P | None = self._parts.get(kind)
        if found is None:
            found = self._parts[kind] = kind(self)  # type: ignore[call-arg]
        return found

    def pause(self, duration: int) -> None:
        """Let *duration* picoseconds pass, other threads run, and handlers that are due.

        So a program gets on that does nothing but ask whether something has happened.
        """
        process = self.process
        process.clock += duration
        if process.in_handler:
            return
        process.synchronise()
        if process.fibers is not None:
            process.yield_cpu()
        if self.messages.events.pending:
            self.messages.events.run()

    def poll(self) -> None:
        """Let the time of one look pass."""
        self.pause(self.parameters.receive + 1)

    def finish(self) -> None:
        """Let go what is still to be sent, as the program has ended normally."""
        self.messages.finish()


def find() -> State:
    """Return the state of the process that calls; its first call of NX makes it.

    Raises:
        RuntimeError: none calls.
    """
    process = current_process()
    if process is None:
        raise RuntimeError(
            "calls of NX are for programs on a virtual machine: start it by vmpp run"
        )
    state: State | None = process.libraries.get(KEY)
    return _made(process) if state is None else state


def _made(process: Process) -> State:
    """Make the state of a process, which takes its memory for messages."""
    mailbox = mailbox_of(process)
    try:
        process.memory.allocate(mailbox.heap.size)
    except OutOfMemory as error:
        raise SystemExit(
            f"nx: Not enough memory: {error}: twice mbf of [nx], for messages of programs and of "
            f"global operations; start it with a smaller -mbf (node {process.rank})"
        ) from None
    state = process.libraries[KEY] = State(process, mailbox)
    return state


def keep(state: State, error: Refused) -> int:
    """Keep the number of an *error* for the program that has made an underscore call."""
    state.errno = error.code
    return -1


def end_with(state: State, name: str, error: Refused) -> NoReturn:
    """End the process whose call *name* cannot be done, with a line on standard error."""
    process = state.process
    line = Who(state.node, state.ptype).complain(name, error)
    if process.in_handler or process.in_main_fiber:
        raise SystemExit(line)
    # Of a thread, SystemExit would end no more than the thread.
    print(line, file=sys.stderr, flush=True)
    process.exit(1)
