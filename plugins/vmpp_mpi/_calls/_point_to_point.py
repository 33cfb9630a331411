"""Point-to-point calls of communicators, in both spellings.

Upper-case calls move memory, lower-case ones pickled objects. `Send`, `Recv`, `send` and `recv` are
written out: between the program's call and the protocol's there are as few others as can be.
"""

from __future__ import annotations

import warnings
from typing import Any, Literal

from greenlet import getcurrent
from mpi4py import rc

from vmpp_mpi._buffers._buffer import Spec, memory_of, receivable, recv_spec, recv_view, send_view
from vmpp_mpi._constants import ANY_SOURCE, ANY_TAG, MAX_TAG, PROC_NULL
from vmpp_mpi._errors import ERR_BUFFER, ERR_COMM, ERR_TRUNCATE
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._handle import Handle
from vmpp_mpi._pickle import pickle
from vmpp_mpi._protocol import BUFFERED, READY, STANDARD, SYNCHRONOUS, Transfer
from vmpp_mpi._requests._message import MESSAGE_NO_PROC, Matched, Message
from vmpp_mpi._requests._operation import Operation, PairOperation, PersistentOperation
from vmpp_mpi._requests._request import Prequest, Request
from vmpp_mpi._state import CommState, Predefined, mpi_state
from vmpp_mpi._status import Status


class PointToPoint(Handle[CommState | Predefined]):
    """A handle to a communicator, with the calls that move messages between two ranks."""

    __slots__ = ("_state",)

    _error = ERR_COMM

    _state: CommState | None
    """The rank's view of it; None for the predefined communicators, which all ranks share."""

    @classmethod
    def _wrap(cls, ref: CommState | Predefined | None) -> Any:
        handle = super()._wrap(ref)
        handle._state = ref if type(ref) is CommState else None
        return handle

    def _resolve(self) -> CommState:
        """Return the running process's view of a predefined communicator.

        Raises:
            MPIError: `ERR_COMM`: the handle is null.
        """
        ref = self._ref
        if type(ref) is not Predefined:
            raise MPIError(ERR_COMM, "null communicator")
        running: Any = getcurrent()
        try:
            found: CommState = running.process.libraries["mpi"].predefined[ref.index]
        except (AttributeError, KeyError):
            # A greenlet of the program's own, or no process at all.
            found = mpi_state().predefined[ref.index]
        return found

    def _get(self) -> CommState:
        return self._state or self._resolve()

    # -- blocking ------------------------------------------------------------------------------

    def Send(self, buf: Any, dest: int, tag: int = 0) -> None:
        """Send a buffer, and return when it may be used again.

        Raises:
            MPIError: `ERR_RANK`, `ERR_TAG` or `ERR_COMM`.
            TypeError, ValueError, KeyError, BufferError: no message can be made of *buf*.
        """
        state = self._state or self._resolve()
        if (
            dest.__class__ is int
            and tag.__class__ is int
            and 0 <= dest < state.unguarded
            and 0 <= tag <= MAX_TAG
        ):
            address = state.peers[dest]
        else:
            checked, tag = state.target(dest, tag)
            if checked is None:
                return
            address = checked
        state.protocol.send(state.context, state.rank, address, tag, send_view(buf))

    def Recv(
        self,
        buf: Any,
        source: int = ANY_SOURCE,
        tag: int = ANY_TAG,
        status: Status | None = None,
    ) -> None:
        """Receive into a buffer.

        Raises:
            MPIError: `ERR_TRUNCATE`: the message is longer than the buffer; `ERR_RANK`, `ERR_TAG`
                or `ERR_COMM`.
            TypeError, ValueError, KeyError, BufferError: nothing can be received into *buf*.
        """
        state = self._state or self._resolve()
        if not (
            source.__class__ is int
            and tag.__class__ is int
            and ANY_SOURCE <= source < state.unguarded
            and ANY_TAG <= tag <= MAX_TAG
        ):
            checked, tag = state.origin(source, tag)
            if checked is None:
                _from_nobody(status)
                return
            source = checked
        view = recv_view(buf)
        if view is None:
            self._recv_spec(state, buf, source, tag, status)
            return
        if status is None:
            if state.protocol.take(state.context, source, tag, view) is None:
                raise state.error(ERR_TRUNCATE, f"Recv into {len(view)} bytes")
            return
        transfer = state.protocol.receive(state.context, source, tag, view)
        status.fill(transfer.source, transfer.tag, transfer.nbytes)
        if transfer.error:
            raise state.error(transfer.error, f"Recv into {len(view)} bytes")

    def send(self, obj: Any, dest: int, tag: int = 0) -> None:
        """Send an object.

        Raises:
            MPIError: `ERR_RANK`, `ERR_TAG` or `ERR_COMM`.
        """
        state = self._state or self._resolve()
        if (
            dest.__class__ is int
            and tag.__class__ is int
            and 0 <= dest < state.unguarded
            and 0 <= tag <= MAX_TAG
        ):
            address = state.peers[dest]
        else:
            checked, tag = state.target(dest, tag)
            if checked is None:
                return
            address = checked
        state.protocol.send(state.context, state.rank, address, tag, pickle.dumps(obj))

    def recv(
        self,
        buf: Any = None,
        source: int = ANY_SOURCE,
        tag: int = ANY_TAG,
        status: Status | None = None,
    ) -> Any:
        """Receive an object; None from `PROC_NULL`.

        Args:
            buf: memory for the pickle, or how many bytes of it to make; of no use, and only there
                because mpi4py has it.
            source: the sender's rank.
            tag: the message's tag.
            status: takes the envelope.

        Raises:
            MPIError: `ERR_RANK`, `ERR_TAG` or `ERR_COMM`; `ERR_TRUNCATE`: *buf* is too small.
        """
        state = self._state or self._resolve()
        if not (
            source.__class__ is int
            and tag.__class__ is int
            and ANY_SOURCE <= source < state.unguarded
            and ANY_TAG <= tag <= MAX_TAG
        ):
            checked, tag = state.origin(source, tag)
            if checked is None:
                if buf is not None:
                    _warn_of_buf()
                _from_nobody(status)
                return None
            source = checked
        if buf is not None:
            _warn_of_buf()
            return self.irecv(buf, source, tag).wait(status)
        data, transfer = state.protocol.receive_object(state.context, source, tag)
        if status is not None:
            status.fill(transfer.source, transfer.tag, transfer.nbytes)
        return pickle.loads(data) if transfer.nbytes else None

    def Ssend(self, buf: Any, dest: int, tag: int = 0) -> None:
        """Send a buffer, and return when its receive has begun; otherwise as `Send`."""
        self._send(send_view, buf, dest, tag, SYNCHRONOUS)

    def Rsend(self, buf: Any, dest: int, tag: int = 0) -> None:
        """Send a buffer to a receive that has been posted already; otherwise as `Send`."""
        self._send(send_view, buf, dest, tag, READY)

    def Bsend(self, buf: Any, dest: int, tag: int = 0) -> None:
        """Send a buffer by way of the attached one, and return at once; otherwise as `Send`.

        Raises:
            MPIError: `ERR_BUFFER`: the attached buffer has no room for it, or there is none.
        """
        self._ibsend(send_view, buf, dest, tag)

    def ssend(self, obj: Any, dest: int, tag: int = 0) -> None:
        """Send an object, and return when its receive has begun; otherwise as `send`."""
        self._send(pickle.dumps, obj, dest, tag, SYNCHRONOUS)

    def bsend(self, obj: Any, dest: int, tag: int = 0) -> None:
        """Send an object by way of the attached buffer; raises as `Bsend`."""
        self._ibsend(pickle.dumps, obj, dest, tag)

    def Sendrecv(
        self,
        sendbuf: Any,
        dest: int,
        sendtag: int = 0,
        recvbuf: Any = None,
        source: int = ANY_SOURCE,
        recvtag: int = ANY_TAG,
        status: Status | None = None,
    ) -> None:
        """Send one buffer while receiving into another; raises as `Send` and `Recv`."""
        self.Isendrecv(sendbuf, dest, sendtag, recvbuf, source, recvtag).Wait(status)

    def Sendrecv_replace(
        self,
        buf: Any,
        dest: int,
        sendtag: int = 0,
        source: int = ANY_SOURCE,
        recvtag: int = ANY_TAG,
        status: Status | None = None,
    ) -> None:
        """Send a buffer and receive another message into it; raises as `Send` and `Recv`."""
        self.Isendrecv_replace(buf, dest, sendtag, source, recvtag).Wait(status)

    def sendrecv(
        self,
        sendobj: Any,
        dest: int,
        sendtag: int = 0,
        recvbuf: Any = None,
        source: int = ANY_SOURCE,
        recvtag: int = ANY_TAG,
        status: Status | None = None,
    ) -> Any:
        """Send an object while receiving another, which is returned."""
        sending = self.isend(sendobj, dest, sendtag)
        received = self.recv(recvbuf, source, recvtag, status)
        sending.Wait()
        return received

    # -- non-blocking ----------------------------------------------------------------------------

    def Isend(self, buf: Any, dest: int, tag: int = 0) -> Request:
        """Begin to send a buffer; raises as `Send`."""
        return self._isend(send_view, buf, dest, tag, STANDARD)

    def Issend(self, buf: Any, dest: int, tag: int = 0) -> Request:
        """Begin to send a buffer, to be complete when its receive has begun; raises as `Send`."""
        return self._isend(send_view, buf, dest, tag, SYNCHRONOUS)

    def Irsend(self, buf: Any, dest: int, tag: int = 0) -> Request:
        """Begin to send a buffer to a receive that has been posted; raises as `Send`."""
        return self._isend(send_view, buf, dest, tag, READY)

    def Ibsend(self, buf: Any, dest: int, tag: int = 0) -> Request:
        """Send a buffer by way of the attached one; raises as `Bsend`."""
        self._ibsend(send_view, buf, dest, tag)
        return Request._wrap(Operation(self._get(), None))

    def isend(self, obj: Any, dest: int, tag: int = 0) -> Request:
        """Begin to send an object; raises as `send`."""
        return self._isend(pickle.dumps, obj, dest, tag, STANDARD)

    def issend(self, obj: Any, dest: int, tag: int = 0) -> Request:
        """Begin to send an object, to be complete when its receive has begun."""
        return self._isend(pickle.dumps, obj, dest, tag, SYNCHRONOUS)

    def ibsend(self, obj: Any, dest: int, tag: int = 0) -> Request:
        """Send an object by way of the attached buffer; raises as `Bsend`."""
        self._ibsend(pickle.dumps, obj, dest, tag)
        return Request._wrap(Operation(self._get(), None))

    def Irecv(self, buf: Any, source: int = ANY_SOURCE, tag: int = ANY_TAG) -> Request:
        """Begin to receive into a buffer; raises as `Recv`."""
        state = self._get()
        checked, tag = state.origin(source, tag)
        if checked is None:
            return Request._wrap(Operation(state, None, True))
        view, spec = receivable(buf)
        transfer = state.protocol.ireceive(state.context, checked, tag, view)
        return Request._wrap(
            Operation(state, transfer, True, None if spec is None else spec.deliver)
        )

    def irecv(self, buf: Any = None, source: int = ANY_SOURCE, tag: int = ANY_TAG) -> Request:
        """Begin to receive an object.

        Args:
            buf: memory for the pickle, or how many bytes of it to make; ``rc.irecv_bufsz`` (32 KiB)
                by default. A longer pickle ends in `ERR_TRUNCATE`, as with mpi4py.
            source: the sender's rank.
            tag: the message's tag.
        """
        state = self._get()
        checked, tag = state.origin(source, tag)
        if checked is None:
            return Request._wrap(Operation(state, None, True))
        if buf is None or isinstance(buf, int):
            room = buf or rc.irecv_bufsz
            data = memoryview(bytearray(room))
        else:
            data = memory_of(buf, True)
        transfer = state.protocol.ireceive(state.context, checked, tag, data)
        return Request._wrap(
            Operation(
                state,
                transfer,
                True,
                lambda nbytes: pickle.loads(data[:nbytes]) if nbytes else None,
            )
        )

    def Isendrecv(
        self,
        sendbuf: Any,
        dest: int,
        sendtag: int = 0,
        recvbuf: Any = None,
        source: int = ANY_SOURCE,
        recvtag: int = ANY_TAG,
    ) -> Request:
        """Begin to send one buffer and to receive into another; raises as `Send` and `Recv`."""
        state = self._get()
        address, sendtag = state.target(dest, sendtag)
        checked, recvtag = state.origin(source, recvtag)
        # Both are looked at before either is begun, lest a wrong one leave half of the pair.
        outgoing = None if address is None else send_view(sendbuf)
        receiving: Transfer | None = None
        sending: Transfer | None = None
        spec: Spec | None = None
        if checked is not None:
            view, spec = receivable(recvbuf)
            receiving = state.protocol.ireceive(state.context, checked, recvtag, view)
        if address is not None:
            sending = state.protocol.isend(
                state.context, state.rank, address, sendtag, outgoing, STANDARD
            )
        finish = None if spec is None else spec.deliver
        return Request._wrap(PairOperation(state, receiving, sending, finish))

    def Isendrecv_replace(
        self,
        buf: Any,
        dest: int,
        sendtag: int = 0,
        source: int = ANY_SOURCE,
        recvtag: int = ANY_TAG,
    ) -> Request:
        """Begin to send a buffer and to receive another message into it."""
        outgoing = None if dest == PROC_NULL else bytes(send_view(buf))
        return self.Isendrecv(outgoing, dest, sendtag, buf, source, recvtag)

    # -- persistent --------------------------------------------------------------------------------

    def Send_init(self, buf: Any, dest: int, tag: int = 0) -> Prequest:
        """Return a request that sends the buffer each time it is started; raises as `Send`."""
        return self._send_init(buf, dest, tag, STANDARD)

    def Ssend_init(self, buf: Any, dest: int, tag: int = 0) -> Prequest:
        """Return a request for a synchronous send; see `Send_init`."""
        return self._send_init(buf, dest, tag, SYNCHRONOUS)

    def Rsend_init(self, buf: Any, dest: int, tag: int = 0) -> Prequest:
        """Return a request for a ready send; see `Send_init`."""
        return self._send_init(buf, dest, tag, READY)

    def Bsend_init(self, buf: Any, dest: int, tag: int = 0) -> Prequest:
        """Return a request for a buffered send; see `Send_init`."""
        state = self._get()
        state.target(dest, tag)

        def begin() -> None:
            self._ibsend(send_view, buf, dest, tag)

        return Prequest._wrap(PersistentOperation(state, begin))

    def Recv_init(self, buf: Any, source: int = ANY_SOURCE, tag: int = ANY_TAG) -> Prequest:
        """Return a request that receives into the buffer each time it is started."""
        state = self._get()
        checked, wanted = state.origin(source, tag)
        view, spec = (memoryview(b""), None) if checked is None else receivable(buf)

        def begin() -> Transfer | None:
            if checked is None:
                return None
            return state.protocol.ireceive(state.context, checked, wanted, view)

        finish = None if spec is None else spec.deliver
        return Prequest._wrap(PersistentOperation(state, begin, True, finish))

    # -- probing -----------------------------------------------------------------------------------

    def Probe(
        self, source: int = ANY_SOURCE, tag: int = ANY_TAG, status: Status | None = None
    ) -> Literal[True]:
        """Block until there is a message that matches, and leave it there."""
        self._probe(source, tag, status, True)
        return True

    def Iprobe(
        self, source: int = ANY_SOURCE, tag: int = ANY_TAG, status: Status | None = None
    ) -> bool:
        """Return whether there is a message that matches, and leave it there."""
        return self._probe(source, tag, status, False)

    def Mprobe(
        self, source: int = ANY_SOURCE, tag: int = ANY_TAG, status: Status | None = None
    ) -> Message:
        """Block until there is a message that matches, and return it, to be received by that."""
        message = self._match(source, tag, status, True)
        assert message is not None
        return message

    def Improbe(
        self, source: int = ANY_SOURCE, tag: int = ANY_TAG, status: Status | None = None
    ) -> Message | None:
        """Return a message that matches, to be received by that; None if there is none."""
        return self._match(source, tag, status, False)

    def probe(
        self, source: int = ANY_SOURCE, tag: int = ANY_TAG, status: Status | None = None
    ) -> Literal[True]:
        """Block until there is a message that matches, and leave it there."""
        self._probe(source, tag, status, True)
        return True

    def iprobe(
        self, source: int = ANY_SOURCE, tag: int = ANY_TAG, status: Status | None = None
    ) -> bool:
        """Return whether there is a message that matches, and leave it there."""
        return self._probe(source, tag, status, False)

    def mprobe(
        self, source: int = ANY_SOURCE, tag: int = ANY_TAG, status: Status | None = None
    ) -> Message:
        """Block until there is a message that matches, and return it, to be received by that."""
        return self.Mprobe(source, tag, status)

    def improbe(
        self, source: int = ANY_SOURCE, tag: int = ANY_TAG, status: Status | None = None
    ) -> Message | None:
        """Return a message that matches, to be received by that; None if there is none."""
        return self.Improbe(source, tag, status)

    # -- what they share ---------------------------------------------------------------------------

    def _send(self, encode: Any, what: Any, dest: int, tag: int, mode: int) -> None:
        state = self._get()
        address, tag = state.target(dest, tag)
        if address is not None:
            state.protocol.send(state.context, state.rank, address, tag, encode(what), mode)

    def _recv_spec(
        self, state: CommState, buf: Any, source: int, tag: int, status: Status | None
    ) -> None:
        """Receive into a buffer that is unusual, or where what arrives has to be unpacked."""
        spec = recv_spec(buf, load=False)
        transfer = state.protocol.receive(state.context, source, tag, spec.data)
        if status is not None:
            status.fill(transfer.source, transfer.tag, transfer.nbytes)
        if transfer.error:
            raise state.error(transfer.error, f"Recv into {spec.nbytes} bytes")
        spec.deliver(transfer.nbytes)

    def _isend(self, encode: Any, what: Any, dest: int, tag: int, mode: int) -> Request:
        state = self._get()
        address, tag = state.target(dest, tag)
        transfer = (
            None
            if address is None
            else state.protocol.isend(state.context, state.rank, address, tag, encode(what), mode)
        )
        return Request._wrap(Operation(state, transfer))

    def _ibsend(self, encode: Any, what: Any, dest: int, tag: int) -> None:
        state = self._get()
        address, tag = state.target(dest, tag)
        if address is None:
            return
        data = bytes(encode(what))
        buffer = state.send_buffer()
        if not buffer.room_for(state.protocol, len(data)):
            raise state.error(ERR_BUFFER, f"no room for {len(data)} bytes")
        transfer = state.protocol.isend(state.context, state.rank, address, tag, data, BUFFERED)
        buffer.hold(transfer, len(data))

    def _send_init(self, buf: Any, dest: int, tag: int, mode: int) -> Prequest:
        state = self._get()
        address, wanted = state.target(dest, tag)
        if address is not None:
            send_view(buf)  # a wrong buffer is refused now, and read when the send begins

        def begin() -> Transfer | None:
            if address is None:
                return None
            return state.protocol.isend(
                state.context, state.rank, address, wanted, send_view(buf), mode
            )

        return Prequest._wrap(PersistentOperation(state, begin))

    def _probe(self, source: int, tag: int, status: Status | None, blocking: bool) -> bool:
        state = self._get()
        checked, tag = state.origin(source, tag)
        if checked is None:
            _from_nobody(status)
            return True
        found = state.protocol.probe(state.context, checked, tag, blocking)
        if found is None:
            return False
        if status is not None:
            status.fill(found.source, found.tag, found.nbytes)
        return True

    def _match(
        self, source: int, tag: int, status: Status | None, blocking: bool
    ) -> Message | None:
        state = self._get()
        checked, tag = state.origin(source, tag)
        if checked is None:
            _from_nobody(status)
            return Message(MESSAGE_NO_PROC)
        arrival = state.protocol.match(state.context, checked, tag, blocking)
        if arrival is None:
            return None
        if status is not None:
            status.fill(arrival.source, arrival.tag, arrival.nbytes)
        return Message._wrap(Matched(state, arrival))


def _warn_of_buf() -> None:
    warnings.warn("the 'buf' argument is deprecated", UserWarning, stacklevel=3)


def _from_nobody(status: Status | None) -> None:
    if status is not None:
        status.fill(PROC_NULL, ANY_TAG, 0)
