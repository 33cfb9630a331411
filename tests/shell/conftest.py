"""Shells on small machines, as scenarios have them: without a terminal, with all output kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from vmpp.machine.session import Session
from vmpp.scenario.directives import Directives
from vmpp_shell.replay import replaying


class Shell:
    """A shell, what it has printed, and what is answered to its questions."""

    def __init__(self, answers: list[str]) -> None:
        self.answers = answers
        self.printed = ""
        self.status = 0

    def write(self, output: bytes) -> None:
        self.printed += output.decode()

    def answer(self, prompt: str) -> str:
        return self.answers.pop(0)

    async def __call__(self, line: str) -> str:
        """Carry *line* out; return what it has printed, and keep its status."""
        self.printed = ""
        self.status = await self._replay.execute(line)
        return self.printed

    @property
    def session(self) -> Session:
        """The session of whoever is logged in."""
        return self._replay.interpreter.console.session

    @asynccontextmanager
    async def on(self, directives: Directives) -> AsyncIterator[Shell]:
        async with replaying(directives, self.write, self.answer) as self._replay:
            yield self


OpenShell = Callable[..., AbstractAsyncContextManager[Shell]]


@pytest.fixture
def shell() -> OpenShell:
    """Return what opens a shell on a machine of four nodes, or as directives say."""

    def opened(*answers: str, **directives: Any) -> AbstractAsyncContextManager[Shell]:
        return Shell(list(answers)).on(Directives(**{"nodes": 4, **directives}))

    return opened
