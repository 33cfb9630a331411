"""The servers of accounts, asked directly, without a machine around them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from vmpp.process.calls import Call, Reply, encode
from vmpp.service import account_calls as calls
from vmpp.service.account_store import AccountStore
from vmpp.service.accounts import LoginServer
from vmpp.service.log import EventLog
from vmpp.service.passwords import CHEAP, Passwords
from vmpp.service.server import Caller, Delayed


class Answer(NamedTuple):
    """A reply, and by how much it is late."""

    reply: Reply
    late: int


class Desk:
    """A login server, and what is asked of it.

    Attributes:
        now: virtual time of the next request.
    """

    def __init__(self, path: str = ":memory:", console: str = "carol") -> None:
        self.store = AccountStore(path, console=console)
        self.log = EventLog()
        self.server = LoginServer(self.store, Passwords(CHEAP), self.log, 1000)
        self.now = 0
        self._numbers = 100

    async def ask(self, number: int, call: Call[Any]) -> Answer:
        """Ask the server, as whoever has *number*."""
        answer = self.server.serve(Caller(number, -1, self.now), encode(call))
        if inspect.isawaitable(answer):
            answer = await answer
        late = answer.delay if isinstance(answer, Delayed) else 0
        text = answer.reply if isinstance(answer, Delayed) else answer
        assert isinstance(text, bytes)
        return Answer(calls.decode_reply(text), late)

    async def enter(self, name: str) -> int:
        """Log somebody in whom the machine vouches for, and return their number."""
        self._numbers += 1
        self.server.admit(self._numbers, "console", name)
        answer = await self.ask(self._numbers, calls.Enter(name))
        assert isinstance(answer.reply, calls.Welcome), answer
        return self._numbers

    async def login(self, name: str, password: str) -> Answer:
        """Log in by a password."""
        self._numbers += 1
        self.server.admit(self._numbers, "ssh")
        return await self.ask(self._numbers, calls.Login(name, password))

    async def add(self, name: str, password: str | None = None, *groups: str) -> Answer:
        """Add a user, as root."""
        root = await self.enter("root")
        return await self.ask(root, calls.AddUser(name, password, groups, None, None))


@pytest.fixture
def desk() -> Desk:
    """A login server with root and the console's user, carol."""
    return Desk()


@pytest.fixture
def desks() -> Callable[..., Desk]:
    """What makes login servers."""
    return Desk
