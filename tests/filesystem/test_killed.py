"""Whenever the host's process is killed, what it has acknowledged is there at the next opening."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vmpp.service.filesystem import SUPERUSER, Tree
from vmpp.service.filesystem.stripe_pool import StripePool

from .conftest import ALICE, User, populate

HERE = str(Path(__file__).parent)
POOL = StripePool(3, unit=512)

WORKER = """
import os, sys
from vmpp.service.filesystem import SUPERUSER, Tree
from vmpp.service.identity import Credentials
tree = Tree(sys.argv[1])
alice = Credentials("alice", 2000, 2000, (100, 2000), "/home/alice")
tree.add_home(alice)
home = tree.find(alice, tree.root, b"/home/alice")
number = int(sys.argv[2])
while True:
    name = b"f%d" % number
    file = tree.open(alice, home, name, os.O_RDWR | os.O_CREAT, 0o640)
    file.write(name * 100)
    print("written", number, flush=True)
    if number % 3 == 0:
        tree.unlink(alice, home, name)
        print("unlinked", number, flush=True)
    elif number % 3 == 1:
        tree.rename(alice, home, name, home, name + b"-moved")
        print("moved", number, flush=True)
    if number % 4:
        file.close()
    number += 1
"""


def acknowledged(lines):
    """Return what must be there, and what must not, of what was said before the end."""
    there, gone = {}, set()
    for line in lines:
        what, number = line.split()
        name = f"f{number}"
        if what == "written":
            there[name] = (name * 100).encode()
        else:
            content = there.pop(name)
            gone.add(name)
            if what == "moved":
                there[f"{name}-moved"] = content
    return there, gone


def test_nothing_acknowledged_is_lost_and_nothing_is_left_over(tmp_path):
    chance, first = random.Random(4), 0
    for round_ in range(6):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path / "tree"), str(first)],
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = [worker.stdout.readline() for _ in range(chance.randrange(5, 60))]
        worker.send_signal(signal.SIGKILL)
        lines += worker.stdout.read().splitlines(keepends=True)
        worker.wait()
        worker.stdout.close()
        whole = [line for line in lines if line.endswith("\n")]
        there, gone = acknowledged(whole)
        tree = Tree(tmp_path / "tree")
        alice = User(tree, ALICE)
        names = set(alice.listdir())
        for name, content in there.items():
            # The step after the last one that was acknowledged may have been made, or not.
            found = [n for n in (name, f"{name}-moved") if n in names]
            if int(name.removesuffix("-moved")[1:]) == last_of(whole):
                assert all(alice.read(n) == content for n in found)
            else:
                assert found == [name]
                assert alice.read(name) == content
                assert alice.stat(name).size == len(content)
        assert not gone & names
        check_order(tree, tmp_path / "tree", alice)
        tree.close()
        first = 1000 * (round_ + 1)


def last_of(lines):
    return int(lines[-1].split()[1])


def check_order(tree, folder: Path, alice):
    """Compare inodes, contents and what is counted."""
    files = [alice.stat(name) for name in alice.listdir()]
    contents = set(os.listdir(folder / "contents"))
    assert contents == {str(status.ino) for status in files}
    usage = tree.usage(ALICE.uid)
    assert usage.bytes == sum(status.size for status in files)
    assert usage.files == len(files) + 1


def test_what_was_open_and_had_no_name_is_collected(tmp_path):
    tree = Tree(tmp_path)
    alice, _, _ = populate(tree)
    alice.write("f", b"text")
    held = alice.open("f", os.O_RDWR)
    alice.unlink("f")
    # As if the process had been killed here: nothing is closed.
    copy = tmp_path.with_name("copy")
    subprocess.run(["cp", "-r", tmp_path, copy], check=True)
    held.close()
    tree.close()
    again = Tree(copy)
    assert again.usage(ALICE.uid).bytes == 0
    assert os.listdir(copy / "contents") == []
    again.close()


def test_a_tree_is_there_after_it_was_closed(tmp_path):
    tree = Tree(tmp_path / "deep/tree")
    alice, _, _ = populate(tree)
    alice.mkdir("d")
    alice.write("d/f", b"text", 0o600)
    tree.set_quota(ALICE.uid, 10, 20)
    before = alice.stat("d/f")
    tree.close()
    again = Tree(tmp_path / "deep/tree")
    alice = User(again, ALICE)
    assert alice.read("d/f") == b"text"
    assert alice.stat("d/f") == before
    assert (again.usage(ALICE.uid).byte_limit, again.usage(ALICE.uid).file_limit) == (10, 20)
    again.close()


def test_what_every_machine_has_is_made_again_if_it_is_missing(tmp_path):
    tree = Tree(tmp_path)
    _, _, root = populate(tree)
    root.rmdir("/tmp")
    root.chmod("/home", 0o711)
    tree.close()
    again = Tree(tmp_path)
    root = User(again, SUPERUSER)
    assert root.stat("/tmp").mode & 0o7777 == 0o1777
    assert root.stat("/home").mode & 0o7777 == 0o711
    again.close()


def test_names_of_people_are_no_names_on_the_host(tmp_path):
    tree = Tree(tmp_path)
    alice, _, _ = populate(tree)
    alice.write("..hidden", b"")
    alice.write("a name", b"")
    assert all(name.isdecimal() for name in os.listdir(tmp_path / "contents"))
    tree.close()


def test_a_tree_that_is_kept_nowhere_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    tree = Tree()
    tree.open(SUPERUSER, tree.root, b"/tmp/f", os.O_CREAT | os.O_WRONLY).close()
    assert os.listdir(tmp_path) != []
    tree.close()
    assert os.listdir(tmp_path) == []


def test_what_is_no_tree_is_refused_with_its_name(tmp_path):
    (tmp_path / "inodes.sqlite").write_text("this is no database at all, but a text" * 10)
    with pytest.raises(Exception, match=r"inodes\.sqlite"):
        Tree(tmp_path)


STRIPED = """
import os, pathlib, sys
sys.path.insert(0, sys.argv[3])
from striped import InstantNodes
from vmpp.service.filesystem import Tree
from vmpp.service.filesystem.stripe_pool import StripePool
from vmpp.service.identity import Credentials
folder = pathlib.Path(sys.argv[1])
tree = Tree(folder / "tree", pool=StripePool(3, unit=512), stripes=folder / "pfs")
tree.striped.mover = InstantNodes(folder / "pfs", 3)
alice = Credentials("alice", 2000, 2000, (100, 2000), "/home/alice")
tree.add_home(alice)
at = tree.find(alice, tree.root, b"/pfs")
number = int(sys.argv[2])
while True:
    name = b"f%d" % number
    file = tree.open(alice, at, name, os.O_RDWR | os.O_CREAT, 0o640)
    file.write(name * 100).then()
    file.write(name * 300).then()
    print("written", number, flush=True)
    if number % 3 == 0:
        tree.unlink(alice, at, name)
        print("unlinked", number, flush=True)
    elif number % 3 == 1:
        file.truncate(100 * len(name)).then()
        print("cut", number, flush=True)
    if number % 4:
        file.close()
    number += 1
"""


def test_nothing_acknowledged_of_striped_files_is_lost_and_nothing_is_left_over(tmp_path):
    chance = random.Random(5)
    for round_ in range(2):
        worker = subprocess.Popen(
            [sys.executable, "-c", STRIPED, str(tmp_path), str(1000 * round_), HERE],
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = [worker.stdout.readline() for _ in range(chance.randrange(5, 60))]
        worker.send_signal(signal.SIGKILL)
        lines += worker.stdout.read().splitlines(keepends=True)
        worker.wait()
        worker.stdout.close()
        tree = Tree(tmp_path / "tree", pool=POOL, stripes=tmp_path / "pfs")
        check_striped(tree, tmp_path / "pfs", [line for line in lines if line.endswith("\n")])
        tree.close()


def check_striped(tree, folder, lines):
    """Compare what is there with what was said, but for what the last step may have done."""
    expected, last = {}, lines[-1].split()[1]
    for line in lines:
        what, number = line.split()
        size = {"written": 400, "cut": 100, "unlinked": 0}[what]
        expected[f"f{number}"] = f"f{number}".encode() * size
    alice = User(tree, ALICE)
    names = alice.listdir("/pfs")
    for name, content in expected.items():
        if name != f"f{last}":
            assert (name in names) == bool(content)
            if content:
                assert tree.read(ALICE, f"/pfs/{name}".encode()) == content
    kept = {path.name for path in folder.glob("io*/*")}
    numbers = {str(alice.stat(f"/pfs/{name}").ino) for name in names}
    assert kept <= numbers
    sizes = sum(alice.stat(f"/pfs/{name}").size for name in names)
    assert tree.usage(ALICE.uid).bytes == sizes
