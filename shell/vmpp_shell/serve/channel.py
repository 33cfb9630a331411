"""One channel of an SSH connection, as the terminal that a session is typed at and shown on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import BinaryIO, Final, TextIO, cast

import asyncssh
import trio
from prompt_toolkit.application import create_app_session
from prompt_toolkit.application.current import AppSession
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import clear_typeahead
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.output.vt100 import Vt100_Output
from trio_asyncio import aio_as_trio

from vmpp_shell.asking import Asker
from vmpp_shell.serve.keyboard import Keyboard, keyboard
from vmpp_shell.terminal import HEIGHT, WIDTH, Answer, Stream, Terminal

UNREAD_BYTES: Final = 64 << 20
"""Output that is kept for a client that does not take it; with more, the channel is closed."""
ENVIRONMENT: Final = ("LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR")
"""What a client may say of its environment; it is about the terminal, and about nothing else."""
_PIECE: Final = 1 << 16


class Channel:
    """A channel on which a client has asked for a shell, or for one command to be run.

    Attributes:
        command: the command; None: a shell.
        interrupted: called for each ``^C``, or other request to interrupt, of the client's.
    """

    def __init__(self, process: asyncssh.SSHServerProcess[bytes], keys: Keyboard) -> None:
        self._process = process
        self._keys = keys
        self._app: AppSession | None = None
        self.command = process.command
        self.interrupted: Callable[[], object] = lambda: None

    @property
    def has_terminal(self) -> bool:
        """Whether there is a terminal at the client's end."""
        return self._process.term_type is not None

    @property
    def stdin(self) -> BinaryIO:
        """What the client sends: a file with a descriptor."""
        return self._keys.stdin

    @property
    def sends_commands(self) -> bool:
        """Whether what the client sends are the commands themselves."""
        return self.command is None and not self.has_terminal

    @property
    def environ(self) -> Mapping[str, str]:
        """What the client says of its terminal."""
        said = self._process.env
        environ = {name: said[name] for name in ENVIRONMENT if name in said}
        if self._process.term_type:
            environ["TERM"] = self._process.term_type
        return environ

    @property
    def variables(self) -> Mapping[str, str]:
        """What of that programs get as well."""
        return {name: self.environ[name] for name in ("TERM", "LANG") if name in self.environ}

    def size(self) -> tuple[int, int]:
        """Return how many columns and lines the terminal has now."""
        width, height, _, _ = self._process.term_size
        return width or WIDTH, height or HEIGHT

    def write(self, data: bytes) -> None:
        """Send *data* to the client's standard output, or its terminal."""
        self._send(data, None)

    def write_error(self, data: bytes) -> None:
        """Send *data* to the client's standard error, or its terminal."""
        self._send(data, None if self.has_terminal else asyncssh.EXTENDED_DATA_STDERR)

    def _send(self, data: bytes, kind: int | None) -> None:
        channel = self._process.channel
        if channel.is_closing():
            return  # nobody is there any more; jobs in the background go on
        if self.has_terminal:
            data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if channel.get_write_buffer_size() + len(data) > UNREAD_BYTES:
            channel.abort()
            return
        channel.write(data, kind)

    def terminal(self) -> Terminal:
        """Return the terminal that commands know."""
        asker = Asker(self.stdin, self.write_error)
        terminal = Terminal(
            *self._streams(),
            interactive=self.has_terminal,
            stdin=self.stdin,
            answer=asker.ask,
        )
        # Jobs in the background outlive the channel, and its input is not for them.
        terminal.types = True
        return terminal

    def output(self, answer: Answer) -> Terminal:
        """Return one whose input is for something else; *answer* answers questions."""
        return Terminal(*self._streams(), answer=answer)

    def _streams(self) -> list[Stream]:
        return [
            Stream(write, size=self.size, is_terminal=self.has_terminal, environ=self.environ)
            for write in (self.write, self.write_error)
        ]

    async def _listen(self) -> None:
        """Take what the client sends, until it sends no more."""
        while True:
            try:
                data = await aio_as_trio(self._process.stdin.read)(_PIECE)
            except asyncssh.TerminalSizeChanged:
                if self._app is not None and self._app.app is not None:
                    self._app.app._on_resize()
            except (asyncssh.SignalReceived, asyncssh.BreakReceived):
                self.interrupted()
            except (OSError, asyncssh.Error):
                return  # the connection is lost, which `_watch` sees as well
            else:
                if not data:
                    self._keys.end()
                    return
                await self._keys.feed(data, self._interrupt)

    def _interrupt(self) -> None:
        self.interrupted()

    async def _watch(self, scope: trio.CancelScope) -> None:
        """Give up what is in *scope* when the client is gone."""
        await aio_as_trio(self._process.channel.wait_closed)()
        scope.cancel()

    def end(self, status: int) -> None:
        """Tell the client the exit status, and close the channel when it has all output."""
        if not self._process.channel.is_closing():
            self._process.exit(status)

    @contextmanager
    def prompting(self) -> Iterator[tuple[Input, Output]]:
        """Give what prompt-toolkit reads from and draws on, on this channel, within the block."""
        source = Vt100Input(cast(TextIO, _Source(self.stdin)))
        environ = self.environ
        drawn = Vt100_Output(
            cast(TextIO, _Screen(self)),
            self._lines_and_columns,
            term=environ.get("TERM"),
            default_color_depth=ColorDepth.DEPTH_1_BIT if environ.get("NO_COLOR") else None,
        )
        try:
            with create_app_session(source, drawn) as self._app:
                yield source, drawn
        finally:
            self._app = None
            # The next session's descriptor may have this one's number.
            clear_typeahead(source)

    def _lines_and_columns(self) -> Size:
        columns, lines = self.size()
        return Size(rows=lines, columns=columns)


@asynccontextmanager
async def attended(process: asyncssh.SSHServerProcess[bytes]) -> AsyncIterator[Channel]:
    """Attend to a channel: the block is given up when the client is gone."""
    with keyboard(terminal=process.term_type is not None, modes=process.term_modes) as keys:
        channel = Channel(process, keys)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(channel._watch, nursery.cancel_scope)
            nursery.start_soon(channel._listen)
            nursery.start_soon(keys.run, channel.write)
            yield channel
            nursery.cancel_scope.cancel()


class _Source:
    """What prompt-toolkit reads from: it wants to know how text is encoded."""

    encoding = "utf-8"

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return True


class _Screen:
    """What prompt-toolkit draws on."""

    encoding = "utf-8"

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def write(self, text: str) -> None:
        self._channel.write(text.encode(errors="replace"))

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("what is at the other end of a network has no descriptor")
