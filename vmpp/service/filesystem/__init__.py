"""The file tree of a machine: users' files with owners, modes and quotas, and what is mounted.

`Tree` is the whole: path resolution and permissions as Unix has them, over volumes. The users' own
files are in an inode store (SQLite, and contents by number); ``/images``, ``/dev``, ``/host`` and
``/pfs`` are mounted. What is in ``/pfs`` is on the machine's I/O nodes (`StripedVolume`). Nothing
that a path says is ever given to the host as a path.
"""

from vmpp.service.filesystem.quotas import Usage
from vmpp.service.filesystem.tree import EPOCH_NS, SUPERUSER, Tree
from vmpp.service.filesystem.volume import Entry, Status

__all__ = ["EPOCH_NS", "SUPERUSER", "Entry", "Status", "Tree", "Usage"]
