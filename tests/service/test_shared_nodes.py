"""The book of nodes when jobs share some, hold more than they use, or find no place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.service import LaunchError, NodesBusyError
from vmpp.service.errors import FragmentedError
from vmpp.service.nodebook import Fragmentation, NodeBook

LEVEL = 3
NODES = 8


class Lowest:
    """The lowest free nodes."""

    def choose(self, free, wanted):
        return free[:wanted]


class Pairs:
    """Nodes by twos, 0 and 1, 2 and 3 and so on."""

    def choose(self, free, wanted):
        pairs = [(node, node + 1) for node in free if node % 2 == 0 and node + 1 in free]
        found = [node for pair in pairs[: (wanted + 1) // 2] for node in pair]
        return found if len(found) >= wanted else None


class Runs:
    """Nodes whose numbers follow on each other."""

    def choose(self, free, wanted):
        for first in free:
            if set(range(first, first + wanted)) <= set(free):
                return range(first, first + wanted)
        return None


def book(policy=None, nodes=NODES, spare=range(0), level=LEVEL, **options):
    booted = []
    made = NodeBook(range(nodes), spare, policy or Lowest(), booted.extend, level=level, **options)
    return made, booted


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("allocate"), st.integers(1, NODES), st.sampled_from(["", "rr", "gang"])),
        st.tuples(st.just("release"), st.integers(0, 99), st.just("")),
        st.tuples(st.just("crash"), st.integers(0, NODES - 1), st.just("")),
    ),
    max_size=40,
)


@given(ACTIONS, st.sampled_from([Lowest, Pairs, Runs]))
def test_jobs_share_nodes_with_their_like_alone_each_in_one_row(actions, policy) -> None:
    made, _ = book(policy())
    shares: dict[int, str] = {}
    for number, (what, amount, share) in enumerate(actions, 1):
        if what == "allocate":
            try:
                nodes = made.allocate(number, amount, {}, share=share)
            except LaunchError:
                continue
            shares[number] = share
            assert len(set(nodes)) == amount
            assert made.crashed.isdisjoint(nodes)
        elif what == "release" and shares:
            job = sorted(shares)[amount % len(shares)]
            made.release(job)
            del shares[job]
        elif what == "crash":
            made.lose(amount)
        assert set(made.leases) == set(shares)
        slots = [
            (made.row_of(job), node)
            for job, lease in made.leases.items()
            for node in (*lease.nodes, *lease.held)
        ]
        assert len(set(slots)) == len(slots)
        assert all(row < LEVEL for row, _ in slots)
        for node, jobs in made.holders.items():
            assert [made.row_of(job) for job in jobs] == sorted(map(made.row_of, jobs))
            assert len({shares[job] for job in jobs}) == 1
            assert len(jobs) == 1 or shares[jobs[0]]
            assert node not in made.free
        assert set(made.free) == set(range(NODES)) - set(made.holders) - made.crashed


def test_a_job_lies_in_the_first_row_that_has_a_place_for_it() -> None:
    made, _ = book()
    assert made.allocate(1, 5, {}, share="rr") == (0, 1, 2, 3, 4)
    assert made.allocate(2, 3, {}, share="rr") == (5, 6, 7)
    assert made.allocate(3, 6, {}, share="rr") == (0, 1, 2, 3, 4, 5)
    assert made.allocate(4, 2, {}, share="rr") == (6, 7)
    assert [made.row_of(job) for job in (1, 2, 3, 4)] == [0, 0, 1, 1]
    assert made.holders[0] == (1, 3)
    # What another leaves in row 0 is taken before a third row is begun.
    made.release(1)
    assert made.allocate(5, 4, {}, share="rr") == (0, 1, 2, 3)
    assert (made.row_of(5), made.holders[0]) == (0, (5, 3))
    assert made.allocate(6, 8, {}, share="rr") == tuple(range(8))
    assert made.row_of(6) == 2
    with pytest.raises(NodesBusyError, match="nodes are lacking: 2 wanted, 0 free"):
        made.allocate(7, 2, {}, share="rr")


def test_who_shares_with_nobody_waits_for_nodes_of_its_own() -> None:
    made, _ = book()
    made.allocate(1, 6, {}, share="rr")
    for share in ("", "rr:2ms"):
        with pytest.raises(NodesBusyError, match="3 wanted, 2 free"):
            made.allocate(2, 3, {}, share=share)
    assert made.allocate(3, 2, {}) == (6, 7)
    with pytest.raises(NodesBusyError):
        made.allocate(4, 7, {}, share="rr")


def test_nodes_asked_for_by_number_are_shared_in_a_row_where_all_are_free() -> None:
    made, _ = book(level=2)
    made.allocate(1, 2, {0: 3, 1: 4}, share="rr")
    assert made.allocate(2, 2, {0: 4, 1: 5}, share="rr") == (4, 5)
    assert made.row_of(2) == 1
    with pytest.raises(NodesBusyError, match="taken: 4"):
        made.allocate(3, 1, {0: 4}, share="rr")


def test_what_a_job_holds_besides_comes_back_with_it() -> None:
    made, _ = book(Pairs())
    assert made.allocate(1, 3, {}) == (0, 1, 2)
    assert (made.leases[1].held, made.holders[3]) == ((3,), (1,))
    assert made.fragmentation == Fragmentation(held=1, waited=0)
    assert list(made.free) == [4, 5, 6, 7]
    made.release(1)
    assert made.fragmentation.held == 0
    assert (list(made.free), made.holders) == (list(range(8)), {})


def test_a_node_that_is_only_held_may_crash() -> None:
    made, _ = book(Pairs())
    made.allocate(1, 3, {})
    made.lose(3)
    made.release(1)
    assert list(made.free) == [0, 1, 2, 4, 5, 6, 7]


def test_a_job_that_finds_no_place_among_enough_free_nodes_waits() -> None:
    made, _ = book(Runs())
    for job in range(1, 5):
        made.allocate(job, 2, {})
    made.release(1)
    made.release(3)
    with pytest.raises(FragmentedError, match="no place for 3 among the 4 nodes that are free"):
        made.allocate(5, 3, {})
    with pytest.raises(FragmentedError):
        made.allocate(5, 3, {})
    assert made.fragmentation == Fragmentation(held=0, waited=1)
    made.release(2)
    assert made.allocate(5, 3, {}) == (0, 1, 2)


def test_a_job_that_would_find_no_place_on_the_empty_machine_is_refused() -> None:
    made, _ = book(Pairs(), nodes=5)
    made.allocate(1, 1, {})
    with pytest.raises(LaunchError, match="Pairs has no place for a job on 5 nodes even if all 5"):
        made.allocate(2, 5, {})
    # As if nobody had asked.
    assert made.allocate(3, 2, {}) == (2, 3)


def test_a_crash_may_be_why_there_is_no_place_any_more() -> None:
    made, _ = book(Runs())
    made.allocate(1, 8, {})
    with pytest.raises(NodesBusyError):
        made.allocate(2, 5, {})
    made.lose(4)
    with pytest.raises(LaunchError, match="even if all 7 are free"):
        made.allocate(2, 5, {})


@pytest.mark.parametrize(("makes_room", "more"), [(True, False), (False, True)])
def test_room_is_made_with_no_more_nodes_than_it_takes(makes_room, more) -> None:
    made, booted = book(Runs(), nodes=4, spare=range(6, 40), makes_room=makes_room)
    made.lose(1)
    assert made.allocate(1, 3, {}, more=more) == (6, 7, 8)
    assert booted == [6, 7, 8]
    assert list(made.free) == [0, 2, 3]


def test_room_is_not_made_for_whoever_is_to_do_with_the_nodes_that_there_are() -> None:
    made, booted = book(Runs(), nodes=4, spare=range(6, 40))
    made.lose(1)
    with pytest.raises(LaunchError, match="no place for a job on 3 nodes even if all 3 are free"):
        made.allocate(1, 3, {})
    assert booted == []


def test_the_policy_of_the_moment_decides_what_has_a_place() -> None:
    made, _ = book(Pairs(), nodes=5)
    with pytest.raises(LaunchError):
        made.allocate(1, 5, {})
    made.policy = Lowest()
    assert made.allocate(1, 5, {}) == (0, 1, 2, 3, 4)
