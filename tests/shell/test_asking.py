"""What a command asks for when it was given as an argument: of a terminal, or of a pipe."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator
from typing import BinaryIO

import pytest
import trio
import trio.testing

from vmpp_shell.asking import Asker
from vmpp_shell.terminal import NobodyToAskError


class Shown(bytearray):
    def take(self, data: bytes) -> None:
        self.extend(data)


@pytest.fixture
def pipe() -> Iterator[tuple[BinaryIO, int]]:
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as source:
        yield source, writer


@pytest.fixture
def terminal() -> Iterator[tuple[BinaryIO, int]]:
    master, slave = os.openpty()
    with open(slave, "rb", buffering=0) as source:
        yield source, master
    os.close(master)


def echoes(source: BinaryIO) -> bool:
    return bool(termios.tcgetattr(source)[3] & termios.ECHO)


async def test_a_pipe_gives_line_after_line_and_sees_no_question(
    pipe: tuple[BinaryIO, int],
) -> None:
    source, writer = pipe
    shown = Shown()
    os.write(writer, b"one\n\ntwo")
    os.close(writer)
    asker = Asker(source, shown.take)
    assert [await asker.ask("? ", hidden) for hidden in (True, False, True)] == ["one", "", "two"]
    with pytest.raises(NobodyToAskError, match=r"cannot ask for 'New password'"):
        await asker.ask("New password: ", True)
    assert not shown


async def test_what_follows_the_answer_is_left_alone(pipe: tuple[BinaryIO, int]) -> None:
    source, writer = pipe
    os.write(writer, b"answer\ninput of a job")
    os.close(writer)
    assert await Asker(source, print).ask("? ", False) == "answer"
    assert source.read() == b"input of a job"


async def test_a_terminal_sees_the_question(terminal: tuple[BinaryIO, int]) -> None:
    source, master = terminal
    shown = Shown()
    os.write(master, b"yes\n")
    assert await Asker(source, shown.take).ask("Sure? ", False) == "yes"
    assert shown == b"Sure? "


async def test_a_hidden_answer_is_not_echoed(terminal: tuple[BinaryIO, int]) -> None:
    source, master = terminal
    shown, answers = Shown(), []

    async def ask() -> None:
        answers.append(await Asker(source, shown.take).ask("Password: ", True))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        assert not echoes(source)
        os.write(master, b"secret\n")
    assert answers == ["secret"]
    assert shown == b"Password: \n"
    assert echoes(source)


async def test_a_question_that_is_given_up_leaves_the_terminal_as_it_was(
    terminal: tuple[BinaryIO, int],
) -> None:
    source, _ = terminal
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Asker(source, Shown().take).ask, "Password: ", True)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert echoes(source)
