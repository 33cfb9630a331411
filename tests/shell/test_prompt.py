"""The prompt edits lines while the machine runs, through prompt-toolkit's own pipe for tests."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio_asyncio
from prompt_toolkit.data_structures import Size
from prompt_toolkit.history import FileHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from prompt_toolkit.output.vt100 import Vt100_Output

from vmpp.machine.plugins import Plugins
from vmpp.quantities import DURATION
from vmpp_shell.console import Boot, Console
from vmpp_shell.editor.completion import candidates
from vmpp_shell.editor.prompt import Prompt
from vmpp_shell.editor.toolbar import facts
from vmpp_shell.interpreter import Interpreter
from vmpp_shell.start import states
from vmpp_shell.terminal import Stream, Terminal


class Typist:
    """Somebody at a prompt."""

    def __init__(self, keys: PipeInput, written: bytearray) -> None:
        self.keys = keys
        self.written = written
        self.interpreter: Interpreter
        self.prompt: Prompt

    @property
    def shown(self) -> str:
        return self.written.decode()

    async def sees(self, text: str) -> None:
        """Wait until *text* has been shown."""
        with trio.fail_after(30):
            while text not in self.shown:
                await trio.sleep(0.01)


@asynccontextmanager
async def typist(keys: PipeInput, **options: object) -> AsyncIterator[Typist]:
    made = Typist(keys, bytearray())
    stream = Stream(made.written.extend)
    terminal = Terminal(stream, stream, interactive=True)
    async with (
        trio_asyncio.open_loop(),
        Console.open(Plugins.installed(), state=states(None, ephemeral=True)) as console,
        Interpreter.open(console, terminal) as made.interpreter,
    ):
        await console.boot(Boot(nodes=4))
        options.setdefault("output", DummyOutput())
        made.prompt = Prompt(made.interpreter, input=keys, **options)  # type: ignore[arg-type]
        yield made


@pytest.fixture
def keys() -> object:
    with create_pipe_input() as made:
        yield made


async def test_what_is_typed_is_carried_out_until_exit(keys: PipeInput) -> None:
    async with typist(keys) as user:
        keys.send_text("echo one\recho 'two\rlines'\rexit 3\recho never\r")
        await user.prompt.run()
        assert user.shown == "one\ntwo\nlines\n"
        assert user.interpreter.status == 3


async def test_control_c_forgets_the_line_and_control_d_leaves(keys: PipeInput) -> None:
    async with typist(keys) as user:
        keys.send_text("echo never\x03echo then\r\x04")
        await user.prompt.run()
        assert user.shown == "then\n"


async def test_tab_completes(keys: PipeInput) -> None:
    async with typist(keys) as user, trio.open_nursery() as nursery:
        nursery.start_soon(user.prompt.run)
        keys.send_text("set STEPS=7\rech\t")
        await trio.sleep(0.2)
        keys.send_text("$ST\t")
        await trio.sleep(0.2)
        keys.send_text("\rexit\r")
        await user.sees("7\n")


async def test_output_of_jobs_appears_while_one_types_line_by_line(keys: PipeInput) -> None:
    screen = io.StringIO()
    output = Vt100_Output(screen, lambda: Size(24, 80), term="xterm", enable_cpr=False)
    async with typist(keys, output=output) as user, trio.open_nursery() as nursery:
        nursery.start_soon(user.prompt.run)
        keys.send_text("echo half a li")
        while "half a li" not in screen.getvalue():
            await trio.sleep(0.01)
        for number in range(100):
            user.interpreter.terminal.out.print(f"line {number}")
        assert user.shown == ""
        await user.sees("line 99\n")
        keys.send_text("ne\rexit\r")
        await user.sees("half a line\n")
        assert user.shown == "".join(f"line {n}\n" for n in range(100)) + "half a line\n"


async def test_answers_that_are_hidden_are_not_shown_nor_remembered(
    keys: PipeInput, tmp_path: object
) -> None:
    screen = io.StringIO()
    output = Vt100_Output(screen, lambda: Size(24, 80), term="xterm", enable_cpr=False)
    history = FileHistory(f"{tmp_path}/history")
    async with typist(keys, output=output, history=history) as user:
        keys.send_text("secret\r")
        assert await user.interpreter.terminal.ask("Password: ", hidden=True) == "secret"
        assert "Password:" in screen.getvalue()
        assert "secret" not in screen.getvalue()
        assert "*" not in screen.getvalue()
        keys.send_text("\x1b[Anew\r")
        assert await user.interpreter.terminal.ask("Name: ") == "new"
        keys.send_text("echo visible\rexit\r")
        await user.prompt.run()
    with open(f"{tmp_path}/history") as file:
        remembered = file.read()
    assert "echo visible" in remembered
    assert "secret" not in remembered


async def test_the_toolbar_tells_machine_user_time_and_jobs(keys: PipeInput) -> None:
    async with typist(keys) as user:
        who, time, jobs = facts(user.interpreter)
        assert who == f"{user.interpreter.console.session.user.name}@default"
        assert time == DURATION.write(user.interpreter.console.machine.engine.now)
        assert jobs == "0 jobs running"
        await user.interpreter.console.shut_down()
        assert list(facts(user.interpreter)) == ["no machine is up: 'boot' boots one"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("yo", ["yod "]),
        ("echo a; yo", ["yod "]),
        ("yod --keep", ["--keep-going "]),
        ("time yod --keep", ["--keep-going "]),
        ("yod -n 4 hea", ["heat "]),
        ("yod -n ", []),
        ("fault lin", ["link "]),
        ("fault server fi", ["files "]),
        ("nodes se", ["service "]),
        ("help ho", []),
        ("kill -s USR", ["USR1 ", "USR2 "]),
        ("echo $W", ["$WORD "]),
        ("squeue | gre", []),
        ("echo 'open", []),
    ],
)
async def test_words_are_completed_by_what_they_are_for(
    keys: PipeInput, line: str, expected: list[str]
) -> None:
    async with typist(keys) as user:
        user.interpreter.variables["WORD"] = "x"
        found = await candidates(user.interpreter, line)
        assert [each.text for each in found] == expected


@pytest.mark.parametrize("before", ["kill", "kill -9", "scancel", "bt", "fg", "wait"])
async def test_jobs_are_completed(keys: PipeInput, before: str) -> None:
    async with typist(keys) as user:
        await user.interpreter.execute("echo 'import time; time.sleep(1e6)' > sleepy.py")
        await user.interpreter.execute("yod -n 2 sleepy.py & yod -n 2 sleepy.py &")
        found = await candidates(user.interpreter, f"{before} ")
        assert [(each.text, each.meaning) for each in found] == [
            ("1 ", "sleepy.py"),
            ("2 ", "sleepy.py"),
        ]


async def test_options_are_explained_by_one_sentence(keys: PipeInput) -> None:
    async with typist(keys) as user:
        found = {each.shown: each.meaning for each in await candidates(user.interpreter, "yod -")}
        assert found["-list"] == "The nodes, in the order of ranks: numbers and ranges, as 0..7,12"
        assert found["--keep-going"] == "Let the job go on without ranks whose nodes crash"
        assert found["--coll"] == "Algorithm of a collective operation; repeatable"
        assert found["--check"].endswith("findings make the status 1")


async def test_who_leaves_is_told_of_jobs_that_run(keys: PipeInput) -> None:
    async with typist(keys) as user:
        await user.interpreter.execute("echo 'import time' > sleepy.py")
        await user.interpreter.execute("echo 'while True: time.sleep(1e-3)' >> sleepy.py")
        keys.send_text("yod sleepy.py &\r\x04exit\r")
        await user.prompt.run()
        assert "exit: a job runs and would end; say it again" in user.shown


async def test_the_end_of_what_is_typed_logs_out_who_is_on_top(keys: PipeInput) -> None:
    async with typist(keys) as user:
        keys.send_text("login root\r\x04echo here\r\x04")
        await user.prompt.run()
        assert user.shown.endswith("here\n")
