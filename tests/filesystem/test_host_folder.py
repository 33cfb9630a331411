"""``/host`` is one folder of the host, for one user, and there is no way out of it."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from contextlib import suppress

import pytest

from vmpp.service.filesystem import SUPERUSER, Tree

from .conftest import ALICE, BOB, User, populate, refuses

SECRET = b"outside"


@pytest.fixture
def outside(tmp_path):
    """A folder beside the one that is mounted, with a secret in it."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(SECRET)
    return folder


@pytest.fixture
def host(tmp_path, outside):
    folder = tmp_path / "host"
    folder.mkdir()
    return folder


@pytest.fixture
def mounted(host):
    tree = Tree(host=host, console=ALICE)
    populate(tree)
    yield tree
    tree.close()


@pytest.fixture
def console(mounted):
    return User(mounted, ALICE)


def test_the_console_user_works_there_as_on_the_host(console, host):
    (host / "f").write_text("from the host")
    assert console.read("/host/f") == b"from the host"
    console.write("/host/g", b"from the machine", 0o640)
    assert (host / "g").read_bytes() == b"from the machine"
    assert stat.S_IMODE((host / "g").stat().st_mode) == 0o640
    console.mkdir("/host/d")
    console.rename("/host/g", "/host/d/g")
    console.link("/host/d/g", "/host/h")
    console.symlink("d/g", "/host/s")
    assert console.read("/host/s") == b"from the machine"
    console.chmod("/host/d/g", 0o600)
    assert stat.S_IMODE((host / "d/g").stat().st_mode) == 0o600
    console.truncate("/host/h", 4)
    console.utime("/host/h", (10**9, 2 * 10**9))
    assert (host / "d/g").stat().st_mtime == 2
    assert console.listdir("/host") == ["d", "f", "h", "s"]
    console.chdir("/host/d")
    assert console.getcwd() == "/host/d"
    assert console.read("../f") == b"from the host"
    console.unlink("g")
    console.chdir("..")
    console.rmdir("d")
    assert sorted(os.listdir(host)) == ["f", "h", "s"]
    assert console.stat("/host/f").uid == ALICE.uid
    refuses(errno.EPERM, console.chown, "/host/f", BOB.uid)
    refuses(errno.EXDEV, console.rename, "/host/f", "/home/alice/f")


@pytest.mark.parametrize("who", [BOB, SUPERUSER], ids=["bob", "root"])
def test_nobody_else_has_access_not_even_root(mounted, host, who):
    (host / "f").write_bytes(b"x")
    user = User(mounted, who)
    assert stat.filemode(user.stat("/host").mode) == "drwx------"
    assert user.stat("/host").uid == ALICE.uid
    for function, *args in (
        (user.read, "/host/f"), (user.listdir, "/host"), (user.stat, "/host/f"),
        (user.chdir, "/host"), (user.write, "/host/g", b""), (user.unlink, "/host/f"),
        (user.mkdir, "/host/d"), (user.symlink, "x", "/host/s"), (user.truncate, "/host/f", 0),
    ):  # fmt: skip
        refuses(errno.EACCES, function, *args)
    assert (host / "f").read_bytes() == b"x"


def test_the_way_up_leads_to_the_trees_root(console):
    assert console.stat("/host/..").ino == console.stat("/").ino
    refuses(errno.ENOENT, console.read, "/host/../outside/secret")
    refuses(errno.ENOENT, console.read, "/host/../../../../../../../../etc/passwd")


@pytest.mark.parametrize("kind", ["absolute", "relative", "folder", "chain"])
def test_a_link_of_the_host_leads_nowhere_but_into_the_tree(console, host, outside, kind):
    if kind == "absolute":
        (host / "s").symlink_to(outside / "secret")
    elif kind == "relative":
        (host / "s").symlink_to("../outside/secret")
    elif kind == "folder":
        (host / "out").symlink_to(outside)
        (host / "s").symlink_to("out/secret")
    else:
        (host / "up").symlink_to("..")
        (host / "s").symlink_to("up/outside/secret")
    refuses(errno.ENOENT, console.read, "/host/s")
    refuses(errno.ENOENT, console.stat, "/host/s")
    refuses(errno.ENOENT, console.truncate, "/host/s", 0)
    refuses(errno.ENOENT, console.chmod, "/host/s", 0o777)
    with suppress(OSError):
        console.write("/host/s", b"overwritten")
    assert (outside / "secret").read_bytes() == SECRET


def test_what_a_link_says_is_resolved_in_the_tree(console, host):
    console.write("f", b"in the tree")
    (host / "s").symlink_to("/home/alice/f")
    assert console.read("/host/s") == b"in the tree"


def test_a_link_that_is_removed_leaves_what_it_leads_to(console, host, outside):
    (host / "s").symlink_to(outside)
    console.unlink("/host/s")
    assert (outside / "secret").exists()


def test_a_folder_that_is_swapped_for_a_link_meanwhile_is_no_way_out(console, host, outside):
    (host / "d").mkdir()
    (host / "d/f").write_bytes(b"inside")
    console.chdir("/host/d")
    (host / "d").rename(host / "e")
    (host / "d").symlink_to(outside)
    for function, *args in (
        (console.read, "secret"), (console.listdir, "."), (console.write, "new", b""),
        (console.unlink, "secret"), (console.getcwd,),
    ):  # fmt: skip
        with pytest.raises(OSError):  # noqa: PT011 # which one depends on the host
            function(*args)
    assert os.listdir(outside) == ["secret"]


def test_swapping_folders_files_and_links_never_wins(console, mounted, host, outside):
    """A thread swaps names for links out as fast as it can; every operation fails or stays in."""
    (host / "d").mkdir()
    (host / "d/secret").write_bytes(b"inside")
    (host / "l").symlink_to(outside)
    (host / "f").write_bytes(b"inside")
    (host / "lf").symlink_to(outside / "secret")
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            for name, link in (("d", "l"), ("f", "lf")):
                os.rename(host / name, host / "t")
                os.rename(host / link, host / name)
                os.rename(host / name, host / link)
                os.rename(host / "t", host / name)

    before, mode = sys.getswitchinterval(), (outside / "secret").stat().st_mode
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=swap)
    thread.start()
    read = 0
    try:
        for round_ in range(300):
            with suppress(OSError):
                assert console.read("/host/d/secret") == b"inside"
                read += 1
            with suppress(OSError):
                assert console.read("/host/f") == b"inside"
            with suppress(OSError):
                console.write(f"/host/d/new{round_ % 5}", b"planted")
            with suppress(OSError):
                console.chmod("/host/f", 0o600 + round_ % 8)
            with suppress(OSError):
                console.truncate("/host/f", 6)
            with suppress(OSError):
                console.utime("/host/d/secret", (1, 1))
            with suppress(OSError):
                assert "secret" in console.listdir("/host/d")
            with suppress(OSError):
                console.unlink("/host/d/new0")
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(before)
    assert read, "the folder was never what it is"
    assert os.listdir(outside) == ["secret"]
    assert (outside / "secret").read_bytes() == SECRET
    assert (outside / "secret").stat().st_mtime != 1e-9
    assert (outside / "secret").stat().st_mode == mode


def test_a_tree_lets_go_of_every_descriptor(host):
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    tree = Tree(host=host, console=ALICE)
    alice, _, _ = populate(tree)
    alice.write("/host/f", b"")
    with suppress(OSError):
        alice.read("/host/nothing/at/all")
    alice.read("/host/f")
    tree.close()
    if before:
        assert len(os.listdir("/proc/self/fd")) == before
