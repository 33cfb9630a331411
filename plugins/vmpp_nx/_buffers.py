"""The program's memory: whatever has the buffer protocol, of which a call names so many bytes."""

from __future__ import annotations

from pickle import PickleBuffer
from typing import Any, Final

from vmpp_nx._errors import Refused

EMPTY: Final = memoryview(b"")
NOWHERE: Final = memoryview(bytearray())


def outgoing(buf: Any, count: int) -> memoryview:
    """Return the first *count* bytes of *buf*, to be sent; of nothing at all, if *count* is 0.

    Raises:
        Refused: EQPBUF: that is no contiguous memory; EQLEN or EQBLEN: it has not so many bytes.
    """
    if count == 0:
        return EMPTY
    try:
        view = PickleBuffer(buf).raw()
    except (TypeError, BufferError, ValueError):
        raise Refused("EQPBUF", f"{buf!r:.60} is no contiguous memory") from None
    return view if view.nbytes == count else _part(view, count)


def incoming(buf: Any, count: int) -> memoryview:
    """Return the first *count* bytes of *buf*, to be received into.

    Raises:
        Refused: as for `outgoing`; EQPBUF, too: they cannot be written to.
    """
    if count == 0:
        return NOWHERE
    view = outgoing(buf, count)
    if view.readonly:
        raise Refused("EQPBUF", f"{buf!r:.60} cannot be written to")
    return view


def _part(view: memoryview, count: int) -> memoryview:
    if not hasattr(count, "__index__") or count < 0:
        raise Refused("EQLEN", f"{count!r} is no number of bytes")
    if count > view.nbytes:
        raise Refused("EQBLEN", f"{count} bytes of a buffer of {view.nbytes}")
    return view[:count]
