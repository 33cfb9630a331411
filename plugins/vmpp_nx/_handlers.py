"""Handlers: functions of the program that are called when a message has come or gone.

A receive with a handler is a match entry like any other. The kernel raises an event when a message
has been deposited there, which costs a context switch, and the handler is called where the program
stands. While one runs the others wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vmpp_nx._bits import ANY, type_of
from vmpp_nx._buffers import incoming, outgoing
from vmpp_nx._calls import call
from vmpp_nx._errors import Refused
from vmpp_nx._information import facts
from vmpp_nx._receives import Receiving, Wanted
from vmpp_nx._sends import Sending
from vmpp_nx._state import State, end_with

Handler = Callable[..., object]


class Handled:
    """A send or a receive whose end calls a handler: what `Events` awaits.

    Attributes:
        facts: type, length, node and process type that the handler is told.
    """

    __slots__ = ("_call", "_extra", "_handler", "_receiving", "_sends", "_state", "facts")

    def __init__(
        self, state: State, call: str, handler: Handler, extra: tuple[Any, ...] = ()
    ) -> None:
        if not callable(handler):
            raise Refused("EQHND", f"{handler!r:.60} cannot be called")
        self._state = state
        self._call = call
        self._handler = handler
        self._extra = extra
        self._sends: list[Sending] = []
        self._receiving: Receiving | None = None
        self.facts = (ANY, ANY, ANY, ANY)

    def send(self, kind: int, buf: Any, count: int, node: int, ptype: int) -> None:
        """Begin to send."""
        messages = self._state.messages
        bits, body = messages.bits(kind, ptype), outgoing(buf, count)
        peers = messages.peers(node, ptype)
        begun = [messages.sends.begin(peer, bits, body) for peer in peers]
        self._sends = [sending for sending in begun if not sending.done]
        self.facts = (type_of(bits), len(body), int(node), int(ptype))

    def receive(self, wanted: Wanted, buffer: memoryview) -> None:
        """Begin to receive."""
        self._receiving = self._state.messages.receives.begin(wanted, buffer)

    def look(self) -> Any:
        """Return None if all is complete by now, or the descriptor whose change it waits for."""
        messages = self._state.messages
        while self._sends:
            watch = messages.sends.look(self._sends[-1])
            if watch is not None:
                return watch
            self._sends.pop()
        return None if self._receiving is None else messages.receives.look(self._receiving)

    def call(self) -> None:
        """Call the program's handler; end the process if the message did not fit its buffer."""
        receiving = self._receiving
        if receiving is not None:
            if receiving.error is not None:
                end_with(self._state, self._call, receiving.error)
            assert receiving.header is not None
            self.facts = facts(self._state, receiving.header)
        self._handler(*self.facts, *self._extra)


@call()
def hsend(
    state: State, type: int, buf: Any, count: int, node: int, ptype: int, handler: Handler
) -> None:
    """Begin to send a message, as `isend`; call *handler* when its buffer may be used again.

    Args:
        type: as for `csend`, like the next four.
        buf: the message.
        count: its length.
        node: of the receiver.
        ptype: of the receiver.
        handler: called with type, count, node and ptype.
    """
    handled = Handled(state, "hsend", handler)
    handled.send(type, buf, count, node, ptype)
    state.messages.events.expect(handled)


@call()
def hsendx(
    state: State,
    type: int,
    buf: Any,
    count: int,
    node: int,
    ptype: int,
    xhandler: Handler,
    hparam: Any,
) -> None:
    """Begin to send a message, as `hsend`; *xhandler* is called with *hparam* besides."""
    handled = Handled(state, "hsendx", xhandler, (hparam,))
    handled.send(type, buf, count, node, ptype)
    state.messages.events.expect(handled)


@call()
def hrecv(state: State, typesel: int, buf: Any, count: int, handler: Handler) -> None:
    """Begin to receive a message, as `irecv`; call *handler* when it is there.

    It takes one message. A handler that wants the next calls `hrecv` again.

    Args:
        typesel: as for `crecv`.
        buf: as for `crecv`.
        count: as for `crecv`.
        handler: called with type, length, node and process type of the message.
    """
    handled = Handled(state, "hrecv", handler)
    handled.receive(state.messages.wanted(typesel), incoming(buf, count))
    state.messages.events.expect(handled)


@call()
def hrecvx(
    state: State,
    typesel: int,
    buf: Any,
    count: int,
    nodesel: int,
    ptypesel: int,
    xhandler: Handler,
    hparam: Any,
) -> None:
    """Begin to receive a message from selected senders, as `hrecv`.

    Args:
        typesel: as for `crecvx`, like the next four.
        buf: where the message goes.
        count: how long it may be.
        nodesel: node of the sender.
        ptypesel: process type of the sender.
        xhandler: called with type, length, node and process type, and *hparam*.
        hparam: whatever the handler shall be given.
    """
    handled = Handled(state, "hrecvx", xhandler, (hparam,))
    wanted = state.messages.wanted(typesel, nodesel, ptypesel)
    handled.receive(wanted, incoming(buf, count))
    state.messages.events.expect(handled)


@call()
def hsendrecv(
    state: State,
    type: int,
    sbuf: Any,
    scount: int,
    node: int,
    ptype: int,
    typesel: int,
    rbuf: Any,
    rcount: int,
    handler: Handler,
) -> None:
    """Begin to send a message and to receive another; call *handler* when that is there.

    Arguments are those of `csend` and `hrecv`.
    """
    handled = Handled(state, "hsendrecv", handler)
    handled.receive(state.messages.wanted(typesel), incoming(rbuf, rcount))
    handled.send(type, sbuf, scount, node, ptype)
    state.messages.events.expect(handled)


@call()
def masktrap(state: State, masked: int) -> int:
    """Let no handlers be called (1), or let them (0); return what it was before.

    What would have called them meanwhile does when they are let.
    """
    if masked not in {0, 1}:
        raise Refused("EQPARAM", f"{masked!r} is neither 0 nor 1")
    return int(state.messages.events.mask(bool(masked)))
