"""Booting: from a description to a machine that runs under Trio."""

from __future__ import annotations

import gc
import importlib
import resource
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from os import PathLike, fspath
from types import ModuleType
from typing import Any, Final

import trio

from vmpp.engine import Engine, Fiber, to_seconds
from vmpp.engine.bridge import Bridge
from vmpp.engine.host import advance
from vmpp.engine.watchdog import Watchdog
from vmpp.hardware import NetworkInterface, Node, Partition, Topology
from vmpp.kernel import KernelCosts, Process, QuintessentialKernel, Surroundings, Trace
from vmpp.machine import description as descriptions
from vmpp.machine.description import MachineDescription
from vmpp.machine.faults import Fault, FaultError
from vmpp.machine.nodemap import NodeMap
from vmpp.machine.plugins import PluginError, Plugins
from vmpp.machine.report import deadlock, refusal
from vmpp.machine.result import Result
from vmpp.machine.streams import Capture, HostInput, StreamSink, Traced
from vmpp.machine.universe import Universe
from vmpp.pct import ProcessControlThread
from vmpp.portals import Address
from vmpp.process import calls, jobs, places
from vmpp.process.interpose import Interposition
from vmpp.process.library import Library, Report
from vmpp.process.loader import ProgramLoader
from vmpp.process.program import Program
from vmpp.process.space import uninstall
from vmpp.service import JobRecord, Launcher, ServiceProcess
from vmpp.service.files import FileServer, Stdio
from vmpp.service.launcher import TERMINATED
from vmpp.service.names import NameServer
from vmpp.service.sockets import SocketServer
from vmpp.service.spawning import SpawnServer

WATCHDOG_SECONDS: Final = 60.0
"""CPU time that a process may take on the host between two calls, unless said otherwise."""
COLLECTOR_THRESHOLDS: Final = (50_000, 20, 1000)
"""Thresholds of Python's garbage collector while a machine is up: a full collection of 16,384
processes takes longer than a thousand of their messages each."""
CLOSED_PIPE: Final = 128 + 13
"""Exit status of a job whose output nobody reads any more."""

_LAUNCHER_PID, _FILES_PID, _SPAWN_PID, _NAMES_PID, _SOCKETS_PID = range(1, 6)


class Job:
    """A job on a machine: what `Machine.launch` returns.

    Attributes:
        record: what the launcher knows of it.
        stdout: bytes written to standard output so far, if they are captured.
        stderr: likewise standard error.
        reports: what the libraries' tools had to say at its end.
    """

    __slots__ = ("_machine", "record", "reports", "stderr", "stdout")

    def __init__(self, machine: Machine, record: JobRecord, stdout: Any, stderr: Any) -> None:
        self._machine = machine
        self.record = record
        self.stdout = stdout
        self.stderr = stderr
        self.reports: list[Report] = []

    @property
    def id(self) -> int:
        """Number of the job."""
        return self.record.job.id

    @property
    def nodes(self) -> Sequence[int]:
        """Node numbers, by rank."""
        return self.record.job.nodes

    async def wait(self) -> Result:
        """Wait for the end of the job, and of what it spawned; return what came of it."""
        await self.record.done.wait()
        return self.result()

    def result(self) -> Result:
        """Return what has come of the job, which has ended."""
        record = self.record
        ran = next((phase.virtual_ps for phase in record.phases if phase.name == "run"), 0)
        return Result(
            status=record.status,
            statuses=[TERMINATED if status is None else status for status in record.statuses],
            virtual_time=to_seconds(ran),
            stdout=bytes(self.stdout),
            stderr=bytes(self.stderr),
            digest=self._machine.trace.digest(),
            counters=self._machine.counters(),
            phases=tuple(record.phases),
            failure=record.failure,
            reports=tuple(self.reports),
        )

    def end(self, status: int) -> None:
        """End the job with *status*; its processes are killed."""
        self._machine.launcher.end(self.record, status)


class Machine:
    """A booted machine.

    Attributes:
        description: what it was booted with.
        universe: how many processes programs are told that there can be at once.
        plugins: those that it is made with.
        engine: its virtual time.
        bridge: to the servers that wait for the host.
        watchdog: over its processes.
        topology: the places of its nodes.
        kernels: of all nodes, by number: compute nodes first, then service, then I/O nodes, and
            last what was booted later, compute nodes again.
        threads: the process control threads of the compute nodes, by number.
        launcher: ``yod``.
        files: the file server.
        names: the name server.
        libraries: those that are linked to every process.
        trace: the digest of what happened.
    """

    def __init__(self, universe: Universe, plugins: Plugins, *, seed: int, watchdog: float) -> None:
        self.description = description = universe.machine
        self.universe = universe.size
        self.plugins = plugins
        self.engine = Engine()
        self.bridge = Bridge(self.engine)
        self.watchdog = Watchdog(watchdog)
        self.watchdog.refused = self._refused
        self.trace = Trace()
        self.topology: Topology = plugins.topologies[description.topology.kind](universe.dims)
        self._jobs: dict[int, Job] = {}
        self._stdio: dict[int, Stdio] = {}
        self._tasks: dict[str, trio.CancelScope] = {}
        self.kernels: list[QuintessentialKernel] = []
        self._build_node = self._node_builder()
        for _ in range(description.nodes):
            self._build_node()
        compute = description.compute_nodes
        more, told = max(0, universe.most - compute), max(0, universe.size - compute)
        spare = range(description.nodes, description.nodes + more)
        self._later = spare[:told]
        self._dims = description.topology.dims
        service = self.kernels[compute]
        self.files = FileServer(description.service.files_service)
        self._file_process = ServiceProcess(service, _FILES_PID, self.files, self.bridge)
        self.launcher = Launcher(
            service,
            _LAUNCHER_PID,
            self.bridge,
            range(min(compute, universe.most)),
            spare,
            plugins.allocators[description.service.allocator],
            service_time=description.service.launcher_service,
            chunk=description.loader.chunk,
            fanout=description.loader.fanout,
            seed=seed,
            boot=self._boot_nodes,
            surroundings=self._surroundings,
            started=self._started,
            ended=self._ended,
            lost=self._lost,
        )
        self.names = NameServer(description.service.names_service)
        self._name_process = ServiceProcess(service, _NAMES_PID, self.names, self.bridge)
        self.sockets = SocketServer(
            description.service.names_service,
            lambda node: node in self.threads or node in self._later,
        )
        self._socket_process = ServiceProcess(service, _SOCKETS_PID, self.sockets, self.bridge)
        self._spawn_process = SpawnServer(
            service,
            _SPAWN_PID,
            self.launcher,
            self.names,
            self.files.directory,
            description.service.launcher_service,
        )
        service.processes = {
            _LAUNCHER_PID: self.launcher,
            _FILES_PID: self._file_process,
            _SPAWN_PID: self._spawn_process,
            _NAMES_PID: self._name_process,
            _SOCKETS_PID: self._socket_process,
        }
        self.libraries = [plugins.libraries[name] for name in sorted(plugins.libraries)]
        for library in self.libraries:
            library.check(description)
        servers = {
            self.files.name: self._file_process.address,
            self.names.name: self._name_process.address,
            self.sockets.name: self._socket_process.address,
            jobs.LAUNCHER: self._spawn_process.address,
        }
        self._loader = ProgramLoader(servers, self.libraries, description)
        self.threads: dict[int, ProcessControlThread] = {}
        for nid in range(compute):
            self._start_thread(nid)

    def _start_thread(self, nid: int) -> None:
        """Start the process control thread of a compute node."""
        description = self.description
        self.threads[nid] = ProcessControlThread(
            self.kernels[nid],
            self.plugins.policies[description.pct.policy](),
            self._loader,
            self.launcher.job,
            self.launcher.address,
            fanout=description.loader.fanout,
            start_time=description.pct.process_start,
        )

    def _boot_nodes(self, nodes: Sequence[int]) -> None:
        """Boot *nodes*, the next ones in order."""
        for nid in nodes:
            self._build_node()
            self._start_thread(nid)
            place = self.topology.coordinates(nid)
            self._dims = tuple(max(d, p + 1) for d, p in zip(self._dims, place, strict=True))

    def _node_builder(self) -> Callable[[], None]:
        """Return what builds the next node, connected to the network, and adds its kernel."""
        description, engine = self.description, self.engine
        links = description.network.links
        network = self.plugins.networks[description.network.timing](engine, self.topology, links)
        costs = KernelCosts(
            send=description.kernel.send,
            receive=description.kernel.interrupt + description.kernel.receive,
            match_entry=description.kernel.match_entry,
            acknowledge=description.kernel.acknowledge,
            context_switch=description.kernel.context_switch,
        )
        # Room for the library work between two waits: that of one receive and one send.
        lookahead = max(1, 3 * (costs.send + description.network.wire_latency + costs.receive))
        kernels = self.kernels

        def build() -> None:
            nid = len(kernels)
            interface = NetworkInterface(engine, nid, links)
            network.attach(interface)
            node = Node(
                engine,
                nid,
                self._partition(nid),
                interface,
                cpus=description.node.cpus,
                memory=description.node.memory,
            )
            kernels.append(
                QuintessentialKernel(engine, node, network.transmit, costs, self.trace, lookahead)
            )

        return build

    def _surroundings(self, nodes: Sequence[int]) -> Surroundings:
        node = self.description.node
        return Surroundings(
            name=self.description.name,
            universe=self.universe,
            node_map=NodeMap(self.topology, self._dims, tuple(nodes)),
            flop_rate=node.flop_rate,
            memory_rate=node.memory_rate,
        )

    def _partition(self, nid: int) -> Partition:
        compute = self.description.compute_nodes
        if nid < compute or nid >= self.description.nodes:
            return Partition.COMPUTE
        return Partition.SERVICE if nid < compute + self.description.service.nodes else Partition.IO

    # -- jobs ----------------------------------------------------------------------------------

    async def launch(
        self,
        program: Program | str | PathLike[str],
        nprocs: int,
        args: Sequence[str] = (),
        *,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        keep_going: bool = False,
    ) -> Job:
        """Launch *program* on *nprocs* nodes.

        Args:
            program: a Python file, or a program that has been made already.
            args: arguments of the former.
            stdin: a binary file that rank 0 reads, or bytes; nothing by default.
            stdout: a binary file that takes whole lines, in order of virtual time; None: captured.
            stderr: likewise.
            keep_going: whether the job goes on without ranks whose nodes crash.

        Raises:
            LaunchError: there are too few free nodes.
            ProgramError: the file is not there, or not Python.
        """
        if not isinstance(program, Program):
            program = Program.script(fspath(program), args)
        record = self.launcher.launch(program, nprocs, keeps_going=keep_going)
        out = Capture() if stdout is None else StreamSink(stdout)
        err = Capture() if stderr is None else StreamSink(stderr)
        job = self._jobs[record.job.id] = Job(
            self, record, getattr(out, "data", b""), getattr(err, "data", b"")
        )
        stdio = Stdio(
            Traced(out, self.trace),
            Traced(err, self.trace),
            None if stdin is None else HostInput(stdin),
        )
        stdio.on_broken = lambda: self.launcher.end(record, CLOSED_PIPE)
        self._stdio[record.job.id] = stdio
        self.files.open_job(record.job.id, stdio, program.cwd)
        await trio.lowlevel.checkpoint()
        return job

    def process(self, job: Job, rank: int) -> Process | None:
        """Return the process of *rank*, or None if it is not there (any more)."""
        return self._process_at(job.record.job.addresses[rank])

    def _process_at(self, address: Address) -> Process | None:
        process = self.threads[address.nid].processes.get(address.pid)
        return process if isinstance(process, Process) else None

    def _processes(self, record: JobRecord) -> list[Process]:
        """Return the processes of a job that are there, in the order of their ranks."""
        found = map(self._process_at, record.job.addresses)
        return [process for process in found if process is not None]

    def stop_server(self, name: str) -> None:
        """Stop a server of the service partition; whoever asks it from now on gets EIO.

        Raises:
            KeyError: there is no such server.
        """
        self._tasks[name].cancel()

    def crash(self, node: int, at: float | str | None = None) -> None:
        """Have a compute node crash: its processes vanish, and nothing is heard of it any more.

        The launcher learns of it a while later (``[service] crash_detection``), and ends the jobs
        that had processes there unless they were launched to keep going.

        Args:
            node: number of the node.
            at: virtual time of the machine, in seconds or such as ``"2 ms"``; now if left out.

        Raises:
            FaultError: there is no such compute node, or the time has passed.
        """
        self.inject(Fault.of(node, at, self.engine.now))

    def inject(self, fault: Fault) -> None:
        """Have a *fault* happen; raises as `crash`."""
        if fault.node not in self.threads and fault.node not in self._later:
            raise FaultError(
                f"a crash of node {fault.node}: {self.description.name!r} has the compute nodes "
                f"0 to {self.description.compute_nodes - 1}"
            )
        if fault.time < self.engine.now:
            raise FaultError(f"a crash of node {fault.node}: the time has passed")
        self.engine.at(fault.time, self._crash, fault.node)
        self.bridge.wake()

    def _crash(self, node: int) -> None:
        thread = self.threads.get(node)
        if thread is not None and not thread.dead:
            thread.crash()
        self.engine.after(self.description.service.crash_detection, self.launcher.lose, node)

    def counters(self) -> dict[str, int]:
        """Return what has been counted: messages, bytes, drops and system calls."""
        tables = [kernel.processes.values() for kernel in self.kernels]
        return {
            "messages": sum(kernel.messages for kernel in self.kernels),
            "bytes": sum(kernel.bytes for kernel in self.kernels),
            "drops": sum(kernel.drops for kernel in self.kernels)
            + sum(process.table.drops for table in tables for process in table),
            "system_calls": self._file_process.requests
            + self._name_process.requests
            + self._socket_process.requests
            + self._spawn_process.requests,
        }

    def _started(self, record: JobRecord) -> None:
        origin = record.origin
        if record is not origin:
            self._spawned(record, self._jobs[origin.job.id], self._stdio[origin.job.id])
        self.plugins.manager.hook.vmpp_job_started(job=self._jobs[record.job.id])

    def _spawned(self, record: JobRecord, origin: Job, stdio: Stdio) -> None:
        """Make a job of what *origin* has spawned: it prints where that does, and reads nothing."""
        job = record.job
        self._jobs[job.id] = Job(self, record, origin.stdout, origin.stderr)
        own = Stdio(stdio.stdout, stdio.stderr, on_broken=stdio.on_broken)
        self.files.open_job(job.id, own, lambda rank: str(job.program(rank).cwd))

    def _lost(self, record: JobRecord, rank: int) -> None:
        """Have servers forget a rank, by messages that they take in their turn."""
        number = record.job.id
        for server, request in (
            (self._file_process, calls.Forget(number, rank)),
            (self._socket_process, places.Forget(number, rank)),
        ):
            self.launcher.tell(server.address, calls.encode(request))

    def _ended(self, record: JobRecord) -> None:
        self.names.close_job(record.job.id)
        self.sockets.close_job(record.job.id)
        reports = self._reports(record)
        job = self._jobs.pop(record.job.id, None)
        if job is None:
            # It could not be loaded, which is its spawner's business alone.
            return
        job.reports += reports
        if record is not record.origin:
            self._jobs[record.origin.job.id].reports += reports
        self._stdio.pop(record.job.id, None)
        self.files.close_job(record.job.id)
        for rank, status in enumerate(record.statuses):
            self.trace.output(f"{rank} {status}\n".encode())
        self.plugins.manager.hook.vmpp_job_ended(job=job, result=job.result())

    def _reports(self, record: JobRecord) -> list[Report]:
        found = [library.report(record.job) for library in self.libraries]
        return [report for report in found if report is not None]

    # -- the partitions' tasks -----------------------------------------------------------------

    async def _compute_partition(self) -> None:
        await advance(
            self.engine, self.bridge, self.watchdog, between=self._between, idle=self._idle
        )

    async def _service_partition(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve, "files", self._file_process)
            nursery.start_soon(self._serve, "names", self._name_process)
            nursery.start_soon(self._serve, "sockets", self._socket_process)

    async def _io_partition(self) -> None:
        await trio.sleep_forever()

    async def _serve(self, name: str, server: ServiceProcess) -> None:
        with trio.CancelScope() as self._tasks[name]:
            await server.run()

    def _between(self) -> None:
        self.trace.fold()
        uninstall()

    def _idle(self) -> bool:
        """Nothing can move: end the jobs that wait for ever, saying for what."""
        waiting: dict[JobRecord, list[Process]] = {}
        for record in self.launcher.records.values():
            if record.running and not record.ending:
                waiting.setdefault(record.origin, []).extend(self._processes(record))
        for origin, processes in waiting.items():
            self.launcher.end(origin, 1, deadlock(processes, origin.elapsed(self.engine.now)))
        return bool(waiting)

    def _refused(self, fiber: Fiber) -> None:
        """End the job of a process that catches all that would end it."""
        process: Process | None = fiber.process
        record = None if process is None else self.launcher.records.get(process.job.id)
        if process is not None and record is not None:
            self.launcher.end(record, 1, refusal(process))

    def shut_down(self) -> None:
        """End what still runs, without letting any more virtual time pass."""
        self.watchdog.hurry()
        self.watchdog.fiber_runs = True
        for record in list(self.launcher.records.values()):
            for process in self._processes(record):
                self.threads[process.nid].kill(process)
        self.watchdog.fiber_runs = False
        self.files.close()


@asynccontextmanager
async def boot(
    machine: str | PathLike[str] | MachineDescription = "default",
    *,
    nodes: int = 64,
    universe: int | None = None,
    seed: int = 0,
    watchdog: float | None = None,
    tools: Sequence[str] = (),
    coll: Mapping[str, object] | None = None,
    plugins: Plugins | None = None,
) -> AsyncIterator[Machine]:
    """Boot a machine under Trio; it is shut down when the block ends.

        async with vmpp.boot("paragon") as machine:
            job = await machine.launch("program.py", 64)
            result = await job.wait()

    Args:
        machine: a name, a machine file, or a description.
        nodes: compute nodes to boot, for a machine that grows.
        universe: how many processes there can be at once, those included that programs start, for
            which a machine that grows boots more nodes; see `vmpp.machine.universe`.
        seed: of everything that is random.
        watchdog: CPU seconds on the host that a process may take between two calls.
        tools: what libraries are to watch of programs, besides what the description asks for.
        coll: by what algorithm, or rules, libraries carry collective operations out, instead of
            what the description has: ``{"allreduce": "ring"}``.
        plugins: those to use; all that are installed if left out.

    Raises:
        VmppError: the machine cannot be made as described.
    """
    found = Plugins.installed() if plugins is None else plugins
    described = (
        machine if isinstance(machine, MachineDescription) else descriptions.load(machine, found)
    )
    error: BaseException | None = None
    with ExitStack() as stack:
        stack.enter_context(_patient_collector())
        built = Machine(
            Universe.of(
                described.with_tools(tools).with_collectives(coll or {}), nodes, universe, found
            ),
            found,
            seed=seed,
            watchdog=WATCHDOG_SECONDS if watchdog is None else watchdog,
        )
        stack.enter_context(Interposition(*_modules(found.libraries)))
        stack.enter_context(built.watchdog.watching())
        stack.enter_context(_as_many_files_as_can_be())
        stack.callback(built.shut_down)
        async with trio.open_nursery() as partitions:
            partitions.start_soon(built._service_partition)
            partitions.start_soon(built._io_partition)
            partitions.start_soon(built._compute_partition)
            found.manager.hook.vmpp_machine_booted(machine=built)
            # What the block raises is the caller's: it must not come out in a group.
            try:
                yield built
            except BaseException as raised:
                error = raised
            partitions.cancel_scope.cancel()
    if error is not None:
        raise error


@contextmanager
def _patient_collector() -> Iterator[None]:
    """Have Python's garbage collector look less often at a machine's many long-lived objects."""
    before = gc.get_threshold()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _as_many_files_as_can_be() -> Iterator[None]:
    """Have the file server hold as many files at once as the host allows: every rank opens some."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _modules(
    libraries: Mapping[str, Library],
) -> tuple[dict[str, Callable[[], ModuleType]], list[str]]:
    """Return what makes the modules that programs import, by the names that they import.

    And the names of those of which each process gets copies.

    Raises:
        PluginError: two libraries offer a module of one name.
    """
    private: list[str] = []
    providers: dict[str, str] = {}
    provided: dict[str, Callable[[], ModuleType]] = {}
    for library, offered in libraries.items():
        for name, target in offered.modules.items():
            if name in providers:
                raise PluginError(
                    f"the libraries {providers[name]!r} and {library!r} both offer the module "
                    f"{name!r}; uninstall one"
                )
            providers[name] = library
            provided[name] = partial(importlib.import_module, target)
        private += getattr(offered, "private", ())
    return provided, private
