"""User-space libraries on portals: what a plugin provides to be linked to programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from vmpp.kernel import Job, Process


@dataclass(frozen=True, slots=True)
class Report:
    """What a library has to say about a job that has ended.

    Attributes:
        text: for the user, in whole lines.
        findings: how many faults of the program it speaks of.
    """

    text: str
    findings: int = 0


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One way in which a library can carry out a collective operation.

    Attributes:
        operation: what it is for.
        name: by which a machine file or a run picks it.
        text: what it does, in one line.
        needs: what it needs of a call, in words; a call without that is carried out another way.
        default: when it is picked if nobody says otherwise, in words; empty for never.
    """

    operation: str
    name: str
    text: str
    needs: str = ""
    default: str = ""


class Library(Protocol):
    """A message library, as MPI or NX, on portals and nothing below them.

    Attributes:
        modules: the module that programs get, by the name they import: ``{"a.b": "mine.b"}``.

    It may have `private`, too: names of installed modules of which each process gets a copy, and of
    the modules in them, as they keep what belongs to one process in their globals. And it may have
    ``remark(process)``: returns what a report on a deadlock ought to say of a process that waits,
    besides where it does, such as messages that it has lost; an empty text for nothing.
    """

    modules: Mapping[str, str]

    def check(self, description: Any) -> None:
        """Check what the machine's file says of the library; called once, at boot.

        Raises:
            VmppError: something in it cannot be; one line, with the way out.
        """
        ...

    def memory(self, description: Any) -> int:
        """Return the bytes of memory that the library takes in each process."""
        ...

    def attach(self, process: Process, description: Any) -> None:
        """Set the library up in *process*, which has not started yet.

        Args:
            description: the machine's, a `vmpp.machine.description.MachineDescription`.

        Raises:
            LoadError: the library cannot serve this process; the job is not started.
        """
        ...

    def finish(self, process: Process) -> None:
        """End the library's work in *process*, whose program has ended normally.

        Called in the process's fiber, after the program's exit handlers: it may communicate.
        """
        ...

    def detach(self, process: Process) -> None:
        """Let go of what the library holds for *process*, which has ended, however it did."""
        ...

    def report(self, job: Job) -> Report | None:
        """Return what the tools that the machine's description names have to say about *job*.

        Called once, when all processes of the job have ended; None if there is nothing to say.
        """
        ...
