"""Handlers that the kernel interprets, as the process has them: programs, and what it installed."""

from __future__ import annotations

from dataclasses import dataclass

from vmpp.portals.instructions import Instruction, listing


@dataclass(frozen=True, slots=True)
class HandlerProgram:
    """A handler as user space builds it; nobody has checked it.

    Attributes:
        name: what it is called in messages.
        code: its instructions.
    """

    name: str
    code: tuple[Instruction, ...]

    def listing(self) -> str:
        """Return the instructions in words, one a line."""
        return listing(self.code)


class KernelHandler:
    """A handler that the kernel has checked: what a process puts in the place of an event handler.

    It only names the checked program, which is kept where the process cannot write. What the kernel
    notes here is for the process to read, and to set back.

    Attributes:
        number: which of the process's checked programs it is.
        name: what it is called in messages.
        steps: the most that a run of it takes.
        runs: how often it has run to its end.
        faults: how often it has failed, or was not to be run; each message was discarded.
        fault: the last failure, in one line.
    """

    __slots__ = ("fault", "faults", "name", "number", "runs", "steps")

    def __init__(self, number: int, name: str, steps: int) -> None:
        self.number = number
        self.name = name
        self.steps = steps
        self.runs = 0
        self.faults = 0
        self.fault = ""
