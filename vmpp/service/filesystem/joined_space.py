"""The host's files with the machine's own ``/pfs`` among them.

What the host may have at ``/pfs`` is hidden. A path leads there if it says so, if it starts there,
or if it leads up and down again to there; symbolic links of the host do not.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from vmpp.process import calls
from vmpp.service.filesystem.host_space import HostSpace, HostView
from vmpp.service.filesystem.open_file import HostFile, OpenFile
from vmpp.service.filesystem.rights import fail
from vmpp.service.filesystem.space import At, View
from vmpp.service.filesystem.tree_space import TreeSpace, TreeView
from vmpp.service.filesystem.volume import Node, Striping
from vmpp.service.filesystem.walk import MOST_LINKS, OutsideError
from vmpp.service.identity import host_user

if TYPE_CHECKING:
    from vmpp.service.filesystem.pfs_tree import PfsTree

NAME: Final = b"pfs"
"""What the directory is called, in the root, that striped files are in."""

T = TypeVar("T")


class _Start(NamedTuple):
    """Where a process starts: on the host, or if *inner* is not None in ``/pfs``."""

    host: bytes
    inner: Node | None


class JoinedSpace:
    """The name space of a job that has the files of the host, and ``/pfs``."""

    def __init__(self, make: Callable[[], PfsTree]) -> None:
        """Set it up; *make* makes the tree of ``/pfs`` when it is first wanted."""
        self.host = HostSpace()
        self._make = make
        self._inner: TreeSpace | None = None

    @property
    def inner(self) -> TreeSpace:
        """The name space of ``/pfs``."""
        if self._inner is None:
            self._inner = TreeSpace(self._make(), host_user())
        return self._inner

    @property
    def made(self) -> TreeSpace | None:
        """The same; None if nobody has wanted anything there."""
        return self._inner

    @staticmethod
    def leads_inside(path: bytes) -> bool:
        """Return whether an absolute path leads to ``/pfs``."""
        return _inner_path(path) is not None

    def close(self) -> None:
        """Close the tree of ``/pfs``."""
        if self._inner is not None:
            self._inner.close()
            self._inner = None

    def start(self, directory: str | None) -> _Start:
        """Return *directory*, or the host's own current one."""
        inner = None if directory is None else _inner_path(os.fsencode(directory))
        if inner is None:
            return _Start(self.host.start(directory), None)
        space = self.inner
        try:
            return _Start(b"/", space.tree.directory(space.who, space.tree.root, inner))
        except (OSError, OutsideError):
            return _Start(b"/", None)

    def view(self, start: _Start) -> JoinedView:
        """Return what a process sees that starts at a place."""
        return JoinedView(self, start)


class JoinedView:
    """What one process sees of both; the methods are those of `View`."""

    __slots__ = ("_host", "_inner", "_inside", "_space", "_time")

    def __init__(self, space: JoinedSpace, start: _Start) -> None:
        self._space = space
        self._host: HostView = space.host.view(start.host)
        self._inner: TreeView | None = None
        self._inside = start.inner is not None
        self._time = 0
        if start.inner is not None:
            self._inner_view().directory = start.inner

    @property
    def owner(self) -> tuple[int, int]:
        """Numbers of the user who runs vmpp and of that user's group."""
        return self._host.owner

    def begin(self, time: int) -> None:
        """Have changes in ``/pfs`` noted with the virtual time *time*, ps."""
        self._time = time
        made = self._space.made
        if made is not None:
            made.tree.begin(time)

    def _inner_view(self) -> TreeView:
        if self._inner is None:
            space = self._space.inner
            space.tree.begin(self._time)
            self._inner = space.view(space.tree.root)
            mask = self._host.mask
            self._inner.mask = self._space.host.mask if mask is None else mask
        return self._inner

    # -- who is asked ------------------------------------------------------------------------------

    def _leads_inside(self, at: At, path: bytes) -> bytes | None:
        """Return the path for ``/pfs``; None: it leads to the host's files."""
        if path.startswith(b"/"):
            return _inner_path(path)
        if self._inside if at is None else not isinstance(at, HostFile):
            return path
        if NAME not in path:
            return None
        start = self._host.directory if at is None else at.directory
        return None if start is None else _inner_path(os.path.join(start, path))

    def _on(self, at: At, path: bytes, act: Callable[[View, At, bytes], T]) -> T:
        """Have those act whose file a path leads to."""
        turns = 0
        while (inner := self._leads_inside(at, path)) is not None:
            try:
                return act(self._inner_view(), at if inner is path else None, inner)
            except OutsideError as outside:
                at, path = None, outside.path
            turns += 1
            if turns > MOST_LINKS:
                fail(errno.ELOOP)
        return act(self._host, at, path)

    def _between(
        self,
        at: At,
        path: bytes,
        to_at: At,
        to: bytes,
        act: Callable[[View, At, bytes, At, bytes], T],
    ) -> T:
        """Have those act whose file two paths lead to both. Raises OSError(EXDEV)."""
        inner, inner_to = self._leads_inside(at, path), self._leads_inside(to_at, to)
        if inner is None and inner_to is None:
            return act(self._host, at, path, to_at, to)
        if inner is None or inner_to is None:
            fail(errno.EXDEV)
        start, to_start = (at if inner is path else None), (to_at if inner_to is to else None)
        try:
            return act(self._inner_view(), start, inner, to_start, inner_to)
        except OutsideError:
            fail(errno.EXDEV)

    def _of(self, file: OpenFile) -> View:
        return self._host if isinstance(file, HostFile) else self._inner_view()

    # -- files -------------------------------------------------------------------------------------

    def open(self, at: At, path: bytes, flags: int, mode: int) -> tuple[OpenFile, int]:
        """Open a file."""
        return self._on(at, path, lambda view, at, path: view.open(at, path, flags, mode))

    def is_pipe(self, at: At, path: bytes) -> bool:
        """Return whether *path* is a named pipe."""
        return self._on(at, path, lambda view, at, path: view.is_pipe(at, path))

    def stat(self, at: At, path: bytes, follow: bool) -> calls.Attributes:
        """Return what is known of a file."""
        return self._on(at, path, lambda view, at, path: view.stat(at, path, follow))

    def fstat(self, file: OpenFile) -> calls.Attributes:
        """Return what is known of an open file."""
        return self._of(file).fstat(file)

    def access(self, at: At, path: bytes, mode: int, effective: bool, follow: bool) -> bool:
        """Return whether a file may be used as *mode* says."""
        return self._on(
            at, path, lambda view, at, path: view.access(at, path, mode, effective, follow)
        )

    def chmod(self, at: At, path: bytes, mode: int, follow: bool) -> None:
        """Change permissions."""
        self._on(at, path, lambda view, at, path: view.chmod(at, path, mode, follow))

    def fchmod(self, file: OpenFile, mode: int) -> None:
        """Change permissions of an open file."""
        self._of(file).fchmod(file, mode)

    def chown(self, at: At, path: bytes, uid: int, gid: int, follow: bool) -> None:
        """Change the owner."""
        self._on(at, path, lambda view, at, path: view.chown(at, path, uid, gid, follow))

    def fchown(self, file: OpenFile, uid: int, gid: int) -> None:
        """Change the owner of an open file."""
        self._of(file).fchown(file, uid, gid)

    def utime(self, at: At, path: bytes, times: tuple[int, int] | None, follow: bool) -> None:
        """Set the times; None: to now."""
        self._on(at, path, lambda view, at, path: view.utime(at, path, times, follow))

    def futime(self, file: OpenFile, times: tuple[int, int] | None) -> None:
        """Set the times of an open file."""
        self._of(file).futime(file, times)

    def truncate(self, path: bytes, size: int) -> Any:
        """Cut or extend a file; return None, or the `Work` that it takes."""
        return self._on(None, path, lambda view, _, path: view.truncate(path, size))

    def striping(self, at: At, path: bytes) -> calls.Striped:
        """Tell how a file is striped, or files are that are made in a directory."""
        return self._on(at, path, lambda view, at, path: view.striping(at, path))

    def set_striping(self, at: At, path: bytes, mode: int, wanted: Striping) -> None:
        """Make an empty file that is striped in some way, or say how those of a directory are."""
        self._on(at, path, lambda view, at, path: view.set_striping(at, path, mode, wanted))

    def statvfs(self, path: bytes) -> calls.Space:
        """Tell about the file system that a file is on."""
        return self._on(None, path, lambda view, _, path: view.statvfs(path))

    def fstatvfs(self, file: OpenFile) -> calls.Space:
        """Tell about the file system that an open file is on."""
        return self._of(file).fstatvfs(file)

    def umask(self, mask: int) -> int:
        """Set the mask and return the one before."""
        if self._inner is not None:
            self._inner.umask(mask)
        return self._host.umask(mask)

    def quota(self, uid: int) -> calls.Limits:
        """Refuse: nobody keeps account of the host's files."""
        return self._host.quota(uid)

    # -- names and directories ---------------------------------------------------------------------

    def mkdir(self, at: At, path: bytes, mode: int) -> None:
        """Make a directory."""
        self._on(at, path, lambda view, at, path: view.mkdir(at, path, mode))

    def rmdir(self, at: At, path: bytes) -> None:
        """Remove a directory."""
        self._on(at, path, lambda view, at, path: view.rmdir(at, path))

    def unlink(self, at: At, path: bytes) -> None:
        """Remove a name."""
        self._on(at, path, lambda view, at, path: view.unlink(at, path))

    def rename(self, at: At, path: bytes, to_at: At, to: bytes) -> None:
        """Give a file another name."""
        self._between(at, path, to_at, to, lambda view, *names: view.rename(*names))

    def link(self, at: At, path: bytes, to_at: At, to: bytes, follow: bool) -> None:
        """Give a file a second name."""
        self._between(at, path, to_at, to, lambda view, *names: view.link(*names, follow))

    def symlink(self, at: At, path: bytes, target: bytes) -> None:
        """Make a symbolic link."""
        self._on(at, path, lambda view, at, path: view.symlink(at, path, target))

    def readlink(self, at: At, path: bytes) -> bytes:
        """Return what a symbolic link says."""
        return self._on(at, path, lambda view, at, path: view.readlink(at, path))

    def listdir(self, at: At, path: bytes, after: bytes) -> calls.Entries:
        """List a directory."""
        page = self._on(at, path, lambda view, at, path: view.listdir(at, path, after))
        inside = self._inside if at is None else not isinstance(at, HostFile)
        start = self._host.directory if at is None else at.directory
        if inside or start is None or os.path.realpath(os.path.join(start, path)) != b"/":
            return page
        return _with_pfs(page, after)

    def flistdir(self, file: OpenFile, after: bytes) -> calls.Entries:
        """List an open directory."""
        page = self._of(file).flistdir(file, after)
        return _with_pfs(page, after) if file.directory == b"/" else page

    def chdir(self, path: bytes) -> None:
        """Make a directory the current one."""
        self._on(None, path, lambda view, _, path: self._enter(view, lambda: view.chdir(path)))

    def fchdir(self, file: OpenFile) -> None:
        """Make an open directory the current one."""
        view = self._of(file)
        self._enter(view, lambda: view.fchdir(file))

    def _enter(self, view: View, change: Callable[[], object]) -> None:
        change()
        self._inside = view is not self._host

    def getcwd(self) -> bytes:
        """Return the path of the current directory."""
        return (self._inner_view() if self._inside else self._host).getcwd()


def _with_pfs(page: calls.Entries, after: bytes) -> calls.Entries:
    """Return a page of the entries of the root, with that of ``/pfs``."""
    entries = [entry for entry in page.entries if entry.name != NAME]
    last = entries[-1].name if entries else b""
    if after < NAME and (not page.more or last > NAME):
        entries.append(calls.Entry(NAME, stat.S_IFDIR))
        entries.sort(key=lambda entry: entry.name)
    return calls.Entries(entries, page.more)


def _inner_path(path: bytes) -> bytes | None:
    """Return a path that leads an absolute one to where it leads in ``/pfs``; None: it does not."""
    if NAME not in path:
        return None
    first = next((name for name in path.split(b"/") if name not in {b"", b"."}), b"")
    if first == NAME:
        return path
    plain = b"/" + posixpath.normpath(path).lstrip(b"/")
    return plain if plain == b"/" + NAME or plain.startswith(b"/" + NAME + b"/") else None
