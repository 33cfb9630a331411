"""Groups: sets of processes in an order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_mpi._constants import IDENT, PROC_NULL, SIMILAR, UNDEFINED, UNEQUAL
from vmpp_mpi._errors import ERR_ARG, ERR_GROUP, ERR_RANK
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._group import GROUP_EMPTY, GROUP_NULL, Group


class Address:
    """Of a process: compared by identity, as the machine's."""


EVERYBODY = [Address() for _ in range(20)]
WORLD = Group.of(EVERYBODY, EVERYBODY[3])


def group_of(ranks):
    return Group.of([EVERYBODY[rank] for rank in ranks], EVERYBODY[3])


def ranks_of(group):
    return group.Translate_ranks(None, WORLD)


subsets = st.lists(st.integers(0, 19), unique=True, max_size=20)


def error_of(call, *arguments):
    with pytest.raises(MPIError) as error:
        call(*arguments)
    return error.value.Get_error_class()


def test_size_and_rank():
    assert (WORLD.size, WORLD.rank) == (WORLD.Get_size(), WORLD.Get_rank()) == (20, 3)
    assert group_of([5, 3]).rank == 1
    assert group_of([5]).rank == UNDEFINED
    assert (GROUP_EMPTY.size, GROUP_EMPTY.rank) == (0, UNDEFINED)


def test_a_large_group_keeps_the_addresses_it_was_given():
    assert WORLD.addresses is EVERYBODY
    assert WORLD.Dup().addresses is EVERYBODY


@given(subsets, subsets)
def test_set_operations(left, right):
    one, two = group_of(left), group_of(right)
    assert ranks_of(Group.Union(one, two)) == left + [rank for rank in right if rank not in left]
    assert ranks_of(Group.Intersection(one, two)) == [rank for rank in left if rank in right]
    assert ranks_of(Group.Intersect(one, two)) == [rank for rank in left if rank in right]
    assert ranks_of(Group.Difference(one, two)) == [rank for rank in left if rank not in right]


@given(subsets, subsets)
def test_comparison(left, right):
    expected = UNEQUAL
    if left == right:
        expected = IDENT
    elif set(left) == set(right):
        expected = SIMILAR
    assert group_of(left).Compare(group_of(right)) == expected


def test_the_same_processes_in_another_order_are_similar():
    assert group_of([1, 2]).Compare(group_of([2, 1])) == SIMILAR


@given(subsets, subsets)
def test_translation(left, right):
    one, two = group_of(left), group_of(right)
    expected = [right.index(rank) if rank in right else UNDEFINED for rank in left]
    assert one.Translate_ranks(list(range(len(left))), two) == expected
    assert one.Translate_ranks(None, two) == expected


def test_translation_of_nobody_and_by_default():
    assert WORLD.Translate_ranks([PROC_NULL, 5], group_of([5])) == [PROC_NULL, 0]
    assert WORLD.Translate_ranks([5, 6]) == [5, 6]
    assert error_of(WORLD.Translate_ranks, [20], WORLD) == ERR_RANK


@given(subsets)
def test_inclusion_and_exclusion_share_out_the_processes(ranks):
    assert ranks_of(WORLD.Incl(ranks)) == ranks
    assert ranks_of(WORLD.Excl(ranks)) == [rank for rank in range(20) if rank not in ranks]


@pytest.mark.parametrize(
    ("ranges", "ranks"),
    [
        ([], []),
        ([(0, 4, 1)], [0, 1, 2, 3, 4]),
        ([(0, 5, 2)], [0, 2, 4]),
        ([(5, 0, -2)], [5, 3, 1]),
        ([(7, 7, 3), (1, 2, 1)], [7, 1, 2]),
        ([(7, 7, -1)], [7]),
    ],
)
def test_ranges(ranges, ranks):
    assert ranks_of(WORLD.Range_incl(ranges)) == ranks
    assert ranks_of(WORLD.Range_excl(ranges)) == [rank for rank in range(20) if rank not in ranks]


@pytest.mark.parametrize("call", ["Incl", "Excl"])
def test_ranks_that_do_not_exist_or_come_twice(call):
    for ranks in ([20], [-1], [PROC_NULL], [1, 1]):
        assert error_of(getattr(WORLD, call), ranks) == ERR_RANK
    for wrong in (3, "a", [1.5]):
        with pytest.raises(TypeError):
            getattr(WORLD, call)(wrong)


@pytest.mark.parametrize("call", ["Range_incl", "Range_excl"])
def test_ranges_that_are_refused(call):
    assert error_of(getattr(WORLD, call), [(0, 4, 0)]) == ERR_ARG
    assert error_of(getattr(WORLD, call), [(0, 4, -1)]) == ERR_ARG
    assert error_of(getattr(WORLD, call), [(0, 20, 1)]) == ERR_RANK
    assert error_of(getattr(WORLD, call), [(0, 4, 1), (4, 5, 1)]) == ERR_RANK
    with pytest.raises(ValueError, match="unpack"):
        getattr(WORLD, call)([(0, 4)])


def test_every_empty_group_is_the_empty_group():
    assert WORLD.Incl([]) == GROUP_EMPTY
    assert WORLD.Excl(range(20)) == GROUP_EMPTY
    assert Group.Difference(WORLD, WORLD) == GROUP_EMPTY
    assert Group.Union(GROUP_EMPTY, group_of([3])).rank == 0


def test_handles_of_groups():
    assert WORLD.Dup() != WORLD
    assert Group(WORLD) == WORLD
    assert Group() == GROUP_NULL
    assert GROUP_EMPTY
    assert not GROUP_NULL
    assert Group.fromhandle(WORLD.handle) == WORLD
    group = WORLD.Dup()
    group.Free()
    assert group == GROUP_NULL
    empty = WORLD.Incl([])
    empty.Free()
    assert GROUP_EMPTY.size == 0
    assert GROUP_EMPTY.__reduce__() == "GROUP_EMPTY"
    with pytest.raises(ValueError, match="pickle"):
        WORLD.__reduce__()


def test_the_null_group_has_no_processes_to_ask_for():
    for call in (GROUP_NULL.Get_size, GROUP_NULL.Get_rank, GROUP_NULL.Free, GROUP_NULL.Dup):
        assert error_of(call) == ERR_GROUP
    assert error_of(Group.Union, WORLD, GROUP_NULL) == ERR_GROUP
    assert error_of(WORLD.Compare, GROUP_NULL) == ERR_GROUP
