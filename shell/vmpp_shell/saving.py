"""Files that srun saves the output of a job in, which may be called by the job's number."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vmpp.errors import VmppError
from vmpp_shell.redirection import OutputFile
from vmpp_shell.terminal import Stream

if TYPE_CHECKING:
    from vmpp.machine.session import Session
    from vmpp_shell.context import Context

_NUMBER: Final = "%j"
_USER: Final = "%u"


class FileNameError(VmppError):
    """The name of a file has a ``%`` that means nothing here."""


class FileByJob(Stream):
    """A file whose name has the number of a job in it, which is not known before the launch."""

    def __init__(self, open_file: Callable[[int], OutputFile]) -> None:
        super().__init__(self._keep)
        self._open_file = open_file
        self._kept: list[bytes] = []
        self._file: OutputFile | None = None

    def _keep(self, data: bytes) -> None:
        self._kept.append(data)

    def identify(self, job: int) -> None:
        """Open the file of *job*, and write what has come already. Raises OSError."""
        self._file = self._open_file(job)
        self._write = self._file.stream.write
        for data in self._kept:
            self._write(data)

    async def settle(self) -> None:
        """Wait until all is written. Raises OSError."""
        if self._file is not None:
            await self._file.settle()

    def close(self) -> None:
        """Close the file, if there has been a job."""
        if self._file is not None:
            self._file.close()


@asynccontextmanager
async def saved(context: Context, out: str | None, err: str | None) -> AsyncIterator[Context]:
    """Give a context whose output goes to the files *out* and *err*, if they are given.

    Without *err* the errors go where *out* says. In the names ``%j`` is the number of the job, and
    ``%u`` the user.

    Raises:
        FileNameError: there is another ``%`` in a name.
        OSError: a file cannot be written.
    """
    if out is None and err is None:
        yield context
        return
    opened: list[OutputFile | FileByJob] = []
    with ExitStack() as files:
        files.callback(lambda: [file.close() for file in opened])
        written = None if out is None else await _opened(context.session, out, opened)
        errors = written if err is None else await _opened(context.session, err, opened)
        terminal = context.terminal.redirected(written, errors)
        yield replace(context, terminal=terminal)
        if terminal.kept:
            terminal.at_end = files.pop_all().close
            return
        for file in opened:
            await file.settle()


async def _opened(session: Session, pattern: str, opened: list[OutputFile | FileByJob]) -> Stream:
    name = pattern.replace(_USER, session.user.name)
    if "%" in name.replace(_NUMBER, ""):
        raise FileNameError(f"{pattern!r}: only %j, the job, and %u, the user, can be in a name")
    if _NUMBER not in name:
        file = await OutputFile.open(session, name, append=False)
        opened.append(file)
        return file.stream

    def open_file(job: int) -> OutputFile:
        written = name.replace(_NUMBER, str(job))
        return OutputFile(written, session)

    stream = FileByJob(open_file)
    opened.append(stream)
    return stream
