"""What C's calls write through pointers: here into whatever of the program's has places."""

from __future__ import annotations

from typing import Any

from vmpp_nx._errors import Refused


def fill(cell: Any, place: int, value: int) -> None:
    """Put *value* at *place* of a list, an array or whatever has places; nowhere if it is None.

    Raises:
        Refused: EQPBUF: nothing can be put there.
    """
    if cell is None:
        return
    try:
        cell[place] = value
    except (TypeError, IndexError, ValueError, BufferError):
        raise Refused("EQPBUF", f"nothing can be put at [{place}] of {cell!r:.60}") from None
