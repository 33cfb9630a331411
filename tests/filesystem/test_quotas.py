"""Quotas hold on every way that makes a user's files more, or larger."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from vmpp.service.filesystem import Tree

from .conftest import ALICE, populate, refuses


def over_quota(function, *args):
    refuses(errno.EDQUOT, function, *args)


@pytest.fixture
def limited(alice, tree):
    usage = tree.usage(alice.who.uid)
    tree.set_quota(alice.who.uid, usage.bytes + 100, usage.files + 3)
    return alice


def test_every_way_of_growing_a_file_is_refused_beyond_the_quota(limited):
    limited.write("f", bytes(60))
    file = limited.open("f", os.O_RDWR)
    over_quota(file.pwrite, bytes(2), 99)
    over_quota(file.truncate, 101)
    file.lseek(0, os.SEEK_END)
    over_quota(file.write, bytes(41))
    assert file.write(bytes(40)) == 40
    over_quota(limited.truncate, "f", 101)
    assert file.pwrite(bytes(100), 0) == 100
    file.close()
    appending = limited.open("f", os.O_WRONLY | os.O_APPEND)
    over_quota(appending.write, b"x")
    appending.close()
    over_quota(limited.symlink, "target", "s")
    assert limited.stat("f").size == 100


def test_every_way_of_making_a_file_is_refused_beyond_the_quota(limited):
    limited.write("f", b"")
    limited.mkdir("d")
    limited.symlink("f", "s")
    over_quota(limited.write, "g", b"")
    over_quota(limited.mkdir, "e")
    over_quota(limited.symlink, "f", "t")
    limited.link("f", "h")
    limited.rename("d", "e")


def test_what_is_removed_makes_room(limited):
    limited.write("f", bytes(100))
    over_quota(limited.write, "g", b"x")
    limited.truncate("f", 50)
    limited.write("g", bytes(50))
    limited.unlink("f")
    limited.write("g", bytes(100))
    limited.write("g", b"")
    limited.write("f", bytes(100))


def test_a_file_counts_for_its_owner_whoever_writes(limited, bob, root, tree):
    limited.write("/tmp/f", bytes(90))
    limited.chmod("/tmp/f", 0o666)
    file = bob.open("/tmp/f", os.O_WRONLY | os.O_APPEND)
    over_quota(file.write, bytes(20))
    file.close()
    before = tree.usage(bob.who.uid).bytes
    root.chown("/tmp/f", bob.who.uid)
    assert tree.usage(bob.who.uid).bytes == before + 90
    limited.write("g", bytes(100))


def test_root_is_not_held_up(limited, root):
    limited.write("f", bytes(100))
    root.truncate("/home/alice/f", 1000)
    over_quota(limited.write, "g", b"x")


def test_a_file_that_is_replaced_counts_no_more(limited, tree):
    before = tree.usage(ALICE.uid)
    size, files = before.bytes, before.files
    limited.write("f", bytes(50))
    limited.write("g", bytes(50))
    limited.rename("f", "g")
    after = tree.usage(ALICE.uid)
    assert (after.bytes, after.files) == (size + 50, files + 1)


def test_room_is_what_the_quota_leaves(limited, bob, tree):
    tree.set_quota(ALICE.uid, 10 * 1024, 10)
    room = tree.room(ALICE, limited.at)
    assert (room.blocks, room.files) == (10, 10)
    assert room.files_free == 9
    assert tree.room(bob.who, bob.at).files > 1000


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(0, 1 << 50), max_size=6))
def test_sizes_add_up_whatever_they_are(tmp_path_factory, sizes):
    folder = tmp_path_factory.mktemp("tree")
    tree = Tree(folder)
    alice, _, _ = populate(tree)
    before = tree.usage(ALICE.uid).bytes
    for number, size in enumerate(sizes):
        alice.write(f"f{number}", b"")
        with suppress(OSError):  # the host's file system has a largest file as well
            alice.truncate(f"f{number}", size)
    real = sum(alice.stat(name).size for name in alice.listdir())
    assert tree.usage(ALICE.uid).bytes == before + real
    tree.close()
    again = Tree(folder)
    assert again.usage(ALICE.uid).bytes == before + real
    again.close()


class Accounting(RuleBasedStateMachine):
    """However files are made and removed, what is counted is what is there."""

    names = st.sampled_from(["a", "b", "d", "d/a", "d/b"])

    def __init__(self):
        super().__init__()
        self.tree = Tree()
        self.alice, _, _ = populate(self.tree)
        self.tree.set_quota(ALICE.uid, 4096, 6)
        self.open = []

    def teardown(self):
        for file in self.open:
            file.close()
        self.tree.close()

    def attempt(self, function, *args):
        try:
            return function(*args)
        except OSError:
            return None

    @rule(name=names, size=st.integers(0, 3000))
    def write(self, name, size):
        """Write a file."""
        self.attempt(self.alice.write, name, bytes(size))

    @rule(name=names, size=st.integers(0, 5000))
    def truncate(self, name, size):
        """Cut or extend a file."""
        self.attempt(self.alice.truncate, name, size)

    @rule(name=names, to=names)
    def rename(self, name, to):
        """Move a file."""
        self.attempt(self.alice.rename, name, to)

    @rule(name=names, to=names)
    def link(self, name, to):
        """Link a file."""
        self.attempt(self.alice.link, name, to)

    @rule(name=names)
    def remove(self, name):
        """Remove a file or directory."""
        self.attempt(self.alice.unlink, name)
        self.attempt(self.alice.rmdir, name)

    @rule(name=names)
    def make(self, name):
        """Make a directory."""
        self.attempt(self.alice.mkdir, name)

    @rule(name=names)
    def hold(self, name):
        """Keep a file open, with its name or without."""
        file = self.attempt(self.alice.open, name, os.O_RDWR)
        if file is not None:
            self.open.append(file)

    @rule(size=st.integers(0, 3000))
    def grow(self, size):
        """Write to what is open."""
        if self.open:
            self.attempt(self.open[-1].pwrite, bytes(size), 0)

    @rule()
    def close(self):
        """Close what has been open longest."""
        if self.open:
            self.open.pop(0).close()

    @invariant()
    def counts(self):
        """Compare."""
        usage = self.tree.usage(ALICE.uid)
        held = {f.node.ino: self.tree.status(f.node).size for f in self.open}
        found = {**held, **self.walk("/home/alice")}
        assert usage.files == len(found)
        assert usage.bytes == sum(found.values())
        assert usage.bytes <= 4096
        assert usage.files <= 6

    def walk(self, path):
        """Return inode numbers and sizes of all that is there."""
        here = self.alice.stat(path)
        found = {here.ino: 0}
        for name in self.alice.listdir(path):
            inner = self.alice.stat(f"{path}/{name}")
            is_folder = inner.mode & 0o40000
            found |= self.walk(f"{path}/{name}") if is_folder else {inner.ino: inner.size}
        return found


TestAccounting = Accounting.TestCase
TestAccounting.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
