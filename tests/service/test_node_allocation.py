"""The allocation server by itself: nobody has a node twice, none is lost, and turns are kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.process.calls import Failed, encode
from vmpp.service import LaunchError, NodesBusyError, Places, requests
from vmpp.service.allocator import AllocationServer
from vmpp.service.nodebook import NodeBook
from vmpp.service.server import Caller, Later
from vmpp_alloc.first_free import FirstFree
from vmpp_queue import FirstComeFirstServed
from vmpp_topology import FullyConnected

SYSTEM = Caller(0, -1, 0)
NODES = 6


def first_free(nodes):
    """Return the policy that most machines have."""
    return FirstFree(Places(FullyConnected((nodes,)), range(nodes), lambda: 0.0))


class Nobody:
    """A machine of which there is nothing to tell."""

    def jobs(self):
        return []

    def nodes(self):
        return []

    def signal(self, caller, job, number):
        raise OSError(3, "nobody")


class Desk:
    """An allocation server, and what its customers know of it."""

    def __init__(self, nodes=NODES, policy=None):
        self.book = NodeBook(range(nodes), range(0), first_free(nodes), lambda nodes: None)
        self.server = AllocationServer(self.book, policy or FirstComeFirstServed(), Nobody(), 1000)
        self.granted: dict[int, list[int]] = {}
        self.refused: dict[int, str] = {}
        self.turns: list[int] = []

    def ask(self, call, caller=SYSTEM):
        reply = self.server.serve(caller, encode(call))
        return reply if isinstance(reply, Later) else requests.decode_reply(reply)

    def allocate(self, job, size, hosts=()):
        reply = self.ask(requests.Allocate(job, 0, size, dict(enumerate(hosts))))
        if isinstance(reply, requests.Queued):
            later = self.ask(requests.Await(job))
            later.promise(lambda text: self._note(job, requests.decode_reply(text)) or True)
        else:
            self._note(job, reply)
        return reply

    def _note(self, job, reply):
        if isinstance(reply, Failed):
            self.refused[job] = reply.text
        else:
            self.granted[job] = reply.nodes
            self.turns.append(job)

    def release(self, job):
        self.ask(requests.Release(job, self.granted.pop(job)))


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("allocate"), st.integers(1, NODES + 1), st.integers(0, 9)),
        st.tuples(st.just("release"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("withdraw"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("crash"), st.integers(0, NODES - 1), st.just(0)),
    ),
    max_size=40,
)


@given(ACTIONS)
def test_nodes_are_given_to_one_at_a_time_and_come_back(actions) -> None:
    desk = Desk()
    asked: dict[int, int] = {}
    withdrawn: set[int] = set()
    for what, number, more in actions:
        if what == "allocate":
            job = len(asked) + 1
            asked[job] = number
            # Some want certain nodes, which may not be there.
            desk.allocate(job, number, range(more, more + number) if more > 6 else ())
        elif what == "release" and desk.granted:
            desk.release(sorted(desk.granted)[number % len(desk.granted)])
        elif what == "withdraw" and asked:
            job = number % len(asked) + 1
            if job not in desk.granted and job not in desk.turns:
                withdrawn.add(job)
            desk.ask(requests.Withdraw(job))
        elif what == "crash":
            desk.server.lose(number)
        held = [node for nodes in desk.granted.values() for node in nodes]
        assert len(set(held)) == len(held)
        assert all(len(nodes) == asked[job] for job, nodes in desk.granted.items())
        assert set(desk.book.free) == set(range(NODES)) - set(held) - desk.book.crashed
        waiting = [each.job for each in desk.server.waiting]
        assert waiting == sorted(waiting)
        assert set(asked) == {*desk.turns, *desk.refused, *waiting}
        # Whoever waits cannot have what it wants: the head, for lack of nodes.
        if waiting:
            head = next(each for each in desk.server.waiting)
            wants = set(head.nodes)
            assert head.size > len(desk.book.free) or not wants <= set(desk.book.free)
        # No wish that can never be met waits.
        good = set(range(NODES)) - desk.book.crashed
        assert all(each.size <= len(good) and set(each.nodes) <= good
                   for each in desk.server.waiting)  # fmt: skip
    assert desk.turns == sorted(desk.turns)
    assert withdrawn.isdisjoint(desk.granted)


def test_a_policy_that_lets_all_wait_is_asked_again_when_nodes_come_back() -> None:
    answers = [None, None, 0, 0]

    class Moody:
        def choose(self, waiting, free):
            return answers.pop(0)

    desk = Desk(policy=Moody())
    desk.allocate(1, 2)
    desk.allocate(2, 2)
    assert desk.granted == {}
    desk.ask(requests.Release(99, []))
    assert desk.granted == {1: [0, 1], 2: [2, 3]}


class Raising:
    def choose(self, waiting, free):
        raise ZeroDivisionError("no turns")


class Beside:
    def choose(self, waiting, free):
        return len(waiting)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Raising(), "Raising.choose raised ZeroDivisionError: no turns; choose another queue"),
        (Beside(), "Beside.choose returned 1 for 1 jobs that wait; it may return the index of one"),
    ],
)
def test_a_queue_that_breaks_a_rule_refuses_the_job_and_loses_no_node(policy, words) -> None:
    desk = Desk()
    desk.server.policy = policy
    desk.allocate(1, 2)
    assert words in desk.refused[1]
    desk.server.policy = FirstComeFirstServed()
    assert desk.allocate(2, NODES).nodes == list(range(NODES))


def test_jobs_that_say_what_they_share_get_nodes_together() -> None:
    desk = Desk()
    desk.book.level = 2
    for job in (1, 2, 3):
        reply = desk.ask(requests.AllocateShared(job, 0, NODES, {}, "rr"))
        if job < 3:
            assert reply.nodes == list(range(NODES))
    assert reply.reason == "Resources"
    assert [desk.book.row_of(job) for job in (1, 2)] == [0, 1]


def test_fragmentation_is_a_reason_of_its_own() -> None:
    class Even:
        def choose(self, free, wanted):
            even = [node for node in free if node % 2 == 0]
            return even[:wanted] if len(even) >= wanted else None

    desk = Desk()
    desk.book.policy = Even()
    desk.allocate(1, 2)
    assert desk.allocate(2, 2).reason == "Fragmentation"
    assert desk.allocate(3, 1).reason == "Priority"
    desk.release(1)
    assert desk.granted[2] == [0, 2]


def test_an_answer_that_nobody_heard_is_kept_until_it_is_asked_for_again() -> None:
    desk = Desk()
    desk.allocate(1, NODES)
    desk.ask(requests.Allocate(2, 0, NODES, {}))
    # The server was stopped while it was waited for.
    desk.ask(requests.Await(2)).promise(lambda text: False)
    desk.release(1)
    assert desk.ask(requests.Await(2)).nodes == list(range(NODES))
    assert isinstance(desk.ask(requests.Await(2)), Failed)


def test_reasons_to_wait() -> None:
    desk = Desk()
    desk.allocate(1, NODES)
    assert desk.allocate(2, 1).reason == "Resources"
    assert desk.allocate(3, 1).reason == "Priority"
    assert (desk.server.reason(2), desk.server.reason(3)) == ("Resources", "Priority")
    desk.ask(requests.Withdraw(2))
    assert (desk.server.reason(2), desk.server.reason(3)) == ("", "Resources")


@given(st.binary(max_size=40), st.integers(0, 3))
def test_garbage_is_refused_and_harms_nobody(request: bytes, job: int) -> None:
    desk = Desk()
    reply = desk.server.serve(Caller(job, 0, 0), request)
    assert isinstance(reply, bytes)
    assert desk.allocate(1, NODES).nodes == list(range(NODES))


class TestTheBook:
    def book(self, nodes=4, spare=range(0)):
        booted: list[int] = []
        return NodeBook(range(nodes), spare, first_free(nodes), booted.extend), booted

    def test_spare_nodes_are_booted_for_who_may_have_them(self) -> None:
        book, booted = self.book(2, range(10, 14))
        with pytest.raises(LaunchError, match="3 wanted, 2 free"):
            book.allocate(1, 3, {})
        assert book.allocate(1, 3, {}, more=True) == (0, 1, 10)
        assert booted == [10]
        assert book.within_reach == 3
        with pytest.raises(NodesBusyError, match="4 wanted, 3 free"):
            book.allocate(2, 4, {}, more=True)

    def test_some_ranks_may_want_certain_nodes(self) -> None:
        book, _ = self.book()
        assert book.allocate(1, 3, {1: 0, 2: 3}) == (1, 0, 3)
        assert book.holders == {0: (1,), 1: (1,), 3: (1,)}
        with pytest.raises(NodesBusyError, match="taken: 0, 3"):
            book.allocate(2, 2, {0: 3, 1: 0})
        book.release(1)
        assert (list(book.free), book.holders) == ([0, 1, 2, 3], {})

    def test_what_has_crashed_does_not_come_back(self) -> None:
        book, _ = self.book()
        book.allocate(1, 2, {})
        book.lose(1)
        book.release(1)
        assert list(book.free) == [0, 2, 3]
        with pytest.raises(LaunchError, match="node 1: it has crashed"):
            book.allocate(2, 1, {0: 1})
