"""Commands about files do what the Unix commands of these names do, in the machine's tree."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.scenario.directives import Account
from vmpp_shell.arguments.modes import ModeMistake, changed, is_mode

from .conftest import OpenShell

COMMANDS = (
    *("ls", "cat", "cp", "mv", "rm", "mkdir", "rmdir", "ln", "touch"),
    *("chmod", "chown", "umask", "put", "get", "df", "quota"),
)
BOB = Account("bob", (), "secret")


async def test_files_are_listed_in_order(shell: OpenShell) -> None:
    async with shell() as sh:
        await sh("touch b a .hidden; mkdir d; echo text > d/inner")
        assert await sh("ls") == "a\nb\nd\n"
        assert await sh("ls -a d") == ".\n..\ninner\n"
        assert await sh("ls a d nothing") == (
            "ls: nothing: No such file or directory\na\n\nd:\ninner\n"
        )
        assert sh.status == 1
        assert await sh("ls -R") == "/home/user:\na\nb\nd\n\n/home/user/d:\ninner\n"
        assert await sh("ls -r") == "d\nb\na\n"
        assert await sh("ls -d d") == "d\n"
        assert await sh("ls /images/hea*") == "/images/heat.py\n"
        assert await sh("ls *a") == "a\n"


async def test_a_long_listing_says_all_that_is_known(shell: OpenShell) -> None:
    async with shell(accounts=(BOB,)) as sh:
        await sh("echo 12345 > f; chmod 640 f; ln -s f s; mkdir d; chmod 1777 d")
        lines = (await sh("ls -l")).splitlines()
        assert [line.split()[:5] for line in lines] == [
            ["drwxrwxrwt", "2", "user", "user", "4096"],
            ["-rw-r-----", "1", "user", "user", "6"],
            ["lrwxrwxrwx", "1", "user", "user", "1"],
        ]
        assert lines[1].endswith("  2000-01-01 00:00:00  f")
        assert lines[2].endswith("s -> f")
        assert (await sh("ls -ld /tmp /images")).splitlines()[1].split()[:4] == [
            "dr-xr-xr-x", "3", "root", "root",
        ]  # fmt: skip
        data = json.loads(await sh("ls --json f"))
        assert (data[0]["name"], data[0]["mode"], data[0]["size"], data[0]["user"]) == (
            "f", "-rw-r-----", 6, "user",
        )  # fmt: skip


async def test_a_name_cannot_play_tricks_with_a_long_listing(shell: OpenShell) -> None:
    async with shell() as sh:
        await sh("touch 'a\x1b[31mred'")
        assert "\x1b" not in await sh("ls -l")


async def test_files_are_copied(shell: OpenShell) -> None:
    async with shell() as sh:
        await sh("echo one > a; echo two > b; mkdir d; chmod 600 a")
        assert await sh("cp a c; cat c") == "one\n"
        assert await sh("cp a b d; cat d/a d/b") == "one\ntwo\n"
        assert (await sh("ls -l d/a")).startswith("-rw-------")
        assert await sh("cp d e") == "cp: d: is a directory; -r copies all that is in it\n"
        assert await sh("cp -rv d e; ls -R e") == "d -> e\ne:\na\nb\n"
        assert await sh("cp -r d d/inner") == "cp: d: cannot be copied into itself, d/inner\n"
        assert await sh("cp a ./a") == "cp: a: is the same file as ./a\n"
        assert await sh("cp a nothing b") == (
            "cp: b: there is no such directory to put 2 files into\n"
        )
        assert await sh("cp -n a b; cat b") == "two\n"
        assert await sh("cp a nothing d") == "cp: nothing: No such file or directory\n"
        assert sh.status == 1
        await sh("ln -s a link; mkdir deep; ln -s gone deep/link; cp link copied; cp -r deep more")
        assert (await sh("ls -l more")).strip().endswith("link -> gone")
        assert (await sh("ls -l copied")).startswith("-")


async def test_copies_keep_what_they_are_told_to(shell: OpenShell) -> None:
    async with shell() as sh:
        await sh("touch old; chmod 604 old; yod -n 1 heat --help > /dev/null; cp -p old new")
        old, new = json.loads(await sh("ls --json old new"))
        assert (old["mode"], old["modified_ns"]) == (new["mode"], new["modified_ns"])


async def test_files_are_moved(shell: OpenShell) -> None:
    async with shell() as sh:
        await sh("echo one > a; echo two > b; mkdir d")
        assert await sh("mv a c; ls") == "b\nc\nd\n"
        assert await sh("mv b c d; ls -R") == "/home/user:\nd\n\n/home/user/d:\nb\nc\n"
        assert await sh("mv -v d e") == "d -> e\n"
        assert await sh("mv e e/f") == "mv: e: Invalid argument\n"
        assert await sh("mv nothing x") == "mv: nothing: No such file or directory\n"
        assert await sh("mv /images/heat.py .") == "mv: /images/heat.py: Permission denied\n"


async def test_files_are_moved_between_the_host_and_the_tree(
    shell: OpenShell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    async with shell() as sh:
        await sh("mkdir d; echo text > d/f; chmod 640 d/f; mv d /host/e")
        assert (tmp_path / "e/f").read_text() == "text\n"
        assert stat.S_IMODE((tmp_path / "e/f").stat().st_mode) == 0o640
        assert await sh("ls; mv /host/e/f .; ls; cat f") == "f\ntext\n"
        assert list((tmp_path / "e").iterdir()) == []


async def test_files_are_removed(shell: OpenShell) -> None:
    async with shell() as sh:
        await sh("touch a b; mkdir -p d/e/f; touch d/e/g")
        assert await sh("rm -v a") == "removed a\n"
        assert await sh("rm d") == "rm: d: is a directory; -r removes it with all that is in it\n"
        assert await sh("rm nothing b; ls") == "rm: nothing: No such file or directory\nd\n"
        assert await sh("rm -f nothing") == ""
        assert sh.status == 0
        assert await sh("rm -rf d; ls") == ""
        for path in ("/", ".", "..", "/home/user/.."):
            assert "are not removed" in await sh(f"rm -rf {path}")
        assert await sh("rm") == "rm: give a FILE (try 'rm --help')\n"


async def test_directories_are_made_and_removed(shell: OpenShell) -> None:
    async with shell() as sh:
        assert await sh("mkdir a/b") == "mkdir: a/b: No such file or directory\n"
        assert await sh("mkdir -p a/b/c; mkdir -p a/b; mkdir a") == "mkdir: a: File exists\n"
        assert (await sh("mkdir -m 700 private; ls -ld private")).startswith("drwx------")
        assert await sh("rmdir a") == "rmdir: a: Directory not empty\n"
        assert await sh("rmdir a/b/c a/b a; ls") == "private\n"
        await sh("touch f")
        assert await sh("mkdir -p f/x") == "mkdir: f/x: Not a directory\n"


async def test_links_are_made(shell: OpenShell) -> None:
    async with shell() as sh:
        await sh("echo text > f; ln f hard; ln -s f soft; ln -s /images/heat.py")
        assert await sh("cat hard soft") == "text\ntext\n"
        assert (await sh("ls -l f")).split()[1] == "2"
        assert (await sh("ls -l heat.py")).strip().endswith("heat.py -> /images/heat.py")
        assert await sh("ln -s x soft") == "ln: soft: File exists\n"
        await sh("ln -sf x soft")
        assert (await sh("ls -l soft")).strip().endswith("soft -> x")


async def test_touch_makes_files_and_notes_the_time(shell: OpenShell) -> None:
    async with shell() as sh:
        await sh("touch f; touch -c g; mkdir d")
        (before,) = json.loads(await sh("ls --json f"))
        await sh("yod -n 1 heat --help > /dev/null; touch f d")
        (after,) = json.loads(await sh("ls --json f"))
        assert after["modified_ns"] > before["modified_ns"]
        assert await sh("ls") == "d\nf\n"


async def test_permissions_are_changed(shell: OpenShell) -> None:
    async with shell(accounts=(BOB,)) as sh:
        await sh("touch f; mkdir d; touch d/g; chmod u=rwx,go=r f")
        assert (await sh("ls -l f")).startswith("-rwxr--r--")
        await sh("chmod -x f; chmod -R go-rwx d")
        assert (await sh("ls -l f")).startswith("-rw-r--r--")
        assert (await sh("ls -l d")).startswith("-rw-------")
        assert await sh("chmod 9 f") == (
            "chmod: '9' is no mode; write such as 644, u+x or go-w,a=r\n"
        )
        assert await sh("chmod 644 /images/heat.py") == (
            "chmod: /images/heat.py: Read-only file system\n"
        )
        assert await sh("umask; umask 077; umask; touch g") == "0022\n0077\n"
        assert (await sh("ls -l g")).startswith("-rw-------")
        assert await sh("chown bob f") == "chown: f: Operation not permitted\n"
        assert "no user 'bop'; did you mean 'bob'?" in await sh("chown bop f")
        await sh("login root; chown bob:bob /home/user/f; logout")
        assert (await sh("ls -l f")).split()[2:4] == ["bob", "bob"]


async def test_users_cannot_see_each_others_files(shell: OpenShell) -> None:
    async with shell("secret", accounts=(BOB,)) as sh:
        await sh("echo mine > secret; login bob")
        assert await sh("ls /home/user") == "ls: /home/user: Permission denied\n"
        assert await sh("cat /home/user/secret") == ("cat: /home/user/secret: Permission denied\n")
        assert await sh("ls /host") == "ls: /host: Permission denied\n"
        assert await sh("rm -r /home/user") == "rm: /home/user: Permission denied\n"


async def test_cat_prints_what_it_is_given(shell: OpenShell) -> None:
    async with shell() as sh:
        await sh("echo one > a; echo two > b; cat a b > c")
        assert await sh("cat < c") == "one\ntwo\n"
        assert await sh("cat") == "cat: give a FILE, or one after '<' (try 'cat --help')\n"
        assert await sh("cat a .") == "one\ncat: .: Is a directory\n"


async def test_files_come_from_the_host_and_go_there(
    shell: OpenShell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").write_bytes(b"from the host")
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/e/f").write_bytes(b"deep")
    async with shell("secret", accounts=(BOB,)) as sh:
        assert await sh("put f; put f g; mkdir h; put f h; cat f g h/f") == "from the host" * 3
        assert await sh("put d") == "put: d: is a directory; -r copies all that is in it\n"
        assert await sh("put -r d; cat d/e/f") == "deep"
        assert await sh("put nothing") == "put: nothing: No such file or directory\n"
        await sh("echo back > back; get back; get back other; get -r d copied")
        assert (tmp_path / "back").read_text() == (tmp_path / "other").read_text() == "back\n"
        assert (tmp_path / "copied/e/f").read_bytes() == b"deep"
        assert await sh("get nothing") == "get: nothing: No such file or directory\n"
        await sh("login bob")
        assert await sh("put f") == ("put: the host's files are not bob's, but user's; 'logout'\n")
        assert await sh("get /images/heat.py") == (
            "get: the host's files are not bob's, but user's; 'logout'\n"
        )


async def test_links_lead_no_copy_astray(
    shell: OpenShell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/round").symlink_to(".")
    os.mkfifo(tmp_path / "pipe")
    async with shell() as sh:
        assert await sh("put pipe") == "put: pipe: is no file that could be copied\n"
        assert await sh("put -r d; ls -R d") == "d:\nround\n"
        await sh("mkdir e; ln -s .. e/up; echo text > f; ln -s ../f e/link")
        assert await sh("get -r e") == "get: e/up: a link to a directory is left out\n"
        assert (tmp_path / "e/link").read_text() == "text\n"
        # What was a link on the host in between is not written through.
        (tmp_path / "e/link").unlink()
        (tmp_path / "e/link").symlink_to(tmp_path / "precious")
        assert "e/link: " in await sh("get -r e")
        assert (tmp_path / "precious").read_text() == "precious"


async def test_room_and_quotas_are_told(shell: OpenShell) -> None:
    async with shell(accounts=(BOB,)) as sh:
        assert (await sh("df /images")).split()[-5:] == ["/images", "0", "0", "0", "-"]
        assert await sh("df nothing") == "df: nothing: No such file or directory\n"
        await sh("echo 12345 > f")
        data = json.loads(await sh("quota --json"))
        assert data == {"user": "user", "bytes": 6, "byte_limit": None, "files": 2,
                        "file_limit": None}  # fmt: skip
        assert await sh("quota bob") == "quota: only root sees what bob has; 'login root' first\n"
        assert "root" in await sh("quota --size '1 KiB'")
        await sh("login root; quota user --size '1 KiB' --files 3; logout")
        assert (await sh("quota")).split() == [
            "user", "USED", "LIMIT", "bytes", "6", "1024", "files", "2", "3",
        ]  # fmt: skip
        assert await sh("touch g; touch h") == "touch: h: Disk quota exceeded\n"
        assert "Disk quota exceeded" in await sh("cp /images/heat.py g")
        assert await sh("login root; quota user --none; logout; touch h") == ""


async def test_a_file_server_that_is_stopped_is_named(shell: OpenShell) -> None:
    async with shell() as sh:
        await sh("fault server files stop")
        assert await sh("ls") == "ls: /home/user: the file server does not answer\n"
        assert await sh("rm a b") == (
            "rm: a: the file server does not answer\nrm: b: the file server does not answer\n"
        )
        await sh("fault server files start")
        assert await sh("touch f; ls") == "f\n"


async def test_every_command_explains_itself_with_an_example(shell: OpenShell) -> None:
    async with shell() as sh:
        for name in COMMANDS:
            text = await sh(f"{name} --help")
            assert text.startswith(f"Usage: {name} ")
            assert f"\n    {name} " in text


CLAUSES = st.builds(
    lambda who, actions: who + "".join(actions),
    st.text("ugoa", max_size=3),
    st.lists(
        st.builds(
            lambda sign, what: sign + what,
            st.sampled_from("+-="),
            st.one_of(st.sampled_from("ugo"), st.text("rwxXst", max_size=4)),
        ),
        min_size=1,
        max_size=2,
    ),
)
MODES = st.one_of(
    st.lists(CLAUSES, min_size=1, max_size=3).map(",".join),
    st.from_regex(r"[0-7]{1,4}", fullmatch=True),
)


@given(text=MODES, mode=st.integers(0, 0o7777), kind=st.sampled_from([stat.S_IFREG, stat.S_IFDIR]))
def test_what_a_mode_says_is_in_what_it_makes(text: str, mode: int, kind: int) -> None:
    made = changed(text, kind | mode)
    assert 0 <= made <= 0o7777
    if text.isdecimal():
        assert made & 0o1777 == int(text, 8) & 0o1777


@given(text=st.text(max_size=6).filter(lambda text: not is_mode(text)))
def test_what_is_no_mode_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(ModeMistake, match="is no mode") as raised:
        changed(text, stat.S_IFREG)
    assert str(raised.value).startswith(repr(text))


@pytest.mark.skipif(sys.platform != "linux", reason="GNU's chmod is what it is compared with")
@pytest.mark.parametrize("kind", [stat.S_IFREG, stat.S_IFDIR])
def test_modes_are_read_as_by_chmod_of_the_host(tmp_path: Path, kind: int) -> None:
    texts = (
        "u+x", "go-w", "a=r", "=rwx", "+x", "u=rw,g=u", "o=g-w", "ug+s", "+t", "a+X", "g=o",
        "u-rwx,o+w", "755", "0", "4755", "u+rwx-x", "o=u", "=", "ugo=", "a-x+X", "go=",
    )  # fmt: skip
    for number, text in enumerate(texts):
        path = tmp_path / str(number)
        path.mkdir() if kind == stat.S_IFDIR else path.touch()
        for before in (0o644, 0o711, 0o2750):
            path.chmod(before)
            expected = subprocess.run(
                ["chmod", text, path], check=False, capture_output=True, umask=0o027
            )
            if expected.returncode == 0:
                after = stat.S_IMODE(os.stat(path).st_mode)
                assert changed(text, kind | before, mask=0o027) == after, (text, oct(before))
