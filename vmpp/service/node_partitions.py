"""Partitions of the compute nodes: sets of them that have a name, an owner and permissions.

They lie within each other as directories do, and are called so: ``.compute.weather.night`` is the
partition ``night`` of ``weather``, which is one of ``.compute``, all of the compute nodes. A name
that does not begin with a dot is one within ``.compute``. A partition's permissions are those of
Unix: who may read sees what is in it, who may write makes and removes partitions in it, who may
execute runs jobs on its nodes. Partitions may overlap, and one is no reservation: jobs that are
launched without naming any get nodes of it as well. This is how the Paragon's nodes were divided.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

import msgspec

from vmpp.errors import VmppError
from vmpp.service.errors import LaunchError
from vmpp.service.identity import ROOT, Credentials
from vmpp.service.record import MOST_URGENT
from vmpp.service.rectangles import Shape, rectangle

TOP: Final = "."
"""The partition that all others are in."""
COMPUTE: Final = ".compute"
"""The partition of all compute nodes that jobs can have."""

READ, WRITE, EXECUTE = 4, 2, 1
"""What permissions let one do, as for files."""

_WORD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_+-]{0,63}")
_LETTERS: Final = {READ: "see", WRITE: "change", EXECUTE: "run jobs in"}


class PartitionError(LaunchError):
    """What is wanted of a partition cannot be; the message says why.

    Attributes:
        errno: the same as a number.
    """

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.errno = number


class NodePartition(msgspec.Struct, frozen=True, kw_only=True):
    """One partition.

    Attributes:
        name: the whole name, from the first dot on.
        uid: number of the user whose it is.
        gid: number of the group whose it is.
        mode: permissions, as of a file.
        nodes: numbers of its nodes, in the order in which they count.
        shape: its rows and columns, if it is a rectangle of a mesh; empty otherwise.
        policy: scheduling policy of the nodes of its jobs; empty: the machine's.
        most_urgent: the highest priority that its jobs can have.
    """

    name: str
    uid: int
    gid: int
    mode: int
    nodes: tuple[int, ...]
    shape: tuple[int, ...] = ()
    policy: str = ""
    most_urgent: int = MOST_URGENT

    def permits(self, user: Credentials, wanted: int) -> bool:
        """Return whether *user* may do with it what *wanted* says: `READ`, `WRITE`, `EXECUTE`."""
        if user.is_root:
            return True
        if user.uid == self.uid:
            granted = self.mode >> 6
        elif self.gid == user.gid or self.gid in user.groups:
            granted = self.mode >> 3
        else:
            granted = self.mode
        return granted & wanted == wanted


def whole_name(name: str) -> str:
    """Return a partition's name from the first dot on. Raises PartitionError: it is no name."""
    if name in ("", TOP, COMPUTE):
        return name or COMPUTE
    words = name.split(".") if name.startswith(".") else ["", "compute", *name.split(".")]
    if not all(_WORD.fullmatch(word) for word in words[1:]):
        raise PartitionError(errno.EINVAL, f"{name!r} is no name of a partition")
    return ".".join(words)


def parent_of(name: str) -> str:
    """Return the whole name of the partition that one of the whole name *name* is in."""
    return name.rpartition(".")[0] or TOP


class NodePartitions:
    """The partitions of a machine.

    Those that users have made are kept in a file of the machine's state, if it has one.
    """

    __slots__ = ("_all_nodes", "_check_policy", "_coordinates", "_made", "_path")

    def __init__(
        self,
        all_nodes: Callable[[], Sequence[int]],
        coordinates: Callable[[int], Sequence[int]],
        check_policy: Callable[[str], object],
        path: Path | None = None,
    ) -> None:
        """Read the partitions from a file.

        Args:
            all_nodes: gives the numbers of the compute nodes that there are, sorted.
            coordinates: gives the place of a node in the network.
            check_policy: raises VmppError for a text that chooses no scheduling policy.
            path: the file; None: nothing is kept.

        Raises:
            PartitionError: the file is damaged.
        """
        self._all_nodes = all_nodes
        self._coordinates = coordinates
        self._check_policy = check_policy
        self._path = path
        self._made: dict[str, NodePartition] = {}
        if path is None or not path.exists():
            return
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=list[NodePartition])
        except (OSError, msgspec.DecodeError) as error:
            raise PartitionError(
                errno.EIO, f"{path} cannot be read ({error}); without it there are no partitions"
            ) from None
        self._made = {each.name: each for each in kept}

    # -- looking -------------------------------------------------------------------------------

    def find(self, user: Credentials, name: str, wanted: int = 0) -> NodePartition:
        """Return the partition called *name*.

        Args:
            user: who asks.
            name: whole, or within ``.compute``; empty: that itself.
            wanted: what it must let the user do: `READ`, `WRITE`, `EXECUTE`.

        Raises:
            PartitionError: there is none (ENOENT), or it does not let them (EACCES).
        """
        whole = whole_name(name)
        found = self._built_in(whole) or self._made.get(whole)
        if found is None:
            _fail(errno.ENOENT, f"there is no partition {whole}")
        if not found.permits(user, wanted):
            what = next(text for bit, text in _LETTERS.items() if bit & wanted)
            _fail(errno.EACCES, f"{user.name} may not {what} partition {whole}")
        return found

    def within(self, user: Credentials, name: str, *, deep: bool) -> list[NodePartition]:
        """Return the partitions in *name*, by name; with *deep* those in these as well.

        Those that the user may not read are told of, and not what is in them.

        Raises:
            PartitionError: as `find`.
        """
        outer = self.find(user, name, READ).name
        names = [*sorted(self._made), *([COMPUTE] if outer == TOP else [])]
        inner = [self.find(user, each) for each in sorted(names) if parent_of(each) == outer]
        if not deep:
            return inner
        found: list[NodePartition] = []
        for each in inner:
            found.append(each)
            if each.permits(user, READ):
                found += self.within(user, each.name, deep=True)
        return found

    def _built_in(self, name: str) -> NodePartition | None:
        if name not in (TOP, COMPUTE):
            return None
        mode = 0o755 if name == TOP else 0o777
        return NodePartition(
            name=name, uid=ROOT, gid=ROOT, mode=mode, nodes=tuple(self._all_nodes())
        )

    # -- changing ------------------------------------------------------------------------------

    def make(
        self,
        user: Credentials,
        name: str,
        *,
        size: int = 0,
        nodes: Sequence[int] = (),
        shape: Shape | None = None,
        mode: int = 0o755,
        policy: str = "",
        most_urgent: int = MOST_URGENT,
    ) -> NodePartition:
        """Make a partition within the one that its name says.

        Args:
            user: whose it is to be.
            size: how many nodes it has: those that no other partition beside it has come first,
                the lowest numbers before others; all if nothing is said.
            nodes: instead, their places within the outer partition, counted from 0.
            shape: instead, the rows and columns of a rectangle of the mesh: the first, in the order
                of node numbers, that no other partition beside it has a part of, or else the first.
            mode: permissions.
            policy: scheduling policy of the nodes of its jobs; empty: the outer partition's.
            most_urgent: the highest priority that its jobs can have.

        Raises:
            PartitionError: it is there already (EEXIST), it cannot have such nodes (ENXIO), the
                outer partition does not let the user (EACCES), or there is none (ENOENT).
        """
        whole = whole_name(name)
        if whole in self._made or self._built_in(whole) is not None:
            _fail(errno.EEXIST, f"there is a partition {whole} already")
        outer = self.find(user, parent_of(whole), WRITE)
        made = NodePartition(
            name=whole,
            uid=user.uid,
            gid=user.gid,
            mode=_checked_mode(mode),
            nodes=self._nodes(outer, size, nodes, shape),
            shape=() if shape is None else tuple(shape),
            policy=self._checked(policy or outer.policy),
            most_urgent=min(most_urgent, outer.most_urgent),
        )
        self._keep({**self._made, whole: made})
        return made

    def _nodes(
        self, outer: NodePartition, size: int, places: Sequence[int], shape: Shape | None
    ) -> tuple[int, ...]:
        """Return the nodes of a new partition in *outer*."""
        beside = {
            node
            for each in self._made.values()
            if parent_of(each.name) == outer.name
            for node in each.nodes
        }
        free = [node for node in outer.nodes if node not in beside]
        if shape is not None:
            found = rectangle(free, shape, self._coordinates)
            found = found or rectangle(outer.nodes, shape, self._coordinates)
            if found is None:
                rows, columns = shape
                _fail(errno.ENXIO, f"partition {outer.name} has no {rows} x {columns} rectangle")
            return found
        if places:
            if len(set(places)) < len(places) or not set(places) <= set(range(len(outer.nodes))):
                _fail(errno.ENXIO, f"partition {outer.name} has nodes 0 to {len(outer.nodes) - 1}")
            return tuple(outer.nodes[place] for place in places)
        wanted = size or len(outer.nodes)
        if wanted > len(outer.nodes):
            _fail(errno.ENXIO, f"partition {outer.name} has {len(outer.nodes)} nodes, not {wanted}")
        taken = [node for node in outer.nodes if node in beside]
        chosen = {*(free + taken)[:wanted]}
        return tuple(node for node in outer.nodes if node in chosen)

    def remove(self, user: Credentials, name: str, *, deep: bool = False) -> list[NodePartition]:
        """Remove a partition; return it, after those in it.

        Args:
            user: who asks.
            deep: whether those in it are removed as well.

        Raises:
            PartitionError: others are in it (ENOTEMPTY); neither it nor the outer one is the user's
                (EPERM); or as `find`.
        """
        found = self.removable(user, name, deep=deep)
        gone = {each.name for each in found}
        self._keep({key: each for key, each in self._made.items() if key not in gone})
        return found

    def removable(self, user: Credentials, name: str, *, deep: bool) -> list[NodePartition]:
        """Return what `remove` would remove. Raises as that."""
        found = self.find(user, name)
        if self._built_in(found.name) is not None:
            _fail(errno.EACCES, f"partition {found.name} is the system's")
        self.find(user, parent_of(found.name), WRITE)
        inner = [each for key, each in self._made.items() if key.startswith(f"{found.name}.")]
        if inner and not deep:
            _fail(errno.ENOTEMPTY, f"there are partitions in {found.name}")
        doomed = [*sorted(inner, key=lambda each: each.name, reverse=True), found]
        for each in doomed:
            owners = {each.uid, self.find(user, parent_of(each.name)).uid}
            if not user.is_root and user.uid not in owners:
                _fail(errno.EPERM, f"partition {each.name} is another user's")
        return doomed

    def change(
        self,
        user: Credentials,
        name: str,
        *,
        new_name: str = "",
        uid: int = -1,
        gid: int = -1,
        mode: int = -1,
        policy: str | None = None,
        most_urgent: int | None = None,
    ) -> NodePartition:
        """Change a partition, which only its owner may, or root; return it as it is then.

        Args:
            user: who asks.
            name: of the partition.
            new_name: its last word from now on; empty: as it is.
            uid: number of its owner; only root may give one away. -1: as it is.
            gid: number of its group, one that the user is in. -1: as it is.
            mode: its permissions. -1: as they are.
            policy: scheduling policy of the nodes of its jobs. None: as it is.
            most_urgent: the highest priority that its jobs can have. None: as it is.

        Raises:
            PartitionError: as `find`; it is not the user's (EPERM); the name is taken (EEXIST).
        """
        found = self.find(user, name)
        if self._built_in(found.name) is not None:
            _fail(errno.EPERM, f"partition {found.name} is the system's")
        if not user.is_root and (user.uid != found.uid or uid not in (-1, user.uid)):
            _fail(errno.EPERM, f"only {'root' if user.uid == found.uid else 'its owner'} may do so")
        if gid not in (-1, user.gid) and not user.is_root and gid not in user.groups:
            _fail(errno.EPERM, f"{user.name} is not in group {gid}")
        changed = msgspec.structs.replace(
            found,
            uid=found.uid if uid < 0 else uid,
            gid=found.gid if gid < 0 else gid,
            mode=found.mode if mode < 0 else _checked_mode(mode),
            policy=found.policy if policy is None else self._checked(policy),
            most_urgent=found.most_urgent if most_urgent is None else most_urgent,
        )
        others = {key: each for key, each in self._made.items() if key != found.name}
        if not new_name:
            self._keep({**others, found.name: changed})
            return changed
        return self._rename(user, changed, new_name, others)

    def _rename(
        self, user: Credentials, found: NodePartition, word: str, others: dict[str, NodePartition]
    ) -> NodePartition:
        """Call a partition by another last word; those in it go with it."""
        outer = self.find(user, parent_of(found.name), WRITE)
        if not _WORD.fullmatch(word):
            _fail(errno.EINVAL, f"{word!r} is no name of a partition")
        name = f"{outer.name.rstrip('.')}.{word}"
        if name in others or self._built_in(name) is not None:
            _fail(errno.EEXIST, f"there is a partition {name} already")
        moved = {key: each for key, each in others.items() if not key.startswith(f"{found.name}.")}
        for key, each in others.items():
            if key not in moved:
                inner = name + key.removeprefix(found.name)
                moved[inner] = msgspec.structs.replace(each, name=inner)
        renamed = msgspec.structs.replace(found, name=name)
        self._keep({**moved, name: renamed})
        return renamed

    def _checked(self, policy: str) -> str:
        """Return the text of a scheduling policy. Raises PartitionError: there is none such."""
        try:
            if policy:
                self._check_policy(policy)
        except VmppError as error:
            raise PartitionError(errno.EINVAL, str(error)) from None
        return policy

    def _keep(self, partitions: dict[str, NodePartition]) -> None:
        """Have these partitions from now on, and write them down."""
        if self._path is not None:
            fresh = self._path.with_suffix(".new")
            ordered = [partitions[name] for name in sorted(partitions)]
            try:
                fresh.write_bytes(msgspec.json.encode(ordered))
                os.replace(fresh, self._path)
            except OSError as error:
                _fail(errno.EIO, f"{self._path}: {error.strerror}")
        self._made = partitions


def _checked_mode(mode: int) -> int:
    if not 0 <= mode <= 0o777:
        _fail(errno.EINVAL, f"{mode:o} are no permissions: they are 0 to 777")
    return mode


def _fail(number: int, text: str) -> NoReturn:
    raise PartitionError(number, text)
