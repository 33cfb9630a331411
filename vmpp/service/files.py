"""The file server: the host's files, served to the compute nodes as the user who runs vmpp.

It keeps for every process what a Unix kernel keeps: open files, the current directory, the mask of
new files' permissions. Standard output and error go line by line to the sinks of the job, standard
input comes from the job's source and goes to rank 0. Nothing of a process is kept in a host-wide
place: the host's own current directory never changes.

A request is answered at once, in the order in which requests are given to `FileServer.serve`,
unless it is for something that may keep the host waiting: standard input, a named pipe, a terminal.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, Final, Protocol

import msgspec
import trio

from vmpp.process import calls
from vmpp.service.server import Caller, Later
from vmpp.service.sharing import Sharing

BLOCK: Final = 1 << 16
"""The block size told to processes, in bytes: what they buffer of a file. It is large, as that of
any remote file system, for a request costs more than its bytes; and the same on every host."""

FIRST: Final = 3
"""The lowest handle that is not a standard stream."""

_RUN: Final = Struct("<qq")
"""Offset and length of a stretch of a file."""

_SYSTEM: Final = 0
"""In place of a job's number: that of the system's own processes."""

_RETRY: Final = 0.02
"""Seconds of host time between two looks for a reader of a named pipe."""


class Sink(Protocol):
    """Where a job's standard output or error goes."""

    def write(self, rank: int, time_ps: int, data: bytes) -> object:
        """Take *data*, whole lines that *rank* wrote at virtual time *time_ps*.

        Only what a process leaves unfinished, when its job ends or it asks for input, is less than
        a line.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        ...


class Source(Protocol):
    """Where a job's standard input comes from."""

    async def read(self, n: int) -> bytes:
        """Return up to *n* bytes as soon as there are any, none at the end."""
        ...


@dataclass(slots=True)
class Stdio:
    """The standard streams of a job.

    Attributes:
        stdout: sink of standard output.
        stderr: sink of standard error.
        stdin: source of rank 0's standard input; None: empty.
        broken: whether a sink has raised BrokenPipeError. What processes write to that sink
            afterwards is dropped without an error: it is the launcher that ends the job.
        on_broken: called the first time that a sink breaks.
        pending: what was read from *stdin* and not asked for yet.
    """

    stdout: Sink
    stderr: Sink
    stdin: Source | None = None
    broken: bool = False
    on_broken: Callable[[], object] | None = None
    pending: bytearray = field(default_factory=bytearray)

    def emit(self, handle: int, rank: int, time_ps: int, data: bytes) -> None:
        """Give *data* to the sink of *handle*, 1 or 2."""
        try:
            (self.stdout if handle == 1 else self.stderr).write(rank, time_ps, data)
        except BrokenPipeError:
            was_broken, self.broken = self.broken, True
            if not was_broken and self.on_broken is not None:
                self.on_broken()

    def take_input(self, size: int) -> bytes | None:
        """Take a line of what is pending, or *size* bytes; None if that much is not there yet.

        Who asks for more than a block gets as much as there is up to the end: programs that want
        all of their input would get it in very many lines. How the host's pipe has cut the input
        into pieces is never seen: it would be different in every run.
        """
        end = self.pending.find(b"\n", 0, size) + 1 if size <= BLOCK else 0
        if not end and len(self.pending) < size:
            return None
        return self.cut_input(end or size)

    def cut_input(self, size: int) -> bytes:
        """Take up to *size* bytes of what is pending."""
        data = bytes(self.pending[:size])
        del self.pending[:size]
        return data

    async def read_input(self, source: Source, size: int) -> calls.Data:
        """Wait for what `take_input` wants, or for the end."""
        while True:
            piece = await source.read(size)
            self.pending += piece
            data = self.take_input(size) if piece else self.cut_input(size)
            if data is not None:
                return calls.Data(data)


class _HostFile:
    """An open file of the host.

    Attributes:
        fd: the host's descriptor.
        directory: its absolute path if it is a directory.
        patient: whether reading and writing may have to wait for somebody else.
        waiting: how many requests wait for it.
        sharing: what those have in common who share it; None if it is not shared.
    """

    __slots__ = ("directory", "fd", "patient", "sharing", "waiting")

    def __init__(self, fd: int, directory: bytes | None, patient: bool) -> None:
        self.fd = fd
        self.directory = directory
        self.patient = patient
        self.waiting = 0
        self.sharing: Sharing | None = None

    async def wait_until(self, event: int) -> None:
        """Wait until the host would not make a reader (POLLIN) or writer (POLLOUT) wait.

        Raises:
            trio.ClosedResourceError: the file was closed meanwhile.
        """
        poll = select.poll()
        poll.register(self.fd, event)
        if poll.poll(0):
            return
        self.waiting += 1
        try:
            if event == select.POLLIN:
                await trio.lowlevel.wait_readable(self.fd)
            else:
                await trio.lowlevel.wait_writable(self.fd)
        finally:
            self.waiting -= 1

    def close(self) -> None:
        """Close the file; requests that wait for it end."""
        if self.waiting:
            trio.lowlevel.notify_closing(self.fd)
        os.close(self.fd)


@dataclass(slots=True)
class _Shares:
    """The shared open files of a server, by key."""

    files: dict[int, _HostFile] = field(default_factory=dict)
    made: int = 0

    def offer(self, file: _HostFile) -> Sharing:
        """Let others join *file*."""
        if file.sharing is None:
            self.made += 1
            file.sharing = Sharing(self.made)
            self.files[self.made] = file
        return file.sharing

    def join(self, key: int) -> _HostFile:
        """Return a shared open file, for one more user. Raises OSError(EBADF)."""
        file = self.files.get(key)
        if file is None or file.sharing is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        file.sharing.users += 1
        return file

    def leave(self, file: _HostFile, owner: object) -> None:
        """Close a handle of *owner* to *file*, which ends with its last."""
        sharing = file.sharing
        if sharing is not None:
            sharing.lock.forget(owner)
            sharing.users -= 1
            if sharing.users:
                return
            del self.files[sharing.key]
        file.close()


class _Session:
    """What the server keeps of one process.

    Attributes:
        caller: the process, and the time of its latest request.
        directory: its current directory.
        umask: the permissions that it withholds from new files; None: those of the host.
        files: its open files by handle.
        held: the unfinished lines of its standard output and error, by handle.
        shares: the open files that processes share.
    """

    __slots__ = ("caller", "directory", "files", "held", "shares", "stdio", "umask")

    def __init__(self, stdio: Stdio, directory: bytes, shares: _Shares) -> None:
        self.caller = Caller(0, 0, 0)
        self.stdio = stdio
        self.directory = directory
        self.umask: int | None = None
        self.files: dict[int, _HostFile] | None = None
        self.held: dict[int, bytearray] | None = None
        self.shares = shares

    def file(self, handle: int) -> _HostFile:
        """Return an open file. Raises OSError(EBADF)."""
        found = self.files.get(handle) if self.files else None
        if found is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return found

    def add(self, file: _HostFile) -> int:
        """Return the handle of a new open *file*."""
        if self.files is None:
            self.files = {}
        handle = FIRST
        while handle in self.files:
            handle += 1
        self.files[handle] = file
        return handle

    def remove(self, handle: int) -> None:
        """Close what a handle stands for. Raises OSError(EBADF)."""
        file = self.file(handle)
        assert self.files is not None
        del self.files[handle]
        self.shares.leave(file, self)

    def sharing(self, handle: int) -> Sharing:
        """Return what the users of a shared file have in common. Raises OSError(EBADF, EINVAL)."""
        found = self.file(handle).sharing
        if found is None:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return found

    def place(self, at: int, path: bytes) -> tuple[bytes, int | None]:
        """Return a path for the host, and the descriptor of the directory that it starts from.

        Raises:
            OSError: EBADF for a directory that is not open.
        """
        # An empty path stays one, for the host to refuse.
        if not path or path.startswith(b"/"):
            return path, None
        if at == calls.HERE:
            return os.path.join(self.directory, path), None
        return path, self.file(at).fd

    def absolute(self, at: int, path: bytes) -> bytes:
        """Return the absolute path, free of symbolic links, of the directory at *path*."""
        start = self.directory if at == calls.HERE else self.file(at).directory
        return os.path.realpath(os.path.join(start or b"/", path))

    def path(self, path: bytes) -> bytes:
        """Return *path*, starting from the current directory, for the host."""
        return self.place(calls.HERE, path)[0]

    def print(self, handle: int, data: bytes) -> None:
        """Send whole lines on and hold the rest."""
        cut = data.rfind(b"\n") + 1
        held = self.held.pop(handle, None) if self.held else None
        if cut:
            lines = data[:cut] if held is None else bytes(held) + data[:cut]
            self.stdio.emit(handle, self.caller.rank, self.caller.time, lines)
            held = None
        if cut < len(data) or held:
            if self.held is None:
                self.held = {}
            self.held[handle] = held or bytearray()
            self.held[handle] += data[cut:]

    def let_out(self) -> None:
        """Send on what is held of unfinished lines."""
        held, self.held = self.held, None
        for handle, data in sorted((held or {}).items()):
            self.stdio.emit(handle, self.caller.rank, self.caller.time, bytes(data))

    def close(self) -> None:
        """Close every file."""
        for handle in sorted(self.files or ()):
            self.remove(handle)
        self.files = None


@dataclass(slots=True)
class _Job:
    """A job that the server knows: its streams, where its processes start, and those at work."""

    stdio: Stdio
    directory: Callable[[int], bytes]
    sessions: dict[int, _Session]


class FileServer:
    """Serves the host's files to the processes of jobs.

    Whoever receives the requests gives them to `serve`, one call a request, and sends the answers
    back. Several may be open at a time; those that need not wait for the host never give up the
    host's processor, so that their effects come in the order of the calls.

    Attributes:
        name: what processes call it by.
        least_service_time: the least virtual time between a request's arrival and its reply, ps.
        calls_served: how many requests have been answered.
    """

    __slots__ = ("_jobs", "_shares", "_umask", "calls_served", "least_service_time", "name")

    def __init__(self, least_service_time: int = 0) -> None:
        self.name = "files"
        self.least_service_time = least_service_time
        self.calls_served = 0
        self._jobs: dict[int, _Job] = {}
        self._shares = _Shares()
        self._umask = os.umask(0o077)
        os.umask(self._umask)

    def open_job(
        self, job: int, stdio: Stdio, directory: str | Callable[[int], str] | None = None
    ) -> None:
        """Serve the processes of *job* from now on.

        Args:
            directory: where they start, which a function gives by rank; the host's own if None.
        """
        if callable(directory):
            by_rank = directory
            self._jobs[job] = _Job(stdio, lambda rank: _canonical(by_rank(rank)), {})
        else:
            start = _canonical(directory or os.getcwd())
            self._jobs[job] = _Job(stdio, lambda rank: start, {})

    def directory(self, job: int, rank: int) -> str:
        """Return the current directory of a process of a job that is served."""
        known = self._jobs[job]
        session = known.sessions.get(rank)
        return os.fsdecode(known.directory(rank) if session is None else session.directory)

    def finish(self, job: int, rank: int, time: int | None = None) -> None:
        """Forget a process that has ended, at *time* ps: let its last line out, close its files."""
        known = self._jobs.get(job)
        session = known.sessions.pop(rank, None) if known else None
        if session is not None:
            if time is not None:
                session.caller = Caller(job, rank, time)
            with contextlib.suppress(OSError):  # nobody is left who could be told
                session.let_out()
            session.close()

    def close_job(self, job: int) -> None:
        """Forget *job* and all its processes, as `finish`, in the order of their ranks."""
        known = self._jobs.get(job)
        for rank in sorted(known.sessions) if known else ():
            self.finish(job, rank)
        self._jobs.pop(job, None)

    def close(self) -> None:
        """Forget every job."""
        for job in sorted(self._jobs):
            self.close_job(job)

    @property
    def open_files(self) -> int:
        """How many files of the host are open on behalf of processes."""
        sessions = (s for job in self._jobs.values() for s in job.sessions.values())
        return len({file.fd for session in sessions for file in (session.files or {}).values()})

    def serve(self, caller: Caller, request: bytes) -> bytes | Later | Awaitable[bytes]:
        """Answer one *request* of *caller*, or return what the answer has to wait for.

        Whatever is wrong with a request is answered with `Failed`: EIO from a job that is not
        served, EBADMSG for what is no request at all.
        """
        self.calls_served += 1
        job = self._jobs.get(caller.job)
        if caller.job == _SYSTEM:
            return self._serve_system(caller, request)
        if job is None:
            return calls.encode(calls.Failed(errno.EIO))
        session = job.sessions.get(caller.rank)
        if session is None:
            start = job.directory(caller.rank)
            session = job.sessions[caller.rank] = _Session(job.stdio, start, self._shares)
        session.caller = caller
        try:
            call = calls.decode_call(request)
            answer = _ANSWERS[type(call)](self, session, call)
        except Exception as error:
            answer = _failed(error)
        if isinstance(answer, calls.Reply):
            return calls.encode(answer)
        return answer if isinstance(answer, Later) else self._await(answer)

    def _serve_system(self, caller: Caller, request: bytes) -> bytes:
        """Answer a request of the system itself, which has just one kind of them."""
        try:
            call = calls.decode_call(request)
        except msgspec.DecodeError as error:
            return calls.encode(_failed(error))
        if not isinstance(call, calls.Forget):
            return calls.encode(calls.Failed(errno.EIO))
        self.finish(call.job, call.rank, caller.time)
        return calls.encode(calls.Done())

    async def _await(self, answer: Awaitable[calls.Reply]) -> bytes:
        try:
            reply = await answer
        except Exception as error:
            reply = _failed(error)
        return calls.encode(reply)

    @contextlib.contextmanager
    def masked(self, session: _Session) -> Iterator[None]:
        """Make files with the mask of *session*, and put back the host's, which is everybody's."""
        if session.umask is None:
            yield
            return
        os.umask(session.umask)
        try:
            yield
        finally:
            os.umask(self._umask)

    def set_umask(self, session: _Session, mask: int) -> int:
        """Set the mask of *session* and return the one before."""
        before = self._umask if session.umask is None else session.umask
        session.umask = mask
        return before


def _canonical(directory: str) -> bytes:
    return os.fsencode(os.path.realpath(directory))


def _failed(error: Exception) -> calls.Failed:
    """Return the reply to a request that raised *error*; raise it if the server is to blame."""
    if isinstance(error, OSError):
        return calls.Failed(error.errno or errno.EIO)
    if isinstance(error, msgspec.DecodeError):
        return calls.Failed(errno.EBADMSG)
    if isinstance(error, ValueError | OverflowError):
        return calls.Failed(errno.EINVAL)
    if isinstance(error, trio.ClosedResourceError):
        return calls.Failed(errno.EBADF)
    if isinstance(error, NotImplementedError):
        return calls.Failed(errno.ENOTSUP)
    raise error


# -- open files ----------------------------------------------------------------------------------


def _open(server: FileServer, session: _Session, call: calls.Open) -> Any:
    try:
        return _open_now(server, session, call)
    except OSError as error:
        waits = error.errno == errno.ENXIO and not call.flags & os.O_NONBLOCK
        if not waits or not _is_pipe(session, call):
            raise
    return _open_patiently(server, session, call)


def _is_pipe(session: _Session, call: calls.Open) -> bool:
    path, at = session.place(call.at, call.path)
    return stat.S_ISFIFO(os.stat(path, dir_fd=at).st_mode)


def _open_now(server: FileServer, session: _Session, call: calls.Open) -> calls.Opened:
    path, at = session.place(call.at, call.path)
    # Never wait for the other end of a named pipe: the whole machine would wait.
    flags = call.flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with server.masked(session):
        fd = os.open(path, flags, call.mode, dir_fd=at)
    try:
        status = os.fstat(fd)
        kind = stat.S_IFMT(status.st_mode)
        directory = session.absolute(call.at, path) if kind == stat.S_IFDIR else None
        patient = kind not in {stat.S_IFREG, stat.S_IFDIR, stat.S_IFBLK}
        file = _HostFile(fd, directory, patient and not call.flags & os.O_NONBLOCK)
        return _opened(session, file, status.st_mode)
    except BaseException:
        os.close(fd)
        raise


def _opened(session: _Session, file: _HostFile, mode: int) -> calls.Opened:
    terminal = file.patient and os.isatty(file.fd)
    return calls.Opened(session.add(file), mode, BLOCK, _seekable(file.fd), terminal)


def _seekable(fd: int) -> bool:
    try:
        os.lseek(fd, 0, os.SEEK_CUR)
    except OSError:
        return False
    return True


async def _open_patiently(server: FileServer, session: _Session, call: calls.Open) -> calls.Opened:
    # The host tells nobody that a reader has come, short of a thread that cannot be cancelled.
    while True:
        await trio.sleep(_RETRY)
        try:
            return _open_now(server, session, call)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise


def _close(_: FileServer, session: _Session, call: calls.Close) -> calls.Done:
    if call.handle >= FIRST:
        session.remove(call.handle)
    return calls.Done()


def _read(_: FileServer, session: _Session, call: calls.Read) -> Any:
    size = min(call.count, calls.MOST)
    if call.handle < FIRST:
        return _read_input(session, call.handle, size)
    file = session.file(call.handle)
    if file.patient:
        return _read_patiently(file, size)
    return calls.Data(os.read(file.fd, size))


def _read_input(session: _Session, handle: int, size: int) -> Any:
    if handle != 0:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    session.let_out()
    source = session.stdio.stdin
    if session.caller.rank != 0 or source is None or size == 0:
        return calls.Data(b"")
    data = session.stdio.take_input(size)
    return session.stdio.read_input(source, size) if data is None else calls.Data(data)


async def _read_patiently(file: _HostFile, size: int) -> calls.Data:
    while True:
        # Without a look first, a pipe that nobody has opened yet would seem to be at its end.
        await file.wait_until(select.POLLIN)
        with contextlib.suppress(BlockingIOError):
            return calls.Data(os.read(file.fd, size))


def _write(_: FileServer, session: _Session, call: calls.Write) -> Any:
    handle = call.handle
    if handle in {1, 2}:
        session.print(handle, call.data)
        return calls.Count(len(call.data))
    file = session.file(handle)
    if file.patient:
        return _write_patiently(file, call.data)
    return calls.Count(os.write(file.fd, call.data))


async def _write_patiently(file: _HostFile, data: bytes) -> calls.Count:
    done = 0
    while done < len(data):
        await file.wait_until(select.POLLOUT)
        with contextlib.suppress(BlockingIOError):
            done += os.write(file.fd, data[done:])
    return calls.Count(done)


def _positioned(session: _Session, handle: int) -> int:
    """Return the host's descriptor of a file that has positions."""
    if 0 <= handle < FIRST:
        raise OSError(errno.ESPIPE, os.strerror(errno.ESPIPE))
    return session.file(handle).fd


def _pread(_: FileServer, session: _Session, call: calls.Pread) -> calls.Data:
    fd = _positioned(session, call.handle)
    return calls.Data(os.pread(fd, min(call.count, calls.MOST), call.offset))


def _pwrite(_: FileServer, session: _Session, call: calls.Pwrite) -> calls.Count:
    return calls.Count(os.pwrite(_positioned(session, call.handle), call.data, call.offset))


def _lseek(_: FileServer, session: _Session, call: calls.Lseek) -> calls.Position:
    return calls.Position(os.lseek(_positioned(session, call.handle), call.offset, call.whence))


def _runs(packed: bytes) -> list[tuple[int, int]]:
    """Return offset and length of each stretch. Raises OSError(EINVAL) if they are none."""
    whole = len(packed) - len(packed) % _RUN.size
    runs = list(_RUN.iter_unpack(packed[:whole]))
    lengths = [length for _, length in runs]
    if whole < len(packed) or min(lengths, default=0) < 0 or sum(lengths) > calls.MOST:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return runs


def _readx(_: FileServer, session: _Session, call: calls.Readx) -> calls.Data:
    fd, parts = _positioned(session, call.handle), []
    for offset, length in _runs(call.runs):
        parts.append(os.pread(fd, length, offset))
        if len(parts[-1]) < length:
            break
    return calls.Data(b"".join(parts))


def _writex(_: FileServer, session: _Session, call: calls.Writex) -> calls.Count:
    fd, data, done = _positioned(session, call.handle), memoryview(call.data), 0
    runs = _runs(call.runs)
    if sum(length for _, length in runs) != len(data):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    for offset, length in runs:
        written = os.pwrite(fd, data[done : done + length], offset)
        done += written
        if written < length:
            break
    return calls.Count(done)


def _ftruncate(_: FileServer, session: _Session, call: calls.Ftruncate) -> calls.Done:
    os.ftruncate(session.file(call.handle).fd, call.length)
    return calls.Done()


def _fsync(_: FileServer, session: _Session, call: calls.Fsync) -> calls.Done:
    os.fsync(session.file(call.handle).fd)
    return calls.Done()


def _isatty(_: FileServer, session: _Session, call: calls.Isatty) -> calls.Truth:
    # The standard streams of a rank are pipes to the launcher, as under any mpiexec.
    standard = 0 <= call.handle < FIRST
    return calls.Truth(not standard and os.isatty(session.file(call.handle).fd))


# -- shared open files ---------------------------------------------------------------------------


def _share(_: FileServer, session: _Session, call: calls.Share) -> calls.Key:
    return calls.Key(session.shares.offer(session.file(call.handle)).key)


def _join(_: FileServer, session: _Session, call: calls.Join) -> calls.Opened:
    file = session.shares.join(call.key)
    return _opened(session, file, os.fstat(file.fd).st_mode)


def _move_pointer(_: FileServer, session: _Session, call: calls.MovePointer) -> calls.Position:
    sharing = session.sharing(call.handle)
    before = sharing.pointer
    sharing.pointer = _number(before + call.count)
    return calls.Position(before)


def _set_pointer(_: FileServer, session: _Session, call: calls.SetPointer) -> calls.Done:
    session.sharing(call.handle).pointer = _number(call.position)
    return calls.Done()


def _number(value: int) -> int:
    if not 0 <= value < 1 << 63:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return value


def _lock(_: FileServer, session: _Session, call: calls.Lock) -> calls.Done | Later:
    return session.sharing(call.handle).lock.take(session) or calls.Done()


def _forget(_: FileServer, session: _Session, call: calls.Forget) -> calls.Done:
    """Refuse: this is no process of the system."""
    del session, call
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def _unlock(_: FileServer, session: _Session, call: calls.Unlock) -> calls.Done:
    session.sharing(call.handle).lock.give_back(session)
    return calls.Done()


# -- attributes ----------------------------------------------------------------------------------


def _attributes(s: os.stat_result) -> calls.Attributes:
    times = (s.st_atime_ns, s.st_mtime_ns, s.st_ctime_ns)
    owner = (s.st_nlink, s.st_uid, s.st_gid, s.st_size)
    return calls.fill(
        calls.Attributes(
            s.st_mode, s.st_ino, s.st_dev, *owner, *times, BLOCK, s.st_blocks, s.st_rdev
        )
    )


_STREAM: Final = calls.fill(
    calls.Attributes(
        stat.S_IFIFO | 0o600, 0, 0, 1, os.getuid(), os.getgid(), 0, 0, 0, 0, 4096, 0, 0
    )
)
"""The attributes of a standard stream."""


def _fstat(_: FileServer, session: _Session, call: calls.Fstat) -> calls.Attributes:
    if 0 <= call.handle < FIRST:
        return _STREAM
    return _attributes(os.fstat(session.file(call.handle).fd))


def _stat(_: FileServer, session: _Session, call: calls.Stat) -> calls.Attributes:
    path, at = session.place(call.at, call.path)
    return _attributes(os.stat(path, dir_fd=at, follow_symlinks=call.follow))


def _access(_: FileServer, session: _Session, call: calls.Access) -> calls.Truth:
    path, at = session.place(call.at, call.path)
    return calls.Truth(
        os.access(
            path, call.mode, dir_fd=at, effective_ids=call.effective, follow_symlinks=call.follow
        )
    )


def _chmod(_: FileServer, session: _Session, call: calls.Chmod) -> calls.Done:
    path, at = session.place(call.at, call.path)
    if call.follow:
        os.chmod(path, call.mode, dir_fd=at)
    else:
        os.chmod(path, call.mode, dir_fd=at, follow_symlinks=False)
    return calls.Done()


def _fchmod(_: FileServer, session: _Session, call: calls.Fchmod) -> calls.Done:
    os.fchmod(session.file(call.handle).fd, call.mode)
    return calls.Done()


def _chown(_: FileServer, session: _Session, call: calls.Chown) -> calls.Done:
    path, at = session.place(call.at, call.path)
    os.chown(path, call.uid, call.gid, dir_fd=at, follow_symlinks=call.follow)
    return calls.Done()


def _fchown(_: FileServer, session: _Session, call: calls.Fchown) -> calls.Done:
    os.fchown(session.file(call.handle).fd, call.uid, call.gid)
    return calls.Done()


def _utime(_: FileServer, session: _Session, call: calls.Utime) -> calls.Done:
    path, at = session.place(call.at, call.path)
    if call.times is None:
        os.utime(path, dir_fd=at, follow_symlinks=call.follow)
    else:
        os.utime(path, ns=call.times, dir_fd=at, follow_symlinks=call.follow)
    return calls.Done()


def _futime(_: FileServer, session: _Session, call: calls.Futime) -> calls.Done:
    fd = session.file(call.handle).fd
    if call.times is None:
        os.utime(fd)
    else:
        os.utime(fd, ns=call.times)
    return calls.Done()


def _truncate(_: FileServer, session: _Session, call: calls.Truncate) -> calls.Done:
    os.truncate(session.path(call.path), call.length)
    return calls.Done()


def _space(s: os.statvfs_result) -> calls.Space:
    counts = (s.f_blocks, s.f_bfree, s.f_bavail, s.f_files, s.f_ffree, s.f_favail)
    ids = (s.f_flag, s.f_namemax, s.f_fsid)
    return calls.fill(calls.Space(s.f_bsize, s.f_frsize, *counts, *ids))


def _statvfs(_: FileServer, session: _Session, call: calls.Statvfs) -> calls.Space:
    return _space(os.statvfs(session.path(call.path)))


def _fstatvfs(_: FileServer, session: _Session, call: calls.Fstatvfs) -> calls.Space:
    return _space(os.fstatvfs(session.file(call.handle).fd))


def _umask(server: FileServer, session: _Session, call: calls.Umask) -> calls.Mask:
    return calls.Mask(server.set_umask(session, call.mask & 0o777))


# -- names and directories -----------------------------------------------------------------------


def _mkdir(server: FileServer, session: _Session, call: calls.Mkdir) -> calls.Done:
    path, at = session.place(call.at, call.path)
    with server.masked(session):
        os.mkdir(path, call.mode, dir_fd=at)
    return calls.Done()


def _rmdir(_: FileServer, session: _Session, call: calls.Rmdir) -> calls.Done:
    path, at = session.place(call.at, call.path)
    os.rmdir(path, dir_fd=at)
    return calls.Done()


def _unlink(_: FileServer, session: _Session, call: calls.Unlink) -> calls.Done:
    path, at = session.place(call.at, call.path)
    os.unlink(path, dir_fd=at)
    return calls.Done()


def _rename(_: FileServer, session: _Session, call: calls.Rename) -> calls.Done:
    path, at = session.place(call.at, call.path)
    to, to_at = session.place(call.to_at, call.to)
    os.rename(path, to, src_dir_fd=at, dst_dir_fd=to_at)
    return calls.Done()


def _link(_: FileServer, session: _Session, call: calls.Link) -> calls.Done:
    path, at = session.place(call.at, call.path)
    to, to_at = session.place(call.to_at, call.to)
    os.link(path, to, src_dir_fd=at, dst_dir_fd=to_at, follow_symlinks=call.follow)
    return calls.Done()


def _symlink(_: FileServer, session: _Session, call: calls.Symlink) -> calls.Done:
    path, at = session.place(call.at, call.path)
    os.symlink(call.target, path, dir_fd=at)
    return calls.Done()


def _readlink(_: FileServer, session: _Session, call: calls.Readlink) -> calls.Path:
    path, at = session.place(call.at, call.path)
    return calls.Path(os.readlink(path, dir_fd=at))


def _listdir(_: FileServer, session: _Session, call: calls.Listdir) -> calls.Entries:
    path, at = session.place(call.at, call.path)
    if at is None:
        return _page(path, call.after)
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
    try:
        return _page(fd, call.after)
    finally:
        os.close(fd)


def _flistdir(_: FileServer, session: _Session, call: calls.Flistdir) -> calls.Entries:
    return _page(session.file(call.handle).fd, call.after)


def _page(directory: bytes | int, after: bytes) -> calls.Entries:
    # In the order of their names: that of the host's file system differs between hosts.
    with os.scandir(directory) as scan:
        found = sorted((os.fsencode(entry.name), entry) for entry in scan)
        later = [pair for pair in found if pair[0] > after]
        entries = [calls.Entry(name, _kind(entry)) for name, entry in later[: calls.PAGE]]
    return calls.Entries(entries, len(later) > calls.PAGE)


def _kind(entry: os.DirEntry[Any]) -> int:
    if entry.is_symlink():
        return stat.S_IFLNK
    if entry.is_dir(follow_symlinks=False):
        return stat.S_IFDIR
    return stat.S_IFREG if entry.is_file(follow_symlinks=False) else 0


def _chdir(_: FileServer, session: _Session, call: calls.Chdir) -> calls.Done:
    path = session.path(call.path)
    if not stat.S_ISDIR(os.stat(path).st_mode):
        raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(path, os.X_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    session.directory = os.path.realpath(path)
    return calls.Done()


def _fchdir(_: FileServer, session: _Session, call: calls.Fchdir) -> calls.Done:
    directory = session.file(call.handle).directory
    if directory is None:
        raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    session.directory = directory
    return calls.Done()


def _getcwd(_: FileServer, session: _Session, call: calls.Getcwd) -> calls.Path:
    del call
    os.stat(session.directory)  # as on any Unix, an error once somebody has removed it
    return calls.Path(session.directory)


# -- time and the end ----------------------------------------------------------------------------


def _gettimeofday(_: FileServer, session: _Session, call: calls.Gettimeofday) -> calls.Clock:
    del call
    return calls.Clock(session.caller.time)


def _exit(_: FileServer, session: _Session, call: calls.Exit) -> calls.Done:
    del call
    # What it has of a line is kept to the job's end: let out now, it would run into another's.
    session.close()
    return calls.Done()


_Answer = Callable[[FileServer, _Session, Any], calls.Reply | Later | Awaitable[calls.Reply]]

_ANSWERS: Final[Mapping[type[Any], _Answer]] = {
    calls.Open: _open,
    calls.Close: _close,
    calls.Read: _read,
    calls.Write: _write,
    calls.Pread: _pread,
    calls.Pwrite: _pwrite,
    calls.Lseek: _lseek,
    calls.Fstat: _fstat,
    calls.Stat: _stat,
    calls.Access: _access,
    calls.Mkdir: _mkdir,
    calls.Rmdir: _rmdir,
    calls.Unlink: _unlink,
    calls.Rename: _rename,
    calls.Link: _link,
    calls.Symlink: _symlink,
    calls.Readlink: _readlink,
    calls.Listdir: _listdir,
    calls.Flistdir: _flistdir,
    calls.Chdir: _chdir,
    calls.Fchdir: _fchdir,
    calls.Getcwd: _getcwd,
    calls.Truncate: _truncate,
    calls.Ftruncate: _ftruncate,
    calls.Fsync: _fsync,
    calls.Chmod: _chmod,
    calls.Fchmod: _fchmod,
    calls.Chown: _chown,
    calls.Fchown: _fchown,
    calls.Utime: _utime,
    calls.Futime: _futime,
    calls.Statvfs: _statvfs,
    calls.Fstatvfs: _fstatvfs,
    calls.Umask: _umask,
    calls.Isatty: _isatty,
    calls.Gettimeofday: _gettimeofday,
    calls.Exit: _exit,
    calls.Readx: _readx,
    calls.Writex: _writex,
    calls.Share: _share,
    calls.Join: _join,
    calls.MovePointer: _move_pointer,
    calls.SetPointer: _set_pointer,
    calls.Lock: _lock,
    calls.Unlock: _unlock,
    calls.Forget: _forget,
}
"""Which function answers which request."""
