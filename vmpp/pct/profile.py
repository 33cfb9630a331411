"""Profiles: where the time of a process went, as a scheduling policy that observes it has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmpp.kernel import Process


@dataclass(frozen=True, slots=True)
class Profile:
    """Where the time of one process went, in picoseconds; the four parts sum to all of it.

    Attributes:
        rank: of the process.
        node: its number.
        begin, end: when it became able to run for the first time, and when it ended.
        computing: with its CPU, in the program and its libraries.
        kernel: with its CPU, or about to have it, in the kernel: sending, taking messages in.
        blocked: waiting for a message, an answer or a time.
        descheduled: able to run while others had its CPU, and in being switched to.
    """

    rank: int
    node: int
    begin: int
    end: int
    computing: int
    kernel: int
    blocked: int
    descheduled: int

    @property
    def elapsed(self) -> int:
        """All of the time."""
        return self.end - self.begin


def kernel_time(process: Process) -> int:
    """Return how long the kernel has worked so far on the CPU of *process*, in picoseconds.

    That is for the messages that the process has sent, with what it takes to hand them over if the
    kernel has a CPU of its own, and for what has interrupted computations on the process's CPU.
    Only the difference of two times at which it had its CPU says something of it.
    """
    kernel = process.kernel
    trap = kernel.hand_over if process.away else kernel.send_time
    return process.messages * trap + process.cpu.taken
