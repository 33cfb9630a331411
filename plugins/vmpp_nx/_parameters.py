"""Sizes and times of the library, from a machine's description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vmpp.portals import Heap
from vmpp_collectives import machine_choices

if TYPE_CHECKING:
    from vmpp.machine.description import MachineDescription
    from vmpp_collectives import Choices

HEADER: Final = Heap.HEADER_BYTES
"""What a message takes of the receiver's memory besides its body."""
LEAST: Final = 2 * HEADER
"""The least that a process gives each of the others: room for two headers."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What NX needs to know of the machine, and of the switches that a job was started with.

    Attributes:
        send, receive: library time of a send and a receive, ps.
        copy_rate: of a copy from a buffer of the system to the user's, fs a byte.
        ids: message ids that a process has.
        match_list: receives that can be posted at once.
        mbf: memory for messages that nobody expects, in bytes.
        mex: part of that which others may fill; 0: all of it.
        mea: the most that one of them gets.
        noc: how many others a process expects to hear from; 0: all.
        pkt: longest body that goes as one packet: copied, and forgotten.
        sth: memory that must be left at the receiver for more than a packet to go there.
        sct: longest body that goes without memory at the receiver, as somebody may wait for it.
        gth: bytes received from a sender after which it is given them back; 0: half of its memory.
        rlx: whether every sender gets `mea`, though there be not so much memory in all.
        ptype: process type of those that have set none; -1: they must.
        reduce_rate: at which a global operation combines operands, fs a byte.
        stripes: bytes of a stripe unit, and I/O nodes, of a file of which nobody says otherwise.
        choices: algorithms of global operations, those of all libraries; None: the usual ones.
    """

    send: int = 0
    receive: int = 0
    copy_rate: int = 0
    ids: int = 1024
    match_list: int = 1024
    mbf: int = 1 << 24
    mex: int = 0
    mea: int = 1 << 20
    noc: int = 0
    pkt: int = 8192
    sth: int = 0
    sct: int = 1 << 20
    gth: int = 0
    rlx: bool = False
    ptype: int = 0
    reduce_rate: int = 0
    stripes: tuple[int, int] = (0, 0)
    choices: Choices | None = None

    @classmethod
    def of(cls, description: MachineDescription) -> Parameters:
        """Take them from a machine's description."""
        table = description.nx
        names = set(cls.__slots__) & set(type(table).__struct_fields__)
        taken = {name: getattr(table, name) for name in sorted(names)}
        choices = machine_choices(description.mpi.collectives)
        factor = description.io.stripe_factor or description.service.io_nodes
        return cls(
            copy_rate=description.node.copy_rate,
            stripes=(description.io.stripe_unit, factor),
            choices=choices,
            **taken,
        )
