"""The jobs that a shell has in the background."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from vmpp.errors import VmppError
from vmpp.exit_status import SIGNALLED

if TYPE_CHECKING:
    from vmpp_shell.interpreter import Interpreter
    from vmpp_shell.launching import Launched


class NotOursError(VmppError):
    """A job that this shell has not launched in the background."""


class BackgroundJobs:
    """Jobs in the background, by number, until their end has been told of.

    At a prompt the end of a job is told of when it comes; otherwise between two commands, so that
    where it appears does not depend on the host.
    """

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._jobs: dict[int, Launched] = {}

    def add(self, launched: Launched) -> None:
        """Have one more job in the background."""
        self._jobs[launched.job.id] = launched
        if self._interpreter.terminal.interactive:
            self._interpreter.tasks.start_soon(self._watch, launched)

    async def _watch(self, launched: Launched) -> None:
        await launched.job.wait()
        if not self._interpreter.busy:
            self.announce()

    def announce(self) -> None:
        """Tell of the jobs that have ended, in the order in which they did."""
        ended = [each for each in self._jobs.values() if each.job.record.done.is_set()]
        for each in sorted(ended, key=lambda each: (each.job.record.end or 0, each.job.id)):
            if not each.told:
                status = each.report()
                self._interpreter.terminal.err.print(
                    f"[{each.job.id}] {how_ended(status)}  {each.command}"
                )
            self._forget(each)

    def _forget(self, launched: Launched) -> None:
        del self._jobs[launched.job.id]
        launched.terminal.finish()

    def all(self) -> list[Launched]:
        """Return all jobs in the background, in the order in which they were launched."""
        return list(self._jobs.values())

    def find(self, number: int) -> Launched:
        """Return a job by its number.

        Raises:
            NotOursError: this shell has none of this number in the background.
        """
        if number not in self._jobs:
            raise NotOursError(
                f"this shell has no job {number} in the background; 'jobs' lists yours"
            )
        return self._jobs[number]

    def latest(self) -> Launched:
        """Return the job that was launched last.

        Raises:
            NotOursError: there is none.
        """
        if not self._jobs:
            raise NotOursError("this shell has no job in the background")
        return self.all()[-1]


def how_ended(status: int) -> str:
    """Return in a word or two how a job has ended."""
    if status == 0:
        return "Done"
    if status > SIGNALLED:
        try:
            return signal.Signals(status - SIGNALLED).name
        except ValueError:
            pass
    return f"Exit {status}"
