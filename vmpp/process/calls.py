"""The system calls of a compute node: one request and one reply schema each.

A compute node has no devices. A process marshals a call into one of these requests, sends it to the
file server of the service partition and gets the reply that the request's class names:
``class Open(Call[Opened])`` is answered with `Opened`, or with `Failed`, whatever was asked.

On the wire a message is a MessagePack array: the number of the call, then the fields in the order
in which they stand here. Paths travel as bytes, as the host's file system has them. A relative path
is relative to the open directory *at*, or to the caller's current directory if *at* is `HERE`.
Times are in nanoseconds unless a field says otherwise.
"""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar, get_args

import msgspec

from vmpp.process.striping import Layout

HERE: Final = -1
"""In place of an open directory: the caller's current directory."""

MOST: Final = 1 << 20
"""The most bytes that one request may write or ask for."""

PAGE: Final = 4096
"""The most entries of a directory in one reply."""

BOUNDLESS: Final = -1
"""In place of a limit: there is none."""

LATEST: Final = (1 << 63) - 1
"""The latest virtual time that servers tell of, in picoseconds: 106 days and 18 hours. Of what is
later they tell as if it had been then."""

FILLED: Final = 128
"""Bytes that a reply full of the host's own numbers takes on the wire. Inode numbers and the like
differ from host to host and from run to run; the time that a message takes must not."""


class Reply(msgspec.Struct, frozen=True, array_like=True, tag=0, gc=False):
    """What a server answers. Its number on the wire is negative."""


class Failed(Reply, frozen=True, array_like=True, tag=-1, gc=False):
    """The call failed with *errno*; *text* says it in words if the usual words would not do."""

    errno: int
    text: str = ""


class Done(Reply, frozen=True, array_like=True, tag=-2, gc=False):
    """The call succeeded and has nothing to tell."""


class Opened(Reply, frozen=True, array_like=True, tag=-3, gc=False):
    """A file is open.

    Attributes:
        handle: what the caller names the open file by from now on.
        mode: type and permissions, as in ``st_mode``.
        block_size: the number of bytes that the server prefers to move at a time.
        seekable: whether the file has positions.
        terminal: whether it is a terminal.
    """

    handle: int
    mode: int
    block_size: int
    seekable: bool
    terminal: bool


class Data(Reply, frozen=True, array_like=True, tag=-4, gc=False):
    """The bytes read; none at the end of the file."""

    data: bytes


class Count(Reply, frozen=True, array_like=True, tag=-5, gc=False):
    """How many bytes were written."""

    count: int


class Position(Reply, frozen=True, array_like=True, tag=-6, gc=False):
    """Where in the file the next byte is read or written."""

    offset: int


class Attributes(Reply, frozen=True, array_like=True, tag=-7, gc=False):
    """What `os.stat` tells of a file; the fields are those of ``os.stat_result``, and `filler`."""

    mode: int
    ino: int
    dev: int
    nlink: int
    uid: int
    gid: int
    size: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    blksize: int
    blocks: int
    rdev: int
    filler: bytes = b""


class Truth(Reply, frozen=True, array_like=True, tag=-8, gc=False):
    """Yes or no."""

    value: bool


class Path(Reply, frozen=True, array_like=True, tag=-9, gc=False):
    """A path, as the host has it."""

    path: bytes


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry of a directory.

    Attributes:
        name: its name.
        kind: the type bits of ``st_mode`` (``stat.S_IFREG``...) of the entry itself, 0 if unusual.
    """

    name: bytes
    kind: int


class Entries(Reply, frozen=True, array_like=True, tag=-10):
    """Entries of a directory in the order of their names; *more* if others follow them."""

    entries: list[Entry]
    more: bool


class Space(Reply, frozen=True, array_like=True, tag=-11, gc=False):
    """What `os.statvfs` tells of a file system: ``os.statvfs_result``, and `filler`."""

    bsize: int
    frsize: int
    blocks: int
    bfree: int
    bavail: int
    files: int
    ffree: int
    favail: int
    flag: int
    namemax: int
    fsid: int
    filler: bytes = b""


class Mask(Reply, frozen=True, array_like=True, tag=-12, gc=False):
    """The permissions that were withheld from new files until now."""

    mask: int


class Clock(Reply, frozen=True, array_like=True, tag=-13, gc=False):
    """The virtual time at which the request arrived at the server, in picoseconds."""

    ps: int


class Key(Reply, frozen=True, array_like=True, tag=-14, gc=False):
    """What other processes join a shared open file by."""

    key: int


class Limits(Reply, frozen=True, array_like=True, tag=-15, gc=False):
    """What a user has of a file tree, and may have; a limit of `BOUNDLESS` is none.

    Attributes:
        bytes: sizes of the user's files together.
        files: how many files, directories and symbolic links are the user's.
        byte_limit: the most bytes.
        file_limit: the most files.
    """

    bytes: int
    files: int
    byte_limit: int
    file_limit: int


class StripedOpened(Opened, frozen=True, array_like=True, tag=-16, gc=False):
    """A file is open that is striped over I/O nodes.

    Attributes:
        layout: where its bytes are.
        size: of the file in bytes.
        capability: lets the caller's job move data; see `vmpp.process.striping.Seal`.
    """

    layout: Layout
    size: int
    capability: bytes


class Striped(Reply, frozen=True, array_like=True, tag=-17, gc=False):
    """How a file is striped, or what files are to be that are made in a directory.

    Attributes:
        unit: bytes of a stripe unit.
        factor: over how many I/O nodes; of a directory 0 for all that there are.
        first: which I/O node has the first unit; of a directory `BOUNDLESS` for each in turn.
        servers: the I/O nodes in the order of the stripes; none of a directory.
    """

    unit: int
    factor: int
    first: int
    servers: tuple[int, ...] = ()


R = TypeVar("R", bound=Reply)


class Call(msgspec.Struct, Generic[R], frozen=True, array_like=True, tag=0, gc=False):
    """What a process asks of a server; *R* is the schema of the answer."""


class Open(Call[Opened], frozen=True, array_like=True, tag=1, gc=False):
    """Open a file: *flags* as for ``open(2)``, *mode* the permissions of a file that it makes."""

    at: int
    path: bytes
    flags: int
    mode: int


class Close(Call[Done], frozen=True, array_like=True, tag=2, gc=False):
    """Close an open file."""

    handle: int


class Read(Call[Data], frozen=True, array_like=True, tag=3, gc=False):
    """Read up to *count* bytes, `MOST` at most, at the file's position."""

    handle: int
    count: int


class Write(Call[Count], frozen=True, array_like=True, tag=4, gc=False):
    """Write *data*, `MOST` bytes at most, at the file's position."""

    handle: int
    data: bytes


class Pread(Call[Data], frozen=True, array_like=True, tag=5, gc=False):
    """Read up to *count* bytes at *offset*; the file's position stays."""

    handle: int
    count: int
    offset: int


class Pwrite(Call[Count], frozen=True, array_like=True, tag=6, gc=False):
    """Write *data* at *offset*; the file's position stays."""

    handle: int
    data: bytes
    offset: int


class Lseek(Call[Position], frozen=True, array_like=True, tag=7, gc=False):
    """Move the file's position; *whence* as for ``lseek(2)``."""

    handle: int
    offset: int
    whence: int


class Fstat(Call[Attributes], frozen=True, array_like=True, tag=8, gc=False):
    """Tell the attributes of an open file."""

    handle: int


class Stat(Call[Attributes], frozen=True, array_like=True, tag=9, gc=False):
    """Tell the attributes of a file, or of a symbolic link itself unless *follow*."""

    at: int
    path: bytes
    follow: bool


class Access(Call[Truth], frozen=True, array_like=True, tag=10, gc=False):
    """Tell whether a file may be used as *mode* (``os.R_OK``...) says."""

    at: int
    path: bytes
    mode: int
    effective: bool
    follow: bool


class Mkdir(Call[Done], frozen=True, array_like=True, tag=11, gc=False):
    """Make a directory with the permissions *mode*."""

    at: int
    path: bytes
    mode: int


class Rmdir(Call[Done], frozen=True, array_like=True, tag=12, gc=False):
    """Remove an empty directory."""

    at: int
    path: bytes


class Unlink(Call[Done], frozen=True, array_like=True, tag=13, gc=False):
    """Remove a name of a file."""

    at: int
    path: bytes


class Rename(Call[Done], frozen=True, array_like=True, tag=14, gc=False):
    """Give a file another name, in place of what had it."""

    at: int
    path: bytes
    to_at: int
    to: bytes


class Link(Call[Done], frozen=True, array_like=True, tag=15, gc=False):
    """Give a file a second name."""

    at: int
    path: bytes
    to_at: int
    to: bytes
    follow: bool


class Symlink(Call[Done], frozen=True, array_like=True, tag=16, gc=False):
    """Make a symbolic link at *path* that says *target*."""

    at: int
    path: bytes
    target: bytes


class Readlink(Call[Path], frozen=True, array_like=True, tag=17, gc=False):
    """Tell what a symbolic link says."""

    at: int
    path: bytes


class Listdir(Call[Entries], frozen=True, array_like=True, tag=18, gc=False):
    """List a directory: the first `PAGE` entries whose names come after *after*."""

    at: int
    path: bytes
    after: bytes


class Flistdir(Call[Entries], frozen=True, array_like=True, tag=19, gc=False):
    """List an open directory, as `Listdir`."""

    handle: int
    after: bytes


class Chdir(Call[Done], frozen=True, array_like=True, tag=20, gc=False):
    """Make a directory the caller's current one."""

    path: bytes


class Fchdir(Call[Done], frozen=True, array_like=True, tag=21, gc=False):
    """Make an open directory the caller's current one."""

    handle: int


class Getcwd(Call[Path], frozen=True, array_like=True, tag=22, gc=False):
    """Tell the caller's current directory."""


class Truncate(Call[Done], frozen=True, array_like=True, tag=23, gc=False):
    """Cut or extend a file to *length* bytes."""

    path: bytes
    length: int


class Ftruncate(Call[Done], frozen=True, array_like=True, tag=24, gc=False):
    """Cut or extend an open file to *length* bytes."""

    handle: int
    length: int


class Fsync(Call[Done], frozen=True, array_like=True, tag=25, gc=False):
    """Have the host write an open file to its disk."""

    handle: int


class Chmod(Call[Done], frozen=True, array_like=True, tag=26, gc=False):
    """Change the permissions of a file."""

    at: int
    path: bytes
    mode: int
    follow: bool


class Fchmod(Call[Done], frozen=True, array_like=True, tag=27, gc=False):
    """Change the permissions of an open file."""

    handle: int
    mode: int


class Chown(Call[Done], frozen=True, array_like=True, tag=28, gc=False):
    """Change the owner of a file; -1 leaves the user or the group."""

    at: int
    path: bytes
    uid: int
    gid: int
    follow: bool


class Fchown(Call[Done], frozen=True, array_like=True, tag=29, gc=False):
    """Change the owner of an open file; -1 leaves the user or the group."""

    handle: int
    uid: int
    gid: int


class Utime(Call[Done], frozen=True, array_like=True, tag=30, gc=False):
    """Set the times (of access, of modification) of a file; None sets them to the host's now."""

    at: int
    path: bytes
    times: tuple[int, int] | None
    follow: bool


class Futime(Call[Done], frozen=True, array_like=True, tag=31, gc=False):
    """Set the times of an open file, as `Utime`."""

    handle: int
    times: tuple[int, int] | None


class Statvfs(Call[Space], frozen=True, array_like=True, tag=32, gc=False):
    """Tell about the file system that a file is on."""

    path: bytes


class Fstatvfs(Call[Space], frozen=True, array_like=True, tag=33, gc=False):
    """Tell about the file system that an open file is on."""

    handle: int


class Umask(Call[Mask], frozen=True, array_like=True, tag=34, gc=False):
    """Withhold the permissions *mask* from files that the caller makes from now on."""

    mask: int


class Isatty(Call[Truth], frozen=True, array_like=True, tag=35, gc=False):
    """Tell whether an open file is a terminal."""

    handle: int


class Gettimeofday(Call[Clock], frozen=True, array_like=True, tag=36, gc=False):
    """Tell the virtual time of the server's node."""


class Exit(Call[Done], frozen=True, array_like=True, tag=37, gc=False):
    """The caller is done, with *status*: close what it left open and let its last line out."""

    status: int


class Readx(Call[Data], frozen=True, array_like=True, tag=38, gc=False):
    """Read many stretches of a file, `MOST` bytes in all at most; the file's position stays.

    As ``readx`` of the proposed POSIX extensions for high-performance I/O (Open Group HECIG, 2006).
    *runs* has the offset and the length of each as 64-bit integers, little-endian. What they have
    follows one another in the reply, up to the first that reaches past the end of the file.
    """

    handle: int
    runs: bytes


class Writex(Call[Count], frozen=True, array_like=True, tag=39, gc=False):
    """Write *data* to many stretches of a file, `MOST` bytes in all at most, as `Readx`."""

    handle: int
    runs: bytes
    data: bytes


class Share(Call[Key], frozen=True, array_like=True, tag=40, gc=False):
    """Let other processes join an open file."""

    handle: int


class Join(Call[Opened], frozen=True, array_like=True, tag=41, gc=False):
    """Open what another process shares, that very open file; it ends with the last of them."""

    key: int


class MovePointer(Call[Position], frozen=True, array_like=True, tag=42, gc=False):
    """Move the pointer of a shared open file by *count*, and tell where it was, in one step.

    So each of many processes that append to one log gets room of its own. The pointer is a number
    that begins at 0; in what unit it counts is for those who share the file to agree on.
    """

    handle: int
    count: int


class SetPointer(Call[Done], frozen=True, array_like=True, tag=43, gc=False):
    """Set the pointer of a shared open file to *position*."""

    handle: int
    position: int


class Lock(Call[Done], frozen=True, array_like=True, tag=44, gc=False):
    """Wait for the lock of a shared open file and take it.

    It binds only those who ask for it, goes from one to the next in the order in which they asked,
    and is given back by `Unlock`, or when its holder closes the file or ends.
    """

    handle: int


class Unlock(Call[Done], frozen=True, array_like=True, tag=45, gc=False):
    """Give the lock of a shared open file back."""

    handle: int


class Forget(Call[Done], frozen=True, array_like=True, tag=46, gc=False):
    """The process *rank* of *job* is no more: its node has crashed. Only the system may say so."""

    job: int
    rank: int


class Quota(Call[Limits], frozen=True, array_like=True, tag=47, gc=False):
    """Tell what the user *uid*, or the caller if that is `BOUNDLESS`, has and may have of files.

    Of others only root is told. The host's files have no quotas (ENOSYS).
    """

    uid: int


class Extend(Call[Position], frozen=True, array_like=True, tag=48, gc=False):
    """An open striped file has been written to, up to *end*; tell its size, *end* at least.

    What has been written beyond the size that the caller knows counts as written after this only.
    """

    handle: int
    end: int


class Append(Call[Position], frozen=True, array_like=True, tag=49, gc=False):
    """Make an open striped file *count* bytes longer, and tell where they begin, in one step."""

    handle: int
    count: int


class Unwritten(Call[Done], frozen=True, array_like=True, tag=52, gc=False):
    """A write of an open striped file has failed, or been given up: of it anything may be there.

    Attributes:
        begin, end: where the file was made longer for it, which is taken back if nothing has come
            after; two zeros: it was not.
    """

    handle: int
    begin: int = 0
    end: int = 0


class SetStripes(Call[Done], frozen=True, array_like=True, tag=50, gc=False):
    """Make an empty file that is striped in this way, or say how new files of a directory are.

    A file must not be there, a directory must. A *unit* or *factor* of 0, and a *first* of
    `BOUNDLESS`, are as the directory, or the machine, has it.
    """

    at: int
    path: bytes
    mode: int
    unit: int
    factor: int
    first: int


class GetStripes(Call[Striped], frozen=True, array_like=True, tag=51, gc=False):
    """Tell how a file is striped, or new files of a directory are."""

    at: int
    path: bytes


AnyCall = (
    Open
    | Close
    | Read
    | Write
    | Pread
    | Pwrite
    | Lseek
    | Fstat
    | Stat
    | Access
    | Mkdir
    | Rmdir
    | Unlink
    | Rename
    | Link
    | Symlink
    | Readlink
    | Listdir
    | Flistdir
    | Chdir
    | Fchdir
    | Getcwd
    | Truncate
    | Ftruncate
    | Fsync
    | Chmod
    | Fchmod
    | Chown
    | Fchown
    | Utime
    | Futime
    | Statvfs
    | Fstatvfs
    | Umask
    | Isatty
    | Gettimeofday
    | Exit
    | Readx
    | Writex
    | Share
    | Join
    | MovePointer
    | SetPointer
    | Lock
    | Unlock
    | Forget
    | Quota
    | Extend
    | Append
    | Unwritten
    | SetStripes
    | GetStripes
)
"""Every request that there is."""

AnyReply = (
    Failed
    | Done
    | Opened
    | Data
    | Count
    | Position
    | Attributes
    | Truth
    | Path
    | Entries
    | Space
    | Mask
    | Clock
    | Key
    | Limits
    | StripedOpened
    | Striped
)
"""Every reply that there is."""

GARBAGE: Final = (msgspec.DecodeError, UnicodeDecodeError)
"""What is raised for bytes that are no request, or no reply. The second is for text that is none,
which msgspec does not tell by an exception of its own."""

_SYSTEM_CALLS: Final = frozenset(get_args(AnyCall))
_encoder = msgspec.msgpack.Encoder()
_calls: msgspec.msgpack.Decoder[AnyCall] = msgspec.msgpack.Decoder(AnyCall)
_replies: msgspec.msgpack.Decoder[AnyReply] = msgspec.msgpack.Decoder(AnyReply)


def encode(message: Call[Any] | Reply) -> bytes:
    """Marshal a request or a reply.

    Raises:
        OverflowError: there is a number beyond 64 bits in a program's request.
    """
    try:
        return _encoder.encode(message)
    except OverflowError:
        if type(message) in _SYSTEM_CALLS:
            raise
        # A server tells of a time, and the machine has been up for very long.
        return _encoder.encode(_bounded(msgspec.to_builtins(message, builtin_types=(bytes,))))


def _bounded(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_bounded(each) for each in value]
    if isinstance(value, dict):
        return {key: _bounded(each) for key, each in value.items()}
    return min(value, LATEST) if isinstance(value, int) else value


"""Marshal a request or a reply."""

decode_call = _calls.decode
"""Unmarshal a request. Raises one of `GARBAGE` for anything that is none."""

decode_reply = _replies.decode
"""Unmarshal a reply. Raises one of `GARBAGE` for anything that is none."""

F = TypeVar("F", Attributes, Space)


def fill(reply: F) -> F:
    """Return *reply* with so much filler that it takes `FILLED` bytes."""
    return msgspec.structs.replace(reply, filler=bytes(FILLED - len(encode(reply))))
