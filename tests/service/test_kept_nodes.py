"""The book of nodes when some are kept, or sublet to jobs that others have started there."""

from __future__ import annotations

import pytest

from vmpp.service import LaunchError, NodesBusyError
from vmpp.service.nodebook import NodeBook
from vmpp.service.rectangles import ANYWHERE, Site

COLUMNS = 4


class Lowest:
    """The lowest free nodes."""

    def choose(self, free, wanted):
        return free[:wanted]


def book(nodes: int = 12, level: int = 2) -> NodeBook:
    """Return the book of a mesh of four columns."""
    return NodeBook(
        range(nodes),
        range(0),
        Lowest(),
        lambda fresh: None,
        level=level,
        coordinates=lambda node: (node % COLUMNS, node // COLUMNS),
    )


def test_a_job_at_a_site_has_nodes_of_that_alone() -> None:
    made = book()
    site = Site(within=(5, 7, 9))
    assert made.allocate(1, 2, {}, site=site) == (5, 7)
    with pytest.raises(NodesBusyError, match="1 free in the partition"):
        made.allocate(2, 2, {}, site=site)
    made.check(3, {}, site)
    with pytest.raises(LaunchError, match="4 wanted, 3 in the partition"):
        made.check(4, {}, site)
    with pytest.raises(LaunchError, match="node 1 is not in the partition"):
        made.check(1, {0: 1}, site)


def test_a_job_on_a_rectangle_waits_until_there_is_one() -> None:
    made = book()
    assert made.allocate(1, 4, {}, site=Site(shape=(2, 2))) == (0, 1, 4, 5)
    assert made.allocate(2, 4, {}, site=Site(shape=(2, 2))) == (2, 3, 6, 7)
    with pytest.raises(NodesBusyError, match="no place for 4 among the 4 nodes"):
        made.allocate(3, 4, {}, site=Site(shape=(2, 2)))
    made.release(1)
    assert made.allocate(3, 6, {}, site=Site(shape=(3, 2), corner=0)) == (0, 1, 4, 5, 8, 9)
    with pytest.raises(LaunchError, match="no 4 x 1 rectangle"):
        made.check(4, {}, Site(shape=(4, 1)))


def test_nodes_that_are_kept_are_nobodys_until_they_are_sublet() -> None:
    made = book(4)
    assert made.reserve(1, 3, {}, share="", site=ANYWHERE) == (0, 1, 2)
    assert made.free == [3]
    made.sublet(1, 2, (2, 0), shared=False)
    assert made.leases[2].nodes == (2, 0)
    with pytest.raises(NodesBusyError, match="node 0 has no room"):
        made.sublet(1, 3, (1, 0), shared=False)
    made.release(2)
    made.sublet(1, 3, (1, 0), shared=False)
    made.release(1)
    assert made.free == [2, 3]
    made.release(3)
    assert made.free == [0, 1, 2, 3]
    assert not made.kept(1)


def test_nodes_that_several_jobs_can_have_are_sublet_up_to_the_level() -> None:
    made = book(4, level=2)
    made.allocate(1, 2, {}, share="rr")
    made.sublet(1, 2, (1,), shared=True)
    assert made.row_of(2) == 1
    with pytest.raises(NodesBusyError):
        made.sublet(1, 3, (0, 1), shared=True)
    made.sublet(1, 3, (0,), shared=True)


def test_a_node_that_takes_one_job_is_not_sublet_by_the_job_that_has_it() -> None:
    made = book(4)
    made.allocate(1, 2, {})
    with pytest.raises(NodesBusyError):
        made.sublet(1, 2, (1,), shared=False)
