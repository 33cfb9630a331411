"""Partitions: what nodes they have, who may do what, and how they lie within each other."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.errors import VmppError
from vmpp.service.identity import Credentials
from vmpp.service.node_partitions import (
    COMPUTE,
    EXECUTE,
    NodePartitions,
    PartitionError,
    whole_name,
)
from vmpp.service.rectangles import rectangle

ALICE = Credentials("alice", 1001, 1001, (1001, 50))
BOB = Credentials("bob", 1002, 1002, (50, 1002))
CAROL = Credentials("carol", 1003, 1003, (1003,))
ROOT = Credentials("root", 0, 0, (0,))
COLUMNS = 6


def place(node: int) -> tuple[int, int]:
    """The place of a node in a mesh of six columns."""
    return node % COLUMNS, node // COLUMNS


def policy(text: str) -> None:
    """Refuse what is no policy."""
    if text not in ("rr", "gang:2ms"):
        raise VmppError(f"there is no policy {text}")


def of(nodes: int = 24, path: Path | None = None) -> NodePartitions:
    """Return the partitions of a machine, at first those that the system has."""
    return NodePartitions(lambda: range(nodes), place, policy, path)


def refused(number: int, act: Callable[[], object]) -> None:
    """Check that *act* is refused with a number of `errno`."""
    with pytest.raises(PartitionError) as caught:
        act()
    assert caught.value.errno == number, caught.value


def test_all_compute_nodes_are_a_partition_that_anybody_may_run_jobs_in() -> None:
    found = of().find(BOB, "", EXECUTE)
    assert found.name == COMPUTE
    assert found.nodes == tuple(range(24))


def test_partitions_of_a_size_beside_each_other_have_different_nodes_as_long_as_there_are() -> None:
    parts = of(8)
    assert parts.make(ALICE, "one", size=3).nodes == (0, 1, 2)
    assert parts.make(ALICE, "two", size=3).nodes == (3, 4, 5)
    assert parts.make(ALICE, "three", size=4).nodes == (0, 1, 6, 7)


def test_nodes_are_given_by_their_places_in_the_outer_partition() -> None:
    parts = of()
    parts.make(ALICE, "outer", nodes=(10, 12, 14))
    assert parts.make(ALICE, "outer.inner", nodes=(2, 0)).nodes == (14, 10)
    refused(errno.ENXIO, lambda: parts.make(ALICE, "outer.other", nodes=(3,)))
    refused(errno.ENXIO, lambda: parts.make(ALICE, "outer.twice", nodes=(1, 1)))


def test_a_rectangle_is_the_first_in_the_mesh_of_which_nobody_beside_it_has_a_part() -> None:
    parts = of()
    assert parts.make(ALICE, "a", shape=(2, 3)).nodes == (0, 1, 2, 6, 7, 8)
    assert parts.make(ALICE, "b", shape=(2, 3)).nodes == (3, 4, 5, 9, 10, 11)
    assert parts.make(ALICE, "c", shape=(2, 2)).nodes == (12, 13, 18, 19)
    assert parts.make(ALICE, "a.half", shape=(2, 1)).nodes == (0, 6)
    refused(errno.ENXIO, lambda: parts.make(ALICE, "b.high", shape=(3, 1)))


def test_a_rectangle_overlaps_others_rather_than_not_be() -> None:
    parts = of(12)
    parts.make(ALICE, "middle", nodes=(2, 3, 8, 9))
    assert parts.make(ALICE, "wide", shape=(1, 4)).nodes == (0, 1, 2, 3)


@given(st.sets(st.integers(0, 35)), st.integers(1, 7), st.integers(1, 7))
def test_a_rectangle_has_the_nodes_of_its_rows_and_columns(
    nodes: set[int], rows: int, columns: int
) -> None:
    found = rectangle(sorted(nodes), (rows, columns), place)
    whole = [
        [left + x + (top + y) * COLUMNS for y in range(rows) for x in range(columns)]
        for top in range(7 - rows)
        for left in range(7 - columns)
    ]
    fitting = [cells for cells in whole if nodes.issuperset(cells)]
    assert found == (tuple(min(fitting)) if fitting else None)


def test_who_may_not_write_to_a_partition_makes_none_in_it() -> None:
    parts = of()
    parts.make(ALICE, "hers", size=8, mode=0o755)
    refused(errno.EACCES, lambda: parts.make(BOB, "hers.his", size=2))
    parts.make(ROOT, "hers.his", size=2)
    refused(errno.EACCES, lambda: parts.remove(BOB, "hers.his"))


def test_a_partition_is_removed_by_its_owner_or_that_of_the_outer_one() -> None:
    parts = of()
    parts.make(ALICE, "hers", size=8, mode=0o777)
    parts.make(BOB, "hers.his", size=2)
    parts.make(CAROL, "hers.third", size=2)
    refused(errno.EPERM, lambda: parts.remove(BOB, "hers", deep=True))
    refused(errno.EPERM, lambda: parts.remove(BOB, "hers.third"))
    parts.remove(BOB, "hers.his")
    parts.remove(ALICE, "hers.third")


def test_permissions_are_the_owners_the_groups_and_those_of_others() -> None:
    parts = of()
    parts.make(ALICE, "night", size=4, mode=0o710)
    parts.change(ALICE, "night", gid=50)
    assert parts.find(BOB, "night", EXECUTE).gid == 50
    refused(errno.EACCES, lambda: parts.within(BOB, "night", deep=False))
    refused(errno.EACCES, lambda: parts.find(CAROL, "night", EXECUTE))
    assert parts.find(ROOT, "night", EXECUTE)


def test_only_the_owner_changes_a_partition_and_only_root_gives_one_away() -> None:
    parts = of()
    parts.make(ALICE, "night", size=4)
    refused(errno.EPERM, lambda: parts.change(BOB, "night", mode=0o777))
    refused(errno.EPERM, lambda: parts.change(ALICE, "night", uid=BOB.uid))
    refused(errno.EPERM, lambda: parts.change(ALICE, "night", gid=7))
    assert parts.change(ROOT, "night", uid=BOB.uid).uid == BOB.uid
    refused(errno.EPERM, lambda: parts.change(ALICE, "night", mode=0o777))


def test_partitions_in_others_keep_these_from_being_removed() -> None:
    parts = of()
    for name in ("outer", "outer.inner", "outer.inner.most"):
        parts.make(ALICE, name, size=2)
    refused(errno.ENOTEMPTY, lambda: parts.remove(ALICE, "outer"))
    gone = parts.remove(ALICE, "outer", deep=True)
    assert [each.name for each in gone][-1] == ".compute.outer"
    assert parts.within(ALICE, "", deep=True) == []


def test_a_partition_takes_those_in_it_along_when_it_is_called_otherwise() -> None:
    parts = of()
    parts.make(ALICE, "outer", size=4)
    parts.make(ALICE, "outer.inner", size=2)
    parts.make(ALICE, "other", size=2)
    refused(errno.EEXIST, lambda: parts.change(ALICE, "outer", new_name="other"))
    parts.change(ALICE, "outer", new_name="wide")
    found = [each.name for each in parts.within(ALICE, "", deep=True)]
    assert found == [".compute.other", ".compute.wide", ".compute.wide.inner"]


def test_scheduling_and_priorities_are_those_of_the_outer_partition_unless_said() -> None:
    parts = of()
    parts.make(ALICE, "gangs", size=8, policy="gang:2ms", most_urgent=5)
    inner = parts.make(ALICE, "gangs.inner", size=2, most_urgent=9)
    assert (inner.policy, inner.most_urgent) == ("gang:2ms", 5)
    refused(errno.EINVAL, lambda: parts.change(ALICE, "gangs", policy="none such"))


def test_what_there_is_not_cannot_be_found_made_or_removed() -> None:
    parts = of(4)
    refused(errno.ENOENT, lambda: parts.find(ALICE, "nowhere"))
    refused(errno.ENOENT, lambda: parts.make(ALICE, "nowhere.inner", size=1))
    refused(errno.ENXIO, lambda: parts.make(ALICE, "large", size=5))
    refused(errno.EINVAL, lambda: parts.make(ALICE, "large", size=1, mode=0o1777))
    parts.make(ALICE, "one", size=1)
    refused(errno.EEXIST, lambda: parts.make(ALICE, ".compute.one", size=1))
    refused(errno.EACCES, lambda: parts.remove(ROOT, COMPUTE))
    refused(errno.EPERM, lambda: parts.change(ROOT, COMPUTE, mode=0o700))


def test_partitions_are_kept(tmp_path: Path) -> None:
    kept = tmp_path / "partitions.json"
    parts = of(24, kept)
    made = parts.make(ALICE, "night", shape=(2, 2), mode=0o750, policy="rr")
    parts.make(ALICE, "day", size=3)
    parts.remove(ALICE, "day")
    assert of(24, kept).within(ALICE, "", deep=True) == [made]
    kept.write_text("[{")
    with pytest.raises(PartitionError, match="cannot be read"):
        of(24, kept)


@given(st.text(max_size=12))
def test_a_name_is_whole_or_none(name: str) -> None:
    try:
        whole = whole_name(name)
    except PartitionError:
        return
    assert whole.startswith(".")
    assert whole_name(whole) == whole
