"""Pictures that move, on a terminal and where nobody looks."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import count

import pytest
import trio
import trio_asyncio
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from vmpp.machine.plugins import Plugins
from vmpp_shell.console import Console
from vmpp_shell.context import Context
from vmpp_shell.interpreter import Interpreter
from vmpp_shell.live import live
from vmpp_shell.terminal import Stream, Terminal


class Screen(io.StringIO):
    """A terminal as prompt-toolkit draws on it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as made:
        yield made


@pytest.mark.parametrize("key", ["q", "\x03", "\x04"])
async def test_the_picture_has_the_terminal_until_a_key_ends_it(keys: PipeInput, key: str) -> None:
    written = bytearray()
    screen = Screen()
    drawn = Vt100_Output(screen, lambda: Size(rows=10, columns=40), term="xterm")
    stream = Stream(written.extend, size=lambda: (40, 10), is_terminal=True)
    terminal = Terminal(stream, stream, interactive=True)
    numbers = count()

    async def frame() -> str:
        number = next(numbers)
        stream.print(f"printed {number}")
        if number == 3:
            keys.send_text(key)
        return f"picture {number}\n" + "more\n" * 20

    async with (
        trio_asyncio.open_loop(),
        Console.open(Plugins.installed()) as console,
        Interpreter.open(console, terminal) as interpreter,
    ):
        with create_app_session(keys, drawn), trio.fail_after(30):
            await live(Context(interpreter, terminal), frame, delay=10**9, count=None)
        # What was printed meanwhile waited until the picture was gone.
        assert written.decode().split("\n")[:4] == [f"printed {number}" for number in range(4)]
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", " ", screen.getvalue())
    assert "picture 0" in shown
    assert "q quits" in shown
    # The whole terminal is used, and the ordinary screen comes back.
    assert "\x1b[?1049h" in screen.getvalue()
    assert "\x1b[?1049l" in screen.getvalue()


async def test_a_stream_holds_what_is_written_once() -> None:
    written = bytearray()
    stream = Stream(written.extend)
    with stream.held():
        stream.print("one")
        with stream.held():
            stream.print("two")
        assert not written
    stream.print("three")
    assert written == b"one\ntwo\nthree\n"
