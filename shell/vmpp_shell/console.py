"""A seat at a machine: boots it and shuts it down, and knows who sits there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio

from vmpp.errors import VmppError
from vmpp_shell.tasks import nursery

if TYPE_CHECKING:
    from vmpp.machine.boot import Machine
    from vmpp.machine.plugins import Plugins


class NotBootedError(VmppError):
    """There is no machine to do this with."""


class BootedError(VmppError):
    """There is a machine already."""


class Console:
    """The local console of one machine at a time.

    Attributes:
        plugins: those that machines are made with.
        local: whether whoever sits here may use the host, as the person who started vmpp may: its
            pagers and filters, and boot and shut down machines.
        exact: whether virtual time stands still between commands, so that they begin at instants
            which do not depend on the host.
    """

    def __init__(self, plugins: Plugins, *, local: bool = True, exact: bool = False) -> None:
        self.plugins = plugins
        self.local = local
        self.exact = exact
        self._nursery: trio.Nursery | None = None
        self._machine: Machine | None = None
        self._session: Any = None
        self._off: trio.Event = trio.Event()
        self._gone: trio.Event = trio.Event()

    @classmethod
    @asynccontextmanager
    async def open(cls, plugins: Plugins, **options: Any) -> AsyncIterator[Console]:
        """Sit down; what is booted meanwhile is shut down at the end."""
        console = cls(plugins, **options)
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
    def session(self) -> Any:
        """The session of whoever is logged in.

        Raises:
            NotBootedError: there is no machine.
            VmppError: nobody is logged in.
        """
        if self._session is None:
            raise NotBootedError(
                "no machine is up; 'boot' boots one"
                if self._machine is None
                else "nobody is logged in; 'login NAME' logs in"
            )
        return self._session

    async def boot(self, **options: Any) -> None:
        """Boot a machine; *options* are those of `vmpp.boot`. The local user is logged in.

        Raises:
            BootedError: one is up.
            VmppError: it cannot be booted as asked for.
        """
        if self._machine is not None:
            raise BootedError(
                f"{self._machine.description.name!r} is up; 'shutdown' comes before 'boot'"
            )
        assert self._nursery is not None
        failure = await self._nursery.start(self._run, options)
        if failure is not None:
            raise failure

    async def _run(
        self, options: dict[str, Any], task_status: trio.TaskStatus[VmppError | None]
    ) -> None:
        from vmpp.machine.boot import boot  # noqa: PLC0415 - takes a while

        self._off, self._gone = trio.Event(), trio.Event()
        try:
            async with boot(plugins=self.plugins, **options) as booted:
                self._session = await self._local_session(booted)
                self._machine = booted
                task_status.started(None)
                await self._off.wait()
                self._machine = self._session = None
        except VmppError as error:
            if self._machine is not None:
                raise
            task_status.started(error)
        finally:
            self._machine = self._session = None
            self._gone.set()

    async def _local_session(self, machine: Machine) -> Any:
        from vmpp_shell.host_session import HostSession  # noqa: PLC0415 - for machines alone

        return HostSession(machine)

    async def shut_down(self) -> None:
        """Shut the machine down, if there is one; its jobs end with it."""
        if self._machine is not None:
            self._off.set()
            await self._gone.wait()
