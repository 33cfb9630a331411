"""Jobs that share the nodes of one machine, and what can be seen of it meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import vmpp
from vmpp.kernel import Process
from vmpp.service.strober import Strober

FREE = """
[network]
link_rate = "100 TB/s"
injection_rate = "100 TB/s"
ejection_rate = "100 TB/s"
hop_latency = "0 s"
wire_latency = "1 ns"
[kernel]
send = "0 s"
receive = "0 s"
match_entry = "0 s"
acknowledge = "0 s"
interrupt = "0 s"
context_switch = "0 s"
[pct]
level = 8
process_start = "0 s"
strobe = "0 s"
[mpi]
send = "0 s"
receive = "0 s"
"""
"""A machine on which nothing takes time but a message, a nanosecond, and what programs compute."""


@dataclass
class Run:
    """What came of some jobs.

    Attributes:
        results: of each.
        starts, ends: when, in picoseconds of the machine's time.
        left: how many events were left when all had ended.
        strobes: how many messages strobers had sent by then.
        still_due: whether any strober meant to send more.
    """

    results: list[vmpp.Result] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    left: int = 0
    strobes: int = 0
    still_due: bool = False

    @property
    def lengths(self) -> list[int]:
        """How long each job ran."""
        return [end - start for start, end in zip(self.starts, self.ends, strict=True)]


@dataclass
class Task:
    """One job: a program, how many ranks it has, and on which nodes; the first ones by default."""

    text: str
    size: int
    nodes: Sequence[int] = ()
    keep_going: bool = False


def strobers(machine: Any) -> list[Strober]:
    """Return the strobers that a machine has."""
    return [each for each in machine.coordination.strobers.values() if each is not None]


def program(folder: Path, number: int, text: str) -> Path:
    """Write a program, which has MPI, ``comm`` and ``compute``, and return where it is."""
    path = folder / f"program{number}.py"
    path.write_text(
        "import time\nfrom mpi4py import MPI\nfrom vmpp import compute\n"
        "comm = MPI.COMM_WORLD\nrank = comm.rank\n" + dedent(text)
    )
    return path


def running(machine: Any, node: int) -> int:
    """Return the number of the job whose process has the CPU of *node*; 0 if none has."""
    dispatcher = machine.threads[node].dispatcher
    if dispatcher.current is not None:
        return int(dispatcher.current.job.id)
    alone = [each for each in machine.threads[node].processes.values() if isinstance(each, Process)]
    return alone[0].job.id if len(alone) == 1 and machine.kernels[node].node.kernel_cpu.busy else 0
