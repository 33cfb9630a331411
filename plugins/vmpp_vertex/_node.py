"""One process's end of Vertex: sending, and finding messages in the node buffer."""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from vmpp.engine import current_process
from vmpp.hardware import OutOfMemory
from vmpp.kernel import ANYTHING
from vmpp.portals import AckOutcome, Header, LatePortals
from vmpp_vertex._buffer import MESSAGE_PORTAL, NodeBuffer
from vmpp_vertex._groups import CONTROL_PORTAL, Groups, VertexError, listen

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp_vertex._setup import Setup

ANY: Final = -1
"""Any source, or any type of the current range."""
ALL: Final = 0xFFFF
"""As a destination: all nodes of the subcube, the sender included."""
HOST: Final = 0x7FFF << 16
"""Number of the host: a process on no node."""
TYPES: Final = 0x10000
"""How many types there are."""
USER_TYPES: Final = (0, 0x7FFF)
"""Those that a wildcard takes if nobody has said otherwise: the others are the system's."""
PROCESS: Final = 1
"""Number of the process on its node, in the upper half of packed numbers."""
MOST_NODES: Final = ALL
"""More cannot be told apart by 16 bits, one of whose numbers means all."""


class Refused(Exception):
    """A call that Vertex refuses; *number* is why, as in `errno`."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Node:
    """The state of Vertex in one process.

    Attributes:
        process: whose it is.
        buffer: where its messages arrive.
        error: why the last call failed that did; 0: none has.
        told: whether the user has been told what the buffer has lost.
        types: lowest and highest that a wildcard takes.
        handler: what `nsignal` was told, None for nothing.
        setup: what the machine's description says.
        stdout: what nlocal gives back, None in local mode.
    """

    __slots__ = (
        "_addresses", "_groups", "_kernel_send", "_started", "buffer", "error", "handler",
        "process", "setup", "stdout", "told", "types",
    )  # fmt: skip

    def __init__(self, process: Process, setup: Setup) -> None:
        self.process = process
        self.setup = setup
        self.buffer = NodeBuffer(process.table, setup.buffer)
        self.error = 0
        self.types = USER_TYPES
        self.handler: Callable[[int], object] | None = None
        self.stdout: Any = None
        self.told = False
        self._addresses = process.job.addresses
        self._kernel_send = process.kernel.send
        self._groups: Groups | None = None
        self._started = False
        listen(process.table)

    def enter(self) -> Node:
        """Begin a call: look what has been lost, and at the first take the buffer's memory.

        Raises:
            MemoryError: the node has not so much.
        """
        if not self._started:
            try:
                self.process.memory.allocate(self.buffer.heap.size)
            except OutOfMemory as error:
                raise MemoryError(f"no room for Vertex's node buffer: {error}") from None
            self.buffer.remember_losses()
            self._started = True
        self.buffer.losses()
        return self

    @property
    def groups(self) -> Groups:
        """What reductions go through."""
        if self._groups is None:
            self._groups = Groups(self)
        return self._groups

    @property
    def dimension(self) -> int:
        """Of the smallest subcube with room for the job's processes."""
        return (self.process.size - 1).bit_length()

    # -- time ----------------------------------------------------------------------------------

    def charge_send(self, copied: int) -> None:
        """Spend the time of a send that copies so many bytes."""
        self.process.charge(self.setup.send + copied * self.setup.copy_rate // 1000)

    def charge_receive(self, copied: int) -> None:
        """Spend the time of a receive that copies so many bytes."""
        self.process.charge(self.setup.receive + copied * self.setup.copy_rate // 1000)

    def poll(self) -> None:
        """Let the time of one look pass, and other fibers run: so a program that polls gets on."""
        process = self.process
        process.charge(self.setup.receive + 1)
        process.synchronise()
        if process.fibers is not None and not process.in_handler:
            process.yield_cpu()

    # -- sending -------------------------------------------------------------------------------

    def write(self, dest: int, kind: int, data: bytes, *, copied: bool = True) -> None:
        """Send *data* to a node, or all; return when its memory may be used again.

        Raises:
            Refused: ENXIO: there is no such node; EINVAL: no such type; EMSGSIZE: no node's buffer
                could ever hold it.
        """
        check_type(kind)
        targets = self._all() if dest == ALL else (self.number(dest),)
        heap = self.buffer.heap
        if heap.HEADER_BYTES + len(data) > heap.size:
            raise Refused(errno.EMSGSIZE)
        self.charge_send(len(data) if copied else 0)
        for rank in targets:
            self.send(rank, MESSAGE_PORTAL, kind, data)

    def send(self, rank: int, portal: int, bits: int, data: bytes) -> None:
        """Send *data* to a portal of *rank*, and wait until it has left."""
        process = self.process
        process.clock = self._kernel_send(
            process, self._addresses[rank], portal, bits, data or None, len(data)
        )
        process.charge(0)

    def _all(self) -> list[int]:
        """Return all ranks, those of the lowest dimensions away first."""
        near = (self.process.rank ^ step for step in range(1 << self.dimension))
        return [rank for rank in near if rank < self.process.size]

    def number(self, node: int) -> int:
        """Return the number of the node that *node* stands for, packed or not.

        Raises:
            Refused: ENXIO: there is none.
        """
        number = node & 0xFFFF
        if node < 0 or node >> 16 not in (0, PROCESS) or number >= self.process.size:
            raise Refused(errno.ENXIO)
        return number

    # -- receiving -----------------------------------------------------------------------------

    def find(self, source: int, kind: int, begin: int = 0) -> int:
        """Return the place of the oldest message that matches, from *begin* on; -1: there is none.

        Args:
            source: number of its sender, or `ANY`.
            kind: its type, or `ANY` for those of the range.
        """
        low, high = self.types if kind == ANY else (kind, kind)
        messages = islice(self.buffer.heap.messages, begin, None)
        for place, header in enumerate(messages, begin):
            if low <= header.bits <= high and source in (ANY, header.source.rank):
                return place
        return -1

    def wait(self, source: int, kind: int) -> int:
        """Return the place of the oldest message that matches; block until there is one.

        Raises:
            Refused: ENXIO, EINVAL: none can ever match.
        """
        source, kind = self.checked(source, kind)
        buffer = self.buffer
        begin = 0
        while True:
            place = self.find(source, kind, begin)
            if place >= 0:
                return place
            # Who waits need not look again at what it has seen, unless something was taken out.
            begin, taken = len(buffer.heap.messages), buffer.taken
            types = self.types
            self.process.wait(ANYTHING)
            buffer.losses()
            if taken != buffer.taken or types != self.types:
                begin = 0

    def checked(self, source: int, kind: int) -> tuple[int, int]:
        """Return what a receive asks for, once it is sure that there can be such a message.

        Raises:
            Refused: ENXIO: there is no such source; EINVAL: there is no such type.
        """
        if kind != ANY:
            check_type(kind)
        return source if source == ANY else self.number(source), kind

    # -- answers -------------------------------------------------------------------------------

    def refuse(self, refused: Refused) -> int:
        """Note why a call fails, and return what it returns."""
        self.error = refused.number
        return -1

    # -- signals -------------------------------------------------------------------------------

    def on_message(self, handler: Callable[[int], object] | None, number: int) -> None:
        """Have *handler* called with *number* when a message has arrived; None: nobody."""

        def arrived(header: Header, outcome: int) -> None:
            if outcome == AckOutcome.SAVED_HEADER_AND_BODY and handler is not None:
                handler(number)

        self.handler = handler
        self.buffer.interrupt(None if handler is None else arrived)


def check_type(kind: int) -> None:
    """Refuse what is no type of a message.

    Raises:
        Refused: EINVAL: it is none.
    """
    if not 0 <= kind < TYPES:
        raise Refused(errno.EINVAL)


def current() -> Node:
    """Return the state of the process that calls.

    Raises:
        VertexError: it is none of a machine, or its job has more nodes than 16 bits can number.
        MemoryError: there is no room for the node buffer.
    """
    process = current_process()
    if process is None:
        raise VertexError("not in a process of a machine")
    node: Node | None = process.libraries.get("vertex")
    if node is None:
        if process.table.needed(MESSAGE_PORTAL, process) is None:
            raise VertexError(f"Vertex numbers up to {MOST_NODES} nodes, not {process.size}")
        node = process.libraries["vertex"]
    return node.enter()


def nodes(setup: Setup) -> LatePortals:
    """Return what stands for the portals of all processes until they are needed."""
    return LatePortals((MESSAGE_PORTAL, CONTROL_PORTAL), partial(_set_up, setup))


def _set_up(setup: Setup, process: Process) -> None:
    process.libraries["vertex"] = Node(process, setup)
