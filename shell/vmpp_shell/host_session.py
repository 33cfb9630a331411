"""The session of somebody on a machine without accounts: the host's user, on the host's files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import trio

from vmpp.machine.boot import Job, Machine
from vmpp.machine.images import locate
from vmpp.machine.result import Result
from vmpp.process.program import Program
from vmpp.service.identity import host_user


class HostFiles:
    """The host's files, as they are."""

    async def read(self, path: str) -> bytes:
        """Return the contents of a file."""
        return await trio.Path(path).read_bytes()

    async def scandir(self, path: str) -> list[tuple[str, bool]]:
        """Return the names in a folder, sorted, and whether each is one itself."""
        return sorted((each.name, each.is_dir()) for each in Path(path).iterdir())

    async def write(self, path: str, data: bytes, *, append: bool = False) -> None:
        """Write a file, or what is added to it."""
        async with await trio.open_file(path, "ab" if append else "wb") as file:
            await file.write(data)


class HostSession:
    """What the host's user can do on *machine*."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.user = host_user()
        self.directory = os.getcwd()
        self.files = HostFiles()

    def may_become(self, name: str) -> bool:
        """Return whether this user may be another one without a password: the machine is theirs."""
        return True

    async def launch(
        self,
        program: str,
        nprocs: int,
        args: Sequence[str] = (),
        *,
        environ: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Job:
        """Launch a program; raises as `Machine.launch`."""
        path = locate(program, self._machine.plugins, Path(self.directory))
        loaded = Program.script(path, args, self.directory, {**os.environ, **(environ or {})})
        return await self._machine.launch(loaded, nprocs, **options)

    async def wait(self, job: Job) -> Result:
        """Wait for the end of a job."""
        return await job.wait()

    async def signal(self, job: Job, number: int) -> None:
        """End a job with a signal."""
        job.end(128 + number)
