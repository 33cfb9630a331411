"""A small machine for address spaces: processes in fibers, without nodes, kernel or servers."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vmpp.engine import Engine, Fiber, Streams
from vmpp.kernel.process import ProcessExit
from vmpp.process import AddressSpace, Interposition, Program, ProgramFailed, uninstall


class StandardStreams:
    """What `vmpp.process.files.Files` is to an address space."""

    def __init__(self) -> None:
        self.stdin = io.TextIOWrapper(io.BytesIO(b"a line\n"))
        self.stdout = io.TextIOWrapper(io.BytesIO(), write_through=True)
        self.stderr = io.TextIOWrapper(io.BytesIO(), write_through=True)
        self.flushed = False

    def flush(self) -> bool:
        self.flushed = True
        return True


class FakeProcess:
    """A process that only sleeps."""

    def __init__(self, engine: Engine, program: Program, job: Any, rank: int, seed: int) -> None:
        self.engine = engine
        self.job = job
        self.rank = rank
        self.size = job.size
        self.nid = 100 + rank
        self.pid = 1
        self.clock = engine.now
        self.streams = Streams(seed)
        self.files = StandardStreams()
        self.libraries: dict[str, Any] = {"rank": rank}
        self.space = AddressSpace(program, self)
        self.status: int | None = None
        self.failure: ProgramFailed | None = None
        self.fiber: Fiber | None = None
        self.fibers = None
        self.dying = self.in_handler = False
        self.in_main_fiber = True

    def charge(self, duration: int) -> None:
        self.clock += duration

    def sleep(self, duration: int) -> None:
        assert self.fiber is not None
        self.engine.at(self.clock + duration, self.resume)
        self.engine.hub.switch()

    def resume(self, _: object) -> None:
        self.clock = max(self.clock, self.engine.now)
        self.space.install()
        self.fiber.switch()

    def stream(self, name: str) -> Any:
        return self.streams.stream(f"job {self.job.id}/rank {self.rank}/{name}")

    def exit(self, status: int) -> None:
        raise ProcessExit(status)

    def body(self) -> None:
        try:
            self.status = self.space.run()
        except ProgramFailed as failure:
            self.failure, self.status = failure, failure.status
        except ProcessExit as leaving:
            self.status = leaving.status

    @property
    def output(self) -> str:
        return self.files.stdout.buffer.getvalue().decode()

    @property
    def errors(self) -> str:
        return self.files.stderr.buffer.getvalue().decode()


class Machine:
    """Runs jobs on one engine; all ranks of all jobs interleave."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.jobs = 0

    def launch(self, program: Program, ranks: int, seed: int = 1) -> list[FakeProcess]:
        self.jobs += 1
        job = SimpleNamespace(
            id=self.jobs, size=ranks, program=program, node_name=lambda rank: f"vmpp-n{rank:05d}"
        )
        processes = [FakeProcess(self.engine, program, job, rank, seed) for rank in range(ranks)]
        for process in processes:
            process.fiber = Fiber(process.body, self.engine.hub, process)
            self.engine.at(self.engine.now, process.resume)
        return processes

    def run(self) -> None:
        try:
            self.engine.run()
        finally:
            uninstall()


Run = Callable[..., list[FakeProcess]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for the program and its modules."""
    return tmp_path


@pytest.fixture
def run_ranks(folder: Path) -> Run:
    """Run a program given as text on some ranks, and return their processes."""

    def run(
        source: str,
        ranks: int = 3,
        *,
        modules: Mapping[str, str] | None = None,
        args: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        module: str | None = None,
        seed: int = 1,
        fails: bool = False,
    ) -> list[FakeProcess]:
        for name, text in {"program.py": source, **(modules or {})}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if module is None:
            program = Program.script("program.py", args, str(folder), environ)
        else:
            program = Program.module(module, args, str(folder), environ)
        with Interposition():
            machine = Machine()
            processes = machine.launch(program, ranks, seed)
            machine.run()
        for process in processes:
            assert process.status is not None, f"rank {process.rank} never ended"
            if not fails:
                assert process.failure is None, process.failure.text
        return processes

    return run


@pytest.fixture
def new_machine() -> type[Machine]:
    """The class of machines, for tests that run several jobs."""
    return Machine


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any) -> str:
    """A current folder that is not the program's."""
    place = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(place)
    return os.getcwd()
