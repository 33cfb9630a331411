"""Whether messages are received, and as what they were sent."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final

from vmpp.portals import Address, Header, SendInfo
from vmpp_mpi._buffers._buffer import recv_spec, send_spec
from vmpp_mpi._errors import ERR_TRUNCATE
from vmpp_mpi._protocol import RECEIVE_PORTAL, Protocol, ProtocolParameters, Transfer
from vmpp_mpi._tools._calls import Call
from vmpp_mpi._tools._findings import Findings, site
from vmpp_mpi._tools._message_type import MessageType

if TYPE_CHECKING:
    from vmpp.kernel import Process, SystemProcess
    from vmpp_mpi._protocol import Arrival
    from vmpp_mpi._tools._job import RankTools

_COLLECTIVE: Final = 1 << 48
"""The bit of a context, in match bits, that messages of collectives have."""

_serials = count(1)


class Sent:
    """A message that a program has sent.

    Attributes:
        call: that sent it.
        signature: what it is made of, None if that is not known.
        source: rank of the sender in the communicator.
        received: whether it has been.
    """

    __slots__ = ("call", "received", "signature", "source")

    def __init__(self, call: Call, signature: MessageType | None) -> None:
        self.call = call
        self.signature = signature
        self.source: int = getattr(call.receiver, "rank", call.rank)
        self.received = False


_sent: Final[dict[int, Sent]] = {}
"""Messages on their way by the number that their headers carry; of all jobs, which may talk."""


class MessageChecks:
    """The messages that the ranks of a job have sent."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._serials: dict[int, None] = {}

    def send(self, call: Call) -> int:
        """Note that *call* sends a message, and return the number that its header is to carry."""
        serial = next(_serials)
        _sent[serial] = Sent(call, sent_signature(call))
        self._serials[serial] = None
        return serial

    def receive(self, header: Header, call: Call | None) -> None:
        """Note that *call* has received the message that *header* came with."""
        sent = _sent.get(_serial(header))
        if sent is None or sent.received:
            return
        sent.received = True
        expected = None if call is None else received_signature(call)
        if call is None or expected is None or sent.signature is None:
            return
        what = sent.signature.mismatch(expected)
        if what is not None:
            self._findings.add(
                f"a message is received as what it is not: {what}",
                call.rank,
                site(sent.call, f"rank {sent.call.rank} sends {sent.signature}"),
                site(call, f"rank {call.rank} receives {expected}"),
            )

    def truncated(self, call: Call, source: int, tag: int) -> None:
        """Note that a message was too long for *call*, and is gone: the oldest that it can be.

        Args:
            call: that would have received it.
            source: rank of the sender, negative if any.
            tag: of the message, negative if any.
        """
        for serial in self._serials:
            sent = _sent[serial]
            if (
                not sent.received
                and sent.call.arguments.get("dest") == getattr(call.receiver, "rank", call.rank)
                and source in (sent.source, -1)
                and tag in (_tag(sent.call), -1)
            ):
                sent.received = True
                return

    def finish(self) -> None:
        """At the end of the job, note what nobody has received."""
        for serial in self._serials:
            sent = _sent.pop(serial)
            if not sent.received:
                self._findings.add(
                    "a message is never received",
                    sent.call.rank,
                    site(sent.call, f"tag={_tag(sent.call)}"),
                )


def _tag(call: Call) -> Any:
    return call.arguments.get("tag", call.arguments.get("sendtag", 0))


def _serial(header: Header) -> int:
    info = header.info
    return info.user_data if info is not None and isinstance(info.user_data, int) else 0


def sent_signature(call: Call) -> MessageType | None:
    """Return what the message is made of that *call* sends, None if it cannot be told."""
    return _signature(call, ("buf", "sendbuf"), ("obj", "sendobj"), receiving=False)


def received_signature(call: Call) -> MessageType | None:
    """Return what the message should be made of that *call* receives."""
    if call.name in ("recv", "irecv", "sendrecv"):
        return MessageType.of_object()
    return _signature(call, ("recvbuf", "buf"), (), receiving=True)


def _signature(
    call: Call, buffers: tuple[str, ...], objects: tuple[str, ...], *, receiving: bool
) -> MessageType | None:
    arguments = call.arguments
    if any(name in arguments for name in objects):
        return MessageType.of_object()
    for name in buffers:
        if name in arguments:
            try:
                spec = recv_spec(arguments[name]) if receiving else send_spec(arguments[name])
            except Exception:
                # The call itself says what is wrong with its buffer.
                return None
            return MessageType.of(spec.datatype, spec.count)
    return None


class CheckedProtocol(Protocol):
    """A protocol whose messages carry a number, by which the checker knows them.

    Args:
        process: as for any protocol.
        parameters: likewise.
        tools: the checker's end in this rank.
    """

    __slots__ = ("_plain_send", "_posted_by", "_tools")

    def __init__(self, process: Process, parameters: ProtocolParameters, tools: RankTools) -> None:
        super().__init__(process, parameters)
        self._tools = tools
        self._posted_by: dict[Transfer, Call | None] = {}
        self._plain_send = self._kernel_send
        self._kernel_send = self._numbered_send

    def _numbered_send(
        self,
        process: SystemProcess,
        target: Address,
        portal: int,
        bits: int,
        body: Any,
        length: int,
        info: SendInfo | None = None,
    ) -> int:
        call = self._tools.calling()
        if portal == RECEIVE_PORTAL and call is not None and not bits & _COLLECTIVE:
            info = info or SendInfo()
            info.user_data = self._tools.job.messages.send(call)
        return self._plain_send(process, target, portal, bits, body, length, info)

    def take(self, context: int, source: int, tag: int, buffer: memoryview) -> Header | None:
        """Receive as any protocol does, and tell the checker."""
        header = super().take(context, source, tag, buffer)
        call = self._tools.calling()
        if header is not None:
            self._received(header, call)
        elif call is not None:
            self._tools.job.messages.truncated(call, source, tag)
        return header

    def ireceive(self, context: int, source: int, tag: int, buffer: memoryview) -> Transfer:
        """Begin to receive as any protocol does, and remember for what call."""
        transfer = super().ireceive(context, source, tag, buffer)
        if not transfer.done:
            self._posted_by[transfer] = self._tools.calling()
        return transfer

    def take_matched(self, arrival: Arrival) -> Any:
        """Return a message as any protocol does, and tell the checker."""
        self._received(arrival._header, self._tools.calling())
        return super().take_matched(arrival)

    def _from_heap(self, header: Header, buffer: memoryview) -> Transfer:
        self._received(header, self._tools.calling())
        return super()._from_heap(header, buffer)

    def _look(self, transfer: Transfer) -> Any:
        block = getattr(transfer._record, "block", None)
        header = None if block is None else block.header
        watch = super()._look(transfer)
        if watch is None:
            call = self._posted_by.pop(transfer, None)
            if header is not None:
                self._received(header, call)
            elif call is not None and transfer.error == ERR_TRUNCATE:
                self._tools.job.messages.truncated(call, transfer.source, transfer.tag)
        return watch

    def _received(self, header: Header, call: Call | None) -> None:
        self._tools.job.messages.receive(header, call)
