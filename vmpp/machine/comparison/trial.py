"""One run of a comparison: what is to be run, and what came of it, as processes tell each other."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vmpp.errors import VmppError
from vmpp.machine.comparison.measures import MEASURES

NOT_RUN: Final = 2
"""Status of a trial that came to no result, as that of ``vmpp run`` is then."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one run.

    Attributes:
        seed: of everything that is random.
        status: exit status of the job, or `NOT_RUN`.
        measures: by the names of `MEASURES`, those that there are.
        policies: those that decided, by kind.
        digest: of the run.
        failure: what went wrong, or None.
        stdout, stderr: what the program wrote.
    """

    seed: int
    status: int
    measures: Mapping[str, float] = field(default_factory=dict)
    policies: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    failure: str | None = None
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def error(self) -> str | None:
        """What went wrong, in one line; None if nothing did."""
        if self.failure:
            return _told_in_one_line(self.failure)
        return f"ended with exit status {self.status}" if self.status else None


def _told_in_one_line(failure: str) -> str:
    """Return the first line of a report, and the last one of a traceback in it."""
    lines = [line for line in failure.splitlines() if line.strip()]
    # Python ends a traceback by what was raised; what a library says of it may follow, indented.
    raised = [line for line in lines if not line.startswith(" ")]
    if any(line.startswith("Traceback") for line in lines) and len(raised) > 1:
        return f"{raised[0]}: {raised[-1]}"
    return lines[0]


def carry_out(options: Mapping[str, Any]) -> Trial:
    """Run what *options* of `vmpp.run` say, and return what came of it, be it an error."""
    from vmpp.machine.run import run  # noqa: PLC0415 - whoever compares runs nothing itself

    seed = options["seed"]
    try:
        result = run(**options)
    except VmppError as error:
        return Trial(seed, NOT_RUN, failure=str(error))
    measured = {name: measure.of(result) for name, measure in MEASURES.items()}
    return Trial(
        seed,
        result.status,
        {name: value for name, value in measured.items() if value is not None},
        dict(result.policies),
        result.digest,
        result.failure,
        result.stdout,
        result.stderr,
    )


def packed(thing: object) -> bytes:
    """Return *thing*, options or a trial, as bytes."""
    return pickle.dumps(thing)


def unpacked(data: bytes) -> Any:
    """Return what `packed` has made, in a process of one's own, these bytes of."""
    return pickle.loads(data)
