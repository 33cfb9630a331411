"""Volumes mounted together into one tree, and what a walk through it needs."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vmpp.engine import SECOND
from vmpp.process.program import EPOCH
from vmpp.service.filesystem.fixed import FixedVolume, devices, images
from vmpp.service.filesystem.host_folder import HostFolder
from vmpp.service.filesystem.quotas import Usage
from vmpp.service.filesystem.rights import WRITE, fail, owns, permits
from vmpp.service.filesystem.stored_volume import StoredVolume
from vmpp.service.filesystem.volume import Node, Status, Volume
from vmpp.service.filesystem.walk import walk
from vmpp.service.identity import ROOT, Credentials

if TYPE_CHECKING:
    from vmpp.service.filesystem.stripe_pool import StripePool
    from vmpp.service.filesystem.striped_volume import StripedVolume

NANOSECOND: Final = SECOND // 10**9
EPOCH_NS: Final = EPOCH // NANOSECOND
"""When what is the same on every machine was made: its virtual time 0, in nanoseconds."""

SUPERUSER: Final = Credentials("root", ROOT, ROOT, (ROOT,), "/root")


class Mounts:
    """The volumes of a machine, and where they are mounted.

    Attributes:
        time: what changes are noted with, virtual time in nanoseconds since 1970.
        root: the topmost directory.
        images: what is mounted at ``/images``.
        striped: what is mounted at ``/pfs``; None: the machine has no I/O nodes.
    """

    striped: StripedVolume | None = None

    def __init__(
        self,
        folder: str | PathLike[str] | None = None,
        *,
        programs: Mapping[str, Path] | None = None,
        host: str | PathLike[str] | None = None,
        console: Credentials | None = None,
        epoch: int = EPOCH,
        pool: StripePool | None = None,
        stripes: str | PathLike[str] | None = None,
    ) -> None:
        """Open the tree that is kept in *folder*, and lay it out if it is new.

        Args:
            folder: where it is kept on the host; None: nowhere, and gone when it is closed.
            programs: what is in ``/images``, by name.
            host: the folder of the host that is at ``/host``; None: there is none.
            console: the user whom ``/host`` belongs to.
            epoch: picoseconds since 1970 at the machine's virtual time 0.
            pool: the I/O nodes that files in ``/pfs`` are striped over; None: there is no ``/pfs``,
                nor if there are no such nodes, unless something has been kept there.
            stripes: the folder of the host in which what is in ``/pfs`` is kept; None: nowhere.

        Raises:
            DatabaseError: *folder* holds no file tree, or one of a newer vmpp.
            OSError: a folder is not there or cannot be used.
        """
        self._epoch = epoch
        self.begin(0)
        self._inodes = StoredVolume(folder, lambda: self.time)
        self.root: Node = self._inodes.root
        self._mounted: dict[int, Volume] = {}
        self._covered: dict[int, Node] = {}
        self._host: HostFolder | None = None
        self._lay_out()
        self.images = FixedVolume(2, images(programs or {}), EPOCH_NS)
        self._mount(b"images", self.images)
        self._mount(b"dev", FixedVolume(3, devices(), EPOCH_NS))
        if host is not None and console is not None:
            self._host = HostFolder(4, host, console)
            self._mount(b"host", self._host)
        kept = stripes is not None and os.path.isdir(stripes)
        if pool is not None and (pool.nodes or kept):
            self._mount_striped(stripes, pool)

    def _lay_out(self) -> None:
        """Make what every machine has, as far as it is not there."""
        root = self._inodes.root
        for name, mode in {b"home": 0o755, b"root": 0o700, b"tmp": 0o1777}.items():
            with suppress(FileExistsError):
                self._inodes.mkdir(root, name, mode, SUPERUSER)

    def _mount(self, name: bytes, volume: Volume) -> None:
        """Lay a volume over the directory *name* of the root."""
        root = self._inodes.root
        with suppress(FileExistsError):
            self._inodes.mkdir(root, name, 0o555, SUPERUSER)
        covered = self._inodes.lookup(root, name)
        self._mounted[covered.key] = volume
        self._covered[volume.device] = covered

    def _mount_striped(self, folder: str | PathLike[str] | None, pool: StripePool) -> None:
        # What most trees do without need not be loaded.
        from vmpp.service.filesystem.stripe_pool import StripeFolders  # noqa: PLC0415
        from vmpp.service.filesystem.striped_volume import StripedVolume  # noqa: PLC0415

        clock, folders, quotas = (lambda: self.time), StripeFolders(folder), self._inodes.quotas
        self.striped = StripedVolume(folder, clock, pool, folders, quotas=quotas)
        self._mount(b"pfs", self.striped)

    def close(self) -> None:
        """Close the tree; open files must have been closed."""
        if self.striped is not None:
            self.striped.close()
        if self._host is not None:
            self._host.close()
        self._inodes.close()

    def begin(self, time: int) -> None:
        """Note what changes from now on with the machine's virtual time *time*, ps."""
        self.time = (self._epoch + time) // NANOSECOND

    # -- users -------------------------------------------------------------------------------------

    def add_home(self, user: Credentials) -> None:
        """Make the home directory of a user, for the user alone, if it is not there.

        Only root's is outside ``/home``.
        """
        found = walk(self, SUPERUSER, self.root, os.fsencode(user.home))
        if found.node is None:
            # In the user's name: a home that was made and not given away would be in the way.
            found.directory.volume.mkdir(found.directory, found.name, 0o700, user)

    def usage(self, uid: int) -> Usage:
        """Return what a user has, and may have."""
        return self._inodes.quotas.of(uid)

    def set_quota(self, uid: int, size: int | None = None, files: int | None = None) -> None:
        """Limit what a user's files take, in bytes and in number; None is no limit."""
        self._inodes.limit(uid, size, files)

    # -- nodes -------------------------------------------------------------------------------------

    def status(self, node: Node) -> Status:
        """Return what is known of a file."""
        return node.volume.status(node)

    def permits(self, node: Node, who: Credentials, wanted: int) -> bool:
        """Return whether *who* may use a file as *wanted* says: READ, WRITE, SEARCH or together."""
        decided = node.volume.permits(node, who, wanted)
        return permits(node.volume.status(node), who, wanted) if decided is None else decided

    def child(self, directory: Node, name: bytes) -> Node:
        """Return what a directory calls *name*, or what is mounted there."""
        found = directory.volume.lookup(directory, name)
        if found.volume is self._inodes and found.key in self._mounted:
            return self._mounted[found.key].root
        return found

    def above(self, directory: Node) -> Node:
        """Return the directory above; of the topmost one that itself."""
        if directory.same(self.root):
            return directory
        if directory.same(directory.volume.root):
            directory = self._covered[directory.volume.device]
        return directory.volume.parent(directory)

    def path(self, directory: Node) -> bytes:
        """Return the absolute path of a directory. Raises OSError(ENOENT) if it was removed."""
        names: list[bytes] = []
        while not directory.same(self.root):
            volume = directory.volume
            if directory.same(volume.root):
                directory = self._covered[volume.device]
                volume = directory.volume
            names.append(volume.name(directory))
            directory = volume.parent(directory)
        return b"/" + b"/".join(reversed(names))

    def find(self, who: Credentials, at: Node, path: bytes, follow: bool = True) -> Node:
        """Return what *path* leads *who* to."""
        return walk(self, who, at, path, follow).there()

    def _need(self, node: Node, who: Credentials, wanted: int) -> None:
        if not self.permits(node, who, wanted):
            fail(errno.EACCES)
        if wanted & WRITE and self._is_read_only(node):
            fail(errno.EROFS)

    def _is_read_only(self, node: Node) -> bool:
        return node.volume.read_only and not stat.S_ISCHR(self.status(node).mode)

    def _need_owner(self, node: Node, who: Credentials) -> None:
        if node.volume.read_only:
            fail(errno.EROFS)
        if not owns(self.status(node), who):
            fail(errno.EPERM)
