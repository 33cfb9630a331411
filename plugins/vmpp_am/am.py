"""The module that a program gets as ``am``: active messages and one-sided communication.

One module serves all ranks: what is a rank's own is found through the process that runs. The names
are those of the field: requests and replies as in Active Messages (von Eicken, Culler, Goldstein,
Schauser 1992) and AM-2, holding interrupts, segments, put, get and their forms as in GASNet.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, TypeVar

from vmpp.portals import KernelHandler
from vmpp_am import _segments
from vmpp_am._errors import AmError
from vmpp_am._handle import Handle, wait_all
from vmpp_am._segments import Segment
from vmpp_am._state import portal_of, state
from vmpp_am._token import Token

__all__ = [
    "AmError",
    "Handle",
    "KernelHandler",
    "Segment",
    "Token",
    "barrier",
    "block_until",
    "compare_swap",
    "compare_swap_nb",
    "expose",
    "fence",
    "fetch_add",
    "fetch_add_nb",
    "fetch_and",
    "fetch_or",
    "fetch_xor",
    "get",
    "get_nb",
    "get_nbi",
    "handler",
    "hold_interrupts",
    "kernel_call",
    "kernel_handler",
    "kernel_portal",
    "kernel_signal",
    "max_payload",
    "poll",
    "put",
    "put_nb",
    "put_nbi",
    "quiet",
    "rank",
    "register",
    "reply",
    "request",
    "request_long",
    "result",
    "resume_interrupts",
    "size",
    "swap",
    "wait_all",
    "withdraw",
]

F = TypeVar("F", bound=Callable[..., Any])


def rank() -> int:
    """Return the number of this process in its job."""
    return state().endpoint.process.rank


def size() -> int:
    """Return how many processes the job has."""
    return state().endpoint.process.size


# -- handlers --------------------------------------------------------------------------------------


def handler(function: F | int) -> Any:
    """Register the function below as a handler: ``@am.handler``, or ``@am.handler(5)``.

    Without a number it gets the lowest that is free, so ranks that register the same functions in
    the same order agree. It is called with a `Token` and the arguments of the request or reply.

    Raises:
        AmError: the number is taken, or is none.
    """
    if isinstance(function, int):
        number = function

        def decorate(function: F) -> F:
            register(function, number)
            return function

        return decorate
    register(function)
    return function


def register(function: Callable[..., Any], number: int | None = None) -> int:
    """Register a handler, under a *number* or the lowest that is free; return the number.

    Requests that come before their handler wait for it.

    Raises:
        AmError: the number is taken, or is none.
    """
    return state().endpoint.register(function, number)


def request(
    rank: int, handler: int | Callable[..., Any], *arguments: float, payload: Any = b""
) -> Handle:
    """Have a *handler* run at *rank*, with arguments and a payload of bytes.

    Returns once the message is on its way, with a `Handle` that is done when the handler has run;
    waits for others to be, if as many are under way as there is room for replies to.

    Args:
        arguments: up to 16, 64-bit integers or floats.
        payload: anything with a buffer, up to `max_payload` bytes.

    Raises:
        AmError: something about it cannot be, or a handler calls: handlers may only reply.
    """
    return state().endpoint.request(rank, handler, arguments, payload)


def request_long(
    rank: int,
    handler: int | Callable[..., Any],
    segment: Segment,
    offset: int,
    data: Any,
    *arguments: float,
) -> Handle:
    """Put *data* into the segment of *rank*, and have a *handler* run there when that is done.

    The handler finds the memory that was put to in ``token.payload``. *data* has to stay as it is
    until the handle is done.

    Raises:
        AmError: as `request` and `put`.
    """
    return state().segments.request(rank, handler, segment, offset, data, arguments)


def reply(
    token: Token, handler: int | Callable[..., Any], *arguments: float, payload: Any = b""
) -> None:
    """Have a *handler* run at the process whose request this is: once, and from its handler.

    Raises:
        AmError: the token's request has been replied to, its handler has ended, or it is a reply.
    """
    token.reply(handler, arguments, payload)


def result(token: Token, *values: int) -> None:
    """Have up to 16 64-bit integers be the value of the request's handle, without a reply.

    Raises:
        AmError: there are more, or something else is among them.
    """
    token.result(*values)


def max_payload() -> int:
    """Return how many bytes a payload may have."""
    return state().endpoint.parameters.payload


def hold_interrupts() -> None:
    """Have handlers run no longer as messages arrive, but where this process polls or waits."""
    state().endpoint.hold()


def resume_interrupts() -> None:
    """Have handlers run as messages arrive, again; those that wait run now.

    Raises:
        AmError: interrupts are not held.
    """
    state().endpoint.resume()


# -- waiting ---------------------------------------------------------------------------------------


def poll() -> None:
    """Let messages be dealt with that have come, and their handlers run.

    Raises:
        AmError: an operation has failed.
    """
    state().endpoint.poll()


def block_until(condition: Callable[[], Any]) -> None:
    """Wait until *condition* holds, which handlers, puts or a kernel's ``wake()`` may bring about.

    Raises:
        AmError: an operation has failed, or a handler calls.
    """
    state().endpoint.wait_for(condition)


def barrier() -> None:
    """Wait until all ranks have called.

    Raises:
        AmError: an operation has failed, or a handler calls.
    """
    state().barrier()


def quiet() -> None:
    """Wait until all that this process has begun is done: requests, puts, gets, atomic operations.

    Raises:
        AmError: something of it has failed, or a handler calls.
    """
    endpoint = state().endpoint
    endpoint.wait_for(lambda: not endpoint.under_way(None, writes=False))
    endpoint.poll()


def fence(rank: int | None = None) -> None:
    """Wait until what this process has put, and worked on, at *rank* or anywhere is there.

    Raises:
        AmError: something of it has failed, or a handler calls.
    """
    endpoint = state().endpoint
    if rank is not None:
        endpoint.address(rank)
    endpoint.wait_for(lambda: not endpoint.under_way(rank, writes=True))
    endpoint.poll()


# -- one-sided communication -----------------------------------------------------------------------


def expose(memory: Any) -> Segment:
    """Let all ranks reach *memory*; all have to call, each with its own.

    Args:
        memory: anything with a buffer that can be written, in one piece; or so many bytes, new
            ones of the node's memory.

    Raises:
        AmError: it is no such memory, the node has not so much, or a handler calls.
    """
    return state().expose(memory)


def withdraw(segment: Segment) -> None:
    """Take back a segment; all have to call, and nobody reaches it from then on.

    Raises:
        AmError: an operation has failed, or a handler calls.
    """
    quiet()
    barrier()
    segment.withdraw()


def put(rank: int, segment: Segment, offset: int, data: Any) -> None:
    """Write *data* at *offset* of the segment of *rank*; it is there on return.

    Raises:
        AmError: that is outside of the segment, or a handler calls.
    """
    put_nb(rank, segment, offset, data).wait()


def put_nb(rank: int, segment: Segment, offset: int, data: Any) -> Handle:
    """Begin to write *data*, which has to stay as it is until the handle is done.

    Raises:
        AmError: as `put`.
    """
    return state().segments.put(rank, segment, offset, data)


def put_nbi(rank: int, segment: Segment, offset: int, data: Any) -> None:
    """Begin to write *data*; `fence` and `quiet` wait for it.

    Raises:
        AmError: as `put`.
    """
    put_nb(rank, segment, offset, data)


def get(rank: int, segment: Segment, offset: int, into: Any) -> Any:
    """Read from *offset* of the segment of *rank*, and return that.

    Args:
        into: memory that is filled and returned; or how many bytes to return.

    Raises:
        AmError: that is outside of the segment, or a handler calls.
    """
    if not isinstance(into, Integral):
        get_nb(rank, segment, offset, into).wait()
        return into
    memory = _segments.fresh(into, "get")
    get_nb(rank, segment, offset, memory).wait()
    return bytes(memory)


def get_nb(rank: int, segment: Segment, offset: int, into: Any) -> Handle:
    """Begin to fill *into*, which is the operation's until the handle is done.

    Raises:
        AmError: as `get`.
    """
    return state().segments.get(rank, segment, offset, into)


def get_nbi(rank: int, segment: Segment, offset: int, into: Any) -> None:
    """Begin to fill *into*; `quiet` waits for it.

    Raises:
        AmError: as `get`.
    """
    get_nb(rank, segment, offset, into)


def fetch_add(rank: int, segment: Segment, offset: int, value: int, *, by: str = "kernel") -> int:
    """Add to a 64-bit integer in the segment of *rank*, and return what it was.

    All atomic operations on a word happen one after the other; sums wrap round.

    Args:
        by: ``"kernel"``: the kernel of *rank* does it as the message arrives; ``"handler"``: an
            event handler in the process there does.

    Raises:
        AmError: that is outside of the segment, *value* has not 64 bits, or a handler calls.
    """
    result: int = fetch_add_nb(rank, segment, offset, value, by=by).wait()
    return result


def fetch_add_nb(
    rank: int, segment: Segment, offset: int, value: int, *, by: str = "kernel"
) -> Handle:
    """Begin to add; the handle's value is what was there.

    Raises:
        AmError: as `fetch_add`.
    """
    return state().segments.atomic(rank, segment, offset, _segments.ADD, value, by=by)


def swap(rank: int, segment: Segment, offset: int, value: int, *, by: str = "kernel") -> int:
    """Set a 64-bit integer, and return what it was; otherwise as `fetch_add`."""
    return _atomic(rank, segment, offset, _segments.SWAP, value, by=by)


def compare_swap(
    rank: int, segment: Segment, offset: int, expected: int, value: int, *, by: str = "kernel"
) -> int:
    """Set a 64-bit integer if it is *expected*, and return what it was; as `fetch_add`."""
    result: int = compare_swap_nb(rank, segment, offset, expected, value, by=by).wait()
    return result


def compare_swap_nb(
    rank: int, segment: Segment, offset: int, expected: int, value: int, *, by: str = "kernel"
) -> Handle:
    """Begin to compare and swap; the handle's value is what was there."""
    operation = _segments.COMPARE_SWAP
    return state().segments.atomic(rank, segment, offset, operation, value, expected, by=by)


def fetch_and(rank: int, segment: Segment, offset: int, value: int, *, by: str = "kernel") -> int:
    """Keep the bits of a 64-bit integer that *value* has, and return what it was."""
    return _atomic(rank, segment, offset, _segments.AND, value, by=by)


def fetch_or(rank: int, segment: Segment, offset: int, value: int, *, by: str = "kernel") -> int:
    """Set the bits of a 64-bit integer that *value* has, and return what it was."""
    return _atomic(rank, segment, offset, _segments.OR, value, by=by)


def fetch_xor(rank: int, segment: Segment, offset: int, value: int, *, by: str = "kernel") -> int:
    """Turn the bits of a 64-bit integer that *value* has, and return what it was."""
    return _atomic(rank, segment, offset, _segments.XOR, value, by=by)


def _atomic(
    rank: int, segment: Segment, offset: int, operation: int, value: int, *, by: str
) -> int:
    found: int = state().segments.atomic(rank, segment, offset, operation, value, by=by).wait()
    return found


# -- handlers in the kernel ------------------------------------------------------------------------


def kernel_handler(
    number: int, text: str, memory: Any, *, name: str = "", **constants: int
) -> KernelHandler:
    """Have the kernel run a handler on messages that others send to this process's *number*.

    Args:
        number: 0 to 7.
        text: the handler, in the language of `vmpp.portals.language`.
        memory: what it may read and write: a segment, or anything with a buffer.
        name: what it is called in messages; by default ``kernel handler NUMBER``.
        constants: values for names in the text.

    Raises:
        VmppError: the text is not in the language, the kernel refuses it, or the number is taken.
    """
    name = name or f"kernel handler {number}"
    return state().install(number, text, memory, name, constants)


def kernel_portal(number: int) -> int:
    """Return the portal of kernel handlers *number*, for ``send`` and ``forward`` in their texts.

    Raises:
        AmError: there is no such number.
    """
    return portal_of(number)


def kernel_signal(
    rank: int, number: int, *words: int, payload: Any = b"", bits: int = 0, offset: int = 0,
    user: int = 0,
) -> None:  # fmt: skip
    """Send 64-bit integers and a payload to a handler in the kernel of *rank*; nothing comes back.

    Args:
        bits, offset, user: what the handler finds under these names.

    Raises:
        AmError: there is no such rank or number.
    """
    state().signal(rank, number, words, payload, bits=bits, offset=offset, user=user)


def kernel_call(
    rank: int, number: int, *words: int, payload: Any = b"", bits: int = 0, offset: int = 0,
    user: int = 0,
) -> tuple[int, ...]:  # fmt: skip
    """Send to a handler in the kernel of *rank*, and return the words of its ``reply``.

    Raises:
        AmError: there is no such rank or number, or a handler calls.
    """
    handle = state().call(rank, number, words, payload, bits=bits, offset=offset, user=user)
    found: tuple[int, ...] = handle.wait()
    return found
