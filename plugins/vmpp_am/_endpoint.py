"""One process's end of active messages: sending, running handlers, and waiting.

A request is kept in the target's heap, and its handler runs as an event handler does: in user
space, after a context switch, where the program stands. It answers each request by one message:
a reply, whose handler then runs at the requester, or the bare word that it is done. So a requester
knows how many of its requests are under way, and takes no more than there is room for replies to.
A request that finds the target's heap full is told so, and goes once more later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from operator import index
from typing import TYPE_CHECKING, Any, Final

from vmpp.engine import MICROSECOND, SECOND
from vmpp.kernel import ANYTHING
from vmpp.portals import (
    AckOutcome,
    Address,
    Header,
    MatchEntry,
    MemoryOperation,
    SendInfo,
    SingleBlock,
)
from vmpp_am._errors import AmError
from vmpp_am._handle import Handle
from vmpp_am._messages import (
    HANDLERS,
    OWN_HANDLERS,
    as_payload,
    packed,
    unpacked,
    unpacked_place,
)
from vmpp_am._portals import (
    COMPLETION_PORTAL,
    GET_FLAG,
    MAIL_FLAG,
    MESSAGE_PORTAL,
    REPLY_FLAG,
    Portals,
)
from vmpp_am._token import Token

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp_am._parameters import Parameters

_FIRST_PAUSE: Final = 10 * MICROSECOND
_LONGEST_PAUSE: Final = SECOND
_PATIENCE: Final = 600 * SECOND
"""For how long a request is sent again to a process whose heap stays full."""


class Endpoint:
    """The state of the library in one process.

    Attributes:
        process: whose it is.
        parameters: sizes and times.
        portals: where messages come to.
        mail: messages of collective operations, by sender and tag.
        memories: what this process has exposed, by number of the segment.
        handling: the token of the request or reply whose handler runs; None: none does.
        held: how often interrupts have been held and not resumed.
    """

    __slots__ = (
        "_engine", "_failures", "_free_gets", "_gets", "_number", "_pause", "_pending", "_refused",
        "_refused_since", "_requests", "_table", "handling", "held", "mail", "memories",
        "parameters", "portals", "process",
    )  # fmt: skip

    def __init__(self, process: Process, portals: Portals, parameters: Parameters) -> None:
        """Take up the work; room for what comes is the process's memory from now on.

        Raises:
            OutOfMemory: there is not so much.
        """
        process.memory.allocate(2 * parameters.heap + parameters.completions(process.size))
        self.process = process
        self._engine = process.kernel.engine
        self.portals = portals
        self.parameters = parameters
        self.mail: dict[tuple[int, int], deque[Header]] = {}
        self.memories: list[memoryview] = []
        self.handling: Token | None = None
        self.held = 0
        self._table: dict[int, Callable[..., Any]] = {}
        self._number = 0
        self._pending: dict[int, Handle] = {}
        self._requests = 0
        self._refused: list[int] = []
        self._refused_since: int | None = None
        self._pause = _FIRST_PAUSE
        self._failures: list[str] = []
        self._gets: list[tuple[SingleBlock, Handle | None]] = []
        self._free_gets: list[int] = []
        portals.take_replies(parameters.heap)
        portals.call(self._arrived)

    # -- handlers ------------------------------------------------------------------------------

    def register(self, function: Callable[..., Any], number: int | None) -> int:
        """Have *function* run for messages to handler *number*, or to the next that is free.

        Raises:
            AmError: the number is taken, or is none.
        """
        if number is None:
            number = next(each for each in range(OWN_HANDLERS) if each not in self._table)
        number = _number(number)
        if number in self._table:
            name = getattr(self._table[number], "__name__", "another")
            raise AmError(f"handler {number} is {name} already")
        self.serve(number, function)
        if self.handling is None and not self.held and not self.process.in_handler:
            # There may be requests that have come before their handler.
            self._run_handlers()
        return number

    def serve(self, number: int, function: Callable[..., Any]) -> None:
        """Have *function* run for messages to a handler of any number, the library's included."""
        self._table[number] = function

    def number_of(self, handler: int | Callable[..., Any]) -> int:
        """Return the number of a handler.

        Raises:
            AmError: it has none.
        """
        if not callable(handler):
            return _number(handler)
        for number, function in self._table.items():
            if function == handler:
                return number
        name = getattr(handler, "__name__", repr(handler))
        raise AmError(f"{name} is not registered as a handler; put @am.handler before it")

    def hold(self) -> None:
        """Have no handlers run but where the program polls or waits."""
        self.held += 1
        self.portals.call(None)

    def resume(self) -> None:
        """Have handlers run as messages arrive, and those that have waited run now.

        Raises:
            AmError: they do already.
        """
        if not self.held:
            raise AmError("interrupts are not held")
        self.held -= 1
        if not self.held:
            self.portals.call(self._arrived)
            self._run_handlers()

    def _arrived(self, header: Header, outcome: int) -> None:
        """Run handlers as an event handler: a message has come."""
        for message in self._runnable():
            self._handle(message)

    def _run_handlers(self) -> None:
        """Run the handlers of all that has come, where the program stands."""
        process = self.process
        if process.in_handler:
            return
        for message in self._runnable():
            # Under the same rules as after an interrupt.
            process.in_handler = True
            try:
                self._handle(message)
            finally:
                process.in_handler = False

    def _runnable(self) -> Iterator[Header]:
        """Take the messages out of the heaps whose handlers are known: replies first."""
        portals = self.portals
        assert portals.replies is not None
        for heap in (portals.replies, portals.requests):
            place = 0
            while place < len(heap.messages):
                header = heap.messages[place]
                if header.bits & HANDLERS - 1 not in self._table:
                    place += 1
                    continue
                del heap.messages[place]
                heap.free(header)
                yield header

    def unknown(self) -> list[int]:
        """Return the numbers of handlers that messages wait for and that there are not."""
        waiting = {header.bits & HANDLERS - 1 for header in self.portals.requests.messages}
        return sorted(waiting - self._table.keys())

    def _handle(self, header: Header) -> None:
        """Run the handler of one message."""
        number, arguments, payload = unpacked(header.bits, header.body)
        self.process.charge(self.parameters.handler)
        info = header.info
        token = Token(self, header.source, payload)
        if header.bits & REPLY_FLAG:
            if info is not None and type(info.user_data) is int:
                self._end(info.user_data, None)
        elif info is not None:
            token.number = info.return_bits
            if type(info.user_data) is bytes:
                token.payload = self._laid_down(info.user_data)
        before, self.handling = self.handling, token
        try:
            self._table[number](token, *arguments)
        finally:
            self.handling = before
            token.finish()

    def _laid_down(self, where: bytes) -> memoryview:
        """Return the payload of a request that lies in a segment already."""
        number, offset, length = unpacked_place(where)
        return self.memories[number][offset : offset + length]

    # -- sending -------------------------------------------------------------------------------

    def request(
        self,
        rank: int,
        handler: int | Callable[..., Any],
        arguments: Any,
        payload: Any,
        where: int | bytes = 0,
    ) -> Handle:
        """Send a request; waits for a credit if all are taken.

        Args:
            where: what `packed_place` returns, if the payload lies in a segment.

        Raises:
            AmError: something about it cannot be.
        """
        self.may_wait("request")
        self.address(rank)
        bits, body = self._message(handler, arguments, payload)
        if self._requests >= self.parameters.credits:
            self.wait_for(lambda: self._requests < self.parameters.credits)
        handle = Handle(self, rank)
        handle.message = bits, body, where
        self._requests += 1
        self.process.charge(self.parameters.send)
        self._send_request(self.number(handle), handle)
        return handle

    def reply(
        self, token: Token, handler: int | Callable[..., Any], arguments: Any, payload: Any
    ) -> None:
        """Send the reply to a request, from its handler."""
        bits, body = self._message(handler, arguments, payload)
        self.process.charge(self.parameters.send)
        info = SendInfo(user_data=token.number or 0)
        self.send(token.address, MESSAGE_PORTAL, bits | REPLY_FLAG, body, info)

    def _message(
        self, handler: int | Callable[..., Any], arguments: Any, payload: Any
    ) -> tuple[int, bytes]:
        payload = as_payload(payload)
        if len(payload) > self.parameters.payload:
            raise AmError(
                f"a payload has up to {self.parameters.payload} bytes, not {len(payload)}; "
                "put what is longer"
            )
        return packed(self.number_of(handler), arguments, payload)

    def _send_request(self, number: int, handle: Handle) -> None:
        assert handle.message is not None
        bits, body, where = handle.message
        info = SendInfo(return_portal=COMPLETION_PORTAL, return_bits=number, user_data=where)
        self.send(self.address(handle.rank), MESSAGE_PORTAL, bits, body, info)

    def send(
        self, target: Address, portal: int, bits: int, body: Any, info: SendInfo | None = None
    ) -> None:
        """Send a message, and let time catch up if the process is far ahead of it."""
        process = self.process
        length = len(body)
        process.kernel.send(process, target, portal, bits, body if length else None, length, info)
        if process.clock - self._engine.now > process.kernel.lookahead:
            process.synchronise()

    def address(self, rank: int) -> Address:
        """Return the address of a rank.

        Raises:
            AmError: there is none.
        """
        addresses = self.process.job.addresses
        if not hasattr(rank, "__index__") or not 0 <= rank < len(addresses):
            raise AmError(f"there is no rank {rank}: the job has ranks 0 to {len(addresses) - 1}")
        return addresses[rank]

    # -- operations under way ------------------------------------------------------------------

    def number(self, handle: Handle) -> int:
        """Return the number by which the end of an operation is known."""
        self._number = number = (self._number + 1) & (1 << 40) - 1
        self._pending[number] = handle
        return number

    def begin(self, what: str, rank: int, *, writes: bool) -> Handle:
        """Return a handle for another operation; waits if too many are under way."""
        self.may_wait(what)
        self.address(rank)
        if len(self._pending) - self._requests >= self.parameters.operations:
            limit = self.parameters.operations
            self.wait_for(lambda: len(self._pending) - self._requests < limit)
        self.process.charge(self.parameters.send)
        return Handle(self, rank, writes=writes)

    def await_data(self, handle: Handle, into: memoryview) -> int:
        """Have data of a get come *into* memory; return the match bits that lead it there."""
        if self._free_gets:
            place = self._free_gets.pop()
            block = self._gets[place][0]
        else:
            place = len(self._gets)
            block = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY, into)
            entry = MatchEntry(block, bits=GET_FLAG | place, next_no_match=place + 2)
            self.portals.answers.append(entry)
            self._gets.append((block, None))
        block.buffer = into
        block.count = -1
        self._gets[place] = block, handle
        self._pending[-1 - place] = handle
        return GET_FLAG | place

    def under_way(self, rank: int | None, *, writes: bool) -> bool:
        """Return whether operations with *rank*, or any, are under way; or those that write."""
        return any(
            (rank is None or handle.rank == rank) and (handle.writes or not writes)
            for handle in self._pending.values()
        )

    def _end(self, number: int, value: Any, error: str = "") -> None:
        """Note the end of an operation."""
        handle = self._pending.pop(number, None)
        if handle is None:
            return
        if handle.message is not None:
            handle.message = None
            self._requests -= 1
            self._pause, self._refused_since = _FIRST_PAUSE, None
        handle.value = None if value is None else handle.convert(value)
        handle.done = not error
        handle.error = error
        if error:
            self._failures.append(error)

    def failed(self, error: str) -> AmError:
        """Return what to raise for an operation that has failed, once."""
        if error in self._failures:
            self._failures.remove(error)
        return AmError(error)

    # -- progress ------------------------------------------------------------------------------

    def poll(self) -> None:
        """Deal with what has come: ends of operations, and handlers if interrupts are held.

        Raises:
            AmError: an operation without a handle has failed.
        """
        # Looking takes time, or a program that looks again and again would stop it.
        self.process.charge(max(1, self.parameters.handler))
        self.process.synchronise()
        self._look()
        self._raise()

    def wait_for(self, condition: Callable[[], Any]) -> None:
        """Wait until *condition* holds; it is looked at whenever something may have changed.

        Raises:
            AmError: a handler calls, or an operation without a handle has failed.
        """
        self.may_wait("wait")
        self._look()
        while not condition():
            self._raise()
            if self._refused:
                self._send_again()
            else:
                self.process.wait(ANYTHING)
            self._look()

    def may_wait(self, what: str) -> None:
        """Refuse what handlers may not do: they would wait for others that wait for them.

        Raises:
            AmError: a handler runs.
        """
        if self.handling is not None or self.process.in_handler:
            raise AmError(f"a handler may reply, and not {what}: it could wait for ever")

    def _raise(self) -> None:
        if self._failures:
            raise AmError(self._failures.pop(0))

    def _look(self) -> None:
        """Deal with all that has come to the portals."""
        heap = self.portals.completions
        while heap.messages:
            header = heap.messages.pop(0)
            heap.free(header)
            self._complete(header)
        for place, (block, handle) in enumerate(self._gets):
            if handle is not None and block.count >= 0:
                self._gets[place] = block, None
                self._free_gets.append(place)
                error = "" if block.count else self._nobody(handle.rank)
                self._end(-1 - place, None, error)
        self._run_handlers()

    def _complete(self, header: Header) -> None:
        if header.bits & MAIL_FLAG:
            key = header.source.rank, header.bits ^ MAIL_FLAG
            self.mail.setdefault(key, deque()).append(header)
            return
        number = header.bits
        handle = self._pending.get(number)
        outcome = None if header.info is None else header.info.user_data
        if handle is None:
            return
        if outcome == AckOutcome.NO_PROCESS:
            self._end(number, None, self._nobody(handle.rank))
        elif handle.message is not None and outcome is not None:
            # There was no room for the request.
            if self._refused_since is None:
                self._refused_since = self.process.clock
            self._refused.append(number)
        elif outcome == AckOutcome.DROPPED:
            self._end(number, None, f"rank {handle.rank} has withdrawn the segment")
        else:
            self._end(number, header.body)

    @staticmethod
    def _nobody(rank: int) -> str:
        return f"rank {rank} has ended; let all ranks meet in am.barrier() before the first ends"

    def _send_again(self) -> None:
        """Wait a while, and send what has been refused once more."""
        if self.process.clock - (self._refused_since or 0) > _PATIENCE:
            rank = self._pending[self._refused[0]].rank
            raise AmError(f"rank {rank} has no room for requests, and runs no handlers")
        self.process.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        again, self._refused = self._refused, []
        for number in again:
            handle = self._pending.get(number)
            if handle is not None:
                self.process.charge(self.parameters.send)
                self._send_request(number, handle)


def _number(number: Any) -> int:
    """Return the number of a handler of a program. Raises AmError."""
    try:
        found = index(number)
    except TypeError:
        found = -1
    if not 0 <= found < OWN_HANDLERS:
        raise AmError(f"{number!r} is no number of a handler: 0 to {OWN_HANDLERS - 1} are")
    return found
