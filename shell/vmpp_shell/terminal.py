"""Where a session's output goes: a terminal, a pipe, a channel of SSH, or a transcript.

Commands know two streams, `Terminal.out` and `Terminal.err`. Each takes bytes as they are, which is
what jobs write, and whatever rich can draw, which is what commands show.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from vmpp.errors import VmppError

if TYPE_CHECKING:
    from rich.console import Console

Write = Callable[[bytes], object]
"""Takes bytes of output, at once."""
Size = Callable[[], tuple[int, int]]
"""Says how many columns and lines there are now."""
Answer = Callable[[str, bool], Awaitable[str]]
"""Asks for a line, given what to ask with and whether what is typed must not be seen."""

WIDTH: Final = 80
HEIGHT: Final = 24
_UNFOLDED: Final = 1000
"""Columns that a table may have where nothing is folded."""


class NobodyToAskError(VmppError):
    """A question, such as for a password, where nobody can answer."""


def _usual_size() -> tuple[int, int]:
    return WIDTH, HEIGHT


class Stream:
    """One stream of output.

    Attributes:
        is_terminal: whether somebody looks at it, so that it may have colours and be redrawn.
        descriptor: the host's file that it ends at, for filters that need it; None for none.
    """

    def __init__(
        self,
        write: Write,
        *,
        size: Size = _usual_size,
        is_terminal: bool = False,
        environ: Mapping[str, str] | None = None,
        descriptor: int | None = None,
    ) -> None:
        """Write to *write*; *environ* says, by TERM and NO_COLOR, what the terminal can show."""
        self._write = write
        self._size = size
        self._environ = {} if environ is None else environ
        self._held: list[bytes] | None = None
        self.is_terminal = is_terminal
        self.descriptor = descriptor

    def write(self, data: bytes) -> None:
        """Write *data* as it is. The standard streams of jobs are written with it."""
        if self._held is None:
            self._write(data)
        else:
            self._held.append(data)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have what is written wait for the end of the block: a picture has the whole screen."""
        if self._held is not None:
            yield
            return
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            for data in held:
                self._write(data)

    def divert(self, way: Callable[[Write], Write]) -> None:
        """Have what is written go another *way* from now on, made of the one so far."""
        self._write = way(self._write)

    def transcribe(self, take: Write) -> Callable[[], None]:
        """Be plain and of fixed width, and have *take* told of what is written; return the undo."""
        before = self._size, self.is_terminal, self.descriptor
        told = True

        def way(write: Write) -> Write:
            def both(data: bytes) -> None:
                write(data)
                if told:
                    take(data)

            return both

        def undo() -> None:
            nonlocal told
            told = False
            self._size, self.is_terminal, self.descriptor = before
            vars(self).pop("console", None)

        self.divert(way)
        self._size, self.is_terminal, self.descriptor = _usual_size, False, None
        vars(self).pop("console", None)
        return undo

    def flush(self) -> None:
        """Do nothing: what is written has been passed on."""

    def print(self, text: str = "") -> None:
        """Write *text* and the end of a line, as it is."""
        self.write(f"{text}\n".encode(errors="surrogateescape"))

    def show(self, *renderables: Any) -> None:
        """Draw what rich can draw: text with style, tables.

        On a terminal it is folded to fit. Elsewhere a row of a table is a line, for ``grep``.
        """
        for each in renderables:
            if self.is_terminal:
                self.console.size = self._size()
                self.console.print(each)
            else:
                self.write(self._unfolded(each))

    def _unfolded(self, renderable: Any) -> bytes:
        console = self.console
        options = console.options.update(width=_UNFOLDED)
        wide = max(self.width, console.measure(renderable, options=options).maximum)
        console.size = wide, self.height
        with console.capture() as capture:
            console.print(renderable)
        return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()).encode()

    @property
    def width(self) -> int:
        """How many columns there are."""
        return self._size()[0]

    @property
    def height(self) -> int:
        """How many lines there are."""
        return self._size()[1]

    @cached_property
    def console(self) -> Console:
        """rich's console on this stream, for live pictures."""
        from rich.console import Console  # noqa: PLC0415 - 60 ms that many sessions need not pay

        width, height = self._size()
        return Console(
            file=cast("TextIO", _Text(self)),
            force_terminal=self.is_terminal,
            width=width,
            height=height,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
            _environ=dict(self._environ),
        )


class _Text(io.TextIOBase):
    """What rich writes to: text becomes bytes of a stream."""

    encoding = "utf-8"

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(text.encode(errors="surrogateescape"))
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return self._stream.is_terminal


class Terminal:
    """What a session is typed at and shown on.

    Attributes:
        out: where output goes.
        err: where complaints go.
        interactive: whether somebody types, as opposed to a file that is read.
        stdin: what a job in the foreground reads, a binary file; None for nothing.
        types: whether *stdin* is for jobs in the foreground only, as what somebody types is.
        kept: whether a job in the background goes on writing to it when the command has ended.
        at_end: to be called at the end of that job; see `finish`.
    """

    def __init__(
        self,
        out: Stream,
        err: Stream,
        *,
        interactive: bool = False,
        stdin: Any = None,
        answer: Answer | None = None,
    ) -> None:
        self.out = out
        self.err = err
        self.interactive = interactive
        self.stdin = stdin
        self.types = interactive
        self.kept = False
        self.at_end: Callable[[], object] = lambda: None
        self._behind: Terminal | None = None
        self._answer = answer

    @classmethod
    def of_host(
        cls, *, interactive: bool, reads: bool = False, answer: Answer | None = None
    ) -> Terminal:
        """Return the one that vmpp was started at: its own standard streams.

        Args:
            interactive: whether somebody types.
            reads: whether jobs in the foreground read standard input, as they do if somebody types.
            answer: asks for a line.
        """
        made = cls(
            _host_stream(sys.stdout),
            _host_stream(sys.stderr),
            interactive=interactive,
            stdin=getattr(sys.stdin, "buffer", None) if interactive or reads else None,
            answer=answer,
        )
        made.types = interactive or reads
        return made

    @classmethod
    def recorder(
        cls, write: Write, *, width: int = WIDTH, answer: Answer | None = None
    ) -> Terminal:
        """Return one that looks the same everywhere: of fixed width, without colours."""
        stream = Stream(write, size=lambda: (width, HEIGHT))
        return cls(stream, stream, answer=answer)

    def attend(self, above: Callable[[Write], Write], answer: Answer) -> None:
        """Have a line editor between this terminal and who types; see `vmpp_shell.editor`."""
        self.out.divert(above)
        if self.err is not self.out:
            self.err.divert(above)
        self._answer = answer

    async def ask(self, prompt: str, *, hidden: bool = False) -> str:
        """Ask for a line; one that is *hidden* is not seen while it is typed.

        Raises:
            NobodyToAskError: nobody can be asked here.
        """
        if self._answer is None:
            raise _nobody(prompt)
        return await self._answer(prompt, hidden)

    def redirected(self, out: Stream | None = None, err: Stream | None = None) -> Terminal:
        """Return this terminal with other streams."""
        other = Terminal(
            out or self.out,
            err or self.err,
            interactive=self.interactive,
            stdin=self.stdin,
            answer=self._answer,
        )
        other.types = self.types
        other._behind = self
        return other

    def transcribe(self, take: Write, answered: Callable[[str, str], object]) -> Callable[[], None]:
        """Be as plain as a recorder's, and tell of all that passes; return what undoes that.

        Args:
            take: told of what is written.
            answered: told of questions and their answers.
        """
        streams = [self.out] if self.err is self.out else [self.out, self.err]
        undone = [stream.transcribe(take) for stream in streams]
        answer = self._answer

        async def asked(prompt: str, hidden: bool) -> str:
            if answer is None:
                raise _nobody(prompt)
            given = await answer(prompt, hidden)
            answered(prompt, given)
            return given

        def undo() -> None:
            self._answer = answer
            for each in undone:
                each()

        self._answer = asked
        return undo

    def keep(self) -> None:
        """Say that a job in the background goes on writing, here and to what is behind this."""
        self.kept = True
        if self._behind is not None:
            self._behind.keep()

    def finish(self) -> None:
        """Say that this job has ended."""
        self.at_end()
        if self._behind is not None:
            self._behind.finish()

    def reading(self, stdin: Any) -> Terminal:
        """Return this terminal with another standard input for jobs."""
        other = self.redirected()
        other.stdin = stdin
        other.types = False
        return other


def _nobody(prompt: str) -> NobodyToAskError:
    return NobodyToAskError(f"cannot ask for {prompt.rstrip(': ')!r}: nobody is there")


def _host_stream(file: TextIO | None) -> Stream:
    if file is None:
        return Stream(lambda data: None)
    buffer = file.buffer

    def write(data: bytes) -> None:
        buffer.write(data)
        buffer.flush()

    return Stream(
        write,
        size=lambda: (*shutil.get_terminal_size((WIDTH, HEIGHT)),),
        is_terminal=file.isatty(),
        environ=os.environ,
        descriptor=file.fileno(),
    )
