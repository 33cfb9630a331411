"""Partitioned messages: a buffer that leaves piece by piece, as the program has the pieces ready.

Both ends may divide the buffer differently. The sender's `Psend_init` sends the receiver a
*proposal* with its number of partitions, the size of the buffer and the number of a *channel*. The
receiver takes proposals in their order, each for the first of its `Precv_init` calls with that tag.
From then on the two need no more words: in each round the sender sends one message for every group
of partitions, once all of a group are ready, and the receiver has a receive posted for each. A
group is one partition, or more when there are many, so that a round has `MOST_MESSAGES` at most.

The messages go in the communicator's context of collective operations, with the topmost bit of the
tag set, which no other message has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from vmpp_mpi._buffers._buffer import recv_spec, send_spec
from vmpp_mpi._collectives import PARTITIONED_TAG
from vmpp_mpi._constants import ANY_SOURCE, ANY_TAG, PROC_NULL
from vmpp_mpi._errors import ERR_ARG, ERR_REQUEST, ERR_TRUNCATE, SUCCESS
from vmpp_mpi._protocol import Transfer
from vmpp_mpi._requests._operation import Completion, Operation

if TYPE_CHECKING:
    from vmpp_mpi._state import CommState
    from vmpp_mpi._status import Status

MOST_MESSAGES: Final = 128
"""The most messages of one round."""

_PROPOSAL: Final = PARTITIONED_TAG | (1 << 31) - 1
_CHANNELS: Final = (1 << 24) - 1
_BODY: Final = Struct("<qqqq")
"""Of a proposal: tag, channel, partitions, bytes."""


class Proposals:
    """The partitioned messages of one communicator that are being agreed on.

    Attributes:
        next_channel: the number of the next one that this rank sends on.
    """

    __slots__ = ("_early", "_incoming", "_open", "_state", "next_channel")

    def __init__(self, state: CommState) -> None:
        self.next_channel = 0
        self._state = state
        self._open: dict[int, list[PartitionedReceive]] = {}
        self._early: dict[int, list[tuple[int, ...]]] = {}
        self._incoming: dict[int, tuple[Transfer, memoryview]] = {}

    def propose(self, dest: int, tag: int, partitions: int, nbytes: int) -> int:
        """Tell *dest* of a message to come, and return its channel."""
        channel = self.next_channel
        self.next_channel = (channel + 1) % _CHANNELS
        body = _BODY.pack(tag, channel, partitions, nbytes)
        state = self._state
        state.protocol.isend(state.context + 1, state.rank, state.addresses[dest], _PROPOSAL, body)
        return channel

    def expect(self, receive: PartitionedReceive) -> None:
        """Have *receive* get the first proposal that is for it."""
        for early in self._early.get(receive.source, ()):
            if early[0] == receive.tag:
                self._early[receive.source].remove(early)
                receive.accept(*early[1:])
                return
        self._open.setdefault(receive.source, []).append(receive)

    def forget(self, receive: PartitionedReceive) -> None:
        """Have *receive*, which gets freed, expect nothing."""
        waiting = self._open.get(receive.source, [])
        if receive in waiting:
            waiting.remove(receive)
            incoming = self._incoming.get(receive.source)
            if not waiting and incoming is not None:
                self._state.library.protocol.cancel(incoming[0])
                if incoming[0].cancelled:
                    del self._incoming[receive.source]

    def pending(self, source: int) -> Transfer | None:
        """Hand out what has come from *source*; return what to wait for, None if that is nothing.

        Nothing is waited for when no receive from there is without a proposal.
        """
        waiting = self._open.get(source, [])
        protocol = self._state.library.protocol
        while waiting:
            if source not in self._incoming:
                memory = memoryview(bytearray(_BODY.size))
                transfer = protocol.ireceive(self._state.context + 1, source, _PROPOSAL, memory)
                self._incoming[source] = transfer, memory
            transfer, memory = self._incoming[source]
            if not protocol.look(transfer):
                return transfer
            del self._incoming[source]
            self._hand_out(source, _BODY.unpack(memory))
        return None

    def _hand_out(self, source: int, proposal: tuple[int, ...]) -> None:
        waiting = self._open[source]
        for receive in waiting:
            if receive.tag == proposal[0]:
                waiting.remove(receive)
                receive.accept(*proposal[1:])
                return
        self._early.setdefault(source, []).append(proposal)


def proposals(state: CommState) -> Proposals:
    """Return the partitioned messages of a communicator."""
    found = state.proposals
    if found is None:
        found = state.proposals = Proposals(state)
    return found


class Groups:
    """How the partitions of a sender go into messages.

    Args:
        partitions: of the sender.
        nbytes: of the buffer.
    """

    __slots__ = ("count", "nbytes", "partitions", "size")

    def __init__(self, partitions: int, nbytes: int) -> None:
        self.partitions = partitions
        self.nbytes = nbytes
        self.size = -(-partitions // MOST_MESSAGES)
        self.count = -(-partitions // self.size)

    def of(self, partition: int) -> int:
        """Return the number of the message that has a *partition*."""
        return partition // self.size

    def members(self, number: int) -> range:
        """Return the partitions in message *number*."""
        return range(number * self.size, min((number + 1) * self.size, self.partitions))

    def stretch(self, number: int) -> slice:
        """Return the bytes of the buffer in message *number*."""
        partition = self.nbytes // self.partitions
        members = self.members(number)
        return slice(members.start * partition, members.stop * partition)

    def under(self, partition: int, partitions: int) -> range:
        """Return the messages in which a *partition* is, where the receiver has *partitions*."""
        first = partition * self.partitions // partitions
        last = -(-(partition + 1) * self.partitions // partitions) - 1
        return range(self.of(first), self.of(last) + 1)


class Partitioned(Operation):
    """One end of a partitioned message: what both have in common.

    Args:
        state: of the communicator.
        peer: rank at the other end, `PROC_NULL` for nobody.
        tag: of the message.
        partitions: at this end.
        buffer: the program's, as it gave it.
    """

    __slots__ = ("_active", "buffer", "partitions", "peer", "tag")

    persistent = True

    def __init__(self, state: CommState, peer: int, tag: int, partitions: int, buffer: Any) -> None:
        super().__init__(state, None)
        self.peer = peer
        self.tag = tag
        self.partitions = partitions
        self.buffer = buffer
        self._active = False

    def active(self) -> bool:
        """Return whether a round has begun and its completion not been seen."""
        return self._active

    def start(self) -> None:
        """Begin a round.

        Raises:
            MPIError: `ERR_REQUEST`: one is under way.
        """
        if self._active:
            raise self.state.error(ERR_REQUEST, "the partitioned message is under way already")
        self._active = True

    def restart(self) -> None:
        """Make it ready for another round."""
        self._active = False

    def wait(self) -> None:
        """Block until the round is complete."""
        protocol = self.state.library.protocol
        while (what := self.pending()) is not None:
            if isinstance(what, Completion):
                what.wait()
            else:
                protocol.wait(what)

    def result(self) -> None:
        """Return no object."""

    def cancel(self) -> None:
        """Refuse: a partitioned message cannot be cancelled.

        Raises:
            MPIError: `ERR_REQUEST`.
        """
        raise self.state.error(ERR_REQUEST, "a partitioned message cannot be cancelled")

    def ready(self, partitions: Sequence[int]) -> None:
        """Say that *partitions* may be sent.

        Raises:
            MPIError: `ERR_REQUEST`: it is no send, or no round is under way; `ERR_ARG`: there is no
                such partition, or it has been ready already.
        """
        raise self.state.error(ERR_REQUEST, "not a partitioned send")

    def arrived(self, partition: int) -> bool:
        """Return whether a *partition* is there; true as long as no round is under way.

        Raises:
            MPIError: `ERR_REQUEST`: it is no receive; `ERR_ARG`: there is no such partition.
        """
        raise self.state.error(ERR_REQUEST, "not a partitioned receive")

    def _check(self, partition: int) -> None:
        if not 0 <= partition < self.partitions:
            raise self.state.error(ERR_ARG, f"partition {partition} of {self.partitions}")


class PartitionedSend(Partitioned):
    """The sending end of a partitioned message."""

    __slots__ = ("_channel", "_groups", "_missing", "_ready", "_sent", "_unsent")

    def __init__(self, state: CommState, dest: int, tag: int, partitions: int, buffer: Any) -> None:
        super().__init__(state, dest, tag, partitions, buffer)
        nbytes = 0 if dest == PROC_NULL else send_spec(buffer, partitions).nbytes
        self._groups = Groups(partitions, nbytes)
        self._channel = 0
        self._ready = bytearray()
        self._missing: list[int] = []
        self._unsent = Completion(state.library.process)
        self._sent: deque[Transfer] = deque()
        if dest != PROC_NULL:
            self._channel = proposals(state).propose(dest, tag, partitions, nbytes)

    def start(self) -> None:
        """Begin a round; raises as any partitioned message does."""
        super().start()
        groups = self._groups
        self._ready = bytearray(self.partitions)
        self._missing = [len(groups.members(number)) for number in range(groups.count)]
        self._unsent = Completion(self.state.library.process)

    def ready(self, partitions: Sequence[int]) -> None:
        """Say that *partitions* may be sent; see `Partitioned.ready`."""
        if not self._active:
            raise self.state.error(ERR_REQUEST, "the partitioned send has not been started")
        for partition in partitions:
            self._check(partition)
            if self._ready[partition]:
                raise self.state.error(ERR_ARG, f"partition {partition} is ready already")
            self._ready[partition] = 1
            number = self._groups.of(partition)
            self._missing[number] -= 1
            if not self._missing[number]:
                self._send(number)
        if 0 not in self._ready:
            self._unsent.complete()

    def _send(self, number: int) -> None:
        if self.peer == PROC_NULL:
            return
        state = self.state
        tag = _message_tag(self._channel, number)
        data = send_spec(self.buffer, self.partitions).data[self._groups.stretch(number)]
        # Not the communicator's protocol: the message goes on when that is freed.
        self._sent.append(
            state.library.protocol.isend(
                state.context + 1, state.rank, state.addresses[self.peer], tag, data
            )
        )

    def pending(self) -> Transfer | Completion | None:
        """Return what to wait for next: a message, or for the program to have all ready."""
        sent = self._sent
        while sent:
            if not sent[0].done:
                return sent[0]
            sent.popleft()
        return None if self._unsent.done else self._unsent

    def fill(self, status: Status, error: int = SUCCESS) -> None:
        """Tell *status* nothing: a send has no envelope."""
        status.fill(ANY_SOURCE, ANY_TAG, 0, error)


class PartitionedReceive(Partitioned):
    """The receiving end of a partitioned message."""

    __slots__ = ("_channel", "_groups", "_into", "_nbytes", "_received")

    def __init__(
        self, state: CommState, source: int, tag: int, partitions: int, buffer: Any
    ) -> None:
        super().__init__(state, source, tag, partitions, buffer)
        self._nbytes = 0 if source == PROC_NULL else recv_spec(buffer, partitions).nbytes
        self._channel = 0
        self._groups: Groups | None = None
        self._received: list[_Message] = []
        self._into: memoryview | None = None
        if source != PROC_NULL:
            proposals(state).expect(self)

    @property
    def source(self) -> int:
        """Rank of the sender."""
        return self.peer

    def accept(self, channel: int, partitions: int, nbytes: int) -> None:
        """Take the sender's proposal, and go on with a round that was begun before it came."""
        self._channel = channel
        self._groups = Groups(partitions, nbytes)
        if self._active:
            self._post(self._groups)

    def start(self) -> None:
        """Begin a round; raises as any partitioned message does."""
        super().start()
        self._received = []
        if self._groups is not None:
            self._post(self._groups)

    def _post(self, groups: Groups) -> None:
        """Post a receive for every message of the round."""
        spec = recv_spec(self.buffer, self.partitions)
        apart = spec.base is not None or groups.nbytes > spec.nbytes
        into = memoryview(bytearray(groups.nbytes)) if apart else spec.data
        self._into = into if spec.base is not None else None
        state = self.state
        receive = state.library.protocol.ireceive
        for number in range(groups.count):
            tag = _message_tag(self._channel, number)
            stretch = groups.stretch(number)
            transfer = receive(state.context + 1, self.peer, tag, into[stretch])
            self._received.append(_Message(transfer, stretch))

    def pending(self) -> Transfer | Completion | None:
        """Return what to wait for next: the proposal, or a message."""
        if not self._active or self.peer == PROC_NULL:
            return None
        if self._groups is None:
            waited = proposals(self.state).pending(self.peer)
            if waited is not None:
                return waited
        return next(self._outstanding(self._received), None)

    def _outstanding(self, messages: Sequence[_Message]) -> Iterator[Transfer]:
        """Put in place which of *messages* are there, and yield what the others wait for."""
        look = self.state.library.protocol.look
        for message in messages:
            if not message.delivered:
                if not look(message.transfer):
                    yield message.transfer
                else:
                    message.delivered = True
                    self._deliver(message.stretch)

    def _deliver(self, stretch: slice) -> None:
        """Unpack a *stretch* of what was received, and leave the buffer as it is elsewhere."""
        if self._into is not None and not self.error():
            spec = recv_spec(self.buffer, self.partitions)
            spec.data[stretch] = self._into[stretch]
            spec.deliver()

    def arrived(self, partition: int) -> bool:
        """Return whether a *partition* is there; lets a little time pass if not."""
        self._check(partition)
        if not self._active or self._has(partition):
            return True
        self.state.library.protocol.poll()
        return self._has(partition)

    def _has(self, partition: int) -> bool:
        if self.peer == PROC_NULL:
            return True
        if self._groups is None and proposals(self.state).pending(self.peer) is not None:
            return False
        groups = self._groups
        assert groups is not None
        wanted = self._received
        if groups.nbytes == self._nbytes:
            numbers = groups.under(partition, self.partitions)
            wanted = wanted[numbers.start : numbers.stop]
        return next(self._outstanding(wanted), None) is None

    def error(self) -> int:
        """Return `ERR_TRUNCATE` if the sender's buffer is longer than this."""
        groups = self._groups
        return ERR_TRUNCATE if groups is not None and groups.nbytes > self._nbytes else SUCCESS

    def fill(self, status: Status, error: int = SUCCESS) -> None:
        """Tell *status* whom the message was from, and its length."""
        if self._groups is None:
            status.fill(PROC_NULL, ANY_TAG, 0, error)
        else:
            status.fill(self.peer, self.tag, self._groups.nbytes, error)

    def release(self) -> None:
        """Expect no proposal any more."""
        if self._groups is None and self.peer != PROC_NULL:
            proposals(self.state).forget(self)


class _Message:
    """A message of a round that is being received, and where it belongs."""

    __slots__ = ("delivered", "stretch", "transfer")

    def __init__(self, transfer: Transfer, stretch: slice) -> None:
        self.transfer = transfer
        self.stretch = stretch
        self.delivered = False


def _message_tag(channel: int, number: int) -> int:
    return PARTITIONED_TAG | channel * MOST_MESSAGES | number
