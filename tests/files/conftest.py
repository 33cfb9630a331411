"""A machine with nothing but processes and a file server, for the tests of system calls."""

from __future__ import annotations

import errno
import functools
import importlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from greenlet import getcurrent

from vmpp.engine import Fiber, Streams, current_process
from vmpp.process import posix
from vmpp.process.files import Files
from vmpp.service.files import FileServer, Stdio
from vmpp.service.server import Caller, Later


class Recorder:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.writes: list[tuple[int, int, bytes]] = []

    def write(self, rank: int, time_ps: int, data: bytes) -> None:
        """Keep *data*."""
        self.writes.append((rank, time_ps, data))

    @property
    def text(self) -> str:
        """Everything, in the order in which it came."""
        return b"".join(data for _, _, data in self.writes).decode()


class Process:
    """What the user-space side of system calls uses of a process."""

    def __init__(self, machine: Machine, rank: int) -> None:
        self.machine = machine
        self.rank = rank
        self.size = machine.size
        self.dying = False
        self.guest = None
        self.files = Files(self)
        self.requests = 0

    def stream(self, name: str) -> Any:
        """Return a named random stream."""
        return Streams(0).stream(f"{self.rank}/{name}")

    def rpc(self, server: str, request: bytes) -> bytes:
        """Park until the hub has had the request answered."""
        assert server == "files"
        self.requests += 1
        if self.machine.server is None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        answer = self.machine.hub.switch((self, request))
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Machine:
    """Runs programs, one fiber a rank, whose system calls a file server answers in turn."""

    def __init__(self, folder: Path, size: int = 1) -> None:
        self.folder = folder
        self.size = size
        self.stdout, self.stderr = Recorder(), Recorder()
        self.server: FileServer | None = FileServer()
        self.stdio = Stdio(self.stdout, self.stderr)
        self.server.open_job(1, self.stdio, str(folder))
        self.processes = [Process(self, rank) for rank in range(size)]
        self.clock = 0

    @property
    def process(self) -> Process:
        """Rank 0."""
        return self.processes[0]

    def run(self, *programs: Callable[[], Any]) -> Any:
        """Run the only program on every rank, or one program a rank; return what rank 0 returns.

        Every request must be one that is answered without waiting for the host.
        """
        steps = self.run_async(*programs)
        try:
            steps.send(None)
        except StopIteration as stop:
            return stop.value
        raise AssertionError("a request waits for the host")

    async def run_async(self, *programs: Callable[[], Any]) -> Any:
        """Do as `run`, under Trio."""
        self.hub = getcurrent()
        results: dict[int, Any] = {}
        waiting: deque[tuple[Fiber, Any]] = deque()
        for process in self.processes:
            program = programs[min(process.rank, len(programs) - 1)]
            waiting.append((Fiber(functools.partial(_run, program), self.hub, process), None))
        with interposed():
            while waiting:
                fiber, answer = waiting.popleft()
                asked = fiber.switch() if answer is None else fiber.switch(answer)
                if fiber.dead:
                    results[fiber.process.rank] = asked
                    continue
                process, request = asked
                self.clock += 1000
                answer = await self._serve(process, request)
                if isinstance(answer, Later):
                    answer.promise(lambda reply, fiber=fiber: waiting.append((fiber, reply)))
                else:
                    waiting.append((fiber, answer))
        failed = [value for _, value in sorted(results.items()) if isinstance(value, Failure)]
        if failed:
            raise failed[0].error
        return results[0]

    async def _serve(self, process: Process, request: bytes) -> Any:
        if self.server is None:
            return OSError(errno.EIO, os.strerror(errno.EIO))
        answer = self.server.serve(Caller(1, process.rank, self.clock), request)
        return answer if isinstance(answer, bytes | Later) else await answer

    def stop_server(self) -> None:
        """Take the file server away."""
        if self.server is not None:
            self.server.close()
        self.server = None


class Failure(SimpleNamespace):
    """The exception that ended a program."""

    error: BaseException


def _run(program: Callable[[], Any]) -> Any:
    try:
        return program()
    except BaseException as error:
        return Failure(error=error)


def _dispatcher(virtual: Callable[..., Any], real: Callable[..., Any]) -> Callable[..., Any]:
    def dispatch(*args: Any, **kwargs: Any) -> Any:
        process = current_process()
        return real(*args, **kwargs) if process is None else virtual(process, *args, **kwargs)

    return dispatch


class interposed(ExitStack):  # noqa: N801 # reads as the function it is used as
    """Puts the virtual functions in the place of the host's."""

    def __init__(self) -> None:
        super().__init__()
        for name, functions in posix.TABLE.items():
            module = importlib.import_module(name)
            for attribute, virtual in functions.items():
                real = getattr(module, attribute)
                self.enter_context(mock.patch.object(module, attribute, _dispatcher(virtual, real)))
        for capability, names in posix.CAPABILITIES.items():
            able = getattr(os, capability) | {getattr(os, name) for name in names}
            self.enter_context(mock.patch.object(os, capability, able))


@pytest.fixture(scope="session")
def machine_in() -> type[Machine]:
    """Return what makes a machine that starts in a given folder; the caller ends it."""
    return Machine


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Return a machine of one rank that starts in an empty folder."""
    made = Machine(tmp_path)
    yield made
    made.stop_server()


@pytest.fixture
def machine_of(tmp_path: Path) -> Iterator[Callable[[int], Machine]]:
    """Return what makes machines of a number of ranks."""
    made: list[Machine] = []

    def make(size: int) -> Machine:
        made.append(Machine(tmp_path, size))
        return made[-1]

    yield make
    for one in made:
        one.stop_server()
