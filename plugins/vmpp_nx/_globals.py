"""Global operations: all nodes of an application call them, in the same order.

The result is in *x* on every node. *work* is scratch of the same size, which this library does not
need. A double is a ``float64``, a float a ``float32``; a long has four bytes, as on the i860, or
eight if the buffer says so (``numpy.int64``, ``array("l")``); bytes without a type are taken as
what the call is about, longs of four. The algorithms are those of MPI's collectives, chosen alike,
so that a sum has the same bits in all libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from vmpp_collectives import Kind, Reduction, allgather, allgatherv, allreduce, barrier, elementwise
from vmpp_nx._buffers import incoming, outgoing
from vmpp_nx._calls import call
from vmpp_nx._errors import Refused
from vmpp_nx._out import fill
from vmpp_nx._state import State
from vmpp_nx._together import channel_of, exchange_numbers

_LETTERS: Final = {"d": ("f8", "float64"), "s": ("f4", "float32"), "i": ("i4", "int32")}
"""What the second letter of a call says of elements."""

_OPERATIONS: Final = {
    "sum": ("add", "add the vectors up"),
    "prod": ("multiply", "multiply the vectors"),
    "high": ("maximum", "find the highest of each place of the vectors"),
    "low": ("minimum", "find the lowest of each place of the vectors"),
}
_OF_BITS: Final = {
    "giand": ("bitwise_and", "combine the vectors bit by bit: and"),
    "gior": ("bitwise_or", "combine the vectors bit by bit: or"),
    "gixor": ("bitwise_xor", "combine the vectors bit by bit: exclusive or"),
    "gland": ("logical_and", "combine the vectors' truth: 1 where all nodes have other than 0"),
    "glor": ("logical_or", "combine the vectors' truth: 1 where any node has other than 0"),
    "glxor": ("logical_xor", "combine the vectors' truth: 1 where an odd number has other than 0"),
}


def _elements(x: Any, letter: str) -> tuple[str, int]:
    """Return the kind and size of the elements of *x*.

    Raises:
        Refused: EQPARAM: they are others than the call is about; EQPBUF: *x* is no memory.
    """
    kind, name = _LETTERS[letter]
    try:
        with memoryview(x) as view:
            form, size = view.format.lstrip("@=<"), view.itemsize
    except (TypeError, BufferError):
        raise Refused("EQPBUF", f"{x!r:.60} is no memory") from None
    if form in ("B", "b", "c"):
        return kind, int(kind[1])
    found = f"i{size}" if form in ("i", "l", "q") else {"d": "f8", "f": "f4"}.get(form, form)
    if found != kind and not (letter == "i" and found == "i8"):
        raise Refused("EQPARAM", f"elements of {size} bytes ({form!r}) where {name} is wanted")
    return found, size


def _reduce(state: State, x: Any, n: int, letter: str, ufunc: str) -> None:
    """Replace the first *n* elements of *x* by those of all nodes, combined."""
    kind, size = _elements(x, letter)
    if not hasattr(n, "__index__"):
        raise Refused("EQLEN", f"{n!r} is no number of elements")
    vector = incoming(x, int(n) * size)
    combine = elementwise(ufunc, kind)
    rate = state.parameters.reduce_rate
    process = state.process

    def timed(low: memoryview, high: memoryview) -> None:
        process.charge(len(high) * rate // 1000)
        combine(low, high)

    allreduce(
        channel_of(state, Kind.ALLREDUCE), vector, Reduction(timed if rate else combine, size, True)
    )


def _enter(name: str, letter: str, ufunc: str, text: str) -> None:
    """Enter one call into the table."""

    def body(state: State, x: Any, n: int, work: Any = None) -> None:
        _reduce(state, x, n, letter, ufunc)

    kind = "long" if letter == "i" else _LETTERS[letter][1]
    body.__name__ = body.__qualname__ = name
    body.__doc__ = f"""{text[0].upper()}{text[1:]}, element by element, over all nodes.

    Args:
        x: vector of {kind}; gets the result.
        n: how many elements.
        work: scratch of the same size, or None.
    """
    call(name=name)(body)


for _letter in "dis":
    for _name, (_ufunc, _text) in _OPERATIONS.items():
        _enter(f"g{_letter}{_name}", _letter, _ufunc, _text)
for _name, (_ufunc, _text) in _OF_BITS.items():
    _enter(_name, "i", _ufunc, _text)


@call()
def gsync(state: State) -> None:
    """Return when all nodes have called."""
    barrier(channel_of(state, Kind.BARRIER))


@call()
def gcol(state: State, x: Any, xlen: int, y: Any, ylen: int, ncnt: Any = None) -> int:
    """Put the vectors of all nodes together, in the order of the nodes.

    Args:
        x: the own vector.
        xlen: its length in bytes, which may be another on each node.
        y: gets all of them, on every node.
        ylen: room in *y*, in bytes.
        ncnt: gets the length of all together at its first place; None if nobody wants to know.

    Returns:
        The same length.
    """
    own = outgoing(x, xlen)
    lengths = exchange_numbers(state, len(own))
    total = sum(lengths)
    room = incoming(y, ylen)
    if total > len(room):
        raise Refused("EQBLEN", f"{total} bytes for a buffer of {len(room)}")
    _collect(state, own, lengths, room[:total])
    fill(ncnt, 0, total)
    return total


@call()
def gcolx(state: State, x: Any, xlens: Sequence[int], y: Any) -> None:
    """Put the vectors of all nodes together, of which every node knows the lengths.

    Args:
        x: the own vector.
        xlens: lengths of the vectors in bytes, by node.
        y: gets all of them, on every node.
    """
    lengths = [int(each) for each in xlens[: state.size]]
    if len(lengths) < state.size or min(lengths) < 0:
        raise Refused("EQLEN", f"{lengths} are no {state.size} lengths")
    own = outgoing(x, lengths[state.node])
    _collect(state, own, lengths, incoming(y, sum(lengths)))


@call()
def gopf(state: State, x: Any, xlen: int, work: Any, function: Callable[..., Any]) -> None:
    """Combine the vectors of all nodes by a *function* of the program's own.

    Args:
        x: the own vector; gets the result.
        xlen: its length in bytes, the same on all nodes.
        work: scratch of the same size, or None.
        function: called with two vectors; leaves in the first what both together are. It has to be
            associative and commutative. The vectors are as *x*: NumPy arrays if that is one, memory
            views of the same elements otherwise.
    """
    vector = incoming(x, xlen)
    if not callable(function):
        raise Refused("EQPARAM", f"{function!r:.60} cannot be called")
    shaped = _shape_of(x, len(vector))

    def combine(low: memoryview, high: memoryview) -> None:
        function(shaped(high), shaped(low))

    reduction = Reduction(combine, max(len(vector), 1), True)
    allreduce(channel_of(state, Kind.ALLREDUCE), vector, reduction)


@call()
def gsendx(
    state: State, type: int, buf: Any, count: int, nodes: Sequence[int], nnodes: int
) -> None:
    """Send a message to several nodes, to processes of the own type.

    Args:
        type: of the message; each of the nodes receives it as any other.
        buf: memory.
        count: how many of its bytes to send.
        nodes: whom to.
        nnodes: how many of them.
    """
    messages = state.messages
    bits = messages.bits(type, messages.own_ptype())
    body = outgoing(buf, count)
    if not 0 <= nnodes <= len(nodes):
        raise Refused("EQPARAM", f"{nnodes} of {len(nodes)} nodes")
    peers = [messages.peer(int(node)) for node in nodes[:nnodes]]
    for peer in peers:
        messages.sends.send(peer, bits, body)


def _collect(state: State, own: memoryview, lengths: Sequence[int], room: memoryview) -> None:
    """Put what the nodes have into *room* on all of them."""
    bounds = [0]
    for length in lengths:
        bounds.append(bounds[-1] + length)
    room[bounds[state.node] : bounds[state.node + 1]] = own
    if len(set(lengths)) == 1:
        allgather(channel_of(state, Kind.ALLGATHER), room, bounds)
    else:
        allgatherv(channel_of(state, Kind.ALLGATHERV), room, bounds)


def _shape_of(x: Any, length: int) -> Callable[[memoryview], Any]:
    """Return what makes vectors like *x* of so many bytes of memory."""
    dtype = getattr(x, "dtype", None)
    if dtype is not None and hasattr(x, "shape"):
        whole = x.nbytes == length

        def array(memory: memoryview) -> Any:
            import numpy as np  # noqa: PLC0415 - whoever has an array has loaded it

            found = np.frombuffer(memory, dtype)
            return found.reshape(x.shape) if whole else found

        return array
    with memoryview(x) as view:
        form = view.format.lstrip("@=<")
    if len(form) != 1:
        return lambda memory: memory
    return lambda memory: memory.cast(form)  # type: ignore[call-overload]
