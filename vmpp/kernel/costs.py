"""What the kernel's work costs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KernelCosts:
    """Times of a kernel's work, in picoseconds, from the machine's description.

    Attributes:
        send: from a process's trap to the message's start on the network.
        receive: from a message's arrival to the process's knowing of it, without matching.
        match_entry: looking at one entry of a match list.
        acknowledge: making an acknowledgement or reply.
        context_switch: entering user space for an event handler, or another process.
    """

    send: int
    receive: int
    match_entry: int
    acknowledge: int
    context_switch: int
