"""yod's door for programs: processes that run ask it to start more, and to connect jobs."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from vmpp.errors import VmppError
from vmpp.kernel import QuintessentialKernel
from vmpp.portals import Header
from vmpp.process import jobs
from vmpp.process.calls import GARBAGE, Done, Reply, encode
from vmpp.process.command import program_of
from vmpp.process.program import Program, ProgramError
from vmpp.process.program_files import ProgramFiles
from vmpp.service.errors import LaunchError, NodesBusyError, NotPermittedError
from vmpp.service.launcher import Home, Launcher
from vmpp.service.names import NameServer
from vmpp.service.node_partitions import EXECUTE, NodePartitions, PartitionError
from vmpp.service.process_ends import Ends
from vmpp.service.record import JobRecord
from vmpp.service.rectangles import ANYWHERE, Site
from vmpp.service.server import Server

PATIENCE: Final = 50
"""For how many service times after the last end of a process a request waits for nodes."""

_NODE: Final = re.compile(r".*-n(\d+)")

Answer = Callable[[Reply], object]


class SpawnServer(Server):
    """Takes requests of programs to the launcher, in virtual time.

    What they ask for may take longer than the service time, and is answered when it is done. Who
    asks for nodes that are taken gets them if they are given back soon: a job whose last word its
    spawner has heard is still ending.
    """

    __slots__ = (
        "_described", "_directory", "_ends", "_launcher", "_names", "_partitions", "_patience",
        "_until", "_waiting",
    )  # fmt: skip

    def __init__(
        self,
        kernel: QuintessentialKernel,
        pid: int,
        launcher: Launcher,
        names: NameServer,
        directory: Callable[[int, int], str],
        service_time: int,
        partitions: NodePartitions | None = None,
        described: Callable[[Any, Mapping[str, str]], Any] = lambda description, settings: None,
    ) -> None:
        """Set the server up.

        Args:
            launcher: starts the jobs.
            names: knows the ports.
            directory: gives the current directory of a process, by job and rank.
            service_time: of a request, ps.
            partitions: of the nodes; None: there are none.
            described: gives what libraries are set up by in a job's processes, of what they are in
                its spawner's and some settings; raises VmppError for what cannot be.
        """
        super().__init__(kernel, pid, service_time)
        self._launcher = launcher
        self._names = names
        self._directory = directory
        self._patience = PATIENCE * service_time
        self._until = 0
        self._waiting: dict[Header, NodesBusyError] = {}
        self._partitions = partitions
        self._ends = Ends()
        self._described = described
        launcher.on_exit = self._process_ended
        launcher.on_freed = self._nodes_freed

    def received(self, header: Header, due: int) -> None:
        """Look at a request when it is due."""
        self.kernel.engine.at(due, self._serve, header)

    def stop(self) -> None:
        """Take no more requests; those that wait for nodes get none."""
        super().stop()
        waiting, self._waiting = self._waiting, {}
        for header in (*waiting, *self._ends.give_up()):
            self.reply((header, None))

    def _serve(self, header: Header) -> None:
        """Begin to do what a request asks for, or have it wait for nodes."""
        try:
            self._attempt(header)
        except NodesBusyError as error:
            if not self._waiting:
                self._until = self.kernel.engine.now + self._patience
                self.kernel.engine.at(self._until, self._expire)
            self._waiting[header] = error
        except NotPermittedError as error:
            self._waiting.pop(header, None)
            self._answer(header, jobs.refusal(errno.EPERM, str(error)))
        except (LaunchError, ProgramError) as error:
            self._waiting.pop(header, None)
            self._answer(header, jobs.refusal(_number_of(error), str(error)))
        else:
            self._waiting.pop(header, None)

    def _attempt(self, header: Header) -> None:
        """Begin to do what a request asks for. Raises LaunchError or ProgramError."""
        caller = self._launcher.records.get(header.source.group)
        if caller is None:
            return
        answer = partial(self._answer, header)
        try:
            call = jobs.decode_call(header.body or b"")
        except GARBAGE:
            answer(jobs.NOT_A_REQUEST)
            return
        action = _ACTIONS.get(type(call))
        if isinstance(call, jobs.AwaitEnd):
            self._ends.wait(header, caller, call, self._answer)
        elif action is None:
            answer(jobs.NOT_A_REQUEST)
        else:
            action(self, caller, header.source.rank, call, answer)

    def _process_ended(self) -> None:
        """Have those who wait for nodes be patient; tell those who wait for just this."""
        self._until = self.kernel.engine.now + self._patience
        self._ends.look(self._answer)

    def _nodes_freed(self) -> None:
        """Try again for those who wait."""
        self._process_ended()
        for header in list(self._waiting):
            self._serve(header)

    def _expire(self, _: object) -> None:
        """Refuse the requests that wait, if no process has ended for a while."""
        if self.kernel.engine.now < self._until:
            self.kernel.engine.at(self._until, self._expire)
            return
        waiting, self._waiting = self._waiting, {}
        for header, error in waiting.items():
            self._answer(header, jobs.refusal(errno.EAGAIN, str(error)))

    def _answer(self, header: Header, reply: Reply) -> None:
        self.reply((header, encode(reply)))

    # -- what requests ask for -----------------------------------------------------------------

    def _spawn(self, caller: JobRecord, rank: int, call: jobs.Spawn, answer: Answer) -> None:
        """Start programs as a job."""
        reach = self._launcher.book.within_reach * caller.wishes.roles.ranks
        self._start(caller, rank, call, counts_of(call.commands, reach), answer)

    def _start(
        self,
        caller: JobRecord,
        rank: int,
        call: jobs.Spawn | jobs.SpawnAt,
        counts: list[int],
        answer: Answer,
        home: Home | None = None,
    ) -> None:
        """Start programs as a job, so many processes of each."""
        friends = self._allowed(caller, call.jobs)
        directory = self._directory(caller.id, rank)
        own: Program = caller.job.program(rank)
        hints = [_hints(command, directory, own.files) for command in call.commands]
        programs = [
            _program(*each, directory, own) for each in zip(call.commands, hints, strict=True)
        ]
        started = _Starting(self._launcher, counts, answer)
        started.begin(
            caller,
            list(zip(programs, counts, strict=True)),
            _hosts(hints, counts),
            call.parcel,
            friends,
            home,
        )

    def _reserve(self, caller: JobRecord, rank: int, call: jobs.Reserve, answer: Answer) -> None:
        """Keep nodes for what the caller will spawn."""
        within: tuple[int, ...] = ()
        hosts: dict[int, int] = {}
        corner = -1
        if call.partition:
            if self._partitions is None:
                raise LaunchError("this machine has no partitions")
            found = self._partitions.find(caller.wishes.owner, call.partition, EXECUTE)
            within = found.nodes
        book = self._launcher.book
        if call.corner >= 0:
            there = within or book.nodes
            if call.corner >= len(there):
                raise LaunchError(f"there is no node {call.corner} in the partition")
            corner = there[call.corner]
        if call.places:
            there = within or tuple(book.nodes)
            if not set(call.places) <= set(range(len(there))):
                raise LaunchError(f"{call.places} are no places among {len(there)} nodes")
            within = tuple(there[place] for place in call.places)
            hosts = dict(enumerate(within))
        size = call.size or len(within) or max(1, len(book.free))
        site = Site(within, call.shape, corner) if within or call.shape else ANYWHERE
        number, nodes = self._launcher.reserve(caller, size, site, hosts)
        answer(jobs.Reserved(number, list(nodes)))

    def _spawn_at(self, caller: JobRecord, rank: int, call: jobs.SpawnAt, answer: Answer) -> None:
        """Start programs on nodes that the caller's family has."""
        lease = self._launcher.book.leases.get(call.home)
        if lease is None or not self._is_home(caller, call.home):
            raise LaunchError(f"job {caller.id} has no nodes under number {call.home}")
        counts = [command.most for command in call.commands]
        if len(call.places) != sum(counts) or not set(call.places) <= set(range(len(lease.nodes))):
            raise LaunchError(f"{call.places} are no places among {len(lease.nodes)} nodes")
        nodes = tuple(lease.nodes[place] for place in call.places)
        try:
            described = self._described(caller.wishes.description, call.settings)
        except VmppError as error:
            raise LaunchError(str(error)) from None
        home = Home(call.home, nodes, call.library, described)
        self._start(caller, rank, call, counts, answer, home)

    def _is_home(self, caller: JobRecord, number: int) -> bool:
        """Return whether the nodes of a job, or those kept under a number, are the caller's own."""
        origin = caller.origin
        return number in origin.reservations or any(each.id == number for each in origin.family)

    def _relatives(
        self, caller: JobRecord, rank: int, call: jobs.ListRelatives, answer: Answer
    ) -> None:
        """Tell of the jobs that have been spawned on certain nodes."""
        found = [
            jobs.Relative(
                record.id,
                list(record.job.nodes),
                [address.pid for address in record.job.addresses],
                record.job.parcel,
            )
            for record in caller.origin.spawned
            if record.home == call.home and not record.gone.is_set()
        ]
        answer(jobs.Relatives(found))

    def _end(self, caller: JobRecord, rank: int, call: jobs.EndProcess, answer: Answer) -> None:
        """Kill processes of the caller's family."""
        record = next((each for each in caller.origin.family if each.id == call.job), None)
        if record is None or not -1 <= call.rank < record.size:
            raise LaunchError(f"no process {call.rank} of job {call.job} is left")
        ranks = range(record.size) if call.rank < 0 else [call.rank]
        self._launcher.dismiss(record, ranks)
        answer(Done())

    def _connect(self, caller: JobRecord, rank: int, call: jobs.Connect, answer: Answer) -> None:
        """Let every two of some jobs send to each other."""
        records = self._allowed(caller, call.jobs)
        told = {one: [o.job.id for o in records if o is not one] for one in records}
        self._introduce(told, partial(answer, Done()))

    def _reach(self, caller: JobRecord, rank: int, call: jobs.Reach, answer: Answer) -> None:
        """Let some jobs and the one that has a port open send to each other."""
        records = self._allowed(caller, call.jobs)
        place = self._names.owner(call.port)
        owner = None if place is None else self._launcher.records.get(place.job)
        if place is None or owner is None:
            raise LaunchError(f"port {call.port!r} is not open")
        if not caller.wishes.owner.may_command(owner.wishes.owner):
            raise NotPermittedError(f"port {call.port!r} belongs to another user")
        others = [record for record in records if record is not owner]
        told = {record: [owner.id] for record in others}
        told[owner] = [record.id for record in others]
        address = owner.job.addresses[place.rank]
        where = jobs.Place(place.job, place.rank, address.nid, address.pid)
        self._introduce(told, partial(answer, where))

    def _introduce(self, told: dict[JobRecord, list[int]], then: Callable[[], object]) -> None:
        new = {
            record: [number for number in numbers if number not in record.connected]
            for record, numbers in told.items()
        }
        self._launcher.introductions.introduce(new, then)

    def _allowed(self, caller: JobRecord, numbers: Sequence[int]) -> list[JobRecord]:
        """Return those of the jobs that still run.

        Raises:
            LaunchError: one of them is no business of the caller.
        """
        if not set(numbers) <= self._launcher.related(caller):
            raise LaunchError("a job is not connected to the one that asks")
        records = self._launcher.records
        return [records[number] for number in numbers if number in records]


class _Starting:
    """A job on its way: loaded, and introduced to its friends, at the same time."""

    __slots__ = ("_answer", "_counts", "_launcher", "_missing", "_record")

    def __init__(self, launcher: Launcher, counts: list[int], answer: Answer) -> None:
        self._launcher = launcher
        self._counts = counts
        self._answer = answer
        self._missing = 2
        self._record: JobRecord | None = None

    def begin(
        self,
        caller: JobRecord,
        parts: Sequence[tuple[Program, int]],
        hosts: Mapping[int, int],
        parcel: bytes,
        friends: Sequence[JobRecord],
        home: Home | None,
    ) -> None:
        """Have the job loaded, and its friends told of it. Raises LaunchError."""
        record = self._launcher.spawn(caller, parts, hosts, parcel, friends, self._loaded, home)
        self._record = record
        self._launcher.introductions.introduce(
            {friend: [record.id] for friend in friends}, self._go
        )

    def _loaded(self, _: JobRecord, reason: str | None) -> None:
        if reason is None:
            self._go()
        else:
            self._answer(jobs.refusal(errno.ENOMEM, reason))

    def _go(self) -> None:
        """Let the job run, and tell who asked, when both are done."""
        self._missing -= 1
        if not self._missing and self._record is not None:
            self._launcher.go(self._record)
            job = self._record.job
            pids = [address.pid for address in job.addresses]
            self._answer(jobs.Spawned(job.id, self._counts, list(job.nodes), pids))


def _number_of(error: LaunchError | ProgramError) -> int:
    """Return what is wrong as a number of `errno`."""
    if isinstance(error, PartitionError):
        return error.errno
    return errno.ENOEXEC if isinstance(error, ProgramError) else errno.EINVAL


def counts_of(commands: Sequence[jobs.Command], free: int) -> list[int]:
    """Return how many processes each command gets if there is room for *free* of them.

    That is as many as it asks for at the most; or, if there is too little room for all, the most
    that it says will do as well, the first command choosing first.
    """
    most = [command.most for command in commands]
    if sum(most) <= free:
        return most
    choices = [[n for n in {*command.fewer, command.most} if 0 <= n <= command.most]
               for command in commands]  # fmt: skip
    counts: list[int] = []
    for place, choice in enumerate(choices):
        left = free - sum(counts) - sum(min(later) for later in choices[place + 1 :])
        fitting = [count for count in choice if count <= left]
        if not fitting:
            return most
        counts.append(max(fitting))
    return counts


def _program(
    command: jobs.Command, hints: Mapping[str, str], directory: str, spawner: Program
) -> Program:
    """Return the program of a command, found where the *spawner*'s own files are."""
    files, environ = spawner.files, spawner.environ
    variables = {os.fsdecode(key): os.fsdecode(value) for key, value in environ.items()}
    if "environ" in hints:
        variables = dict(line.partition("=")[::2] for line in hints["environ"].split("\0") if line)
    cwd = os.path.join(directory, hints.get("wdir", ""))
    if not files.is_dir(cwd):
        raise ProgramError(f"there is no folder {cwd} to work in")
    path = [folder for folder in hints.get("path", "").split(os.pathsep) if folder]
    args = [os.fsdecode(argument) for argument in command.args]
    name = os.fsdecode(command.name)
    return program_of(name, args, cwd, variables, path, files, spawner.epoch)


def _hints(command: jobs.Command, directory: str, files: ProgramFiles) -> Mapping[str, str]:
    """Return a command's hints, those in the file that it may name included."""
    given = {key: os.fsdecode(value) for key, value in command.hints.items()}
    if "file" not in given:
        return given
    name = os.path.join(directory, given["file"])
    try:
        text = files.read(name).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise LaunchError(f"cannot read the hints in {name}: {error}") from None
    lines = [line.split("#")[0].partition("=") for line in text.splitlines()]
    said = {key.strip(): value.strip() for key, found, value in lines if found}
    return {**said, **given}


def _hosts(hints: Sequence[Mapping[str, str]], counts: Sequence[int]) -> dict[int, int]:
    """Return the nodes that ranks must have because of the host that their command names."""
    hosts: dict[int, int] = {}
    first = 0
    for hint, count in zip(hints, counts, strict=True):
        if "host" in hint:
            found = _NODE.fullmatch(hint["host"])
            if found is None:
                raise LaunchError(f"no node is called {hint['host']!r}")
            hosts.update(dict.fromkeys(range(first, first + count), int(found[1])))
        first += count
    return hosts


_ACTIONS: Final[dict[type, Callable[[SpawnServer, JobRecord, int, Any, Answer], None]]] = {
    jobs.Spawn: SpawnServer._spawn,
    jobs.Connect: SpawnServer._connect,
    jobs.Reach: SpawnServer._reach,
    jobs.Reserve: SpawnServer._reserve,
    jobs.SpawnAt: SpawnServer._spawn_at,
    jobs.ListRelatives: SpawnServer._relatives,
    jobs.EndProcess: SpawnServer._end,
}
