"""Open files of a process: its descriptor table, and the way from a descriptor to the file server.

This is the user-space half of the file system. The server knows *open files* by handle; the process
knows *descriptors*, small integers that its table maps to open files. Descriptors 0, 1 and 2 are
there from the beginning. All others are numbered from `FIRST` up, far above anything the host has
open, so that C code which gets hold of one by mistake finds a bad descriptor and never a file of
the host.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn, TypeVar
from weakref import WeakValueDictionary

from vmpp.engine import current_process
from vmpp.kernel.process import NO_CALLS, CoprocessorError
from vmpp.process import calls, stdio
from vmpp.process.file_transfers import FileTransfers, flat
from vmpp.process.moves import Moves
from vmpp.process.open_files import OpenFile, OwnFile, SocketFile
from vmpp.process.striped import StripedFile
from vmpp.process.transfers import Writing

if TYPE_CHECKING:
    from vmpp.kernel.process import Process
    from vmpp.portals import Address

R = TypeVar("R", bound=calls.Reply)

FIRST: Final = 1 << 20
"""The lowest descriptor besides those of standard input, output and error."""

SERVER: Final = "files"
"""The name of the server that files are asked of."""


class Descriptor(int):
    """A descriptor as a program gets it.

    It is an ordinary integer to Python code. What has been through C code has lost the type, and
    that tells `os.dup` called by C code, as NumPy does, from `os.dup` called by a program.
    """

    __slots__ = ()


def _standard(handle: int) -> OpenFile:
    return OpenFile(calls.Opened(handle, stat.S_IFIFO | 0o600, 4096, False, False), False)


_STANDARD: Final = {handle: _standard(handle) for handle in range(3)}
"""The table that every process begins with. It is replaced, never changed: processes share it."""

_NAMES: Final = tuple(Descriptor(fd) for fd in range(3))


class Files(FileTransfers):
    """The open files of one process, and its standard streams.

    Every operation is a request to the file server and blocks the process until the answer is
    there; all of them raise `OSError`, with EIO if the server is gone and EBADF for a descriptor
    that is not open. They are for the process's own fiber. The one exception is `write` and
    `close`, which Python's garbage collector may call for a forgotten file object while another
    process runs, or in the middle of a request: those are *posted*, and sent before the next
    request.
    """

    __slots__ = (
        "_busy", "_ended", "_moves", "_posted", "_remembered", "_servers", "_standard", "_streams",
        "_table", "process", "temporary_folder", "temporary_names",
    )  # fmt: skip

    def __init__(self, process: Process, servers: Mapping[str, Address] | None = None) -> None:
        """Make the table of *process*, of which *servers* are where I/O nodes are found by name."""
        self.process = process
        self._servers = servers
        self._moves: Moves | None = None
        self.temporary_folder: str | None = None
        self.temporary_names: Iterator[str] | None = None
        self._table = _STANDARD
        self._standard: tuple[IO[str] | None, ...] = (None, None, None)
        self._remembered = 0
        self._streams: WeakValueDictionary[int, Any] | None = None
        self._posted: list[calls.Call[Any]] | None = None
        self._busy = 0
        self._ended = False

    # -- requests --------------------------------------------------------------------------------

    def call(self, request: calls.Call[R], name: object = None, other: object = None) -> R:
        """Send *request* to the file server and return its reply.

        Raises:
            OSError: the call failed; *name* and *other* become its ``filename`` and ``filename2``.
        """
        if self._posted:
            self._send_posted()
        reply = self._ask(request, name, other)
        if type(reply) is calls.Failed:
            _fail(reply.errno, name, other, reply.text)
        return reply  # type: ignore[return-value] # the schema of the request says so

    def check_caller(self, name: object = None, other: object = None) -> None:
        """Refuse everybody but the process itself. Raises OSError(EBADF), CoprocessorError."""
        process = self.process
        if self._ended or current_process() is not process:
            if process.guest is not None:
                raise CoprocessorError(NO_CALLS)
            _fail(errno.EBADF, name, other, f"a file of rank {process.rank} is used outside of it")

    def _ask(self, request: calls.Call[Any], name: object, other: object) -> calls.Reply:
        self.check_caller(name, other)
        process = self.process
        self._busy += 1
        try:
            return calls.decode_reply(process.rpc(SERVER, calls.encode(request)))
        except OSError as error:
            if name is not None and error.filename is None:
                error.filename = _plain(name)
            raise
        finally:
            self._busy -= 1

    def post(self, request: calls.Call[Any]) -> None:
        """Have *request* sent before the next one; nobody waits for what comes of it."""
        if not self._ended and not self.process.dying:
            if self._posted is None:
                self._posted = []
            self._posted.append(request)

    def _send_posted(self) -> None:
        posted, self._posted = self._posted, None
        for request in posted or ():
            # Nobody is there any more to be told of an error.
            self._ask(request, None, None)

    @property
    def must_post(self) -> bool:
        """Whether nothing may be asked now, but only said later."""
        process = self.process
        return bool(self._busy) or process.dying or current_process() is not process

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Let nothing else be asked inside, but only said later."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    @property
    def moves(self) -> Moves:
        """What is under way of striped files."""
        if self._moves is None:
            self._moves = Moves(self.process, self._servers or {})
        return self._moves

    # -- descriptors -----------------------------------------------------------------------------

    def lookup(self, fd: int) -> OpenFile:
        """Return the open file that *fd* stands for. Raises OSError(EBADF) if there is none."""
        found = self._table.get(fd)
        if found is None:
            _fail(errno.EBADF)
        return found

    def handle(self, fd: int) -> int:
        """Return the server's name of the file that *fd* stands for."""
        return self.lookup(fd).handle

    def descriptors(self) -> list[int]:
        """Return the descriptors in use, in order."""
        return sorted(self._table)

    def _enter(self, file: OpenFile, fd: int | None = None) -> Descriptor:
        if self._table is _STANDARD:
            self._table = dict(_STANDARD)
        table = self._table
        if fd is None:
            # As in any Unix, the lowest that is free: a program may close 1 and open its successor.
            fd = next((n for n in range(3) if n not in table), None)
        if fd is None:
            fd = next(n for n in count(FIRST) if n not in table)
        table[fd] = file
        return Descriptor(fd)

    def add(self, file: SocketFile) -> Descriptor:
        """Return a new descriptor for an open *file* that is none of the server's."""
        if self._ended:
            _fail(errno.EBADF)
        return self._enter(file)

    def open(
        self, path: bytes, flags: int, mode: int = 0o777, at: int = calls.HERE, name: object = None
    ) -> Descriptor:
        """Open *path* with the *flags* of ``open(2)`` and return its new descriptor."""
        return self._enter(self._opened(self.call(calls.Open(at, path, flags, mode), name), flags))

    def _opened(self, opened: calls.Opened, flags: int, shared: bool = False) -> OpenFile:
        if type(opened) is calls.StripedOpened:
            return StripedFile(self, opened, flags, shared)
        return OpenFile(opened, bool(flags & os.O_APPEND), shared)

    def close(self, fd: int) -> None:
        """Forget *fd*, and close its file if no other descriptor stands for it."""
        if self._ended:
            return
        file = self.lookup(fd)
        if self._table is _STANDARD:
            self._table = dict(_STANDARD)
        del self._table[fd]
        self._release(file)

    def _release(self, file: OpenFile) -> None:
        if file in self._table.values():
            return
        if isinstance(file, SocketFile):
            file.close()
            return
        request = calls.Close(file.handle)
        if self.must_post:
            if isinstance(file, StripedFile):
                self._post_ends(file)
            self.post(request)
            return
        try:
            if isinstance(file, StripedFile):
                file.settle()
        finally:
            self.call(request)

    def _post_ends(self, file: StripedFile) -> None:
        """Say how far a striped file will reach that nobody can wait for any more."""
        for transfer in file.pending:
            if isinstance(transfer, Writing):
                self.post(calls.Extend(file.handle, transfer.end))

    def dup(self, fd: int) -> Descriptor:
        """Return a new descriptor for the open file of *fd*."""
        return self._enter(self.lookup(fd))

    def dup2(self, fd: int, to: int) -> int:
        """Make *to* stand for the open file of *fd*; what it stood for is closed."""
        file = self.lookup(fd)
        if to < 0:
            _fail(errno.EBADF)
        former = self._table.get(to)
        if former is not file:
            self._enter(file, to)
            if former is not None:
                self._release(former)
        return to

    # -- bytes -----------------------------------------------------------------------------------

    def read(self, fd: int, size: int) -> bytes:
        """Read up to *size* bytes; fewer at the end of the file, or of what a pipe has."""
        file = self.lookup(fd)
        if isinstance(file, OwnFile):
            return file.read(size)
        return self.read_shared(file, size)

    def read_shared(self, file: OpenFile, size: int) -> bytes:
        """Read at the position that the file server has."""
        data = self.call(calls.Read(file.handle, min(size, calls.MOST))).data
        file.advance(len(data))
        if len(data) < calls.MOST or len(data) == size or not stat.S_ISREG(file.mode):
            return data
        return b"".join([data, *self._read_on(file, size - len(data))])

    def read_all(self, fd: int) -> bytes:
        """Read up to the end of the file."""
        file = self.lookup(fd)
        if isinstance(file, StripedFile) and file.position is not None:
            return file.read_all()
        return b"".join(self._read_on(file, None))

    def readinto(self, fd: int, memory: memoryview) -> int:
        """Read into *memory*, format ``B``, as `read`; return how many bytes."""
        file = self.lookup(fd)
        if isinstance(file, StripedFile):
            return file.readinto(memory)
        data = self.read(fd, len(memory))
        memory[: len(data)] = data
        return len(data)

    def _read_on(self, file: OpenFile, size: int | None) -> Iterator[bytes]:
        regular = stat.S_ISREG(file.mode)
        while size is None or size > 0:
            ask = calls.MOST if size is None else min(size, calls.MOST)
            data = self.call(calls.Read(file.handle, ask)).data
            file.advance(len(data))
            if data:
                yield data
            # Less than what was asked for is the end of a regular file, and of nothing else.
            if not data or (regular and len(data) < ask):
                return
            if size is not None:
                size -= len(data)

    def write(self, fd: int, data: Any) -> int:
        """Write the bytes-like *data*, in several requests if it is long; return how many bytes."""
        file = self.lookup(fd)
        if isinstance(file, OwnFile):
            return file.write(data)
        return self.write_shared(file, data)

    def write_shared(self, file: OpenFile, data: Any) -> int:
        """Write at the position that the file server has."""
        view = memoryview(data)
        size = view.nbytes
        if size > calls.MOST or self.must_post:
            return self._write_long(file, view)
        written = self.call(calls.Write(file.handle, data)).count
        if file.appending:
            file.position = None
        else:
            file.advance(written)
        return written

    def _write_long(self, file: OpenFile, view: memoryview) -> int:
        flat = view.cast("B") if view.nbytes else memoryview(b"")
        done = 0
        while done < len(flat):
            part = flat[done : done + calls.MOST]
            if self.must_post:
                self.post(self._posted_write(file, bytes(part)))
                written = len(part)
            else:
                written = self.call(calls.Write(file.handle, part)).count  # type: ignore[arg-type]
            file.advance(written)
            done += written
        if file.appending:
            file.position = None
        return done

    def _posted_write(self, file: OpenFile, data: bytes) -> calls.Call[Any]:
        if isinstance(file, StripedFile) and not file.appending and file.position is not None:
            # The file server does not know where the process is in it.
            return calls.Pwrite(file.handle, data, file.position)
        return calls.Write(file.handle, data)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        """Read up to *size* bytes at *offset*; the position stays."""
        file = self.lookup(fd)
        if isinstance(file, StripedFile):
            return file.pread(size, offset)
        parts = []
        while True:
            ask = min(size, calls.MOST)
            data = self.call(calls.Pread(file.handle, ask, offset)).data
            parts.append(data)
            offset, size = offset + len(data), size - len(data)
            if len(data) < ask or not size:
                return b"".join(parts)

    def pread_into(self, fd: int, memory: memoryview, offset: int) -> int:
        """Read into *memory*, format ``B``, as `pread`; return how many bytes."""
        file = self.lookup(fd)
        if isinstance(file, StripedFile):
            return file.pread_into(memory, offset)
        data = self.pread(fd, len(memory), offset)
        memory[: len(data)] = data
        return len(data)

    def pwrite(self, fd: int, data: Any, offset: int) -> int:
        """Write the bytes-like *data* at *offset*; the position stays. Return how many bytes."""
        file, view = self.lookup(fd), flat(data)
        if isinstance(file, StripedFile):
            return file.pwrite(view, offset)
        done = 0
        while done < len(view) or not done:
            part = bytes(view[done : done + calls.MOST])
            done += self.call(calls.Pwrite(file.handle, part, offset + done)).count
            if not part:
                break
        return done

    def lseek(self, fd: int, offset: int, whence: int) -> int:
        """Move the position of an open file and return the new one."""
        file = self.lookup(fd)
        if isinstance(file, StripedFile):
            return file.lseek(offset, whence)
        position = self.call(calls.Lseek(file.handle, offset, whence)).offset
        file.position = None if file.shared else position
        return position

    def tell(self, fd: int) -> int:
        """Return the position of an open file, without a request where it is known."""
        file = self.lookup(fd)
        if not file.seekable:
            _fail(errno.ESPIPE)
        return self.lseek(fd, 0, os.SEEK_CUR) if file.position is None else file.position

    def truncate(self, fd: int, size: int) -> None:
        """Cut or extend an open file to *size* bytes; its position stays."""
        file = self.lookup(fd)
        if isinstance(file, StripedFile):
            file.truncate(size)
        else:
            self.call(calls.Ftruncate(file.handle, size))

    def sync(self, fd: int) -> None:
        """Have an open file on the host's disk, and on those of I/O nodes."""
        file = self.lookup(fd)
        if isinstance(file, StripedFile):
            file.sync()
        else:
            self.call(calls.Fsync(file.handle))

    # -- open files that processes share -----------------------------------------------------------

    def share(self, fd: int) -> int:
        """Let other processes join an open file, by the key that is returned."""
        file = self.lookup(fd)
        if isinstance(file, StripedFile):
            file.share()
        file.shared, file.position = True, None
        return self.call(calls.Share(file.handle)).key

    def join(self, key: int, access: int = os.O_RDWR) -> Descriptor:
        """Return a new descriptor, for *access*, of the open file that another process shares."""
        return self._enter(self._opened(self.call(calls.Join(key)), access, shared=True))

    def move_pointer(self, fd: int, count: int) -> int:
        """Move the pointer that the processes have in common, and return where it was."""
        return self.call(calls.MovePointer(self.handle(fd), count)).offset

    def set_pointer(self, fd: int, position: int) -> None:
        """Set the pointer that the processes have in common."""
        self.call(calls.SetPointer(self.handle(fd), position))

    def lock(self, fd: int) -> None:
        """Wait for the lock of a shared open file and take it."""
        self.call(calls.Lock(self.handle(fd)))

    def unlock(self, fd: int) -> None:
        """Give the lock of a shared open file back."""
        self.call(calls.Unlock(self.handle(fd)))

    # -- standard streams and the end --------------------------------------------------------------

    @property
    def stdin(self) -> IO[str]:
        """Standard input: of the job at rank 0, at its end everywhere else."""
        return self._standard[0] or self._make_standard(0)

    @property
    def stdout(self) -> IO[str]:
        """Standard output, sent at the end of every line."""
        return self._standard[1] or self._make_standard(1)

    @property
    def stderr(self) -> IO[str]:
        """Standard error, sent at the end of every line; it can show any string."""
        return self._standard[2] or self._make_standard(2)

    def _make_standard(self, fd: int) -> IO[str]:
        made = stdio.standard_stream(self, _NAMES[fd])
        self._standard = (*self._standard[:fd], made, *self._standard[fd + 1 :])
        return made

    def remember(self, stream: Any) -> None:
        """Flush *stream*, which has a buffer, when the process exits, if it still exists then."""
        if self._streams is None:
            self._streams = WeakValueDictionary()
        self._remembered += 1
        self._streams[self._remembered] = stream

    def flush(self) -> bool:
        """Send what the standard streams and forgotten files hold; return False if that failed."""
        streams = [] if self._streams is None else [self._streams[k] for k in sorted(self._streams)]
        sent = True
        for stream in (*streams, *self._standard[1:]):
            try:
                if stream is not None and not stream.closed:
                    stream.flush()
            except (OSError, ValueError):
                sent = False
        return sent

    def exit(self, status: int) -> bool:
        """Flush, tell the server that the process is done, and close everything.

        A server that has no file open for the process need not be told. Returns False if something
        that the program wrote was lost, which Python ends with status 120. Never raises `OSError`:
        a server that is gone has nothing open.
        """
        sent = self.flush() and self._settle()
        if self._posted or self._table is not _STANDARD:
            try:
                self.call(calls.Exit(status))
            except OSError:
                sent = False
        self.close_all()
        return sent

    def _settle(self) -> bool:
        """Wait for the transfers that are under way; return False if one failed."""
        settled = True
        for file in dict.fromkeys(self._table[fd] for fd in self.descriptors()):
            try:
                if isinstance(file, StripedFile):
                    file.settle()
            except OSError:
                settled = False
        return settled

    def close_sockets(self) -> None:
        """End the sockets that are left, so that their peers see it."""
        for file in dict.fromkeys(self._table[fd] for fd in self.descriptors()):
            if isinstance(file, SocketFile):
                file.close()

    def close_all(self) -> None:
        """Forget every descriptor; what is still buffered is lost, as that of a killed process is.

        The server closes the files themselves when the process, or its job, ends.
        """
        self.close_sockets()
        self._ended = True
        self._posted = None
        self._table = {}


def _fail(number: int, name: object = None, other: object = None, text: str = "") -> NoReturn:
    words = text or os.strerror(number)
    if name is None:
        raise OSError(number, words)
    raise OSError(number, words, _plain(name), None, _plain(other))


def _plain(name: object) -> object:
    """Return a file's name as the host's errors give it: of a path object, what it stands for."""
    return os.fspath(name) if isinstance(name, os.PathLike) else name
