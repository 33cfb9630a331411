"""Asynchronous calls: those that return at once, with a message id to ask by."""

from __future__ import annotations

from typing import Any

from vmpp_nx._bits import ANY
from vmpp_nx._buffers import incoming, outgoing
from vmpp_nx._calls import call
from vmpp_nx._information import msginfo
from vmpp_nx._requests import Ids, Request
from vmpp_nx._state import State

NO_ID = -1
"""Stands for no message id."""


@call()
def isend(state: State, type: int, buf: Any, count: int, node: int, ptype: int) -> int:
    """Begin to send a message, and return a message id; arguments as for `csend`.

    The buffer may be used again once `msgwait` has returned, or `msgdone` 1, for that id.
    """
    messages = state.messages
    bits, peers, body = (
        messages.bits(type, ptype),
        messages.peers(node, ptype),
        outgoing(buf, count),
    )
    return state.part(Ids).new(lambda request: request.send(bits, peers, body))


@call()
def irecv(state: State, typesel: int, buf: Any, count: int) -> int:
    """Begin to receive a message, and return a message id; arguments as for `crecv`."""
    return irecvx(state, typesel, buf, count, ANY, ANY, msginfo)


@call()
def irecvx(
    state: State, typesel: int, buf: Any, count: int, nodesel: int, ptypesel: int, info: Any
) -> int:
    """Begin to receive a message, and return a message id; arguments as for `crecvx`.

    *info* is filled when `msgwait` or `msgdone` finds the receive complete.
    """
    wanted = state.messages.wanted(typesel, nodesel, ptypesel)
    buffer = incoming(buf, count)
    return state.part(Ids).new(lambda request: request.receive(wanted, buffer, info))


@call()
def isendrecv(
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
    """Begin to send a message and to receive another; return one id for both."""
    messages = state.messages
    bits, peers = messages.bits(type, ptype), messages.peers(node, ptype)
    body, buffer = outgoing(sbuf, scount), incoming(rbuf, rcount)
    wanted = messages.wanted(typesel)

    def begin(request: Request) -> None:
        request.receive(wanted, buffer, msginfo)
        request.send(bits, peers, body)

    return state.part(Ids).new(begin)


@call()
def msgwait(state: State, mid: int) -> None:
    """Wait until what *mid* stands for is complete, and release the id."""
    if mid == NO_ID:
        return
    ids = state.part(Ids)
    request = ids.request(mid)
    try:
        request.wait()
    finally:
        ids.release(mid)


@call()
def msgdone(state: State, mid: int) -> int:
    """Return 1 if what *mid* stands for is complete, and then release the id; 0 if it is not."""
    ids = state.part(Ids)
    request = ids.request(mid)
    state.poll()
    try:
        done = request.look() is None
    except BaseException:
        ids.release(mid)
        raise
    if done:
        ids.release(mid)
    return int(done)


@call()
def msgignore(state: State, mid: int) -> None:
    """Release the id when what it stands for is complete; the program does not ask any more."""
    state.part(Ids).ignore(mid)


@call()
def msgcancel(state: State, mid: int) -> None:
    """Cancel what *mid* stands for, and release the id.

    A receive that has no message yet takes none any more. A send that waits for memory is taken
    back; one that has reached its receiver can still be received. Buffers are free on return.
    """
    ids = state.part(Ids)
    request = ids.request(mid)
    request.cancel()
    msgwait(state, mid)


@call()
def msgmerge(state: State, mid1: int, mid2: int) -> int:
    """Return an id that stands for what both do; those two are used no more.

    -1 stands for nothing, so that a loop can merge into a variable that begins with it.
    """
    ids = state.part(Ids)
    if mid2 == NO_ID:
        mid1, mid2 = mid2, mid1
    if mid1 == NO_ID:
        if mid2 != NO_ID:
            ids.request(mid2)
        return mid2
    first, second = ids.request(mid1), ids.request(mid2)
    if first is not second:
        first.absorb(second)
        ids.release(mid2)
    return mid1


@call()
def flushmsg(state: State, typesel: int, node: int, pid: int) -> None:
    """Throw away the messages that have arrived and that nobody has received.

    Args:
        typesel: of which types, as for `crecv`.
        node: from which node; -1 for any.
        pid: from processes of which type; -1 for any.
    """
    state.poll()
    state.messages.receives.flush(state.messages.wanted(typesel, node, pid))
