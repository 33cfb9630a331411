"""What the kernel's work costs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KernelCosts:
    """Times of a kernel's work, in picoseconds, from the machine's description.

    Attributes:
        send: from a process's trap to the message's start on the network.
        receive: taking one message in, without matching.
        match_entry: looking at one entry of a match list.
        acknowledge: making an acknowledgement or reply.
        context_switch: entering user space for an event handler, or another process.
        interrupt: entering the kernel on an arrival, on a CPU that does something else.
        hand_over: passing a request or an event to another CPU of the node, through shared memory.
        copy_rate: of a copy from process to process on one node, fs a byte.
        handler_entry: beginning with a handler that the kernel interprets.
        handler_step: one step of such a handler; or of the check of one, an instruction.
        handler_limit: steps that such a handler may take at the most.
    """

    send: int
    receive: int
    match_entry: int
    acknowledge: int
    context_switch: int
    interrupt: int = 0
    hand_over: int = 0
    copy_rate: int = 0
    handler_entry: int = 0
    handler_step: int = 0
    handler_limit: int = 1024
