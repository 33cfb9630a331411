"""``sftp`` and ``scp``: the user's own files, and no others."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import trio

from vmpp_shell.serve import sftp
from vmpp_shell.serve.sftp import SftpServer

KEY = asyncssh.generate_private_key("ssh-ed25519")


@pytest.mark.parametrize("name", ["file", "/pfs/file"])
async def test_a_file_goes_there_and_back(house: Any, tmp_path: Path, name: str) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "there").write_bytes(data)
    async with house() as at, at.transfer() as files:
        await files.put(str(tmp_path / "there"), name, preserve=True)
        await files.get(name, str(tmp_path / "back"), preserve=True)
        known = await files.stat(name)
        assert (known.size, known.uid) == (len(data), at.machine.login.store.get("alice").uid)
    assert (tmp_path / "back").read_bytes() == data
    before, after = (tmp_path / "there").stat(), (tmp_path / "back").stat()
    assert (after.st_mode, int(after.st_mtime)) == (before.st_mode, int(before.st_mtime))


async def test_directories(house: Any) -> None:
    async with house() as at, at.transfer() as files:
        assert await files.realpath(".") == "/home/alice"
        await files.makedirs("a/b/c")
        await files.write("a/b/file", b"x")
        assert sorted(await files.listdir("a/b")) == [".", "..", "c", "file"]
        with pytest.raises(asyncssh.SFTPFailure):
            await files.rmdir("a/b")
        await files.remove("a/b/file")
        await files.rmdir("a/b/c")
        assert sorted(await files.listdir("a/b")) == [".", ".."]


async def test_a_directory_of_many_files_is_listed_whole(house: Any) -> None:
    async with house() as at, at.transfer() as files:
        alice = await at.machine.log_in("alice", "alice")
        names = [f"file{number:04}" for number in range(300)]
        for name in names:
            await alice.files.write(name, b"")
        assert sorted(await files.listdir("."))[2:] == names


async def test_names_are_changed(house: Any) -> None:
    async with house() as at, at.transfer() as files:
        await files.write("one", b"1")
        await files.write("two", b"2")
        with pytest.raises(asyncssh.SFTPFailure):
            await files.rename("one", "two")
        await files.posix_rename("one", "two")
        assert await files.read("two") == b"1"
        await files.link("two", "three")
        await files.remove("two")
        assert await files.read("three") == b"1"


async def test_modes_sizes_and_times_are_changed(house: Any) -> None:
    async with house() as at, at.transfer() as files:
        await files.write("file", b"123456")
        await files.chmod("file", 0o640)
        await files.truncate("file", 3)
        await files.utime("file", (1_000_000_000, 1_100_000_000))
        known = await files.stat("file")
        assert stat.S_IMODE(known.permissions) == 0o640
        assert (known.size, known.atime, known.mtime) == (3, 1_000_000_000, 1_100_000_000)


async def test_what_is_appended_goes_to_the_end(house: Any) -> None:
    async with house() as at, at.transfer() as files:
        await files.write("file", b"one")
        await files.write("file", b"two", "ab")
        assert await files.read("file") == b"onetwo"


async def test_a_new_file_is_not_laid_over_an_old_one(house: Any) -> None:
    async with house() as at, at.transfer() as files:
        await files.write("file", b"old", "xb")
        with pytest.raises(asyncssh.SFTPFailure):
            await files.write("file", b"new", "xb")
        assert await files.read("file") == b"old"


async def test_symbolic_links(house: Any) -> None:
    async with house() as at, at.transfer() as files:
        await files.mkdir("d")
        await files.write("d/file", b"data")
        await files.symlink("d/file", "relative")
        await files.symlink("/home/alice/d", "absolute")
        assert await files.readlink("relative") == "d/file"
        assert await files.read("relative") == b"data"
        assert await files.realpath("absolute/file") == "/home/alice/d/file"
        assert await files.realpath("absolute/../relative") == "/home/alice/d/file"
        assert await files.islink("relative")
        assert not await files.islink("d")
        await files.symlink("round", "about")
        await files.symlink("about", "round")
        with pytest.raises(asyncssh.SFTPFailure):
            await files.realpath("round/x")


async def test_no_path_leads_to_the_host(house: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the host")
    async with house() as at, at.transfer() as files:
        await files.symlink(str(tmp_path), "out")
        for path in (
            f"{tmp_path}/secret",
            f"../../..{tmp_path}/secret",
            "out/secret",
            "/etc/passwd",
            "/proc/self/environ",
        ):
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await files.read(path)


async def test_others_files_and_the_operators_host_are_closed(house: Any) -> None:
    async with house() as at:
        async with at.transfer("alice") as files:
            await files.write("secret", b"alice's")
            await files.chmod(".", 0o755)
            await files.chmod("secret", 0o600)
        async with at.transfer("bob") as files:
            assert "secret" in await files.listdir("/home/alice")
            for operation, arguments in (
                (files.read, ["/home/alice/secret"]),
                (files.write, ["/home/alice/new", b""]),
                (files.remove, ["/home/alice/secret"]),
                (files.chmod, ["/home/alice/secret", 0o666]),
                (files.posix_rename, ["/home/alice/secret", "mine"]),
                (files.listdir, ["/root"]),
                (files.listdir, ["/host"]),
                (files.write, ["/host/new", b""]),
            ):
                with pytest.raises(asyncssh.SFTPPermissionDenied):
                    await operation(*arguments)
            with pytest.raises(asyncssh.SFTPError):
                await files.write("/images/heat.py", b"")


async def test_a_file_server_that_is_stopped_is_told_of(house: Any) -> None:
    async with house() as at, at.transfer() as files:
        at.machine.stop_server("files")
        with pytest.raises(asyncssh.SFTPFailure, match="the file server does not answer"):
            await files.listdir(".")
        at.machine.start_server("files")
        assert await files.listdir(".") == [".", ".."]


async def test_nobody_gives_files_away(house: Any) -> None:
    async with house() as at, at.transfer() as files:
        await files.write("file", b"")
        with pytest.raises(asyncssh.SFTPError):
            await files.chown("file", 0, 0)
        assert (await files.stat("file")).uid != 0


async def test_a_quota_holds_and_is_the_room_there_is(house: Any) -> None:
    async with house() as at:
        await at.root.set_quota("alice", 100_000, 10)
        async with at.transfer() as files:
            room = await files.statvfs(".")
            assert room.blocks * room.frsize <= 100_000
            with pytest.raises(asyncssh.SFTPError):
                await files.write("file", bytes(200_000))
            await files.write("small", bytes(1000))


async def test_listings_have_the_names_of_the_machines_users(house: Any) -> None:
    async with house() as at, at.transfer() as files:
        listed = {str(each.filename): each for each in await files.readdir("/home")}
        assert listed["alice"].longname.split()[2:4] == ["alice", "alice"]
        assert listed[".."].longname.split()[2:4] == ["root", "root"]


async def test_a_session_for_files_ends_with_its_client(house: Any) -> None:
    async with house() as at:
        async with at.transfer():
            assert len(await at.root.who()) == 2
        while len(await at.root.who()) > 1:
            await trio.sleep(0.01)


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name in vars(asyncssh.SFTPServer).keys() - sftp.HARMLESS
        if not name.startswith("__")
    ),
)
def test_nothing_of_asyncssh_reaches_the_hosts_files(name: str) -> None:
    """What its own server does with the host's files is done otherwise, or refused."""
    assert name in vars(SftpServer)


@pytest.mark.skipif(not shutil.which("sftp"), reason="OpenSSH's clients are not installed")
async def test_openssh_gets_and_puts(house: Any, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY.export_private_key())
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "file").write_bytes(bytes(range(256)) * 1000)
    async with house() as at:
        await at.root.add_key(KEY.export_public_key().decode(), name="alice")
        (tmp_path / "known").write_text(at.known_hosts.replace("*", f"[127.0.0.1]:{at.port}", 1))
        options = ["-F", "none", "-i", str(tmp_path / "key"), "-P", str(at.port), "-q"]
        for option in (f"UserKnownHostsFile={tmp_path / 'known'}", "BatchMode=yes"):
            options += ["-o", option]

        async def succeed(*command: str, stdin: bytes = b"") -> str:
            done = await trio.run_process(
                command, stdin=stdin, capture_stdout=True, capture_stderr=True, check=False,
                cwd=tmp_path,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            return done.stdout.decode()

        for protocol in ([], ["-O"]):  # SFTP, and the older protocol of its own
            name = f"there{len(protocol)}"
            await succeed("scp", *options, *protocol, "-rp", "tree", f"alice@127.0.0.1:{name}")
            await succeed("scp", *options, *protocol, "-rp", f"alice@127.0.0.1:{name}", "back")
            found = (tmp_path / "back" / "sub" / "file").read_bytes()
            assert found == (tmp_path / "tree" / "sub" / "file").read_bytes()
            shutil.rmtree(tmp_path / "back")
        shown = await succeed(
            "sftp", *options, "-b", "-", "alice@127.0.0.1",
            stdin=b"pwd\nls -l there0/sub\ndf\nrename there0 moved\nchmod 600 moved/sub/file\n"
            b"ln -s moved link\nls -l moved/sub/file\nrm link\n-rmdir moved\n",
        )  # fmt: skip
        assert "Remote working directory: /home/alice" in shown
        assert "-rw-------" in shown
