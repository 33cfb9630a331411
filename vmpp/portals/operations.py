"""The memory operations of a descriptor: what it does with a message, in one code."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final


class MemoryOperation(IntEnum):
    """What a descriptor is and does; values as in Cplant's Puma portals.

    SV saves an arriving message (a write), RPLY answers with memory (a read). SNDR_OFF and RCVR_OFF
    say who manages the offset, CIRC and LIN how a row of blocks is used, HDR and BDY what is kept,
    and ACK asks the kernel to acknowledge.
    """

    SINGLE_SNDR_OFF_SV_BDY = 0
    SINGLE_SNDR_OFF_SV_BDY_ACK = 1
    SINGLE_SNDR_OFF_RPLY = 2
    SINGLE_RCVR_OFF_SV_BDY = 3
    SINGLE_RCVR_OFF_SV_BDY_ACK = 4
    SINGLE_RCVR_OFF_RPLY = 5
    IND_CIRC_SV_HDR = 6
    IND_CIRC_SV_HDR_ACK = 7
    IND_CIRC_SV_HDR_BDY = 8
    IND_CIRC_SV_HDR_BDY_ACK = 9
    IND_CIRC_RPLY = 10
    IND_LIN_SV_HDR = 11
    IND_LIN_SV_HDR_ACK = 12
    IND_LIN_SV_HDR_BDY = 13
    IND_LIN_SV_HDR_BDY_ACK = 14
    IND_LIN_RPLY = 15
    COMB_SNDR_OFF_SV_BDY = 16
    COMB_SNDR_OFF_SV_BDY_ACK = 17
    COMB_SNDR_OFF_RPLY = 18
    COMB_RCVR_OFF_SV_BDY = 19
    COMB_RCVR_OFF_SV_BDY_ACK = 20
    COMB_RCVR_OFF_RPLY = 21
    DYN_SV_HDR = 22
    DYN_SV_HDR_ACK = 23
    DYN_SV_HDR_BDY = 24
    DYN_SV_HDR_BDY_ACK = 25
    MATCHING = 26
    UNASSIGNED_MD = 27


def _table(holds: Callable[[str], bool]) -> tuple[bool, ...]:
    """Return, by operation, what *holds* says of its name: an index costs less than a set."""
    return tuple(holds(operation.name) for operation in MemoryOperation)


READS: Final = _table(lambda name: name.endswith("RPLY"))
"""Operations that answer reads; all others but the last two take writes."""

ACKNOWLEDGES: Final = _table(lambda name: name.endswith("ACK"))
"""Operations that acknowledge what they saved."""

KEEPS_BODY: Final = _table(lambda name: "BDY" in name)
"""Operations that save a message's body."""

CIRCULAR: Final = _table(lambda name: "CIRC" in name)
"""Operations that begin again at the first block after the last."""

RECEIVER_OFFSET: Final = _table(lambda name: "RCVR_OFF" in name)
"""Operations whose owner's offset advances with each message."""

SINGLE: Final = _table(lambda name: name.startswith("SINGLE"))
INDEPENDENT: Final = _table(lambda name: name.startswith("IND"))
COMBINED: Final = _table(lambda name: name.startswith("COMB"))
DYNAMIC: Final = _table(lambda name: name.startswith("DYN"))
