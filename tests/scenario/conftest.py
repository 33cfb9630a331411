"""Scenarios without a machine: a shell that only knows how to talk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent

import pytest
import trio

from vmpp.errors import VmppError
from vmpp.scenario.directives import Directives
from vmpp.scenario.interpreter import InterpreterFactory, NobodyAnswersError
from vmpp.scenario.replaying import Outcome, replay
from vmpp.scenario.transcript import Scenario, parse


class Toy:
    """A shell with a few commands, and those it is *taught*: output and status by command."""

    def __init__(
        self,
        directives: Directives,
        write: Callable[[bytes], object],
        answer: Callable[[str], str],
        taught: Mapping[str, tuple[bytes, int]],
    ) -> None:
        self.directives = directives
        self._write = write
        self._answer = answer
        self._taught = taught

    prompt = "vmpp> "

    async def execute(self, line: str) -> int:
        await trio.lowlevel.checkpoint()
        output, status = self._taught.get(line, (None, 0))
        if output is not None:
            self._write(output)
            return status
        name, _, rest = line.partition(" ")
        return await getattr(self, f"_{name}")(rest) if name else 0

    async def _echo(self, text: str) -> int:
        self._write(f"{text}\n".encode())
        return 0

    async def _lines(self, text: str) -> int:
        self._write("".join(f"{word}\n" for word in text.split()).encode())
        return 0

    async def _exit(self, text: str) -> int:
        return int(text)

    async def _files(self, text: str) -> int:
        for file in self.directives.files:
            self._write(f"{file.name}: {len(file.content)}\n".encode())
        return 0

    async def _seed(self, text: str) -> int:
        self._write(f"{self.directives.seed}\n".encode())
        return 0

    async def _login(self, name: str) -> int:
        try:
            secret = self._answer("Password: ")
        except NobodyAnswersError as error:
            self._write(f"login: {error}\n".encode())
            return 1
        self._write(f"{name} is in\n".encode() if secret == "sesame" else b"login: refused\n")
        return secret != "sesame"

    async def _ask(self, text: str) -> int:
        for _ in range(2):
            self._write(f"heard {self._answer('Say: ')!r}\n".encode(errors="surrogateescape"))
        return 0

    async def _hang(self, text: str) -> int:
        await trio.sleep_forever()
        return 0

    async def _interrupt(self, text: str) -> int:
        async with trio.open_nursery():
            raise KeyboardInterrupt

    async def _refuse(self, text: str) -> int:
        raise VmppError(text)

    async def _break(self, text: str) -> int:
        raise ZeroDivisionError(text)


def toy_shell(taught: Mapping[str, tuple[bytes, int]] | None = None) -> InterpreterFactory:
    """Return a factory of toy shells."""

    @asynccontextmanager
    async def factory(
        directives: Directives,
        write: Callable[[bytes], object],
        answer: Callable[[str], str],
    ) -> AsyncIterator[Toy]:
        if directives.machine == "broken":
            raise VmppError("no machine is called 'broken'")
        yield Toy(directives, write, answer, taught or {})

    return factory


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[[str], Scenario]:
    """Return what reads a scenario from an indented text."""

    def read(text: str) -> Scenario:
        path = tmp_path / "it.vmpp"
        path.write_text(dedent(text).removeprefix("\n"))
        return parse(path.read_text(), path)

    return read


@pytest.fixture
def play(scenario: Callable[[str], Scenario]) -> Callable[..., Outcome]:
    """Return what replays a scenario with a toy shell."""

    def play(text: str, taught: Mapping[str, tuple[bytes, int]] | None = None) -> Outcome:
        return trio.run(replay, scenario(text), toy_shell(taught))

    return play
