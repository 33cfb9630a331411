"""What the library has in a process that uses it."""

from __future__ import annotations

from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any

from vmpp.engine import current_process
from vmpp.hardware import OutOfMemory
from vmpp.portals import (
    MATCH_BITS_MASK,
    Address,
    KernelHandler,
    LatePortals,
    MemoryOperation,
    PortalEntry,
    SendInfo,
    SingleBlock,
)
from vmpp.portals.language import compile_handler
from vmpp_am._endpoint import Endpoint
from vmpp_am._errors import AmError
from vmpp_am._handle import Handle
from vmpp_am._messages import as_payload, whole, words
from vmpp_am._parameters import Parameters
from vmpp_am._portals import (
    COMPLETION_PORTAL,
    KERNEL_PORTALS,
    MESSAGE_PORTAL,
    SEGMENT_PORTAL,
    Portals,
)
from vmpp_am._segments import Segment, Segments, as_memory, fresh
from vmpp_am._transport import EAGER, MailTransport
from vmpp_collectives import Channel, Choices, Kind, barrier

if TYPE_CHECKING:
    from vmpp.kernel import Process

_CONTEXT = 0


class State:
    """The library in one process: made by its first call.

    Attributes:
        endpoint: requests and replies.
        segments: memory that is exposed.
        channel: the way of collective operations.
    """

    __slots__ = ("_installed", "channel", "endpoint", "segments")

    def __init__(
        self, process: Process, portals: Portals, parameters: Parameters, choices: Choices
    ) -> None:
        self.endpoint = Endpoint(process, portals, parameters)
        self.segments = Segments(self.endpoint)
        self._installed: list[KernelHandler] = []
        self.channel = Channel(
            MailTransport(self.endpoint), _CONTEXT, process.rank, process.job.addresses, EAGER,
            choices, AmError,
        )  # fmt: skip

    def barrier(self) -> None:
        """Return when all ranks have called."""
        self.endpoint.may_wait("meet others in a barrier")
        barrier(self.channel.begin(Kind.BARRIER))

    def expose(self, memory: Any) -> Segment:
        """Expose *memory*, with all other ranks."""
        self.endpoint.may_wait("expose memory")
        if isinstance(memory, Integral):
            memory = fresh(memory, "expose")
        segment = self.segments.expose(memory)
        segment.agree(self.channel)
        return segment

    # -- handlers in the kernel ----------------------------------------------------------------

    def install(
        self, number: int, text: str, memory: Any, name: str, constants: dict[str, int]
    ) -> KernelHandler:
        """Have the kernel run a handler of the program on messages for *number*."""
        portal = portal_of(number)
        process = self.endpoint.process
        view = as_memory(memory.memory if isinstance(memory, Segment) else memory, "kernel_handler")
        if process.table.entries[portal] is not None:
            raise AmError(f"kernel handler {number} is installed already")
        block = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY, view)
        handler = process.kernel.install(process, compile_handler(text, name, **constants))
        process.table.install(portal, PortalEntry(block, handler))
        self._installed.append(handler)
        return handler

    def signal(
        self, rank: int, number: int, values: tuple[int, ...], payload: Any, **wishes: int
    ) -> None:
        """Send a message to a handler in the kernel of *rank*, which answers nothing."""
        endpoint = self.endpoint
        message, info = self._message(rank, number, values, payload, **wishes)
        endpoint.process.charge(endpoint.parameters.send)
        endpoint.send(*message, info)

    def call(
        self, rank: int, number: int, values: tuple[int, ...], payload: Any, **wishes: int
    ) -> Handle:
        """Send a message to a handler in the kernel of *rank*, which replies words."""
        endpoint = self.endpoint
        message, info = self._message(rank, number, values, payload, **wishes)
        handle = endpoint.begin("call a handler in the kernel", rank, writes=True)
        info.return_portal, info.return_bits = COMPLETION_PORTAL, endpoint.number(handle)
        endpoint.send(*message, info)
        return handle

    def remark(self) -> str:
        """Return what waits for handlers that there are not, and what has failed in the kernel."""
        rank, table = self.endpoint.process.rank, self.endpoint.process.table
        found = [
            f"rank {rank} has requests for handler {number}, which it has not registered"
            for number in self.endpoint.unknown()
        ]
        found += [
            f"handler {handler.name!r} in the kernel of rank {rank} has failed; {handler.fault}"
            for handler in self._installed
            if handler.faults
        ]
        found += [
            f"rank {rank} has had messages for kernel handler {number}, which it has not installed"
            for number, portal in enumerate(KERNEL_PORTALS)
            if table.dropped >> portal & 1 and table.entries[portal] is None
        ]
        return "; ".join(found)

    def _message(
        self, rank: int, number: int, values: tuple[int, ...], payload: Any, *, bits: int,
        offset: int, user: int,
    ) -> tuple[tuple[Address, int, int, Any], SendInfo]:  # fmt: skip
        """Return what is sent to a handler in the kernel, and the wishes with it."""
        portal, target = portal_of(number), self.endpoint.address(rank)
        body = words(values) + as_payload(payload)
        match = whole(bits, "match bits") & MATCH_BITS_MASK
        info = SendInfo(offset=whole(offset, "offset"), user_data=whole(user, "user data"))
        return (target, portal, match, body), info


def portal_of(number: int) -> int:
    """Return the portal of a program's handlers in the kernel. Raises AmError."""
    found = whole(number, "number of a kernel handler")
    if not 0 <= found < len(KERNEL_PORTALS):
        raise AmError(f"kernel handlers have numbers 0 to {len(KERNEL_PORTALS) - 1}, not {number}")
    return KERNEL_PORTALS[found]


def portals(parameters: Parameters, choices: Choices) -> LatePortals:
    """Return what stands for the portals of all processes until they are needed."""
    indices = (MESSAGE_PORTAL, COMPLETION_PORTAL, SEGMENT_PORTAL)
    return LatePortals(indices, partial(_set_up, parameters, choices))


def _set_up(parameters: Parameters, choices: Choices, process: Process) -> None:
    portals = Portals(process, parameters)
    process.libraries["am.portals"] = portals, parameters, choices


def state() -> State:
    """Return the library of the process that runs.

    Raises:
        AmError: no process runs, or it has no memory for it.
    """
    process = current_process()
    if process is None:
        raise AmError("active messages are for programs on a machine: vmpp run PROGRAM")
    found: State | None = process.libraries.get("am")
    if found is None:
        process.table.needed(MESSAGE_PORTAL, process)
        try:
            found = State(process, *process.libraries["am.portals"])
        except OutOfMemory as error:
            raise AmError(f"no memory for active messages ([am] heap): {error}") from None
        process.libraries["am"] = found
    return found
