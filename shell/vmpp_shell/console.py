"""A seat at a machine: boots it and shuts it down, and knows who sits there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from vmpp.errors import VmppError
from vmpp_shell.tasks import nursery

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine
    from vmpp.machine.plugins import Plugins
    from vmpp.machine.session import Session
    from vmpp.machine.state import State


class NotBootedError(VmppError):
    """There is no machine to do this with."""


class BootedError(VmppError):
    """There is a machine already."""


class NotHereError(VmppError):
    """This can be done at the machine's own console only."""


@dataclass(frozen=True, slots=True)
class Boot:
    """What to boot.

    Attributes:
        machine: a name, or a machine file.
        nodes: compute nodes, of a machine that grows; None: as many as usual.
        seed: of everything that is random.
        policies: what chooses policies, by kind, instead of the machine's own.
        level: multiprogramming level; None: the machine's own.
        host: the host's folder that is ``/host``; None: the current one.
    """

    machine: str = "default"
    nodes: int | None = None
    seed: int = 0
    policies: Mapping[str, str] = field(default_factory=dict)
    host: Path | None = None
    level: int | None = None


class Console:
    """The seat of one shell, at one machine at a time.

    Attributes:
        plugins: those that machines are made with.
        local: whether whoever sits here may use the host, as the person who started vmpp may: its
            pagers and filters, and boot and shut down machines.
        exact: whether virtual time stands still between commands, so that they begin at instants
            which do not depend on the host.
        asked: what has been booted last, or is to be.
        sessions: of those who are logged in, the last one on top of the others.
    """

    def __init__(
        self,
        plugins: Plugins,
        *,
        state: Callable[[str], State] | None = None,
        local: bool = True,
        exact: bool = False,
    ) -> None:
        """Sit down; *state* says where the machine of a name keeps what outlives a boot."""
        self.plugins = plugins
        self.local = local
        self.exact = exact
        self.asked = Boot()
        self.sessions: list[Session] = []
        self._state = state
        self._nursery: trio.Nursery | None = None
        self._machine: Machine | None = None
        self._began = 0
        self._off = trio.Event()
        self._gone = trio.Event()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        plugins: Plugins,
        *,
        state: Callable[[str], State] | None = None,
        exact: bool = False,
    ) -> AsyncIterator[Console]:
        """Sit down at the host; what is booted meanwhile is shut down at the end."""
        console = cls(plugins, state=state, exact=exact)
        async with nursery() as console._nursery:
            yield console
            await console.shut_down()

    @property
    def booted(self) -> bool:
        """Whether there is a machine."""
        return self._machine is not None

    @property
    def machine(self) -> Machine:
        """The machine.

        Raises:
            NotBootedError: there is none.
        """
        if self._machine is None:
            raise NotBootedError("no machine is up; 'boot' boots one")
        return self._machine

    @property
    def session(self) -> Session:
        """The session of whoever is logged in.

        Raises:
            NotBootedError: there is no machine.
        """
        if not self.sessions:
            raise NotBootedError("no machine is up; 'boot' boots one")
        return self.sessions[-1]

    # -- the machine ---------------------------------------------------------------------------

    async def boot(self, asked: Boot) -> None:
        """Boot a machine, and log its console's user in.

        Raises:
            BootedError: one is up.
            NotHereError: the machine is not this seat's.
            VmppError: it cannot be booted as asked for.
        """
        if self._nursery is None:
            raise NotHereError("only who sits at the machine's own console can do that")
        if self._machine is not None:
            name = self._machine.description.name
            raise BootedError(f"{name!r} is up; 'shutdown' comes before 'boot'")
        failure = await self._nursery.start(self._run, asked)
        if failure is not None:
            raise failure
        self.asked = asked

    async def _run(self, asked: Boot, task_status: trio.TaskStatus[VmppError | None]) -> None:
        from vmpp.machine.boot import boot  # noqa: PLC0415 - takes a while
        from vmpp.machine.description import load  # noqa: PLC0415

        self._off, self._gone = trio.Event(), trio.Event()
        try:
            described = load(asked.machine, self.plugins)
            state = None if self._state is None else self._state(described.name)
            async with boot(
                described,
                nodes=asked.nodes,
                seed=asked.seed,
                policies=asked.policies,
                level=asked.level,
                plugins=self.plugins,
                state=state,
                host=asked.host,
            ) as booted:
                self.sessions = [await booted.console(exact=self.exact)]
                self._machine = booted
                self._began = booted.engine.now
                task_status.started(None)
                await self._off.wait()
                self._machine = None
        except VmppError as error:
            if self._machine is not None:
                raise
            task_status.started(error)
        finally:
            self._machine = None
            self.sessions.clear()
            self._gone.set()

    async def shut_down(self) -> None:
        """Shut the machine down, if there is one; its jobs end with it.

        Raises:
            NotHereError: the machine is not this seat's.
        """
        if self._machine is None:
            return
        if self._nursery is None:
            raise NotHereError("only who sits at the machine's own console can do that")
        self._off.set()
        await self._gone.wait()

    def become_exact(self) -> Callable[[], None]:
        """Have virtual time stand still between commands; return what has it go on again."""
        before = self.exact

        def restore() -> None:
            self.exact = before
            for session in self.sessions:
                session.exact = before

        self.exact = True
        for session in self.sessions:
            session.exact = True
        return restore

    @property
    def is_fresh(self) -> bool:
        """Whether nothing has happened on the machine since it booted, of a state that was new."""
        installation = self.machine.installation
        kept = installation is not None and installation.state.keeps
        return not kept and self.machine.engine.now == self._began

    # -- who sits here -------------------------------------------------------------------------

    async def log_in(self, name: str, password: str = "") -> Session:
        """Log *name* in, above who is logged in already.

        Raises:
            VmppError: the password is not right.
        """
        session = await self.session.become(name, password)
        self.sessions.append(session)
        return session

    async def log_out(self) -> bool:
        """Log out whoever is logged in; return whether somebody else is, below."""
        session = self.session
        await session.log_out()
        self.sessions.remove(session)
        return bool(self.sessions)

    def leave(self) -> None:
        """Get up: end the sessions of all but who was here first."""
        for session in self.sessions[1:]:
            session.end()
        del self.sessions[1:]
