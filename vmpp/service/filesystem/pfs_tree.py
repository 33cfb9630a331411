"""The file tree of a machine that shows the host's files: nothing of it is there but ``/pfs``."""

from __future__ import annotations

from vmpp.process.program import EPOCH
from vmpp.service.filesystem.fixed import FixedVolume
from vmpp.service.filesystem.joined_space import NAME
from vmpp.service.filesystem.mounts import EPOCH_NS
from vmpp.service.filesystem.stripe_pool import StripeFolders, StripePool
from vmpp.service.filesystem.striped_volume import StripedVolume
from vmpp.service.filesystem.tree import Tree
from vmpp.service.filesystem.volume import Node
from vmpp.service.filesystem.walk import OutsideError
from vmpp.service.identity import Credentials


class PfsTree(Tree):
    """A tree whose root has one directory; whatever else a path says is outside.

    Attributes:
        striped: the volume of that directory.
    """

    striped: StripedVolume

    def __init__(
        self, pool: StripePool, folders: StripeFolders, owner: Credentials, epoch: int = EPOCH
    ) -> None:
        """Make it; it is kept nowhere.

        Args:
            pool: what files are striped over.
            folders: where the I/O nodes keep stripes.
            owner: whose the directory is.
            epoch: picoseconds since 1970 at the machine's virtual time 0.
        """
        self._epoch = epoch
        self.begin(0)
        base = FixedVolume(2, {NAME.decode(): {}}, EPOCH_NS)
        self.root: Node = base.root
        self.striped = StripedVolume(None, lambda: self.time, pool, folders, owner)
        covered = base.lookup(base.root, NAME)
        self._mounted = {covered.key: self.striped}
        self._covered = {self.striped.device: covered}

    def close(self) -> None:
        """Close the tree; open files must have been closed."""
        self.striped.close()

    def child(self, directory: Node, name: bytes) -> Node:
        """Return what a directory calls *name*. Raises OutsideError for what is not in ``/pfs``."""
        if directory.same(self.root):
            if name != NAME:
                raise OutsideError(name)
            return self.striped.root
        return directory.volume.lookup(directory, name)

    def above(self, directory: Node) -> Node:
        """Return the directory above. Raises OutsideError for that of ``/pfs``."""
        if directory.same(self.striped.root):
            raise OutsideError(b"")
        return super().above(directory)

    def _is_above(self, node: Node, directory: Node) -> bool:
        try:
            return super()._is_above(node, directory)
        except OutsideError:
            return False
