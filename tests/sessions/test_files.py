"""Files as a session sees them: system calls under the session's number."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import vmpp
from vmpp.machine.session import Session
from vmpp.machine.session_files import PIECE
from vmpp.service.client import ServerDownError


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    """The session of the host's user on a machine without a state, in an empty folder."""
    async with vmpp.boot(nodes=2) as machine:
        session = await machine.console()
        await session.chdir(str(tmp_path))
        yield session


async def test_what_is_written_is_read(session: Session) -> None:
    await session.files.write("a", b"one\n")
    await session.files.write("a", b"two\n", append=True)
    assert await session.files.read("a") == b"one\ntwo\n"
    await session.files.write("a", b"three")
    assert await session.files.read("a") == b"three"


async def test_large_files_go_in_pieces(session: Session, tmp_path: Path) -> None:
    data = os.urandom(2 * PIECE + 12345)
    await session.files.write("big", data)
    assert (tmp_path / "big").read_bytes() == data
    assert await session.files.read("big") == data


async def test_an_open_file_has_a_position(session: Session) -> None:
    async with await session.files.open("a", "w+b") as file:
        await file.write(b"0123456789")
        assert await file.seek(3) == 3
        assert await file.read(4) == b"3456"
        assert await file.read() == b"789"
        assert await file.read(5) == b""
    with pytest.raises(ValueError, match="no such mode"):
        await session.files.open("a", "rw")
    with pytest.raises(FileExistsError):
        await session.files.open("a", "x")


async def test_directories_are_made_listed_and_removed(session: Session) -> None:
    await session.files.mkdir("d")
    for name in ("b", "a", "c"):
        await session.files.write(f"d/{name}", b"")
    assert await session.files.listdir("d") == ["a", "b", "c"]
    with pytest.raises(OSError, match="d"):
        await session.files.rmdir("d")
    await session.files.rename("d/a", "e")
    for name in ("b", "c"):
        await session.files.unlink(f"d/{name}")
    await session.files.rmdir("d")
    assert await session.files.listdir() == ["e"]


async def test_long_directories_come_whole(session: Session, tmp_path: Path) -> None:
    for number in range(5000):
        (tmp_path / f"{number:05}").touch()
    assert await session.files.listdir() == [f"{number:05}" for number in range(5000)]


async def test_links_and_attributes(session: Session) -> None:
    await session.files.write("a", b"12345", permissions=0o600)
    await session.files.symlink("a", "s")
    await session.files.link("a", "l")
    assert await session.files.readlink("s") == "a"
    assert stat.S_ISLNK((await session.files.lstat("s")).mode)
    told = await session.files.stat("s")
    assert (told.size, told.nlink, stat.S_IMODE(told.mode)) == (5, 2, 0o600)
    await session.files.chmod("a", 0o640)
    await session.files.utime("a", (10**9, 2 * 10**9))
    told = await session.files.stat("l")
    assert (stat.S_IMODE(told.mode), told.mtime_ns) == (0o640, 2 * 10**9)
    await session.files.truncate("a", 2)
    assert await session.files.read("l") == b"12"
    assert await session.files.access("a", os.R_OK)
    assert await session.files.exists("a")
    assert not await session.files.exists("a/b")


async def test_an_error_names_the_file(session: Session) -> None:
    with pytest.raises(FileNotFoundError) as error:
        await session.files.read("nowhere")
    assert error.value.filename == "nowhere"
    with pytest.raises(FileNotFoundError) as error:
        await session.files.rename("nowhere", "there")
    assert (error.value.filename, error.value.filename2) == ("nowhere", "there")


async def test_the_current_directory_is_the_sessions_own(session: Session, tmp_path: Path) -> None:
    await session.files.mkdir("d")
    await session.chdir("d")
    assert session.directory == str(tmp_path.resolve() / "d")
    await session.files.write("a", b"")
    assert (tmp_path / "d" / "a").exists()
    with pytest.raises(FileNotFoundError):
        await session.chdir("nowhere")
    assert session.directory == str(tmp_path.resolve() / "d")


async def test_requests_take_virtual_time(session: Session) -> None:
    before = session.now
    await session.files.listdir()
    assert session.now > before


async def test_a_file_server_that_is_stopped_is_named(session: Session) -> None:
    session._machine.stop_server("files")
    with pytest.raises(ServerDownError, match="the file server does not answer"):
        await session.files.listdir()
    session._machine.start_server("files")
    assert await session.files.listdir() == []
