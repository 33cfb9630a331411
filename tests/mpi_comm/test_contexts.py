"""Agreeing on contexts, several agreements at a time; and duplicates that are made meanwhile."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_mpi import MPI
from vmpp_mpi._communicators._contexts import PAIRS, Contexts

WORLD = MPI.COMM_WORLD


def error_class(call):
    """Return the class of the error that *call* raises."""
    with pytest.raises(MPI.Exception) as error:
        call()
    return error.value.Get_error_class()


class Agreements:
    """Processes that take part in agreements, each of which goes on as a generator of rounds."""

    def __init__(self, processes, seed):
        self.contexts = [Contexts() for _ in range(processes)]
        self.random = Random(seed)

    def run(self, agreements):
        """Carry agreements out, given by their members, and return the context of each."""
        from greenlet import getcurrent, greenlet

        hub = getcurrent()
        rounds, found, parked = {}, {}, []

        def member(number, process):
            count = 0

            def meet(claim):
                nonlocal count
                met = rounds.setdefault((number, count), {})
                met[process] = claim
                count += 1
                while len(met) < len(agreements[number]):
                    parked.append(getcurrent())
                    hub.switch()
                common = -1
                for other in met.values():
                    common &= other
                return common

            def pause():
                parked.append(getcurrent())
                hub.switch()

            context = self.contexts[process].agree(meet, (number,), True, pause)
            found.setdefault(number, set()).add(context)

        ready = [
            greenlet(lambda n=number, p=process: member(n, p))
            for number, members in enumerate(agreements)
            for process in members
        ]
        for _ in range(100_000):
            ready += parked
            parked.clear()
            if not ready:
                break
            ready.pop(self.random.randrange(len(ready))).switch()
        assert not ready, "the agreements do not end"
        return [found[number] for number in range(len(agreements))]


@given(
    st.integers(1, 5).flatmap(
        lambda count: st.lists(
            st.sets(st.integers(0, count - 1), min_size=1).map(sorted), min_size=1, max_size=12
        )
    ),
    st.integers(0, 1000),
    st.data(),
)
def test_agreements_in_any_order_end_and_never_collide(agreements, seed, data):
    world = Agreements(5, seed)
    # Processes are in communicators already that others know nothing of.
    for contexts in world.contexts:
        for _ in range(data.draw(st.integers(0, 5))):
            contexts.take()
    results = world.run(agreements)
    taken = {}
    for members, contexts in zip(agreements, results, strict=True):
        (context,) = contexts
        for process in members:
            assert context not in taken.setdefault(process, set())
            taken[process].add(context)


def test_a_context_that_is_given_back_is_taken_again():
    world = Agreements(3, 0)
    first = world.run([[0, 1, 2]])
    for contexts in world.contexts:
        contexts.give_back(*first[0])
    assert world.run([[0, 1, 2]]) == first


def test_all_can_be_taken_and_no_more():
    contexts = Contexts()
    taken = {contexts.agree(lambda claim: claim, (1,), True, print) for _ in range(PAIRS - 3)}
    assert len(taken) == PAIRS - 3
    assert all(context % 2 == 0 and 6 <= context < 2 * PAIRS for context in taken)
    assert (
        error_class(lambda: contexts.agree(lambda claim: claim, (1,), True, print)) == MPI.ERR_OTHER
    )
    assert error_class(contexts.take) == MPI.ERR_OTHER
    contexts.give_back(100)
    assert contexts.take() == 100


def test_processes_that_have_nothing_free_in_common():
    one, other = Contexts(), Contexts()
    for context in range(6, 2 * PAIRS, 2):
        (one if context % 4 else other).take(context)
    world = Agreements(2, 0)
    world.contexts = [one, other]
    assert error_class(lambda: world.run([[0, 1]])) == MPI.ERR_OTHER


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_duplicate_that_is_made_meanwhile(ranks, size):
    def program():
        comm, request = WORLD.Idup()
        assert comm.size == size
        request.Wait()
        assert comm.Compare(WORLD) == MPI.CONGRUENT
        assert comm.allreduce(1) == size
        named, request = comm.Idup(MPI.Info.Create({"k": "v"}))
        request.wait()
        assert (named.info.get("k"), named.allreduce(1)) == ("v", size)
        named, request = comm.Idup_with_info(MPI.Info.Create({"k": "w"}))
        request.Wait()
        assert named.info.get("k") == "w"
        named.Free()
        comm.Free()

    ranks(size, program)


def test_several_at_once_in_any_order(ranks):
    def program():
        halves = WORLD.Split(WORLD.rank % 2)
        parents = [WORLD, WORLD, halves, halves, WORLD]
        # Operations of one communicator are in the same order everywhere, others need not be.
        order = [0, 2, 1, 3, 4] if WORLD.rank < 2 else [2, 0, 3, 1, 4]
        begun = {}
        for place in order:
            begun[place] = parents[place].Idup()
        again = WORLD.Dup()
        MPI.Request.Waitall([begun[place][1] for place in reversed(range(5))])
        made = [begun[place][0] for place in range(5)]
        for comm, parent in zip([*made, again], [*parents, WORLD], strict=True):
            comm.isend((WORLD.rank, parents.index(parent)), comm.rank)
        for comm, parent in zip([*made, again], [*parents, WORLD], strict=True):
            assert comm.recv() == (WORLD.rank, parents.index(parent))
            assert comm.allreduce(1) == parent.size

    for seed in range(10):
        ranks(5, program, seed=seed)


def test_of_two_groups(ranks):
    def program():
        below = WORLD.rank < 2
        comm = WORLD.Split(below).Create_intercomm(0, WORLD, 2 if below else 0)
        begun = [comm.Idup(), WORLD.Idup(), comm.Idup()]
        assert begun[0][0].is_inter
        MPI.Request.Waitall([request for _, request in begun])
        for again, _ in begun[::2]:
            assert type(again) is MPI.Intercomm
            assert again.Compare(comm) == MPI.CONGRUENT
            assert again.Merge(not below).size == 5
            if again.rank == 0:
                assert again.sendrecv(below, 0, source=0) == (not below)
            again.Dup().Free()
            again.Free()

    ranks(5, program)


def test_what_is_not_made_yet_cannot_be_used(ranks):
    def program():
        if WORLD.rank == 1:
            WORLD.recv()
        comm, request = WORLD.Idup()
        if WORLD.rank == 0:
            assert error_class(lambda: comm.send(1, 0)) == MPI.ERR_COMM
            assert error_class(comm.barrier) == MPI.ERR_COMM
            WORLD.send(None, 1)
        request.Wait()
        comm.barrier()

    ranks(2, program)


def test_attributes_are_copied_at_the_call(ranks):
    def program():
        comm = WORLD.Dup()
        key = MPI.Comm.Create_keyval(lambda comm, key, value: value + 1)
        comm.Set_attr(key, 1)
        again, request = comm.Idup()
        comm.Set_attr(key, 5)
        request.Wait()
        assert again.Get_attr(key) == 2

    ranks(2, program)
