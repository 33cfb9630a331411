"""Path resolution, as POSIX.1-2017 has it (XBD 4.13), wholly inside the tree."""

from __future__ import annotations

import errno
import stat
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from vmpp.service.filesystem.rights import SEARCH, fail
from vmpp.service.filesystem.volume import Node, Status
from vmpp.service.identity import Credentials

MOST_LINKS: Final = 40
"""The most symbolic links in one path, as on Linux."""
LONGEST_NAME: Final = 255
LONGEST_PATH: Final = 4095
"""In bytes, as on Linux."""

_HERE: Final = b"."
_UP: Final = b".."


class OutsideError(Exception):
    """A path leads out of a tree that is part of a larger one.

    Attributes:
        path: what is left of it, which is absolute there.
    """

    def __init__(self, name: bytes) -> None:
        super().__init__(name)
        self.path = b"/" + name

    def go_on(self, todo: Sequence[bytes], slashed: bool) -> None:
        """Have the path go on with *todo*, the next component last."""
        self.path = b"/".join([self.path.rstrip(b"/"), *reversed(todo)]) or b"/"
        if slashed and todo:
            self.path += b"/"


class Mounted(Protocol):
    """What a walk needs of the tree that it goes through."""

    root: Node

    def status(self, node: Node) -> Status:
        """Return what is known of a file."""
        ...

    def permits(self, node: Node, who: Credentials, wanted: int) -> bool:
        """Return whether *who* may use a file so."""
        ...

    def child(self, directory: Node, name: bytes) -> Node:
        """Return what a name stands for, or what is mounted there. Raises OSError(ENOENT)."""
        ...

    def above(self, directory: Node) -> Node:
        """Return the directory above; of the topmost one that itself."""
        ...


class Found(NamedTuple):
    """What a path leads to.

    Attributes:
        directory: the directory of its last component.
        name: that component; empty if it is ``.``, ``..`` or the root, which have no name to be
            made, moved or removed by.
        node: what is there; None if nothing is.
        slashed: whether the path ends in a slash, so that it can be a directory only.
    """

    directory: Node
    name: bytes
    node: Node | None
    slashed: bool

    def there(self) -> Node:
        """Return what is there. Raises OSError(ENOENT) if nothing is."""
        if self.node is None:
            fail(errno.ENOENT)
        return self.node


def walk(
    tree: Mounted,
    who: Credentials,
    start: Node,
    path: bytes,
    follow: bool = True,
    *,
    naming: bool = False,
) -> Found:
    """Return what *path*, from *start* unless it is absolute, leads *who* to.

    Every directory on the way must let *who* search it.

    Args:
        follow: whether a symbolic link at the very end is gone through; one that a slash follows
            always is.
        naming: whether the last component is wanted as a name, to be made or removed. Then a link
            with that name is not gone through, as on Linux not even if a slash follows.

    Raises:
        OSError: EACCES, ELOOP, ENAMETOOLONG, ENOTDIR; EINVAL for a zero byte; ENOENT if any
            component but the last is not there.
        OutsideError: the tree is part of a larger one, where the path leads to.
    """
    return _Walk(tree, who, start, naming).go(path, follow and not naming)


class _Walk:
    """One path being resolved.

    Attributes:
        node: where it is.
        todo: the components that are left, the next one last.
        links: how many symbolic links it has gone through.
        slashed: whether the path ends in a slash.
        naming: whether the last component is wanted as a name.
    """

    __slots__ = ("links", "naming", "node", "slashed", "todo", "tree", "who")

    def __init__(self, tree: Mounted, who: Credentials, start: Node, naming: bool) -> None:
        self.tree = tree
        self.who = who
        self.node = start
        self.todo: list[bytes] = []
        self.slashed = False
        self.naming = naming
        self.links = 0

    def go(self, path: bytes, follow: bool) -> Found:
        """Resolve *path*."""
        self._push(path)
        self.slashed = path.endswith(b"/")
        try:
            return self._go(follow)
        except OutsideError as outside:
            outside.go_on(self.todo, self.slashed)
            raise

    def _go(self, follow: bool) -> Found:
        while self.todo:
            name = self.todo.pop()
            self._must_be_searchable()
            if name in {_HERE, _UP}:
                if name == _UP:
                    self.node = self.tree.above(self.node)
                continue
            if len(name) > LONGEST_NAME:
                fail(errno.ENAMETOOLONG)
            found = self._step(name, follow)
            if found is not None:
                return found
        return Found(self.node, b"", self.node, self.slashed)

    def _step(self, name: bytes, follow: bool) -> Found | None:
        """Go to *name*; return what is found if that is the end."""
        directory = self.node
        try:
            child = self.tree.child(directory, name)
        except OSError as error:
            if self.todo or error.errno != errno.ENOENT:
                raise
            return Found(directory, name, None, self.slashed)
        mode = self.tree.status(child).mode
        must_be_directory = self.slashed and not self.naming
        if stat.S_ISLNK(mode) and (self.todo or follow or must_be_directory):
            self._follow(child)
        elif self.todo:
            self.node = child
        elif must_be_directory and not stat.S_ISDIR(mode):
            fail(errno.ENOTDIR)
        else:
            return Found(directory, name, child, self.slashed)
        return None

    def _push(self, path: bytes) -> None:
        if not path:
            fail(errno.ENOENT)
        if b"\0" in path:
            fail(errno.EINVAL)
        if len(path) > LONGEST_PATH:
            fail(errno.ENAMETOOLONG)
        if path.startswith(b"/"):
            self.node = self.tree.root
        self.todo += [name for name in reversed(path.split(b"/")) if name]

    def _follow(self, link: Node) -> None:
        self.links += 1
        if self.links > MOST_LINKS:
            fail(errno.ELOOP)
        target = link.volume.readlink(link)
        if not self.todo and target.endswith(b"/"):
            self.slashed = True
        self._push(target)

    def _must_be_searchable(self) -> None:
        if not stat.S_ISDIR(self.tree.status(self.node).mode):
            fail(errno.ENOTDIR)
        if not self.tree.permits(self.node, self.who, SEARCH):
            fail(errno.EACCES)
