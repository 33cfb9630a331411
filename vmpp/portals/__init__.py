"""Portals: headers, tables, match lists and memory descriptors.

The structures of Puma's portals (Riesen, Brightwell, Maccabe; as in Cplant's Puma portals library).
All of them live in the memory of the process that owns them, which changes them without a kernel
call; the kernel reads them when a message arrives and trusts nothing in them.
"""

from vmpp.portals.descriptors import (
    Block,
    CombinedBlock,
    Descriptor,
    DynamicBlock,
    Heap,
    IndependentBlock,
    SingleBlock,
)
from vmpp.portals.handlers import HandlerProgram, KernelHandler
from vmpp.portals.header import (
    MATCH_BITS_MASK,
    USER_BYTES,
    AckOutcome,
    Address,
    Header,
    SendInfo,
)
from vmpp.portals.match import ANY, END, MatchEntry, MatchList
from vmpp.portals.operations import MemoryOperation
from vmpp.portals.table import PORTALS, LatePortals, PortalEntry, PortalTable

__all__ = [
    "ANY",
    "END",
    "MATCH_BITS_MASK",
    "PORTALS",
    "USER_BYTES",
    "AckOutcome",
    "Address",
    "Block",
    "CombinedBlock",
    "Descriptor",
    "DynamicBlock",
    "HandlerProgram",
    "Header",
    "Heap",
    "IndependentBlock",
    "KernelHandler",
    "LatePortals",
    "MatchEntry",
    "MatchList",
    "MemoryOperation",
    "PortalEntry",
    "PortalTable",
    "SendInfo",
    "SingleBlock",
]
