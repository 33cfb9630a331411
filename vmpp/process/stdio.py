"""Python's file objects on a process's descriptors: what ``open()`` returns, and the streams.

Buffering and text are the interpreter's own classes (`io.BufferedWriter`, `io.TextIOWrapper`...);
only the bottom layer, `io.FileIO` on a real machine, is ours: `SystemFile`.
"""

from __future__ import annotations

import io
import operator
import os
import stat
import sys
import warnings
from collections.abc import Callable
from errno import EISDIR
from typing import IO, TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from vmpp.kernel.process import Process
    from vmpp.process.files import Files

LINE: Final = 256
"""Bytes of buffer under a standard stream: a line. There is one for each of very many ranks."""

_NATIVE: Final = frozenset({"PIL", "numpy"})
"""Packages that hand a descriptor to C code of theirs, and do without it if a file has none."""

_BASE_FLAGS: Final = {
    "r": 0,
    "w": os.O_CREAT | os.O_TRUNC,
    "x": os.O_CREAT | os.O_EXCL,
    "a": os.O_CREAT | os.O_APPEND,
}


class SystemFile(io.RawIOBase):
    """An unbuffered file of a process, with the interface and the errors of `io.FileIO`.

    Attributes:
        name: what the file was opened by: a path or a descriptor.
        mode: ``rb``, ``wb``, ``rb+``, ``ab``, ...
        closefd: whether `close` closes the descriptor too.
    """

    __slots__ = ("_fd", "_files", "_reads", "_writes", "closefd", "mode", "name")

    name: Any

    def __init__(
        self, files: Files, fd: int, name: Any, mode: str = "rb", closefd: bool = True
    ) -> None:
        self._files = files
        self._fd = fd
        self._reads = "r" in mode or "+" in mode
        self._writes = mode != "rb"
        self.name = name
        self.mode = mode
        self.closefd = closefd

    def __repr__(self) -> str:
        if self.closed:
            return "<SystemFile [closed]>"
        return f"<SystemFile name={self.name!r} mode={self.mode!r} closefd={self.closefd}>"

    def _check(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

    def _check_reading(self) -> None:
        self._check()
        if not self._reads:
            raise io.UnsupportedOperation("File not open for reading")

    def _check_writing(self) -> None:
        self._check()
        if not self._writes:
            raise io.UnsupportedOperation("File not open for writing")

    def fileno(self) -> int:
        """Return the descriptor, which only this process's own calls understand.

        Raises:
            io.UnsupportedOperation: the caller is a package that would give it to C code.
        """
        self._check()
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.partition(".")[0] in _NATIVE:
            raise io.UnsupportedOperation(
                "files of a compute node are open at its file server: C code cannot reach them"
            )
        return self._fd

    def isatty(self) -> bool:
        """Return whether this is a terminal."""
        self._check()
        return self._files.lookup(self._fd).terminal

    def readable(self) -> bool:
        """Return whether the file is open for reading."""
        self._check()
        return self._reads

    def writable(self) -> bool:
        """Return whether the file is open for writing."""
        self._check()
        return self._writes

    def seekable(self) -> bool:
        """Return whether the file has positions."""
        self._check()
        return self._files.lookup(self._fd).seekable

    def readinto(self, buffer: Any) -> int | None:
        """Read into *buffer* and return how many bytes; None if a non-blocking file has none."""
        self._check_reading()
        with memoryview(buffer) as view, view.cast("B") as flat:
            try:
                return self._files.readinto(self._fd, flat)
            except BlockingIOError:
                return None

    def read(self, size: int | None = -1) -> bytes | None:
        """Read up to *size* bytes, or all that there are; None if a non-blocking file has none."""
        self._check_reading()
        if size is None or size < 0:
            return self.readall()
        try:
            return self._files.read(self._fd, size)
        except BlockingIOError:
            return None

    def readall(self) -> bytes:
        """Read up to the end of the file."""
        self._check_reading()
        return self._files.read_all(self._fd)

    def write(self, data: Any) -> int | None:
        """Write *data* and return how many bytes; None if a non-blocking file takes none."""
        if self.closed or not self._writes:
            self._check_writing()
        try:
            return self._files.write(self._fd, data)
        except BlockingIOError:
            return None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position and return it."""
        self._check()
        if offset == 0 and whence == os.SEEK_CUR:
            return self._files.tell(self._fd)
        return self._files.lseek(self._fd, operator.index(offset), whence)

    def tell(self) -> int:
        """Return the position."""
        self._check()
        return self._files.tell(self._fd)

    def truncate(self, size: int | None = None) -> int:
        """Cut or extend the file to *size* bytes, to its position if None; return the size."""
        self._check_writing()
        size = self.tell() if size is None else size
        self._files.truncate(self._fd, size)
        return size

    def close(self) -> None:
        """Close the file; to close it twice is no error."""
        if self.closed:
            return
        super().close()
        if self.closefd:
            self._files.close(self._fd)


def standard_stream(files: Files, fd: int) -> IO[str]:
    """Return the text stream on one of descriptors 0, 1 and 2, set up as Python sets it up."""
    if fd == 0:
        source: Any = SystemFile(files, fd, "<stdin>", closefd=False)
        return io.TextIOWrapper(io.BufferedReader(source), "utf-8")
    name, errors = (None, "<stdout>", "<stderr>")[fd], (None, "strict", "backslashreplace")[fd]
    raw = SystemFile(files, fd, name, "wb", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw, LINE), "utf-8", errors, line_buffering=True)


def open_file(
    process: Process,
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Callable[[Any, int], int] | None = None,
) -> IO[Any]:
    """Open *file* as the built-in ``open`` does, at the file server of *process*.

    Text is UTF-8 unless *encoding* says otherwise, so that a run does not depend on the host's
    locale. Everything else, errors included, is as the library reference says.
    """
    if not isinstance(file, int):
        file = os.fspath(file)
    binary, raw_mode = _parse_mode(mode)
    if binary:
        _refuse_text_options(encoding, errors, newline)
        if buffering == 1:
            warnings.warn(
                "line buffering (buffering=1) isn't supported in binary mode, "
                "the default buffer size will be used",
                RuntimeWarning,
                stacklevel=3,
            )
    raw = _open_raw(process.files, file, raw_mode, closefd, opener)
    try:
        return _dress(raw, mode, binary, buffering, encoding, errors, newline)
    except BaseException:
        raw.close()
        raise


def _parse_mode(mode: str) -> tuple[bool, str]:
    """Return whether *mode* is binary, and the mode of the raw file."""
    if not isinstance(mode, str):
        raise TypeError(f"open() argument 'mode' must be str, not {type(mode).__name__}")
    letters = set(mode)
    if letters - set("axrwb+t") or len(mode) > len(letters):
        raise ValueError(f"invalid mode: {mode!r}")
    if {"t", "b"} <= letters:
        raise ValueError("can't have text and binary mode at once")
    base = letters & set("xrwa")
    if len(base) > 1:
        raise ValueError("must have exactly one of create/read/write/append mode")
    if not base:
        raise ValueError(
            "Must have exactly one of create/read/write/append mode and at most one plus"
        )
    return "b" in letters, f"{base.pop()}b{'+' * ('+' in letters)}"


def _refuse_text_options(encoding: object, errors: object, newline: object) -> None:
    options = {"an encoding": encoding, "an errors": errors, "a newline": newline}
    for option, value in options.items():
        if value is not None:
            raise ValueError(f"binary mode doesn't take {option} argument")


def _open_raw(
    files: Files, file: Any, mode: str, closefd: bool, opener: Callable[[Any, int], int] | None
) -> SystemFile:
    if isinstance(file, int):
        fd = _existing(file)
        closes_on_error = False
    else:
        fd = _open_path(files, file, mode, closefd, opener)
        closes_on_error = True
    try:
        if stat.S_ISDIR(files.lookup(fd).mode):
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR), file)
        if mode[0] == "a" and files.lookup(fd).seekable:
            files.lseek(fd, 0, os.SEEK_END)
    except BaseException:
        if closes_on_error:
            files.close(fd)
        raise
    return SystemFile(files, fd, file, "rb+" if mode == "wb+" else mode, closefd)


def _existing(fd: int) -> int:
    if fd < 0:
        raise ValueError("negative file descriptor")
    return fd


def _open_path(
    files: Files, path: Any, mode: str, closefd: bool, opener: Callable[[Any, int], int] | None
) -> int:
    if not closefd:
        raise ValueError("Cannot use closefd=False with file name")
    access = os.O_RDWR if "+" in mode else (os.O_RDONLY if mode[0] == "r" else os.O_WRONLY)
    flags = access | _BASE_FLAGS[mode[0]] | os.O_CLOEXEC
    if opener is None:
        return files.open(encode_path(path), flags, 0o666, name=path)
    fd = opener(path, flags)
    if not isinstance(fd, int):
        raise TypeError("expected integer from opener")
    if fd < 0:
        raise ValueError(f"opener returned {fd}")
    return fd


def encode_path(path: Any) -> bytes:
    """Return *path* as the file server wants it.

    Raises:
        TypeError: it is no path.
        ValueError: it holds a null byte.
    """
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError("embedded null byte")
    return encoded


def _dress(
    raw: SystemFile,
    mode: str,
    binary: bool,
    buffering: int,
    encoding: str | None,
    errors: str | None,
    newline: str | None,
) -> IO[Any]:
    """Put the layers on *raw* that the mode and *buffering* ask for."""
    files, file = raw._files, raw._files.lookup(raw._fd)
    if buffering == 0:
        if not binary:
            raise ValueError("can't have unbuffered text I/O")
        return cast("IO[Any]", raw)
    line_buffering = buffering == 1 or (buffering < 0 and file.terminal)
    size = file.block_size if buffering < 0 or buffering == 1 else buffering
    if "+" in raw.mode:
        buffer: Any = io.BufferedRandom(raw, size)
    else:
        buffer = (io.BufferedReader if raw._reads else io.BufferedWriter)(raw, size)
    if binary:
        stream = buffer
    else:
        charset = "utf-8" if encoding in {None, "locale"} else encoding
        stream = io.TextIOWrapper(buffer, charset, errors, newline, line_buffering)
        stream.mode = mode  # type: ignore[misc] # as the built-in function sets it
    if raw._writes:
        files.remember(stream)
    return cast("IO[Any]", stream)


def read_line(process: Process, prompt: object = "") -> str:
    """Read a line from the program's ``sys.stdin``, as the built-in ``input`` does.

    The built-in itself would ask the host's terminal, if standard input and output are one.
    """
    del process  # sys shows the streams of the running process
    stdin, stdout, stderr = sys.stdin, sys.stdout, sys.stderr
    for stream, name in ((stdin, "stdin"), (stdout, "stdout"), (stderr, "stderr")):
        if stream is None:
            raise RuntimeError(f"input(): lost sys.{name}")
    stderr.flush()
    stdout.write(str(prompt))
    stdout.flush()
    line = stdin.readline()
    if not line:
        raise EOFError("EOF when reading a line")
    return line.removesuffix("\n")
