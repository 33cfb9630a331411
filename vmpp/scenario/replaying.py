"""Replaying a scenario, and comparing what happens with what must."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass, field

import trio

from vmpp.errors import VmppError
from vmpp.scenario.interpreter import Interpreter, InterpreterFactory, NobodyAnswersError
from vmpp.scenario.lines import Expected, split
from vmpp.scenario.matching import alike
from vmpp.scenario.transcript import Command, Scenario


@dataclass(frozen=True, slots=True)
class Replayed:
    """One command as it went.

    Attributes:
        command: what was asked for.
        lines: of the output, as `vmpp.scenario.lines.split` returns them.
        status: exit status.
    """

    command: Command
    lines: tuple[str, ...]
    status: int

    @property
    def passed(self) -> bool:
        """Whether output and status are as they must be."""
        return self.status == self.command.status and alike(self.command.expected, self.lines)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a scenario.

    Attributes:
        scenario: the scenario.
        replayed: the commands that ended, in order.
        error: why no more of them did; None if all have.
        seconds: what it took on the host.
    """

    scenario: Scenario
    replayed: tuple[Replayed, ...]
    error: str | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def passed(self) -> bool:
        """Whether every command gave what it must."""
        return self.error is None and all(each.passed for each in self.replayed)

    @property
    def failed(self) -> tuple[Replayed, ...]:
        """The commands that gave something else."""
        return tuple(each for each in self.replayed if not each.passed)


async def replay(scenario: Scenario, factory: InterpreterFactory) -> Outcome:
    """Replay *scenario* on a machine of its own; what differs does not stop it.

    A command that has not ended after the scenario's timeout does, and so does a defect of vmpp.
    """
    began = time.perf_counter()
    script = _Script(scenario)
    error: str | None
    try:
        async with factory(scenario.directives, script.write, script.answer) as interpreter:
            error = await script.play(interpreter)
    except VmppError as refusal:
        error = script.located(str(refusal))
    except ExceptionGroup as group:
        error = script.located(_told(group))
    except Exception as defect:
        error = script.located(_told(defect))
    return Outcome(scenario, tuple(script.replayed), error, time.perf_counter() - began)


def _told(error: Exception) -> str:
    """Return one line for what a user can mend, the traceback for a defect."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, VmppError):
        return str(error)
    return "".join(traceback.format_exception(error)).rstrip("\n")


def decoded(output: bytes) -> str:
    """Return *output* as text; bytes that are none become surrogates."""
    return output.decode(errors="surrogateescape")


class _Script:
    """The commands of a scenario as they are played.

    Attributes:
        replayed: those that have ended.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._playing: Command | None = None
        self._output: list[bytes] = []
        self._answers: list[Expected] = []
        self.replayed: list[Replayed] = []

    async def play(self, interpreter: Interpreter) -> str | None:
        """Carry out the commands; return what kept one of them from ending."""
        timeout = self._scenario.directives.timeout
        for command in self._scenario.commands:
            self._playing = command
            self._answers = list(command.expected)
            with trio.move_on_after(timeout):
                status = await interpreter.execute(command.text)
                self._ended(status)
                continue
            return self.located(f"{command.text!r} has not ended after {timeout:g} s")
        return None

    def _ended(self, status: int) -> None:
        assert self._playing is not None
        lines = tuple(split(decoded(b"".join(self._output))))
        self._output.clear()
        self.replayed.append(Replayed(self._playing, lines, status))

    def write(self, output: bytes) -> None:
        """Take output of the command that is played."""
        self._output.append(output)

    def answer(self, prompt: str) -> str:
        """Return what stands behind *prompt* in the transcript, where it is asked for next.

        Raises:
            NobodyAnswersError: it does not stand below this command.
        """
        asked = prompt.rstrip()
        for at, line in enumerate(self._answers):
            text = line.parts[0]
            if len(line.parts) == 1 and text.startswith(asked):
                del self._answers[: at + 1]
                answer = text.removeprefix(asked).removeprefix(" ")
                self.write(f"{asked} {answer}\n".encode(errors="surrogateescape"))
                return answer
        # Not even the question is output: it would be taken for one with an empty answer.
        raise NobodyAnswersError(f"nobody answers; write '{asked} ANSWER' below the command")

    def located(self, message: str) -> str:
        """Return *message* with the file and the line of the command that is played."""
        line = self._playing.line if self._playing else 1
        return f"{self._scenario.path}:{line}: {message}"
