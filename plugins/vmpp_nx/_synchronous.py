"""Synchronous calls: those that return when the program may use its buffer again."""

from __future__ import annotations

from pickle import PickleBuffer
from typing import Any

from vmpp_nx._bits import ANY
from vmpp_nx._buffers import incoming, outgoing
from vmpp_nx._calls import call
from vmpp_nx._information import report
from vmpp_nx._mailbox import RECEIVE_PORTAL
from vmpp_nx._parameters import HEADER
from vmpp_nx._state import State


@call()
def csend(state: State, type: int, buf: Any, count: int, node: int, ptype: int) -> None:
    """Send a message, and return when *buf* may be used again; who receives it may come later.

    Args:
        type: 0 to 999,999,999, or a force type, which is lost unless a receive is posted.
        buf: memory; None if *count* is 0.
        count: how many of its bytes to send.
        node: whom to; -1: all other nodes.
        ptype: process type of the receiver.
    """
    messages = state.messages
    try:
        bits = messages.kinds.get(type)
        peer = messages.nodes.get(node)
    except TypeError:
        bits = peer = None
    if bits is None or peer is None or ptype != messages.ptype or count.__class__ is not int:
        _csend(state, type, buf, count, node, ptype)
        return
    credit = peer.credit - count - HEADER
    if credit < messages.reserve or count > messages.packet or peer.queue:
        messages.sends.send(peer, bits, outgoing(buf, count))
        return
    # Most messages: short, and the receiver has memory for them. Written out, as they are many.
    body: Any = None
    if count:
        try:
            view = PickleBuffer(buf).raw()
            body = bytes(view) if view.nbytes == count else bytes(outgoing(buf, count))
        except (TypeError, BufferError, ValueError):
            body = bytes(outgoing(buf, count))
    peer.credit = credit
    process = state.process
    process.clock += messages.send_cost
    process.clock = gone = messages.kernel_send(
        process, peer.address, RECEIVE_PORTAL, bits, body, count
    )
    if gone - messages.engine.now > messages.lookahead:
        process.synchronise()


def _csend(state: State, type: int, buf: Any, count: int, node: int, ptype: int) -> None:
    """Send what is new to the process: another type, another receiver, or several of them."""
    messages = state.messages
    bits = messages.bits(type, ptype)
    peers = messages.peers(node, ptype)
    body = outgoing(buf, count)
    for peer in peers:
        messages.sends.send(peer, bits, body)


@call()
def crecv(state: State, typesel: int, buf: Any, count: int) -> None:
    """Receive a message, and return when it is in *buf*.

    Args:
        typesel: which types: one of them; -1 for any; or the negative number whose bits 0 to 28
            select the types of those numbers, bit 29 those from 29 to 999,999,999, and bit 30 all
            that are higher.
        buf: memory that can be written to; None if *count* is 0.
        count: how many bytes it has room for. A message that is longer is an error.
    """
    messages = state.messages
    try:
        wanted = messages.selectors.get(typesel)
    except TypeError:
        wanted = None
    if wanted is None:
        crecvx(state, typesel, buf, count, ANY, ANY, None)
        return
    try:
        view = PickleBuffer(buf).raw()
        if view.nbytes != count or view.readonly:
            view = incoming(buf, count)
    except (TypeError, BufferError, ValueError):
        view = incoming(buf, count)
    messages.last = messages.receives.take(*wanted, view)


@call()
def crecvx(
    state: State, typesel: int, buf: Any, count: int, nodesel: int, ptypesel: int, info: Any
) -> None:
    """Receive a message from selected senders, as `crecv`, and tell of it.

    Args:
        typesel: as for `crecv`.
        buf: as for `crecv`.
        count: as for `crecv`.
        nodesel: node of the sender; -1 for any.
        ptypesel: process type of the sender; -1 for any.
        info: gets type, length, node and process type of the message at its first four places:
            a list or an array of 8, or `msginfo`; None if nobody wants to know.
    """
    messages = state.messages
    wanted = messages.wanted(typesel, nodesel, ptypesel)
    header = messages.receives.receive(wanted, incoming(buf, count))
    report(state, header, info)


@call()
def csendrecv(
    state: State,
    type: int,
    sbuf: Any,
    scount: int,
    node: int,
    ptype: int,
    typesel: int,
    rbuf: Any,
    rcount: int,
) -> int:
    """Send a message and receive another, say the answer; return the length of that one.

    The receive is posted first. Arguments are those of `csend` and `crecv`.
    """
    messages = state.messages
    bits, peers = messages.bits(type, ptype), messages.peers(node, ptype)
    body, buffer = outgoing(sbuf, scount), incoming(rbuf, rcount)
    receiving = messages.receives.begin(messages.wanted(typesel), buffer)
    try:
        for peer in peers:
            messages.sends.send(peer, bits, body)
        messages.receives.wait(receiving)
    except BaseException:
        messages.receives.cancel(receiving)
        raise
    if receiving.error is not None:
        raise receiving.error
    assert receiving.header is not None
    messages.last = receiving.header
    return receiving.header.length
