"""Programs in the machine's file tree: who may run which, and what they find around them."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from vmpp.errors import suggestion
from vmpp.process.command import is_interpreter, program_of
from vmpp.process.program import EPOCH, Program, ProgramError
from vmpp.process.program_files import Owner
from vmpp.service.filesystem.tree import Tree
from vmpp.service.filesystem.tree_space import TreeSpace
from vmpp.service.filesystem.volume import Node
from vmpp.service.filesystem.walk import walk
from vmpp.service.identity import Credentials

IMAGES: Final = "/images"
"""Where the programs are that anybody may run."""

PROGRAMMERS: Final = 100
"""Number of the group whose members may run programs of their own."""

_SUFFIX: Final = ".py"


class NotAProgrammerError(ProgramError):
    """Somebody may not run a program of their own."""


def may_program(who: Credentials) -> bool:
    """Return whether *who* may run programs that are not in ``/images``."""
    return who.is_root or PROGRAMMERS in {who.gid, *who.groups}


def check_programmer(who: Credentials, what: str) -> None:
    """Raise NotAProgrammerError unless *who* may run programs that are not in ``/images``.

    Args:
        what: the program, for the message.
    """
    if not may_program(who):
        raise NotAProgrammerError(
            f"{who.name} may not run {what}: only members of the group programmers run programs "
            f"outside {IMAGES}; ask root to make you one"
        )


def environment(who: Credentials, cwd: str, term: str = "dumb") -> dict[str, str]:
    """Return the environment that a user's job begins with.

    That is ``HOME``, ``LOGNAME``, ``PWD``, ``SHELL``, ``TERM``, ``TMPDIR`` and ``USER``. Nothing of
    the environment that vmpp was started in is among it.
    """
    return {
        "HOME": who.home,
        "LOGNAME": who.name,
        "PWD": cwd,
        "SHELL": "vmpp",
        "TERM": term,
        "TMPDIR": "/tmp",
        "USER": who.name,
    }


class TreeFiles:
    """A tree's files, as one user has them: what programs and their modules are read from."""

    def __init__(self, tree: Tree, who: Credentials) -> None:
        self.tree = tree
        self.who = who
        self.owner: Owner | None = Owner(who.name, who.uid, who.gid, who.groups, who.home)

    def _find(self, path: str) -> Node | None:
        try:
            return self.tree.find(self.who, self.tree.root, os.fsencode(path))
        except OSError:
            return None

    def _is(self, path: str, kind: int) -> bool:
        node = self._find(path)
        try:
            return node is not None and stat.S_IFMT(self.tree.status(node).mode) == kind
        except OSError:
            return False

    def is_file(self, path: str) -> bool:
        """Return whether there is a file that the user can reach."""
        return self._is(path, stat.S_IFREG)

    def is_dir(self, path: str) -> bool:
        """Return whether there is a directory that the user can reach."""
        return self._is(path, stat.S_IFDIR)

    def read(self, path: str) -> bytes:
        """Return what a file holds. Raises OSError, which names it."""
        try:
            return self.tree.read(self.who, os.fsencode(path))
        except OSError as error:
            error.filename = path
            raise

    def stamp(self, path: str) -> tuple[int, int]:
        """Return the time of a file's last change, ns, and its size. Raises OSError."""
        node = self._find(path)
        if node is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        status = self.tree.status(node)
        return status.mtime, status.size

    def list(self, path: str) -> list[tuple[str, bool]]:
        """Return the names in a directory, each with whether it is one. Raises OSError."""
        tree, most = self.tree, 1 << 30
        entries = tree.listdir(self.who, tree.root, os.fsencode(path), b"", most)
        return [(os.fsdecode(name), kind == stat.S_IFDIR) for name, kind in entries]

    def realpath(self, path: str) -> str:
        """Return a path without symbolic links, of a file that is there."""
        found = walk(self.tree, self.who, self.tree.root, os.fsencode(path))
        directory = os.fsdecode(self.tree.path(found.directory))
        return posixpath.join(directory, os.fsdecode(found.name)) if found.name else directory

    def absolute(self, path: str, cwd: str) -> str:
        """Return a path of a search path, which starts in the working directory."""
        return posixpath.normpath(posixpath.join(cwd, path))

    def lacks(self, path: str) -> bool:
        """Return whether there is nothing at *path*, and not only nothing for this user."""
        try:
            self.tree.find(self.who, self.tree.root, os.fsencode(path))
        except OSError as error:
            return error.errno in {errno.ENOENT, errno.ENOTDIR}
        return False

    def _is_image(self, path: str) -> bool:
        node = self._find(path)
        return node is not None and node.volume is self.tree.images

    def authorize(self, path: str | None) -> None:
        """Raise NotAProgrammerError if the user may not run the program at *path*."""
        if path is None:
            check_programmer(self.who, "python with a module or a text")
        elif not self._is_image(path) and not self.lacks(path):
            check_programmer(self.who, path)

    def admits(self, folder: str) -> bool:
        """Return whether the user's programs may have modules of their own from *folder*."""
        return may_program(self.who) or self._is_image(folder)


def load(
    tree: Tree,
    who: Credentials,
    program: str,
    args: Sequence[str] = (),
    *,
    cwd: str | None = None,
    environ: Mapping[str, str] | None = None,
    term: str = "dumb",
    epoch: int = EPOCH,
) -> Program:
    """Load a program of a machine's tree, to be run by *who*.

    Args:
        program: a path; or, if there is no such file, the name of an image, with its suffix or
            without. ``python`` takes options, a module or a text in *args*.
        args: the program's arguments.
        cwd: the working directory; None: the user's home.
        environ: variables besides those that every job has, or in their place.
        term: kind of the terminal that the job is started from.
        epoch: what ``time.time()`` is at virtual time 0, in picoseconds.

    Raises:
        NotAProgrammerError: the program is not in ``/images``, and *who* is no programmer.
        ProgramError: there is no such program, it cannot be read, or is not correct Python.
    """
    files = TreeFiles(tree, who)
    folder = who.home if cwd is None else cwd
    variables = {**environment(who, folder, term), **(environ or {})}
    path = located(files, program, folder)
    if not is_interpreter(path) and files.lacks(posixpath.join(folder, path)):
        raise ProgramError(_missing(files, program, folder))
    return program_of(path, args, folder, variables, files=files, epoch=epoch)


def located(files: TreeFiles, program: str, cwd: str) -> str:
    """Return the path of *program*: itself if there is such a file, or else that of the image."""
    if files.is_file(posixpath.join(cwd, program)) or files.is_dir(posixpath.join(cwd, program)):
        return program
    if "/" not in program:
        for name in (program, program + _SUFFIX):
            path = posixpath.join(IMAGES, name)
            if files.is_file(path) or files.is_file(posixpath.join(path, "__main__.py")):
                return path
    return program


def _missing(files: TreeFiles, program: str, cwd: str) -> str:
    """Say that there is no such program, and what may have been meant."""
    prefix = program[: program.rfind("/") + 1]
    known = set(names(files.tree))
    near = set(known)
    with suppress(OSError):
        beside = files.list(posixpath.join(cwd, prefix))
        near |= {prefix + name for name, _ in beside if name.endswith(_SUFFIX)}
    images = f", or one of the images: {', '.join(sorted(known))}" if known else ""
    return f"no such program: {program!r}{suggestion(program, near)} (a file{images})"


def space_of(program: Program) -> TreeSpace | None:
    """Return the name space of a program's processes: that which the program itself comes from.

    None is the host's.
    """
    files = program.files
    return TreeSpace(files.tree, files.who) if isinstance(files, TreeFiles) else None


def names(tree: Tree) -> Iterator[str]:
    """Yield the names of the programs in ``/images``, in order, as they can be run by."""
    for name, node in sorted(tree.images.root.inside.items()):
        if node.leaf is not None:
            yield os.fsdecode(name).removesuffix(_SUFFIX)
        elif b"__main__.py" in node.inside:
            yield os.fsdecode(name)
