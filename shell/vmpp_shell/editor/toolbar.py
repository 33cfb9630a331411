"""What the line at the bottom of the terminal tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vmpp.quantities import DURATION
from vmpp.service.status import JobState

if TYPE_CHECKING:
    from vmpp_shell.interpreter import Interpreter


def facts(interpreter: Interpreter) -> Iterator[str]:
    """Yield the machine's name, the user's, the virtual time, and how many jobs run and wait."""
    console = interpreter.console
    if not console.booted:
        yield "no machine is up: 'boot' boots one"
        return
    machine = console.machine
    yield f"{console.session.user.name}@{machine.description.name}"
    yield DURATION.write(machine.engine.now)
    jobs = machine.jobs()
    pending = sum(job.state == JobState.PENDING for job in jobs)
    running = len(jobs) - pending
    yield f"{running} job{'' if running == 1 else 's'} running" + (
        f", {pending} waiting" if pending else ""
    )
