"""The volume of striped files: their names are here, their bytes on the machine's I/O nodes."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from os import PathLike
from typing import Final

from vmpp.process import calls
from vmpp.process.striping import LEAST_UNIT, Cut, Layout, Remove, Request
from vmpp.service.filesystem.inode import Inode
from vmpp.service.filesystem.inodes import InodeVolume
from vmpp.service.filesystem.quotas import Ledger
from vmpp.service.filesystem.rights import fail
from vmpp.service.filesystem.stripe_pool import StripeFolders, StripePool
from vmpp.service.filesystem.striped_file import StripedFile
from vmpp.service.filesystem.striped_store import StripedStore
from vmpp.service.filesystem.volume import Striping
from vmpp.service.filesystem.work import Errand, Mover, Work
from vmpp.service.identity import Credentials

MOST_UNIT: Final = 1 << 30
"""The most bytes of a stripe unit, as of ``[io] stripe_unit``."""


class StripedVolume(InodeVolume):
    """Files with owners, modes and quotas, whose bytes are on I/O nodes.

    Attributes:
        pool: the I/O nodes.
        folders: where on the host the stripes are.
        mover: asks the I/O nodes; None as long as there is nobody who could.
        used: sizes of all files together, in bytes.
    """

    device = 5
    _store: StripedStore

    def __init__(
        self,
        folder: str | PathLike[str] | None,
        clock: Callable[[], int],
        pool: StripePool,
        folders: StripeFolders,
        owner: Credentials | None = None,
        quotas: Ledger | None = None,
    ) -> None:
        """Open the volume that is kept in *folder*; None: one that is not kept.

        Args:
            clock: tells the time that changes are noted with, in nanoseconds.
            pool: what new files are striped over.
            folders: where on the host the stripes are.
            owner: whom the topmost directory belongs to; None: root, and it is open to all.
            quotas: those of another volume, which are for both together; None: its own.

        Raises as `StripedStore`.
        """
        self.pool = pool
        self.folders = folders
        self.mover: Mover | None = None
        self._doomed: set[int] = set()
        self._frayed: set[int] = set()
        mode = 0o1777 if owner is None else 0o755
        store = StripedStore(folder, folders)
        super().__init__(store, clock, mode, owner, quotas)
        if store.fresh:
            # Stripes whose names are lost, with the database, must not come to other files.
            found = folders.lengths().values()
            store.number_from(max((file for files in found for file in files), default=0))
        self.used = sum(size for _, size, _ in self._store.usage())

    def close(self) -> None:
        """Close the volume, and remove what the I/O nodes have not removed yet."""
        super().close()
        for file in sorted(self._doomed):
            self.folders.discard(file)

    # -- how files are striped ---------------------------------------------------------------------

    def _made(self, ino: int, mode: int, directory: Inode) -> None:
        striping = self._store.striping(directory.ino)
        if stat.S_ISREG(mode):
            self._lay(ino, striping)
        elif stat.S_ISDIR(mode) and striping != Striping():
            self._store.lay(ino, striping)

    def _lay(self, ino: int, striping: Striping) -> None:
        layout = self.pool.layout(ino, *striping)
        found = Striping(layout.unit, layout.factor, layout.servers[0])
        self._store.lay(ino, found, layout.servers)

    def layout(self, node: Inode) -> Layout:
        """Return where the bytes of a file are."""
        return self._store.layout(node.ino)

    def striping(self, node: Inode) -> calls.Striped:
        """Return how a file is striped, or new files of a directory are."""
        if node.is_directory:
            return calls.Striped(*self._store.striping(node.ino))
        if not stat.S_ISREG(node.mode):
            fail(errno.EINVAL)
        layout = self._store.layout(node.ino)
        return calls.Striped(layout.unit, layout.factor, layout.servers[0], layout.servers)

    def set_striping(self, node: Inode, wanted: Striping) -> None:
        """Say how new files of a directory are striped, or a file that nothing is in yet is."""
        self._check(wanted)
        with self._changing():
            if node.is_directory:
                self._store.lay(node.ino, wanted)
            elif stat.S_ISREG(node.mode):
                self._lay(node.ino, wanted)
            else:
                fail(errno.EINVAL)
            self._changed(node)

    def _check(self, wanted: Striping) -> None:
        if wanted.unit and not LEAST_UNIT <= wanted.unit <= MOST_UNIT:
            fail(errno.EINVAL)
        if not 0 <= wanted.factor <= self.pool.nodes or not -1 <= wanted.first < self.pool.nodes:
            fail(errno.EINVAL)

    # -- contents ----------------------------------------------------------------------------------

    def open(self, node: Inode, flags: int, who: Credentials) -> StripedFile:
        """Open a file."""
        file = StripedFile(self, node, self._store.layout(node.ino), flags, who.is_root)
        self.opened(node)
        return file

    def open_empty(self, node: Inode, flags: int, who: Credentials) -> StripedFile:
        """Open a file; that it is emptied is pending."""
        file = self.open(node, flags, who)
        file.pending = file.emptied()
        return file

    def contents(self, node: Inode, who: Credentials) -> bytes:
        """Return all that a file holds, straight from the host; the machine does not notice."""
        layout = self._store.layout(node.ino)
        if max(layout.servers) >= self.pool.nodes:
            fail(errno.EIO)
        return self.folders.read(layout, node.size)

    def truncate(self, node: Inode, size: int, who: Credentials) -> Work:
        """Cut or extend a file to *size* bytes."""
        file = self.open(node, os.O_WRONLY, who)
        work: Work = file.truncate(size)
        work.always = file.close
        return work

    def resize(self, inode: Inode, size: int) -> None:
        """Note that a file has *size* bytes now, and has been written to."""
        self.used += size - inode.size
        super().resize(inode, size)

    def cut(self, node: Inode, size: int) -> None:
        """Note that a file has been made *size* bytes long, at once: its stripes do not tell."""
        self._frayed.discard(node.ino)
        self.resize(node, size)
        self.sync(node)

    def fray(self, node: Inode) -> None:
        """Note that there may be bytes beyond the end of a file, which are nobody's.

        They are removed when nobody writes there any more.
        """
        self._frayed.add(node.ino)

    def is_frayed(self, node: Inode) -> bool:
        """Return whether there may be bytes beyond the end of a file."""
        return node.ino in self._frayed

    def closed(self, inode: Inode) -> None:
        """Note that an open file stands for *inode* no more."""
        frayed = inode.opened == 1 and self.is_frayed(inode)
        super().closed(inode)
        if frayed:
            self._frayed.discard(inode.ino)
            if inode.links:
                layout = self._store.layout(inode.ino)
                self._ask(layout, Cut(layout, inode.size), _nothing)

    def _discarding(self, inode: Inode) -> Callable[[], object]:
        file, layout = inode.ino, self._store.layout(inode.ino)
        self._doomed.add(file)
        self.used -= inode.size
        return lambda: self._ask(layout, Remove(file), lambda: self._doomed.discard(file))

    def _ask(self, layout: Layout, request: Request, done: Callable[[], object]) -> None:
        """Ask all I/O nodes that a file is on for something, and wait for none of them.

        Args:
            done: called when all of them have done it.
        """
        left = set(range(layout.factor))

        def heard(place: int, error: int) -> None:
            if not error:
                left.discard(place)
            if not left:
                done()

        for place in range(layout.factor):
            errand = Errand(layout, [place], lambda number, capability: request, _nothing)
            with suppress(OSError):
                if self.mover is not None:
                    self.mover.begin(errand, partial(heard, place))

    def _room(self) -> tuple[int, int, int]:
        size = self.pool.nodes * self.pool.capacity
        free = max(0, size - self.used)
        return size, free, free


def _nothing() -> None:
    pass
