"""A booted machine: its nodes, their kernels, and the servers of the service partition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from os import PathLike, fspath
from typing import Any

import trio

from vmpp.engine import Engine, Fiber, Streams
from vmpp.engine.bridge import Bridge
from vmpp.engine.host import advance
from vmpp.engine.watchdog import Watchdog
from vmpp.hardware import average_pairwise
from vmpp.kernel import Process, Roles, Trace
from vmpp.machine.coordinating import coordination, strobe_costs
from vmpp.machine.description import MachineDescription
from vmpp.machine.doors import Doors
from vmpp.machine.faults import Fault, NodeCrash, parse
from vmpp.machine.hosting import JobHost
from vmpp.machine.injection import inject
from vmpp.machine.installation import Installation
from vmpp.machine.job import Job
from vmpp.machine.modes import roles_of
from vmpp.machine.nodes import Nodes
from vmpp.machine.overview import Overview
from vmpp.machine.parallel import io_partition
from vmpp.machine.parallel_files import connect, host_space, pool_of
from vmpp.machine.plugins import Plugins
from vmpp.machine.policies import PolicyError, chosen
from vmpp.machine.policies import policy as policy_of
from vmpp.machine.report import Standing, refusal
from vmpp.machine.session import CONSOLE, Session
from vmpp.machine.stillness import Stillness
from vmpp.machine.universe import Universe
from vmpp.pct import ProcessControlThread
from vmpp.portals import Address
from vmpp.process import jobs
from vmpp.process.linking import LinkedLibraries
from vmpp.process.loader import ProgramLoader
from vmpp.process.program import Program
from vmpp.process.space import uninstall
from vmpp.service import JobRecord, Launcher, LaunchError, Places, Wishes, accounting
from vmpp.service.accounting import Accounting, AccountingServer
from vmpp.service.accounts import LoginServer
from vmpp.service.allocator import AllocationServer
from vmpp.service.client import ServiceClient
from vmpp.service.files import FileServer
from vmpp.service.identity import Credentials, host_user
from vmpp.service.log import Kind, LogServer
from vmpp.service.names import NameServer
from vmpp.service.node_partitions import EXECUTE, NodePartition, NodePartitions
from vmpp.service.nodebook import Fragmentation, NodeBook
from vmpp.service.partition import ServicePartition
from vmpp.service.partition_calls import Desk
from vmpp.service.record import MOST_URGENT, checked_priority
from vmpp.service.rectangles import ANYWHERE, Shape, Site
from vmpp.service.sockets import SocketServer
from vmpp.service.spawning import SpawnServer
from vmpp.service.status import JobStatus, NodeStatus


class Machine:
    """A booted machine.

    Attributes:
        description: what it was booted with.
        universe: how many processes programs are told that there can be at once.
        plugins: those that it is made with.
        engine: its virtual time.
        began: when it was booted, in virtual time, ps.
        bridge: to the servers that wait for the host.
        watchdog: over its processes.
        topology: the places of its nodes.
        fabric: its network, with what is broken in it.
        partitions: those of all nodes, by number, and of those that may be booted later.
        kernels: of all nodes, by number: compute nodes first, then service, then I/O nodes, and
            last what was booted later, compute nodes again.
        threads: the process control threads of the compute nodes, by number.
        services: the service partition, with its servers.
        io: the I/O partition, with the parallel file servers.
        stripe_pool: the I/O nodes as new files are striped over them.
        coordination: of scheduling policies that have a part of the whole machine.
        launcher: makes a ``yod`` for every job.
        files: the file server.
        names: the name server.
        sockets: the server of sockets.
        libraries: those that are linked to every process.
        faults: that have been injected, and when they happen.
        allocation: the server that hands nodes out, with the queue.
        node_partitions: of the compute nodes, those that users make included.
        overview: tells of jobs and nodes.
        host: goes with jobs on the host's side.
        policy: text that chooses the scheduling policy of later jobs' nodes; empty: as booted.
        policies: texts that choose the policies that decide, by what they decide.
        usual: the same as the machine's file has them.
        trace: the digest of what happened.
        streams: what is random about the machine itself.
        installation: what it knows from boot to boot; None of a machine without a state.
        accounting: the jobs that there have been.
        login: the server of accounts; None of a machine without a state.
        doors: where people come in.
    """

    def __init__(
        self,
        universe: Universe,
        plugins: Plugins,
        *,
        seed: int,
        watchdog: float,
        installation: Installation | None = None,
        makes_room: bool = False,
    ) -> None:
        self.description = description = universe.machine
        self.universe = universe.size
        self.plugins = plugins
        self.installation = installation
        self.engine = Engine()
        self.began = self.engine.now = 0 if installation is None else installation.epoch
        self.bridge = Bridge(self.engine)
        self.watchdog = Watchdog(watchdog)
        self.watchdog.refused = self._refused
        self.trace = Trace()
        self.streams = Streams(seed)
        self.faults: list[Fault] = []
        self.policy = ""
        self.policies = chosen(description)
        self.usual: Mapping[str, str] = dict(self.policies)
        self._multitasking: dict[str, bool] = {}
        self.host = JobHost(self)
        self._nodes = Nodes(self.engine, universe, plugins, self.trace, self.streams)
        self.topology = self._nodes.topology
        self.fabric = self._nodes.fabric
        self.kernels = self._nodes.kernels
        compute = description.compute_nodes
        more, told = max(0, universe.most - compute), max(0, universe.size - compute)
        spare = range(description.nodes, description.nodes + more)
        self._later = spare[:told]
        self.partitions = self._nodes.partitions(more)
        self.services = ServicePartition(self._nodes.service, self.bridge, description.servers)
        self.doors = Doors(self)
        self.overview = Overview(self)
        self._add_servers()
        self.io = io_partition(self, self._nodes.io)
        self.stripe_pool = pool_of(description)
        if installation is not None:
            connect(self, installation.tree)
        own = range(min(compute, universe.most))
        self._places = Places(self.topology, own, self.streams.stream("allocation").random)
        allocator = self._made("allocator", description.service.allocator, self._places)
        level = description.pct.level
        book = NodeBook(
            own,
            spare,
            allocator,
            self._boot_nodes,
            level=level,
            makes_room=makes_room,
            coordinates=self.topology.coordinates,
        )
        self.node_partitions = NodePartitions(
            lambda: book.nodes,
            self.topology.coordinates,
            lambda text: policy_of("pct", text, self.plugins),
            None if installation is None else installation.state.partitions,
        )
        self._add_launcher(book, seed)
        self.libraries = LinkedLibraries([*plugins.libraries.values()])
        self.libraries.check(description)
        self._roles = roles_of(description, plugins)
        self._loader = ProgramLoader(self.services.addresses, self.libraries, description)
        self.threads: dict[int, ProcessControlThread] = {}
        for nid in range(compute):
            self._start_thread(nid)

    def _add_servers(self) -> None:
        """Add the servers of files, accounts, sockets and names; in this order they get nodes."""
        costs = self.description.service
        space = None if self.installation is not None else host_space(self)
        self.files = FileServer(costs.files_service, space)
        self.names = NameServer(costs.names_service, self._owner)
        self.sockets = SocketServer(costs.names_service, self.has_compute_node)
        self.services.add(self.files)
        self._add_accounts()
        self.services.add(self.sockets)
        self.services.add(self.names)

    def _add_accounts(self) -> None:
        """Add the servers that know users, and keep accounts of what they do."""
        least = self.description.service.accounts_service
        installation = self.installation
        self.accounting = Accounting() if installation is None else installation.accounting
        self.login: LoginServer | None = None
        if installation is not None:
            log = installation.log
            self.login = LoginServer(
                installation.store, installation.passwords, log, least, installation.homes
            )
            self.services.add(self.login)
            self.services.add_prompt(LogServer(log, self.login.user, least))
            self.keep_accounts()
        self.overview.user = self._user

    def _user(self, session: int) -> Credentials | None:
        return self.doors.user(session) if self.login is None else self.login.user(session)

    def keep_accounts(self) -> None:
        """Have accounts kept of the jobs from now on, if they are not.

        On a machine without a state that is not worth the while before anybody could ask.
        """
        if accounting.SERVER not in self.services.servers:
            least = self.description.service.accounts_service
            self.services.add_prompt(AccountingServer(self.accounting, self._user, least))

    def _add_launcher(self, book: NodeBook, seed: int) -> None:
        """Add what launches jobs, and the servers that hand nodes out and start jobs for jobs."""
        description, host = self.description, self.host
        least = description.service.launcher_service
        self.launcher = Launcher(
            self.services,
            book,
            service_time=least,
            chunk=description.loader.chunk,
            fanout=description.loader.fanout,
            seed=seed,
            surroundings=self._nodes.surroundings,
            started=host.started,
            ended=host.ended,
            lost=host.lost,
            abnormal=host.abnormal,
            reset=lambda node, job: self.threads[node].reset(job),
            processes=self.processes,
            share=self._share,
            distance=partial(average_pairwise, self.topology),
        )
        self.coordination = coordination(self)
        self.launcher.over = self.overview.over
        self.launcher.policy = description.pct.policy
        if self.installation is not None:
            self.launcher.go_on_after(self.installation.last_job)
        queueing = self._made("queue", description.service.queue)
        self.allocation = AllocationServer(
            book, queueing, self.overview, least, Desk(self.node_partitions, self.overview)
        )
        self.services.add_prompt(self.allocation)
        self.services.add_own(
            jobs.LAUNCHER,
            lambda kernel, pid: SpawnServer(
                kernel,
                pid,
                self.launcher,
                self.names,
                self.files.directory,
                least,
                self.node_partitions,
                self._with_settings,
            ),
        )

    def note(self, kind: Kind, user: str = "", text: str = "") -> None:
        """Note in the machine's log, if it has one, that something has happened now."""
        if self.installation is not None:
            self.installation.log.note(self.engine.now, kind, user, text)

    # -- sessions ------------------------------------------------------------------------------

    async def console(self, name: str | None = None, *, exact: bool | None = None) -> Session:
        """Log in whoever sits at the machine itself; see `Doors.console`."""
        return await self.doors.console(name, exact=exact)

    async def log_in(
        self, name: str, password: str, *, place: str = CONSOLE, exact: bool | None = None
    ) -> Session:
        """Log somebody in by their password; see `Doors.log_in`."""
        return await self.doors.log_in(name, password, place=place, exact=exact)

    @property
    def sessions(self) -> list[Session]:
        """Those who are logged in, in the order in which they came."""
        return list(self.doors.sessions.values())

    @property
    def attended(self) -> int:
        """How many are logged in: as long as anybody is, somebody may bring news from outside.

        So a job that waits with an open port may wait for one that is still to be launched, and is
        not in a deadlock.
        """
        return len(self.doors.sessions)

    def _start_thread(self, nid: int) -> None:
        """Start the process control thread of a compute node."""
        description = self.description
        self.threads[nid] = ProcessControlThread(
            self.kernels[nid],
            self._made("pct", description.pct.policy),
            self._loader,
            self.launcher.job,
            fanout=description.loader.fanout,
            start_time=description.pct.process_start,
            policies=partial(self._made, "pct"),
            policy_name=description.pct.policy,
            roles=self._roles,
            strobes=strobe_costs(self, nid),
        )

    def _boot_nodes(self, nodes: Sequence[int]) -> None:
        """Boot *nodes*, the next ones in order."""
        for _ in nodes:
            self._start_thread(self._nodes.build_more())

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
        kill: bool = True,
        backtrace: bool = False,
        nodes: Sequence[int] = (),
        policy: str = "",
        mode: str = "",
        priority: int = 0,
        name: str = "",
        limit: int | None = None,
        tools: Sequence[str] = (),
        coll: Mapping[str, object] | None = None,
        settings: Mapping[str, str] | None = None,
        others: Sequence[tuple[Program, int]] = (),
        partition: str = "",
        shape: Shape | None = None,
        places: Sequence[int] = (),
        on: Sequence[int] = (),
        span: int = 0,
        owner: Credentials | None = None,
        client: ServiceClient | None = None,
    ) -> Job:
        """Launch *nprocs* processes of *program*; wait until it is known whether it gets them.

        A job whose nodes are busy waits its turn, as the queueing policy says; it has no nodes yet
        when this returns.

        Args:
            program: a Python file, or a program that has been made already.
            args: arguments of the former.
            stdin: a binary file that rank 0 reads, or bytes; nothing by default.
            stdout: a binary file that takes whole lines, in order of virtual time; None: captured.
            stderr: likewise.
            keep_going: whether the job goes on without ranks whose nodes crash.
            kill: whether the job ends when one of its processes ends by an error; otherwise the
                others run on, and the error is reported at the end.
            backtrace: whether the report on a job that is ended abnormally says where all of its
                processes stood.
            nodes: numbers of the nodes that it must have, in the order of its ranks; any if left
                out.
            policy: scheduling policy of its nodes, instead of the machine's.
            mode: CPU mode of its nodes, instead of the machine's.
            priority: how urgent it is on nodes that it shares, under a policy that minds that,
                from -1000 to 1000; 0 is usual.
            name: what the job is called, instead of as its program.
            limit: how long it may run, in picoseconds of virtual time: then it gets SIGTERM, and a
                while later SIGKILL.
            tools: what libraries are to watch of it, besides what they watch of all jobs.
            coll: algorithms of its collective operations, as for `vmpp.machine.boot.boot`.
            settings: keys of the machine's file that are other for this job, such as
                ``{"nx.mbf": "1 MiB"}``; only those that libraries go by make a difference.
            others: further programs of the job, each with the number of its ranks, which follow.
            partition: name of the partition that it runs in; any nodes will do if left out.
            shape: rows and columns of the rectangle of a mesh that its nodes are to be.
            places: the same as *nodes*, counted from 0 within the partition.
            on: places, counted from 0, of the nodes that it has processes on, if that is not all.
            span: how many nodes it has then.
            owner: whose job it is; of the user who runs vmpp by default.
            client: by whom it is launched, as an event of virtual time; otherwise it is from
                outside of the machine, and no time passes before it is decided what nodes it gets.

        Raises:
            LaunchError: it can never have the nodes; PartitionError: there is no such partition, or
                it does not let the owner run jobs.
            ChoiceError: there is no such policy or mode.
            ModeError: the nodes have too few CPUs for the mode.
            ProgramError: the file is not there, or not Python.
            VmppError: there is no such tool, algorithm or priority.
        """
        if not isinstance(program, Program):
            program = Program.script(fspath(program), args)
        parts = [(program, nprocs), *others]
        size = sum(each for _, each in parts)
        mode = mode or self.policies["mode"]
        roles = self.roles(mode)
        wanted = max(span, max(on) + 1) if on else roles.nodes(size)
        if len(on) < roles.nodes(size) and on:
            raise LaunchError(f"{size} processes do not fit on {len(on)} nodes")
        owner = owner or host_user()
        part = self.node_partitions.find(owner, partition, EXECUTE) if partition else None
        site = _site(part, shape)
        hosts = _hosts(nodes or _numbers(places, part, self.launcher.book.nodes), size, wanted)
        # Before there is anything of it, which would take as much memory as somebody asks for.
        self.launcher.book.check(wanted, dict(hosts), site)
        policy = policy or ("" if part is None else part.policy)
        most_urgent = MOST_URGENT if part is None else part.most_urgent
        wishes = Wishes(
            owner=owner,
            hosts=hosts,
            keeps_going=keep_going,
            kills=kill,
            traces=backtrace,
            name=name,
            limit=limit,
            priority=min(checked_priority(priority), most_urgent),
            policy=policy_of("pct", policy, self.plugins).text if policy else self.policy,
            description=self._described(tools, coll or {}, settings or {}),
            mode=mode,
            roles=roles,
            partition="" if part is None else part.name,
            site=site,
            most_urgent=most_urgent,
            nodes=wanted if on else 0,
            places=tuple(on),
        )
        typed = client is not None and not client.exact
        begin = partial(self.host.begin, parts, wishes, stdin, stdout, stderr, typed)
        if client is None:
            job = begin(partial(self.allocation.decide, now=self.engine.now))
            await trio.lowlevel.checkpoint()
        else:
            job = await client.act(partial(begin, None))
            await client.until(job.record.answered)
        if job.record.refused:
            raise LaunchError(job.record.failure or "the job cannot be launched")
        self.host.keep(job.record)
        return job

    def roles(self, mode: str = "") -> Roles:
        """Return what the CPUs of nodes are for in a CPU mode, that of later jobs if left out.

        Raises:
            ChoiceError: there is no such mode.
            ModeError: the nodes have too few CPUs for it.
        """
        return roles_of(self.description, self.plugins, mode or self.policies["mode"])

    def _described(
        self, tools: Sequence[str], coll: Mapping[str, object], settings: Mapping[str, str]
    ) -> MachineDescription | None:
        """Return what libraries of one job are set up by; None: the machine's. Raises VmppError."""
        if not tools and not coll and not settings:
            return None
        described = self.description.with_tools(tools).with_collectives(coll)
        described = described.with_settings(settings)
        self.libraries.check(described)
        return described

    def _with_settings(
        self, description: MachineDescription | None, settings: Mapping[str, str]
    ) -> MachineDescription | None:
        """Return what libraries of a spawned job are set up by. Raises VmppError."""
        if not settings:
            return description
        described = (description or self.description).with_settings(settings)
        self.libraries.check(described)
        return described

    def _owner(self, job: int) -> Credentials | None:
        record = self.launcher.records.get(job)
        return None if record is None else record.wishes.owner

    def process(self, job: Job, rank: int) -> Process | None:
        """Return the process of *rank*, or None if it is not there (any more)."""
        addresses = job.record.job.addresses
        return self._process_at(addresses[rank]) if addresses else None

    def _process_at(self, address: Address) -> Process | None:
        process = self.threads[address.nid].processes.get(address.pid)
        return process if isinstance(process, Process) else None

    def processes(self, record: JobRecord) -> list[Process]:
        """Return the processes of a job that are there, in the order of their ranks."""
        found = map(self._process_at, record.job.addresses)
        return [process for process in found if process is not None]

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Let no virtual time pass within the block, so that all in it happens at one instant."""
        ticket = self.bridge.open(self.engine.now)
        try:
            yield
        finally:
            self.bridge.close(ticket, lambda _: None, None)

    # -- how things are ------------------------------------------------------------------------

    def jobs(self, *, past: bool = False) -> list[JobStatus]:
        """Return the jobs that wait or run, by number; with *past* those too that are over."""
        return self.overview.jobs(past=past)

    def nodes(self) -> list[NodeStatus]:
        """Return what every node is and does, by number."""
        return self.overview.nodes()

    @property
    def fragmentation(self) -> Fragmentation:
        """What is lost by giving nodes out in pieces, for which the allocator is to thank."""
        return self.launcher.book.fragmentation

    def where(self, job: Job) -> list[Standing]:
        """Return where the processes of a job stand, those that stand alike together."""
        return self.overview.where(job.record)

    def signal(self, job: int, number: int, by: Credentials | None = None) -> None:
        """Send a signal to a job; see `Launcher.signal`, also for what it raises."""
        self.launcher.signal(job, number, by)

    def _made(self, kind: str, text: str, *arguments: Any) -> Any:
        """Return a policy that *text* chooses."""
        return policy_of(kind, text, self.plugins)(*arguments)

    def _share(self, record: JobRecord) -> str:
        """Return what jobs have in common with which one may share nodes; nothing if none may.

        That is their scheduling policy, if it is one for several processes, and their CPU mode.
        """
        policy = record.wishes.policy or self.description.pct.policy
        if policy not in self._multitasking:
            made = self._made("pct", policy)
            self._multitasking[policy] = bool(getattr(made, "multitasking", False))
        return f"{policy} {record.wishes.mode}" if self._multitasking[policy] else ""

    def set_policy(self, kind: str, name: str) -> None:
        """Go on with another policy.

        Those of ``allocator`` and ``queue`` decide at once; those of ``pct`` and ``mode`` on the
        nodes of jobs that are launched from now on.

        Args:
            kind: what it decides.
            name: the text that chooses it.

        Raises:
            PolicyError: it can be chosen at boot time only.
            ChoiceError: there is none such.
            ModeError: the nodes have too few CPUs for the mode.
        """
        policy_of(kind, name, self.plugins)
        if kind == "pct":
            self.policy = self.launcher.policy = name
        elif kind == "mode":
            self.roles(name)
        elif kind == "allocator":
            self.allocation.swap(allocation=self._made(kind, name, self._places))
        elif kind == "queue":
            self.allocation.swap(queueing=self._made(kind, name))
        else:
            raise PolicyError(
                f"the {kind} is chosen when a machine is booted, for the next one with --boot"
            )
        self.policies[kind] = name
        self.note(Kind.POLICY, text=f"{kind}: {name}")
        self.bridge.wake()

    # -- what goes wrong -----------------------------------------------------------------------

    def stop_server(self, name: str) -> None:
        """Stop a server of the service partition; whoever asks it from now on gets EIO.

        What it has acknowledged it still knows when it is started again.

        Raises:
            UnknownServerError: there is no such server.
        """
        self.services.stop(name)
        self.note(Kind.SERVER, text=f"stopped {name}")

    def start_server(self, name: str) -> None:
        """Have a server that was stopped answer again. Raises UnknownServerError."""
        self.services.start(name)
        self.note(Kind.SERVER, text=f"started {name}")

    def crash(self, node: int, at: float | str | None = None) -> None:
        """Have a compute or I/O node crash: what runs there vanishes, and nothing is heard of it.

        That is found out a while later (``[service] crash_detection``). Then the launcher ends the
        jobs that had processes there unless they were launched to keep going; who waits for the
        parallel file server of an I/O node has EIO.

        Args:
            node: number of the node.
            at: virtual time of the machine, in seconds or such as ``"2 ms"``; now if left out.

        Raises:
            FaultError: there is no such compute or I/O node, or the time has passed.
        """
        self.inject(NodeCrash.of(node, at))

    def inject(self, fault: Fault | str) -> None:
        """Have a *fault* happen, such as ``"link 3-4 down at 2 ms"``; see `vmpp.machine.faults`.

        Raises:
            FaultError: it cannot happen on this machine, or its time has passed.
        """
        now = self.engine.now
        injected = inject(self, parse(fault, now) if isinstance(fault, str) else fault)
        self.faults.append(injected)
        self.note(Kind.FAULT, text=str(injected))
        self.bridge.wake()

    def has_compute_node(self, node: int) -> bool:
        """Return whether there is a compute node of that number, or may be one later."""
        return node in self.threads or node in self._later

    def counters(self) -> dict[str, int]:
        """Return what has been counted: messages, bytes, drops, losses and system calls."""
        tables = [kernel.processes.values() for kernel in self.kernels]
        return {
            "messages": sum(kernel.messages for kernel in self.kernels),
            "bytes": sum(kernel.bytes for kernel in self.kernels),
            "drops": sum(kernel.drops for kernel in self.kernels)
            + sum(process.table.drops for table in tables for process in table),
            "lost": self.fabric.lost,
            "system_calls": sum(server.requests for server in self.services.servers.values()),
        }

    # -- the compute partition's task --------------------------------------------------------------

    async def run_compute_partition(self) -> None:
        """Advance virtual time, for ever."""
        await advance(
            self.engine,
            self.bridge,
            self.watchdog,
            before=self.coordination.wake,
            between=self._between,
            idle=Stillness(self).resolve,
        )

    def _between(self) -> None:
        self.trace.fold()
        uninstall()

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
            for process in self.processes(record):
                self.threads[process.nid].kill(process)
        self.watchdog.fiber_runs = False
        self.files.close()
        self.io.close()
        self.note(Kind.SHUTDOWN)


def _site(partition: NodePartition | None, shape: Shape | None) -> Site:
    """Return where the nodes of a job are to be."""
    if partition is None and shape is None:
        return ANYWHERE
    return Site(() if partition is None else partition.nodes, shape)


def _numbers(
    places: Sequence[int], partition: NodePartition | None, nodes: Sequence[int]
) -> tuple[int, ...]:
    """Return the numbers of nodes that are given by their places in a partition.

    Raises:
        LaunchError: it has no such place.
    """
    there = nodes if partition is None else partition.nodes
    for place in places:
        if not 0 <= place < len(there):
            raise LaunchError(f"there is no node {place} among the {len(there)} of the partition")
    return tuple(there[place] for place in places)


def _hosts(nodes: Sequence[int], nprocs: int, wanted: int) -> tuple[tuple[int, int], ...]:
    """Return the nodes asked for by number, by their places in the job, *wanted* of them.

    Raises:
        LaunchError: they are too few.
    """
    if nodes and len(nodes) < wanted:
        raise LaunchError(
            f"{nprocs} processes do not fit on the {len(nodes)} nodes that are asked for by number"
        )
    return tuple(enumerate(nodes[:wanted]))
