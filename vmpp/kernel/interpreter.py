"""Runs checked handlers in the kernel: on one message, with the memory of one descriptor.

A run reads the message, reads and writes the descriptor's memory, and says what becomes of the
message. Whatever goes wrong ends it: what it has written is written back, what it wanted to send is
not sent, and the message is discarded. So a message is handled whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from operator import index
from typing import TYPE_CHECKING, Any, Final

from vmpp.kernel.deposit import MALFORMED
from vmpp.kernel.handler_memory import Fault, SharedMemory, packed, unpacked
from vmpp.portals import (
    MATCH_BITS_MASK,
    PORTALS,
    USER_BYTES,
    AckOutcome,
    Address,
    Header,
    PortalEntry,
)
from vmpp.portals.instructions import ARITHMETIC, Op, Verdict, wrapped

if TYPE_CHECKING:
    from vmpp.kernel.costs import KernelCosts
    from vmpp.kernel.process import SystemProcess
    from vmpp.kernel.verifier import CheckedHandler

_HIGHEST: Final = (1 << 63) - 1
_LOWEST: Final = -(1 << 63)
_HANDLED: Final = int(AckOutcome.HANDLED)
_SAVE: Final = int(Verdict.SAVE)
_DROP: Final = int(Verdict.DROP)


def raises(entry: PortalEntry, descriptor: Any) -> bool:
    """Return whether a message to *descriptor* calls the handler of its portal."""
    # These are the process's memory, too.
    try:
        return entry.raised_by is None or descriptor in entry.raised_by
    except Exception:
        return False


class HandlerRun:
    """What a handler does with one message.

    Attributes:
        steps: how many it has taken.
        copied: bytes that it has copied from the message to memory.
        replies: bodies that go to the return portal of the sender.
        sends: what goes to other processes.
        wakes: whether the process is to look again at what it waits for.
        decided: whether it has run; descriptors then have the message as if there were none.
        saves: whether it leaves the message to the descriptor.
    """

    __slots__ = (
        "_body", "_entry", "_handler", "_header", "_memory", "_place", "_process", "_program",
        "copied", "decided", "replies", "saves", "sends", "steps", "wakes",
    )  # fmt: skip

    def __init__(self, process: SystemProcess, entry: PortalEntry, header: Header) -> None:
        """Prepare to run the kernel's handler that is in *entry* on a message for it."""
        self._process = process
        self._entry = entry
        self._handler: Any = entry.handler
        self._header = header
        self._program: CheckedHandler | None = None
        self._memory: SharedMemory | None = None
        self._body: memoryview | None = None
        self._place = 0
        self.steps = 0
        self.copied = 0
        self.replies: list[bytes] = []
        self.sends: list[tuple[Address, int, int, bytes]] = []
        self.wakes = False
        self.decided = False
        self.saves = False

    def run(self, descriptor: Any) -> int:
        """Run the handler, if it is for the messages of *descriptor*.

        Returns:
            What became of the message; 0 if the descriptor decides that.
        """
        if not raises(self._entry, descriptor):
            return 0
        self.decided = True
        try:
            # The handler's fields are its process's memory: what they name is looked for, no more.
            number = self._handler.number
            if type(number) is not int or not 0 <= number < len(self._process.programs):
                raise Fault(f"{number!r:.40} is the number of no handler that was checked")
            self._program = program = self._process.programs[number]
            self._memory = SharedMemory(descriptor)
            if program.memory > self._memory.size:
                raise Fault(
                    f"needs {program.memory} bytes of memory, and the descriptor has "
                    f"{self._memory.size}"
                )
            verdict = self._interpret(program)
        except Exception as error:
            self._fail(error)
            return MALFORMED
        self._count("runs")
        if verdict == _SAVE:
            self.saves = True
            return 0
        length = self._header.length
        self._header.body = None
        if verdict == _DROP:
            return MALFORMED
        with suppress(Exception):
            descriptor.messages += 1
            descriptor.count = length
        return _HANDLED

    def duration(self, costs: KernelCosts) -> int:
        """Return what the run has taken so far, in picoseconds, without what it sends."""
        copied = self.copied * costs.copy_rate // 1000
        return costs.handler_entry + self.steps * costs.handler_step + copied

    def _interpret(self, program: CheckedHandler) -> int:
        """Take the steps of a program and return its verdict."""
        code = program.code
        registers = [0] * 64
        place = 0
        while True:
            op, a, b, c = code[place]
            self._place = place
            place += 1
            self.steps += 1
            if op <= Op.MAX:
                value = ARITHMETIC[op](registers[b], registers[c])
                registers[a] = value if _LOWEST <= value <= _HIGHEST else wrapped(value)
            elif op == Op.UNLESS:
                if not registers[a]:
                    place = b
            elif op == Op.JUMP:
                place = a
            elif op == Op.END:
                return a
            else:
                _ACTIONS[op](self, registers, a, b, c)

    def _fail(self, error: Exception) -> None:
        """Undo what the run has done, and note why."""
        if self._memory is not None:
            self._memory.restore()
        self.replies.clear()
        self.sends.clear()
        self.wakes = False
        reason = str(error) if type(error) is Fault else "the descriptor's memory is no buffer"
        if type(error) is ZeroDivisionError:
            reason = "divides by 0"
        if self._program is not None and self.steps:
            reason = f"line {self._program.lines[self._place]}: {reason}"
        self._count("faults")
        with suppress(Exception):
            self._handler.fault = reason

    def _count(self, name: str) -> None:
        """Count one more where the process can see it: in its own memory, which may be garbage."""
        with suppress(Exception):
            count = getattr(self._handler, name, 0)
            setattr(self._handler, name, count + 1 if type(count) is int else 1)

    # -- instructions --------------------------------------------------------------------------

    def constant(self, registers: list[int], a: int, b: int, c: int) -> None:
        registers[a] = b

    def move(self, registers: list[int], a: int, b: int, c: int) -> None:
        registers[a] = registers[b]

    def field(self, registers: list[int], a: int, b: int, c: int) -> None:
        registers[a] = wrapped(_FIELDS[b](self))

    def load(self, registers: list[int], a: int, b: int, c: int) -> None:
        registers[a] = self.memory.load(registers[b], c)

    def load_at(self, registers: list[int], a: int, b: int, c: int) -> None:
        registers[a] = self.memory.load(b, c)

    def store(self, registers: list[int], a: int, b: int, c: int) -> None:
        self.memory.store(registers[a], registers[b], c)

    def store_at(self, registers: list[int], a: int, b: int, c: int) -> None:
        self.memory.store(a, registers[b], c)

    def body(self, registers: list[int], a: int, b: int, c: int) -> None:
        offset = registers[b]
        registers[a] = unpacked(self._part_of_body(offset, c), c)

    def copy(self, registers: list[int], a: int, b: int, c: int) -> None:
        length = registers[c]
        if length < 0:
            raise Fault(f"copies {length} bytes")
        data = self._part_of_body(registers[b], length)
        self.copied += length
        self.memory.write(registers[a], bytes(data))

    def reply(self, registers: list[int], a: int, b: int, c: int) -> None:
        self.replies.append(packed(registers[a : a + b]))

    def send(self, registers: list[int], a: int, b: int, c: int) -> None:
        self._send(registers, a, packed(registers[a + 3 : a + 3 + b]))

    def forward(self, registers: list[int], a: int, b: int, c: int) -> None:
        length = self._header.length
        self.copied += length
        self._send(registers, a, bytes(self._part_of_body(0, length)))

    def wake(self, registers: list[int], a: int, b: int, c: int) -> None:
        self.wakes = True

    # -- what they stand on --------------------------------------------------------------------

    @property
    def memory(self) -> SharedMemory:
        """The memory of the descriptor."""
        assert self._memory is not None
        return self._memory

    def _part_of_body(self, offset: int, length: int) -> memoryview:
        whole = self._header.length
        if offset < 0 or offset + length > whole:
            raise Fault(f"reads bytes {offset} to {offset + length} of a message of {whole}")
        if self._body is None:
            body = memoryview(b"" if self._header.body is None else self._header.body)
            if body.nbytes != whole or body.itemsize != 1 or not body.c_contiguous:
                raise Fault("the message is not as long as its header says")
            self._body = body
        return self._body[offset : offset + length]

    def _send(self, registers: list[int], first: int, body: bytes) -> None:
        rank, portal, bits = registers[first : first + 3]
        job = getattr(self._process, "job", None)
        addresses = () if job is None else job.addresses
        if not 0 <= rank < len(addresses):
            raise Fault(f"there is no rank {rank}")
        if not 0 <= portal < PORTALS:
            raise Fault(f"there is no portal {portal}")
        self.sends.append((addresses[rank], portal, bits & MATCH_BITS_MASK, body))

    def wish(self, name: str) -> int:
        """Return a wish of the sender, 0 if there is none: it is the sender's memory."""
        try:
            return index(getattr(self._header.info, name))
        except Exception:
            return 0

    def user(self, begin: int, end: int) -> int:
        """Return some of the sender's user data; a number fills the first eight bytes."""
        data = getattr(self._header.info, "user_data", 0)
        if type(data) is bytes:
            return int.from_bytes(data[:USER_BYTES].ljust(USER_BYTES, b"\0")[begin:end], "little")
        return self.wish("user_data") if begin == 0 else 0

    @property
    def header(self) -> Header:
        """The header of the message."""
        return self._header

    @property
    def rank(self) -> int:
        """The rank of the process."""
        return self._process.address.rank


_ACTIONS: Final[dict[int, Callable[[HandlerRun, list[int], int, int, int], None]]] = {
    Op.CONST: HandlerRun.constant,
    Op.MOVE: HandlerRun.move,
    Op.FIELD: HandlerRun.field,
    Op.LOAD: HandlerRun.load,
    Op.LOAD_AT: HandlerRun.load_at,
    Op.STORE: HandlerRun.store,
    Op.STORE_AT: HandlerRun.store_at,
    Op.BODY: HandlerRun.body,
    Op.COPY: HandlerRun.copy,
    Op.REPLY: HandlerRun.reply,
    Op.SEND: HandlerRun.send,
    Op.FORWARD: HandlerRun.forward,
    Op.WAKE: HandlerRun.wake,
}

_FIELDS: Final[tuple[Callable[[HandlerRun], int], ...]] = (
    lambda run: run.header.source.rank,
    lambda run: run.header.source.group,
    lambda run: run.header.bits,
    lambda run: run.header.length,
    lambda run: run.wish("offset"),
    lambda run: run.user(0, 8),
    lambda run: run.user(8, 12),
    lambda run: int(getattr(run.header.info, "read", False) is True),
    lambda run: run.memory.size,
    lambda run: run.rank,
)
"""How the fields of `vmpp.portals.instructions.FIELDS` are found, in that order."""
