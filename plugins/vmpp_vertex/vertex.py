"""Vertex, as programs for nCUBE's machines call it: ``from vertex import *``.

What C passes by address is a cell here: a `cell`, an object of ctypes, or a list or array of one
element. Where a call gets no cell for something that it has to tell, it returns that behind its
result: ``length = nread(buf, 100, src, type)`` fills two cells, and
``length, src, type = nread(buf, 100, -1, -1)`` none. Calls that fail return a negative number, and
`nperror` says why.

What is known of Vertex, and what is a reading of what is not, is in the documentation.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import Any, Final

from vmpp.engine import MICROSECOND
from vmpp.process.clocks import CLOCK_READ
from vmpp_collectives import Kind, barrier
from vmpp_vertex._cells import answer, cell, get, is_cell, put
from vmpp_vertex._groups import VertexError
from vmpp_vertex._memory import memory
from vmpp_vertex._node import ANY, HOST, PROCESS, TYPES, Node, Refused, check_type, current
from vmpp_vertex._output import Silence
from vmpp_vertex._reductions import reductions

__all__ = [
    "SIGMSGS",
    "VertexError",
    "amicclk",
    "cell",
    "dmax",
    "dmaxn",
    "dmin",
    "dminn",
    "dprod",
    "dprodn",
    "dsum",
    "dsumn",
    "fmax",
    "fmaxn",
    "fmin",
    "fminn",
    "fprod",
    "fprodn",
    "fsum",
    "fsumn",
    "iand",
    "iandn",
    "imax",
    "imaxn",
    "imin",
    "iminn",
    "ior",
    "iorn",
    "iprod",
    "iprodn",
    "isum",
    "isumn",
    "ixor",
    "ixorn",
    "nerrno",
    "ngetp",
    "nglobal",
    "nlocal",
    "nlost",
    "nperror",
    "npid",
    "nrange",
    "nread",
    "nreadp",
    "nrelp",
    "nsignal",
    "nsync",
    "ntest",
    "nwrite",
    "nwritep",
    "whoami",
]

SIGMSGS: Final = 32
"""The signal of a message that has arrived, see `nsignal`."""


# -- who and when -------------------------------------------------------------------------------


def whoami(
    node: Any = None, proc: Any = None, host: Any = None, dim: Any = None
) -> tuple[int, int, int, int]:
    """Tell a process where it is.

    Args:
        node: a cell for the number of the node in the job's subcube, from 0 on; or None, as below.
        proc: ... for the number of the process, packed with that of its node; see `npid`.
        host: ... for the number of the host. No program runs there, so nothing can be sent to it.
        dim: ... for the dimension of the subcube. If the job has fewer processes than its subcube
            has nodes, those with the highest numbers are missing.

    Returns:
        All four, whether there are cells for them or not.
    """
    state = current()
    found = (state.process.rank, _packed(state), HOST, state.dimension)
    for argument, value in zip((node, proc, host, dim), found, strict=True):
        if argument is not None:
            put(argument, value)
    return found


def npid() -> int:
    """Return the number of the process, packed with that of its node in the lower 16 bits.

    A process can be sent to by its packed number as by that of its node.
    """
    return _packed(current())


def _packed(state: Node) -> int:
    return PROCESS << 16 | state.process.rank


def amicclk() -> float:
    """Return the time of the node in microseconds. Reading it takes a little time itself."""
    process = current().process
    process.charge(CLOCK_READ)
    return process.clock / MICROSECOND


# -- sending ------------------------------------------------------------------------------------


def nwrite(buf: Any, nbytes: Any, dest: Any, type: Any, flag: Any = None) -> int:
    """Send a message; return when *buf* may be used again.

    Args:
        buf: any contiguous buffer; None for an empty message.
        nbytes: how many of its bytes to send.
        dest: number of a node; 0xffff: all nodes of the subcube, the sender included.
        type: of the message, from 0 to 0xffff. Those from 0x8000 on are the system's, and no
            wildcard takes them unless `nrange` says so.
        flag: a cell, which gets 0.

    Returns:
        0, or negative if there is no such node or type, or the message is too long for any node's
        buffer.

    Raises:
        ValueError: *buf* has fewer bytes.
    """
    state = current()
    data = _sent(buf, get(nbytes))
    try:
        state.write(get(dest), get(type), data)
    except Refused as refused:
        return state.refuse(refused)
    return _done(0, flag)


def ngetp(nbytes: Any) -> memoryview | None:
    """Return a piece of the node buffer to be filled, and sent by `nwritep` without a copy.

    Returns:
        Its memory; None if there is no room for it, or *nbytes* is negative.
    """
    state = current()
    nbytes = get(nbytes)
    if nbytes < 0:
        state.error = errno.EINVAL
        return None
    piece = state.buffer.allocate(nbytes)
    if piece is None:
        state.error = errno.ENOMEM
    return piece


def nwritep(bufp: Any, nbytes: Any, dest: Any, type: Any, flag: Any = None) -> int:
    """Send what is in a piece of the node buffer, from `ngetp` or `nreadp`, and give it back.

    Args:
        bufp: the piece; the program has it no longer.
        nbytes, dest, type, flag: as for `nwrite`.

    Returns:
        As `nwrite`; negative as well if *bufp* is no such piece. The program keeps it then.

    Raises:
        ValueError: *bufp* has fewer bytes.
    """
    state, bufp = current(), _piece(bufp)
    try:
        if not state.buffer.holds(bufp):
            raise Refused(errno.EINVAL)
        data = _sent(bufp, get(nbytes))
        state.write(get(dest), get(type), data, copied=False)
    except Refused as refused:
        return state.refuse(refused)
    state.buffer.release(bufp)
    return _done(0, flag)


def _piece(bufp: Any) -> Any:
    """Return the piece of memory that *bufp* is, or that a cell or list has."""
    if isinstance(bufp, list) and len(bufp) == 1:
        return bufp[0]
    return bufp.value if isinstance(bufp, cell) else bufp


def _sent(buf: Any, nbytes: int) -> bytes:
    data = memory(buf)
    if not 0 <= nbytes <= len(data):
        raise ValueError(f"cannot send {nbytes} bytes of a buffer that has {len(data)}")
    return bytes(data[:nbytes])


def _done(result: int, flag: Any) -> int:
    if is_cell(flag):
        put(flag, 0)
    return result


# -- receiving ----------------------------------------------------------------------------------


def nread(buf: Any, nbytes: Any, src: Any = ANY, type: Any = ANY, flag: Any = None) -> Any:
    """Receive the oldest message that matches; wait until there is one.

    Args:
        buf: any contiguous buffer that can be written to; None for an empty message.
        nbytes: the most that it is to get.
        src: number of the sender, or -1 for any; a cell gets the sender's.
        type: of the message, or -1 for any in the range of `nrange`; a cell gets the message's.
        flag: a cell, which gets 0.

    Returns:
        The length of the message, and behind it sender and type as far as they have no cell.
        A message that is longer is cut off, and the length is negative, as it is if there can be no
        such message.

    Raises:
        TypeError: *buf* cannot be written to.
    """
    state = current()
    data = memory(buf, writable=buf is not None)
    room = min(max(get(nbytes), 0), len(data))
    try:
        place = state.wait(get(src), get(type))
    except Refused as refused:
        return answer(state.refuse(refused), (src, get(src)), (type, get(type)))
    buffer = state.buffer
    header = buffer.take(place)
    length = header.length
    if length and room:
        data[: min(length, room)] = header.body[:room]
    state.charge_receive(min(length, room))
    buffer.heap.free(header)
    if length > room:
        length = state.refuse(Refused(errno.EMSGSIZE))
    return answer(_done(length, flag), (src, header.source.rank), (type, header.bits))


def nreadp(bufp: Any, nbytes: Any, src: Any = ANY, type: Any = ANY, flag: Any = None) -> Any:
    """Receive the oldest message that matches without a copy: its piece of the node buffer.

    Args:
        bufp: a cell for the memory of the message; or None.
        nbytes: the most that it may have. A longer one stays in the buffer.
        src, type, flag: as for `nread`.

    Returns:
        The length of the message, negative as from `nread`; and behind it memory, sender and type
        as far as they have no cell. `nrelp` gives the memory back, which is the node buffer's
        until then.
    """
    state = current()
    try:
        place = state.wait(get(src), get(type))
        if state.buffer.heap.messages[place].length > get(nbytes):
            raise Refused(errno.EMSGSIZE)
    except Refused as refused:
        pairs = ((bufp, None), (src, get(src)), (type, get(type)))
        return answer(state.refuse(refused), *pairs)
    header = state.buffer.take(place)
    state.charge_receive(0)
    piece = state.buffer.hold(header)
    length = _done(header.length, flag)
    return answer(length, (bufp, piece), (src, header.source.rank), (type, header.bits))


def nrelp(bufp: Any) -> int:
    """Give a piece of the node buffer back, from `nreadp` or `ngetp`.

    Returns:
        0, or negative if the program holds no such piece.
    """
    state = current()
    if state.buffer.release(_piece(bufp)):
        return 0
    return state.refuse(Refused(errno.EINVAL))


def ntest(src: Any = ANY, type: Any = ANY) -> Any:
    """Say whether a message that matches has arrived, and leave it; a little time passes.

    Args:
        src, type: as for `nread`.

    Returns:
        The length of the oldest such message, and behind it sender and type as far as they have no
        cell. The length is negative if there is none, and then cells stay as they are.
    """
    state = current()
    state.poll()
    try:
        place = state.find(*state.checked(get(src), get(type)))
    except Refused as refused:
        place = state.refuse(refused)
    if place < 0:
        return answer(-1, (src, get(src)), (type, get(type)))
    header = state.buffer.heap.messages[place]
    return answer(header.length, (src, header.source.rank), (type, header.bits))


def nrange(low: Any, high: Any) -> int:
    """Have wildcards take types from *low* to *high* only; at first they are 0 to 0x7fff.

    A type that is asked for by its number is found in any case.

    Returns:
        0, or negative if there are no such types.
    """
    state = current()
    low, high = get(low), get(high)
    if not 0 <= low <= high < TYPES:
        return state.refuse(Refused(errno.EINVAL))
    state.types = low, high
    return 0


def nsignal(sig: int, func: Callable[[int], object] | None) -> Callable[[int], object] | None:
    """Have *func* called with *sig* whenever a message has arrived, as an interrupt.

    It may test, read what is there, and write; it may not wait.

    Args:
        sig: `SIGMSGS`.
        func: what to call; None for nothing.

    Returns:
        What was called before.

    Raises:
        ValueError: there is no other signal.
    """
    if sig != SIGMSGS:
        raise ValueError(f"there is no signal {sig}: messages are SIGMSGS")
    state = current()
    before = state.handler
    state.on_message(func, sig)
    return before


# -- output and errors --------------------------------------------------------------------------


def nglobal() -> int:
    """Let node 0 alone print, until `nlocal`: what all nodes print alike comes out once.

    Returns:
        0.
    """
    state = current()
    if state.stdout is None:
        state.stdout = sys.stdout
        if state.process.rank:
            sys.stdout.flush()
            sys.stdout = Silence(sys.stdout)
    return 0


def nlocal() -> int:
    """Let each node print for itself, as it does at first.

    Returns:
        0.
    """
    state = current()
    if isinstance(sys.stdout, Silence):
        sys.stdout = state.stdout
    state.stdout = None
    return 0


def nerrno() -> int:
    """Return why the last call failed that did, a number of `errno`; 0 if none has."""
    return current().error


def nperror(text: str) -> None:
    """Print *text* on standard error, and why the last call failed that did."""
    words = os.strerror(nerrno())
    print(f"{text}: {words}" if text else words, file=sys.stderr)


def nlost() -> int:
    """Return how many messages the node buffer had no room for: they are lost."""
    losses = current().buffer.losses()
    return 0 if losses is None else losses.messages


# -- the parallel library -----------------------------------------------------------------------


def nsync(type: Any = 0) -> int:
    """Wait until all nodes of the subcube have called this with the same *type*.

    Returns:
        0, or negative if there is no such type.
    """
    state = current()
    try:
        check_type(get(type))
    except Refused as refused:
        return state.refuse(refused)
    channel, _ = state.groups.channel((1 << state.dimension) - 1, get(type))
    channel.begin(Kind.BARRIER)
    barrier(channel)
    return 0


isum, isumn = reductions("i", "sum")
iprod, iprodn = reductions("i", "prod")
imax, imaxn = reductions("i", "max")
imin, iminn = reductions("i", "min")
iand, iandn = reductions("i", "and")
ior, iorn = reductions("i", "or")
ixor, ixorn = reductions("i", "xor")
fsum, fsumn = reductions("f", "sum")
fprod, fprodn = reductions("f", "prod")
fmax, fmaxn = reductions("f", "max")
fmin, fminn = reductions("f", "min")
dsum, dsumn = reductions("d", "sum")
dprod, dprodn = reductions("d", "prod")
dmax, dmaxn = reductions("d", "max")
dmin, dminn = reductions("d", "min")
