"""Groups: ordered sets of processes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from operator import index
from typing import TYPE_CHECKING, Any, Final, Self

from vmpp_mpi._constants import IDENT, PROC_NULL, SIMILAR, UNDEFINED, UNEQUAL
from vmpp_mpi._errors import ERR_ARG, ERR_GROUP, ERR_RANK
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._handle import Handle, forget, predefine

if TYPE_CHECKING:
    from vmpp.portals import Address
    from vmpp_mpi._session import Session, SessionState

_FEW: Final = 8
"""Up to so many processes are looked up one by one, without an index of the group."""


class Members:
    """The processes of a group, as the process `own` sees them.

    The sequence of addresses is shared with whatever else has it, so that the group of all ranks
    of a large job costs a rank next to nothing.

    Attributes:
        addresses: of the processes, by rank in the group.
        own: address of the process that holds the group.
        rank: of that process in the group, `UNDEFINED` if it is not a member.
        session: that it was made in, None if in none.
    """

    __slots__ = ("_rank", "addresses", "own", "session")

    def __init__(
        self,
        addresses: Sequence[Address],
        own: Address | None,
        rank: int | None = None,
        session: SessionState | None = None,
    ) -> None:
        self.addresses = addresses
        self.own = own
        self.session = session
        self._rank = rank

    @property
    def rank(self) -> int:
        """Rank of the process that holds the group."""
        if self._rank is None:
            (self._rank,) = self.find([self.own]) if self.own is not None else (UNDEFINED,)
        return self._rank

    def find(self, addresses: Sequence[Address | None]) -> list[int]:
        """Return the ranks of processes in the group, `UNDEFINED` for one that is not a member."""
        if len(addresses) <= _FEW:
            return [self._search(address) for address in addresses]
        ranks = {address: rank for rank, address in enumerate(self.addresses)}
        return [UNDEFINED if a is None else ranks.get(a, UNDEFINED) for a in addresses]

    def _search(self, address: Address | None) -> int:
        try:
            return self.addresses.index(address)
        except ValueError:
            return UNDEFINED


class Group(Handle[Members]):
    """An ordered set of processes. Null when made of nothing."""

    __slots__ = ()

    _error = ERR_GROUP

    def __new__(cls, group: Group | None = None) -> Self:
        """Make a second handle to what *group* refers to."""
        return cls._copy(group)

    @classmethod
    def of(
        cls,
        addresses: Sequence[Address],
        own: Address | None,
        rank: int | None = None,
        session: SessionState | None = None,
    ) -> Self:
        """Make the group of *addresses*, for the process *own*; for the library's own use.

        Args:
            addresses: by rank; kept, not copied.
            own: address of the process that will hold the group.
            rank: that process's rank, if it is known.
            session: that it is made in, if in one.
        """
        if not addresses:
            return cls._wrap(GROUP_EMPTY._ref)
        return cls._wrap(Members(addresses, own, rank, session))

    @classmethod
    def Create_from_session_pset(cls, session: Session, pset_name: str) -> Self:
        """Return the group of the processes in a set that a session names.

        Raises:
            MPIError: as for `Session.Create_group`.
        """
        return cls._copy(session.Create_group(pset_name))

    @property
    def addresses(self) -> Sequence[Address]:
        """The processes by rank; for the library's own use."""
        return self._get().addresses

    @property
    def session(self) -> SessionState | None:
        """The session that the group was made in, None if in none; for the library's own use."""
        return self._get().session

    def _among(self, addresses: list[Address]) -> Self:
        return self.of(addresses, self._get().own, session=self.session)

    def Get_size(self) -> int:
        """Return the number of processes."""
        return len(self._get().addresses)

    def Get_rank(self) -> int:
        """Return the rank of the process that calls, `UNDEFINED` if it is not a member."""
        return self._get().rank

    @property
    def size(self) -> int:
        """Number of processes."""
        return len(self._get().addresses)

    @property
    def rank(self) -> int:
        """Rank of the process that calls, `UNDEFINED` if it is not a member."""
        return self._get().rank

    def Translate_ranks(
        self, ranks: Sequence[int] | None = None, group: Group | None = None
    ) -> list[int]:
        """Return the ranks in another group of processes of this one.

        Args:
            ranks: of the processes in this group, all by default. `PROC_NULL` stays what it is.
            group: the other group, this one by default.

        Returns:
            A rank for each, `UNDEFINED` for one that is not in the other group.

        Raises:
            MPIError: of class `ERR_RANK`: there is no such rank.
        """
        addresses = self._get().addresses
        wanted = range(len(addresses)) if ranks is None else ranks
        chosen: list[Address | None] = [
            None if rank == PROC_NULL else addresses[self._check(rank)] for rank in wanted
        ]
        found = (self if group is None else group)._get().find(chosen)
        return [
            PROC_NULL if rank == PROC_NULL else other
            for rank, other in zip(wanted, found, strict=True)
        ]

    def Compare(self, group: Group) -> int:
        """Return `IDENT`, `SIMILAR` (the same processes in another order) or `UNEQUAL`."""
        own, other = self._get().addresses, group._get().addresses
        if len(own) != len(other):
            return UNEQUAL
        if own is other or all(a is b for a, b in zip(own, other, strict=True)):
            return IDENT
        return SIMILAR if set(own) == set(other) else UNEQUAL

    def Dup(self) -> Self:
        """Return a new group of the same processes."""
        members = self._get()
        return self._wrap(Members(members.addresses, members.own, members._rank, members.session))

    @classmethod
    def Union(cls, group1: Group, group2: Group) -> Self:
        """Return the processes of *group1*, then those of *group2* that are not in it."""
        first, second = group1._get().addresses, group2._get().addresses
        known = set(first)
        return cls._like(group1, group2, [*first, *(a for a in second if a not in known)])

    @classmethod
    def Intersection(cls, group1: Group, group2: Group) -> Self:
        """Return the processes of *group1* that are in *group2* too."""
        first, second = group1._get().addresses, set(group2._get().addresses)
        return cls._like(group1, group2, [a for a in first if a in second])

    @classmethod
    def Difference(cls, group1: Group, group2: Group) -> Self:
        """Return the processes of *group1* that are not in *group2*."""
        first, second = group1._get().addresses, set(group2._get().addresses)
        return cls._like(group1, group2, [a for a in first if a not in second])

    Intersect = Intersection

    @classmethod
    def _like(cls, group1: Group, group2: Group, addresses: list[Address]) -> Self:
        # The empty group belongs to nobody in particular.
        first, second = group1._get(), group2._get()
        own = second.own if first.own is None else first.own
        return cls.of(addresses, own, session=first.session or second.session)

    def Incl(self, ranks: Sequence[int]) -> Self:
        """Return the group of these processes, in this order.

        Raises:
            MPIError: of class `ERR_RANK`: there is no such rank, or one comes twice.
        """
        addresses = self._get().addresses
        return self._among([addresses[rank] for rank in self._checked(_listed(ranks))])

    def Excl(self, ranks: Sequence[int]) -> Self:
        """Return the group without these processes.

        Raises:
            MPIError: of class `ERR_RANK`: there is no such rank, or one comes twice.
        """
        return self._without(self._checked(_listed(ranks)))

    def Range_incl(self, ranks: Sequence[tuple[int, int, int]]) -> Self:
        """Return the group of the processes in ranges of first rank, last rank and stride.

        Raises:
            MPIError: of class `ERR_RANK`: there is no such rank, or one comes twice; of class
                `ERR_ARG`: a stride is zero or leads away from the last rank.
        """
        addresses = self._get().addresses
        return self._among([addresses[rank] for rank in self._checked(_expand(ranks))])

    def Range_excl(self, ranks: Sequence[tuple[int, int, int]]) -> Self:
        """Return the group without the processes in ranges; errors as `Range_incl`."""
        return self._without(self._checked(_expand(ranks)))

    def _without(self, ranks: Iterable[int]) -> Self:
        left_out = set(ranks)
        return self._among(
            [a for rank, a in enumerate(self._get().addresses) if rank not in left_out]
        )

    def _check(self, rank: int) -> int:
        size = self.size
        if not 0 <= rank < size:
            raise MPIError(ERR_RANK, f"rank {rank} in a group of {size}")
        return rank

    def _checked(self, ranks: Collection[int]) -> Collection[int]:
        for rank in ranks:
            self._check(rank)
        if len(set(ranks)) != len(ranks):
            raise MPIError(ERR_RANK, "a rank comes twice")
        return ranks

    def Free(self) -> None:
        """Free the group and make the handle null; `GROUP_EMPTY` itself stays.

        Raises:
            MPIError: of class `ERR_GROUP`: the handle is null.
        """
        self._get()
        forget(self)

    def free(self) -> None:
        """Free the group if that can be, and make the handle null unless it is a constant."""
        forget(self)


Group._family = (Group,)


def _listed(ranks: Any) -> list[int]:
    len(ranks)  # refuses what is no sequence
    return [index(rank) for rank in ranks]


def _expand(ranges: Iterable[tuple[int, int, int]]) -> list[int]:
    ranks: list[int] = []
    for first, last, stride in ranges:
        if stride == 0 or (last - first) * stride < 0:
            raise MPIError(ERR_ARG, f"range from {first} to {last} by {stride}")
        ranks.extend(range(first, last + (1 if stride > 0 else -1), stride))
    return ranks


GROUP_NULL: Final = predefine("GROUP_NULL", Group())
GROUP_EMPTY: Final = predefine("GROUP_EMPTY", Group._wrap(Members((), None, UNDEFINED)))
