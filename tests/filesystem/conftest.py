"""A file tree that is kept nowhere, and people who use it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from vmpp.service.filesystem import SUPERUSER, Tree
from vmpp.service.identity import Credentials

ALICE = Credentials("alice", 2000, 2000, (100, 2000), "/home/alice")
BOB = Credentials("bob", 2001, 2001, (2001,), "/home/bob")
CAROL = Credentials("carol", 2002, 2002, (100, 2002), "/home/carol")


class User:
    """Somebody at work in a tree: paths are text, and start at home."""

    def __init__(self, tree: Tree, who: Credentials) -> None:
        self.tree = tree
        self.who = who
        self.mask = 0o022
        self.at = tree.find(SUPERUSER, tree.root, os.fsencode(who.home))

    def _on(self, path: str, follow: bool = True) -> Any:
        return self.tree.find(self.who, self.at, os.fsencode(path), follow)

    def open(self, path: str, flags: int = os.O_RDONLY, mode: int = 0o666) -> Any:
        """Open a file."""
        return self.tree.open(self.who, self.at, os.fsencode(path), flags, mode & ~self.mask)

    def write(self, path: str, data: bytes, mode: int = 0o666) -> None:
        """Write a whole file."""
        file = self.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            if data:
                file.write(data)
        finally:
            file.close()

    def read(self, path: str) -> bytes:
        """Read a whole file."""
        file = self.open(path)
        try:
            return b"".join(iter(lambda: file.read(1 << 16), b""))
        finally:
            file.close()

    def stat(self, path: str, follow: bool = True) -> Any:
        """Return what is known of a file."""
        return self.tree.status(self._on(path, follow))

    def mkdir(self, path: str, mode: int = 0o777) -> None:
        """Make a directory."""
        self.tree.mkdir(self.who, self.at, os.fsencode(path), mode & ~self.mask)

    def rmdir(self, path: str) -> None:
        """Remove a directory."""
        self.tree.rmdir(self.who, self.at, os.fsencode(path))

    def unlink(self, path: str) -> None:
        """Remove a file."""
        self.tree.unlink(self.who, self.at, os.fsencode(path))

    def rename(self, path: str, to: str) -> None:
        """Move a file."""
        self.tree.rename(self.who, self.at, os.fsencode(path), self.at, os.fsencode(to))

    def link(self, path: str, to: str, follow: bool = True) -> None:
        """Link a file."""
        self.tree.link(self.who, self.at, os.fsencode(path), self.at, os.fsencode(to), follow)

    def symlink(self, target: str, path: str) -> None:
        """Make a symbolic link."""
        self.tree.symlink(self.who, self.at, os.fsencode(path), os.fsencode(target))

    def readlink(self, path: str) -> str:
        """Return what a symbolic link says."""
        return os.fsdecode(self.tree.readlink(self.who, self.at, os.fsencode(path)))

    def listdir(self, path: str = ".") -> list[str]:
        """Return the names in a directory."""
        found = self.tree.listdir(self.who, self.at, os.fsencode(path), b"", 1000)
        return [os.fsdecode(entry.name) for entry in found]

    def chmod(self, path: str, mode: int) -> None:
        """Change a mode."""
        self.tree.chmod(self.who, self._on(path), mode)

    def chown(self, path: str, uid: int = -1, gid: int = -1) -> None:
        """Change an owner."""
        self.tree.chown(self.who, self._on(path), uid, gid)

    def utime(self, path: str, times: tuple[int, int] | None = None) -> None:
        """Change times."""
        self.tree.utime(self.who, self._on(path), times)

    def truncate(self, path: str, size: int) -> None:
        """Change a size."""
        self.tree.truncate(self.who, self.at, os.fsencode(path), size)

    def access(self, path: str, wanted: int) -> bool:
        """Ask for permissions."""
        return self.tree.access(self.who, self._on(path), wanted)

    def chdir(self, path: str) -> None:
        """Change the directory."""
        self.at = self.tree.directory(self.who, self.at, os.fsencode(path))

    def getcwd(self) -> str:
        """Return the directory."""
        return os.fsdecode(self.tree.path(self.at))


def refuses(number: int, function: Any, *args: Any) -> None:
    """Check that a call fails with an error *number*."""
    with pytest.raises(OSError, match=rf"\[Errno {number}\]"):
        function(*args)


def populate(tree: Tree) -> tuple[User, User, User]:
    """Give a tree homes; return alice, bob and root."""
    for who in (ALICE, BOB, CAROL):
        tree.add_home(who)
    return User(tree, ALICE), User(tree, BOB), User(tree, SUPERUSER)


@pytest.fixture
def tree() -> Iterator[Tree]:
    """Return a tree that is kept nowhere, with homes."""
    made = Tree()
    populate(made)
    yield made
    made.close()


@pytest.fixture
def alice(tree: Tree) -> User:
    """Return alice, at home."""
    return User(tree, ALICE)


@pytest.fixture
def bob(tree: Tree) -> User:
    """Return bob, at home."""
    return User(tree, BOB)


@pytest.fixture
def carol(tree: Tree) -> User:
    """Return carol, who is in a group with alice, at home."""
    return User(tree, CAROL)


@pytest.fixture
def root(tree: Tree) -> User:
    """Return root."""
    return User(tree, SUPERUSER)
