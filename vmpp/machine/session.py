"""Sessions: what somebody who is logged in can do, and the only way in which they do it.

The shell, SSH and scenarios stand on this. Whatever a session asks for is a request to a server,
under the session's own number, by which servers know whose request it is.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, TypeVar

import trio

from vmpp.errors import VmppError
from vmpp.machine.images import locate
from vmpp.machine.session_files import Path, SessionFiles
from vmpp.machine.striped_output import StripedOutput
from vmpp.process import calls
from vmpp.process.calls import Call, Failed, Reply, encode
from vmpp.process.program import Program
from vmpp.service import account_calls, accounting, log, partition_calls, requests
from vmpp.service.errors import NotPermittedError
from vmpp.service.filesystem.joined_space import JoinedSpace
from vmpp.service.filesystem.open_file import HostFile, OpenFile
from vmpp.service.filesystem.programs import load
from vmpp.service.filesystem.striped_file import StripedFile
from vmpp.service.identity import Credentials, host_user
from vmpp.service.partition_calls import PartitionStatus
from vmpp.service.status import JobState, JobStatus, NodeStatus

if TYPE_CHECKING:
    from vmpp.machine.job import Job
    from vmpp.machine.machine import Machine
    from vmpp.machine.result import Result
    from vmpp.service.client import ServiceClient

R = TypeVar("R", bound=Reply)

CONSOLE: Final = "console"
"""The place of whoever sits at the machine itself."""


class RefusedError(VmppError):
    """A server refuses what a session asks for, and says why."""


class LoginError(RefusedError):
    """Somebody is not let in."""


class LoggedOutError(VmppError):
    """A session is used after its end."""


class Session:
    """Somebody who is logged in.

    Made by `Machine.console` and `Machine.log_in`. An *exact* session has virtual time stand still
    whenever none of its methods is being waited for, so that what it does begins at instants which
    do not depend on the host. Several exact sessions of one task take turns: time stands still
    while none of them waits. All methods raise `ServerDownError` if a server does not answer.

    Attributes:
        number: by which servers know the session.
        user: who is logged in.
        place: where they have come from: ``console``, ``ssh``, ...
        directory: the current directory.
        files: the files, as the user sees them.
        last_login: when the user logged in before, in virtual time, ps; None: never.
        failures: how many logins as the user have failed since then.
        last_failure: when the last of these did.
    """

    def __init__(
        self, machine: Machine, client: ServiceClient, place: str, *, exact: bool = False
    ) -> None:
        self._machine = machine
        self._client = client
        self._turn = trio.Lock()
        self._exact = False
        self.number = client.number
        self.place = place
        self.user: Credentials = host_user()
        self.directory = self.user.home
        self.files = SessionFiles(self._call)
        self.last_login: int | None = None
        self.failures = 0
        self.last_failure: int | None = None
        self.exact = exact

    @property
    def exact(self) -> bool:
        """Whether virtual time stands still between what the session does."""
        return self._exact

    @exact.setter
    def exact(self, exact: bool) -> None:
        self._exact = exact
        if exact:
            self._machine.doors.give_word(self)
        else:
            self._machine.doors.take_word(self)

    def hold(self, hold: bool) -> None:
        """Have virtual time stand still on behalf of this session, or not."""
        self._client.exact = hold

    @property
    def now(self) -> int:
        """The virtual time, in picoseconds."""
        return self._machine.engine.now

    # -- asking servers --------------------------------------------------------------------------

    async def _call(self, server: str, request: bytes) -> bytes:
        """Ask a server, one request after the other."""
        async with self._speaking() as client:
            return await client.call(server, request)

    @asynccontextmanager
    async def _speaking(self) -> AsyncIterator[ServiceClient]:
        """Have the word, to do something in virtual time as this session's client."""
        async with self._turn:
            if self._client.dead:
                raise LoggedOutError(f"{self.user.name} has logged out")
            if self._exact:
                self._machine.doors.give_word(self)
            try:
                yield self._client
            finally:
                if self._exact:
                    await self._machine.services.caught_up()

    async def ask(self, server: str, call: Call[R], decode: Callable[[bytes], Any]) -> R:
        """Ask a server, and return its reply.

        Raises:
            RefusedError: it refuses, and says why.
        """
        reply = decode(await self._call(server, encode(call)))
        if isinstance(reply, Failed):
            raise RefusedError(reply.text or "refused")
        return reply  # type: ignore[no-any-return]

    async def _ask_login(self, call: Call[R]) -> R:
        if self._machine.login is None:
            raise RefusedError("this machine has no accounts: it was booted without a state")
        return await self.ask(account_calls.SERVER, call, account_calls.decode_reply)

    # -- coming and going ------------------------------------------------------------------------

    async def enter(self, call: Call[account_calls.Welcome]) -> None:
        """Log in. Raises LoginError."""
        try:
            welcome = await self._ask_login(call)
        except RefusedError as error:
            raise LoginError(str(error)) from None
        self.user = welcome.user
        self.directory = welcome.user.home
        self.last_login = welcome.last_login
        self.failures = welcome.failures
        self.last_failure = welcome.last_failure

    async def settle(self) -> None:
        """Be served by the file server from now on; who is logged in is known by now."""
        self.directory = self._machine.doors.came(self)
        await trio.lowlevel.checkpoint()

    async def verify(self, name: str, password: str) -> None:
        """Find out whether a password is right, before anybody is logged in.

        Raises:
            RefusedError: it is wrong, or there is no such user.
        """
        await self._ask_login(account_calls.Verify(name, password))

    def may_become(self, name: str) -> bool:
        """Return whether `become` needs no password.

        Root may be anybody, and whoever sits at the console and is in the group ``wheel`` may be
        root: the machine's state is theirs on the host anyway.
        """
        return self._machine.doors.may_become(self, name)

    async def become(self, name: str, password: str = "") -> Session:
        """Log in as *name*, from where this session has come from, beside it.

        Raises:
            LoginError: one needs a password to be *name*, and this is not it.
        """
        doors = self._machine.doors
        if self.may_become(name):
            return await doors.admit(name, place=self.place, exact=self._exact)
        return await doors.log_in(name, password, place=self.place, exact=self._exact)

    async def log_out(self) -> None:
        """End the session. The jobs that it has in the background go on."""
        if self._client.dead:
            return
        try:
            if self._machine.login is not None:
                await self._ask_login(account_calls.Logout())
        finally:
            self.end()

    def end(self) -> None:
        """End the session without a word, because whoever had it has gone."""
        if not self._client.dead:
            self._machine.doors.left(self)
            self._client.close()

    # -- time ------------------------------------------------------------------------------------

    async def sleep(self, duration: int) -> None:
        """Wait until *duration* picoseconds of virtual time have passed."""
        await self._wait(lambda client: client.sleep(duration))

    async def _wait(self, wait: Callable[[ServiceClient], Awaitable[None]]) -> None:
        """Wait in virtual time; the session can ask servers meanwhile."""
        doors = self._machine.doors
        if self._exact:
            doors.give_word(self)
        with self._machine.services.client(self.number, exact=self._exact) as client:
            self.hold(False)
            try:
                await wait(client)
            finally:
                self.hold(doors.speaker is self)
        if self._exact:
            await self._machine.services.caught_up()

    # -- accounts --------------------------------------------------------------------------------

    async def passwd(self, new: str, old: str = "", name: str = "") -> None:
        """Change one's password, or as root that of *name*.

        Raises:
            RefusedError: the old one is wrong, or the new one is none, or one is not root.
        """
        await self._ask_login(account_calls.Passwd(name, old, new))

    async def add_user(
        self,
        name: str,
        password: str | None = None,
        *,
        groups: Iterable[str] = (),
        quota_bytes: int | None = None,
        quota_files: int | None = None,
    ) -> Credentials:
        """Add a user, with a home directory; only root may.

        Args:
            password: without one they can log in by public key only.
            groups: further ones that they are in; of ``programmers``, to run their own programs.
            quota_bytes: how much their files may take; None: as much as there is.
            quota_files: how many files they may have; likewise.

        Raises:
            RefusedError: the name is taken or none, there is no such group, or one is not root.
        """
        call = account_calls.AddUser(name, password, tuple(groups), quota_bytes, quota_files)
        return (await self._ask_login(call)).user

    async def remove_user(self, name: str) -> None:
        """Remove a user who is not logged in; the files stay. Only root may."""
        await self._ask_login(account_calls.RemoveUser(name))

    async def set_locked(self, name: str, locked: bool) -> None:
        """Keep a user out, or let them in again. Only root may."""
        await self._ask_login(account_calls.SetLocked(name, locked))

    async def set_quota(
        self, name: str, quota_bytes: int | None = None, quota_files: int | None = None
    ) -> None:
        """Limit what a user's files take and how many they are. Only root may."""
        await self._ask_login(account_calls.SetQuota(name, quota_bytes, quota_files))

    async def add_group(self, name: str) -> None:
        """Add a group. Only root may."""
        await self._ask_login(account_calls.AddGroup(name))

    async def remove_group(self, name: str) -> None:
        """Remove a group. Only root may."""
        await self._ask_login(account_calls.RemoveGroup(name))

    async def set_member(self, group: str, name: str, member: bool = True) -> None:
        """Make a user a member of a group, or one no more. Only root may."""
        await self._ask_login(account_calls.SetMember(group, name, member))

    async def users(self) -> list[account_calls.User]:
        """Return who has an account, in the order of their numbers."""
        return (await self._ask_login(account_calls.Users())).users

    async def groups(self) -> list[account_calls.Group]:
        """Return what groups there are, in the order of their numbers."""
        return (await self._ask_login(account_calls.Groups())).groups

    async def who(self) -> list[account_calls.SessionStatus]:
        """Return who is logged in, in the order in which they came."""
        return (await self._ask_login(account_calls.Who())).sessions

    async def keys(self, name: str = "") -> list[tuple[str, str]]:
        """Return one's public keys, or as root those of *name*, each with its comment."""
        return (await self._ask_login(account_calls.Keys(name))).keys

    async def add_key(self, key: str, name: str = "") -> None:
        """Let oneself, or *name*, log in by one more public key.

        Args:
            key: a line as OpenSSH writes it, with a comment or without.
        """
        await self._ask_login(account_calls.AddKey(name, key))

    async def remove_key(self, key: str, name: str = "") -> None:
        """Take a public key from oneself, or from *name*."""
        await self._ask_login(account_calls.RemoveKey(name, key))

    # -- jobs ------------------------------------------------------------------------------------

    async def launch(
        self,
        program: str | PathLike[str] | Program,
        nprocs: int,
        args: Sequence[str] = (),
        *,
        environ: Mapping[str, str] | None = None,
        others: Sequence[tuple[str, Sequence[str], int]] = (),
        **options: Any,
    ) -> Job:
        """Launch a program; it starts in the current directory.

        Args:
            program: a Python file, the name of an image, or a program that has been made already.
            nprocs: how many ranks it has.
            args: its arguments.
            environ: variables of its environment besides the usual ones.
            others: further programs of the job, each with its arguments and the number of its
                ranks, which follow.
            options: as for `Machine.launch`.

        Raises:
            ProgramError: there is no such program, or the user may not run it: only members of the
                group ``programmers`` run others than those in ``/images``.
            LaunchError: it cannot be launched.
            NotPermittedError: it is to be more urgent than usual, which only root may want.
        """
        if options.get("priority", 0) > 0 and not self._may_be_urgent:
            raise NotPermittedError(f"only root may launch with priority {options['priority']}")
        if not isinstance(program, Program):
            program = self._loaded(os.fspath(program), args, environ or {})
        more = [(self._loaded(name, words, environ or {}), size) for name, words, size in others]
        async with self._speaking() as client:
            return await self._machine.launch(
                program, nprocs, others=more, owner=self.user, client=client, **options
            )

    async def jobs(self) -> list[JobStatus]:
        """Return the jobs that wait or run, everybody's, by number."""
        reply = await self.ask(requests.ALLOCATION, requests.ListJobs(), requests.decode_reply)
        return list(reply.jobs)

    async def nodes(self) -> list[NodeStatus]:
        """Return all nodes, by number."""
        reply = await self.ask(requests.ALLOCATION, requests.ListNodes(), requests.decode_reply)
        return list(reply.nodes)

    async def signal(self, job: int, number: int) -> None:
        """Send a signal to every process of a job. Raises RefusedError."""
        await self.ask(requests.ALLOCATION, requests.Signal(job, number), requests.decode_reply)

    # -- partitions ------------------------------------------------------------------------------

    async def _ask_allocation(self, call: Call[R]) -> R:
        return await self.ask(requests.ALLOCATION, call, requests.decode_reply)

    async def make_partition(self, name: str, **wanted: Any) -> PartitionStatus:
        """Make a partition of the compute nodes.

        Args:
            wanted: ``size``, ``nodes`` or ``shape``, ``mode``, ``policy`` and ``most_urgent``, as
                for `NodePartitions.make`.

        Raises:
            RefusedError: it cannot be.
        """
        call = partition_calls.MakePartition(name, **wanted)
        return (await self._ask_allocation(call)).status

    async def remove_partition(self, name: str, *, force: bool = False, deep: bool = False) -> None:
        """Remove a partition.

        Args:
            force: whether jobs in it are killed.
            deep: whether partitions in it are removed as well.

        Raises:
            RefusedError: it cannot be.
        """
        await self._ask_allocation(partition_calls.RemovePartition(name, force, deep))

    async def change_partition(self, name: str, **changes: Any) -> PartitionStatus:
        """Change a partition, as `NodePartitions.change` says. Raises RefusedError."""
        call = partition_calls.ChangePartition(name, **changes)
        return (await self._ask_allocation(call)).status

    async def partition(self, name: str = "") -> PartitionStatus:
        """Return a partition that one may see; that of all nodes if left out."""
        return (await self._ask_allocation(partition_calls.DescribePartition(name))).status

    async def partitions(self, name: str = "", *, deep: bool = False) -> list[PartitionStatus]:
        """Return the partitions in one, by name; with *deep* those in these as well."""
        call = partition_calls.ListPartitions(name, deep)
        return (await self._ask_allocation(call)).partitions

    async def set_priority(self, job: int, priority: int) -> None:
        """Make a job as urgent as *priority* says. Raises RefusedError."""
        await self._ask_allocation(partition_calls.SetPriority(job, priority))

    @property
    def has_accounts(self) -> bool:
        """Whether the machine has users of its own, and is not its host's user's alone."""
        return self._machine.login is not None

    @property
    def _may_be_urgent(self) -> bool:
        """Whether the user's jobs may come before others'; without accounts there is one user."""
        return self.user.is_root or self._machine.installation is None

    def _loaded(self, program: str, args: Sequence[str], environ: Mapping[str, str]) -> Program:
        installation = self._machine.installation
        if installation is not None:
            return load(
                installation.tree, self.user, program, args, cwd=self.directory, environ=environ
            )
        path = locate(program, self._machine.plugins, pathlib.Path(self.directory))
        return Program.script(path, args, self.directory, {**os.environ, **environ})

    async def wait(self, job: Job) -> Result:
        """Wait for the end of a job, and of what it has spawned; return what has come of it."""
        await self._wait(lambda client: client.until(job.record.done))
        return job.result()

    # -- the past --------------------------------------------------------------------------------

    async def history(
        self,
        *,
        user: str = "",
        ids: Sequence[int] = (),
        states: Sequence[JobState] = (),
        since: int | None = None,
        until: int | None = None,
    ) -> list[JobStatus]:
        """Return jobs on record, in the order of their numbers: one's own, or all to root.

        Args:
            user: only those of the user of this name.
            ids: only those of these numbers; all if there are none.
            states: only those in these states; all if there are none.
            since: only those that were not over before this time, ps.
            until: only those that were asked for before this time, ps.
        """
        found: list[JobStatus] = []
        more = True
        while more:
            after = found[-1].id if found else 0
            query = accounting.Query(after, user, tuple(ids), tuple(states), since, until)
            page = await self.ask(accounting.SERVER, query, accounting.decode_reply)
            found += page.jobs
            more = page.more
        return found

    async def log(
        self,
        *,
        kinds: Sequence[log.Kind] = (),
        user: str = "",
        since: int | None = None,
        until: int | None = None,
    ) -> list[log.Event]:
        """Return what has happened on the machine, in order. Only root may.

        Args:
            kinds: only events of these kinds; all if there are none.
            user: only what this user has done.
            since: only what happened from this time on, ps.
            until: only what happened before this time, ps.
        """
        if self._machine.login is None:
            raise RefusedError("this machine has no log: it was booted without a state")
        found: list[log.Event] = []
        more = True
        while more:
            after = found[-1].number if found else 0
            wanted = log.ReadLog(after, tuple(kinds), user, since, until)
            page = await self.ask(log.SERVER, wanted, log.decode_reply)
            found += page.events
            more = page.more
        return found

    # -- files -----------------------------------------------------------------------------------

    def appending(self, path: Path, *, fresh: bool = False) -> OpenFile:
        """Open a file for what is added to it from outside: redirected output, a record.

        That costs no virtual time. A file that is to be *fresh* is emptied. Raises OSError.
        """
        name, flags = os.fsencode(path), os.O_WRONLY | os.O_CREAT | os.O_APPEND
        if fresh:
            flags |= os.O_TRUNC
        try:
            file = self._opened(name, flags)
        except OSError as error:
            error.filename = os.fsdecode(name)
            raise
        return StripedOutput(file) if isinstance(file, StripedFile) else file

    def _opened(self, name: bytes, flags: int) -> OpenFile:
        installation, space = self._machine.installation, self._machine.files.host
        if installation is not None:
            tree = installation.tree
            tree.begin(self.now)
            folder = tree.directory(self.user, tree.root, os.fsencode(self.directory))
            return tree.open(self.user, folder, name, flags, 0o644)
        full = os.path.join(os.fsencode(self.directory), name)
        if isinstance(space, JoinedSpace) and space.leads_inside(full):
            view = space.view(space.start(None))
            view.begin(self.now)
            return view.open(None, full, flags, 0o666)[0]
        return HostFile(os.open(full, flags | os.O_CLOEXEC, 0o666))

    async def settle_output(self, file: OpenFile) -> None:
        """Wait until what was added to a file that `appending` has opened is in it.

        Raises:
            OSError: some of it is not.
        """
        if isinstance(file, StripedOutput):
            if not file.idle:
                await self._wait(lambda client: client.until(file.when_idle()))
            file.check()

    async def chdir(self, path: Path) -> None:
        """Make a directory the current one. Raises OSError."""
        await self.files.ask(calls.Chdir(os.fsencode(path)), path)
        self.directory = os.fsdecode((await self.files.ask(calls.Getcwd())).path)
