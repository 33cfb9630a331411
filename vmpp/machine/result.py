"""What comes of a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vmpp.pct import Profile
from vmpp.process.library import Report
from vmpp.service import Phase

__all__ = ["Phase", "Profile", "Report", "Result"]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a job.

    Attributes:
        status: the exit status that the job deserves, for the shell.
        statuses: exit status of each rank.
        virtual_time: seconds of virtual time from the start of the program to its end.
        stdout: what the job wrote to standard output, unless that went to a file.
        stderr: likewise standard error.
        digest: a hash over the machine's ordered events so far; equal for equal runs, on any host.
        counters: messages, bytes, drops, lost and system_calls of the machine so far: *drops*
            are messages that receivers have refused, *lost* those that the network has lost.
        phases: allocation, load and run, with virtual and host times.
        failure: the report of what went wrong, or None.
        reports: what the libraries' tools have to say, if any were asked for, and a scheduling
            policy that observes processes.
        distance: mean number of links between two of its nodes; None if it had none, or so many
            that it would take long to say.
        policies: the texts that chose the policies which decided, by what they decide.
        copies: what came of each copy, of several that ran at once; then *status* is the highest,
            the ranks and *phases* of the copies follow each other, and *virtual_time* is from the
            start of the first one to the end of the last.
        profiles: where the time of each rank went, if the scheduling policy observes that.
    """

    status: int
    statuses: Sequence[int]
    virtual_time: float
    stdout: bytes
    stderr: bytes
    digest: str
    counters: Mapping[str, int]
    phases: Sequence[Phase]
    failure: str | None
    reports: Sequence[Report] = ()
    distance: float | None = None
    policies: Mapping[str, str] = field(default_factory=dict)
    copies: Sequence[Result] = ()
    profiles: Sequence[Profile] = ()
