"""Communicators of two groups: making them of what both sides know, messages, parts and unions."""

from __future__ import annotations

import numpy as np
import pytest

from vmpp_mpi import MPI
from vmpp_mpi._communicators._intercomm import commctx_inter

WORLD, NULL = MPI.COMM_WORLD, MPI.COMM_NULL

SIZES = [2, 3, 5, 8, 13]


def error_class(call):
    """Return the class of the error that *call* raises."""
    with pytest.raises(MPI.Exception) as error:
        call()
    return error.value.Get_error_class()


def halves(left=None):
    """Return the communicator of the ranks up to half of the world and the others."""
    low = WORLD.size // 2 if left is None else left
    below = WORLD.rank < low
    own = WORLD.Split(below)
    return own.Create_intercomm(0, WORLD, low if below else 0)


def everywhere(comm):
    """Return the own rank and size, and the size of the other group."""
    return comm.rank, comm.size, comm.remote_size


@pytest.mark.parametrize("size", SIZES)
def test_two_groups_meet_through_their_leaders(ranks, size):
    low = size // 2

    def program():
        comm = halves()
        assert type(comm) is MPI.Intercomm
        assert (comm.is_inter, comm.is_intra, comm.is_topo) == (True, False, False)
        assert comm.name == ""
        assert comm.group.size == comm.Get_size()
        assert comm.group.rank == comm.rank
        remote = comm.Get_remote_group()
        assert (remote.size, remote.rank) == (comm.Get_remote_size(), MPI.UNDEFINED)
        both = MPI.Group.Union(comm.group, remote)
        assert both.Compare(WORLD.group) in (MPI.IDENT, MPI.SIMILAR)
        assert MPI.Comm.fromhandle(comm.handle) == comm
        assert type(MPI.Comm.fromhandle(comm.handle)) is MPI.Intercomm
        found = everywhere(comm)
        comm.Free()
        assert comm == NULL
        return found

    below = [(rank, low, size - low) for rank in range(low)]
    assert ranks(size, program) == below + [(r, size - low, low) for r in range(size - low)]


def test_any_process_may_lead(ranks):
    def program():
        below = WORLD.rank < 2
        own = WORLD.Split(below)
        comm = own.Create_intercomm(1, WORLD, 3 if below else 1, tag=9)
        # Two at once, told apart by their tags.
        other = own.Create_intercomm(0, WORLD, 2 if below else 0, tag=10)
        assert comm.Compare(other) == MPI.CONGRUENT
        return everywhere(comm)

    assert ranks(5, program) == [(0, 2, 3), (1, 2, 3), (0, 3, 2), (1, 3, 2), (2, 3, 2)]


def test_leaders_there_are_not(ranks):
    def program():
        assert error_class(lambda: WORLD.Create_intercomm(2, WORLD, 0)) == MPI.ERR_RANK
        assert error_class(lambda: WORLD.Create_intercomm(-1, WORLD, 0)) == MPI.ERR_RANK
        leader = WORLD.rank
        assert error_class(lambda: WORLD.Create_intercomm(leader, WORLD, 2)) == MPI.ERR_RANK
        assert error_class(lambda: WORLD.Create_intercomm(leader, WORLD, MPI.PROC_NULL)) == (
            MPI.ERR_RANK
        )
        assert error_class(lambda: WORLD.Create_intercomm(leader, NULL, 1)) == MPI.ERR_COMM
        own = MPI.COMM_SELF
        assert error_class(lambda: own.Create_intercomm(0, WORLD, WORLD.rank)) == MPI.ERR_COMM

    ranks(2, program)


def test_classes_hold_what_they_say(ranks):
    def program():
        comm = halves()
        with pytest.raises(TypeError):
            MPI.Intracomm(comm)
        with pytest.raises(TypeError):
            MPI.Intercomm(WORLD)
        assert MPI.Comm(comm) == MPI.Intercomm(comm) == comm
        assert not MPI.Intercomm()
        assert not MPI.Intercomm(NULL)
        assert error_class(MPI.Intercomm().Get_remote_size) == MPI.ERR_COMM

    ranks(2, program)


@pytest.mark.parametrize("size", SIZES)
def test_messages_go_to_the_other_group_by_its_ranks(ranks, size):
    def program():
        comm = halves()
        status = MPI.Status()
        mine = 100 * (WORLD.rank < size // 2) + comm.rank
        requests = [comm.isend(mine, peer, tag=7) for peer in range(comm.remote_size)]
        got = []
        for _ in range(comm.remote_size):
            item = comm.recv(tag=7, status=status)
            assert item % 100 == status.source
            got.append(item)
        MPI.Request.Waitall(requests)
        theirs = 100 * (WORLD.rank >= size // 2)
        assert sorted(got) == [theirs + peer for peer in range(comm.remote_size)]

        long = np.arange(5000.0) + mine
        into = np.empty(5000)
        peer = comm.rank % comm.remote_size
        if comm.rank < comm.remote_size:
            comm.Sendrecv(long, peer, 1, into, peer, 1, status)
            assert into[0] == theirs + peer
            assert (status.source, status.tag, status.Get_count(MPI.DOUBLE)) == (peer, 1, 5000)

    ranks(size, program)


def test_all_modes_and_probes(ranks):
    def program():
        comm = halves()
        data = np.arange(10)
        if WORLD.rank == 0:
            MPI.Attach_buffer(bytearray(10000))
            comm.Send(data, 1)
            comm.Ssend(data, 1, tag=1)
            comm.Bsend(data, 1, tag=2)
            comm.recv(source=1)
            comm.Rsend(data, 1, tag=3)
            comm.Send_init(data, 1, tag=4).Start()
            assert MPI.Detach_buffer() is not None
            comm.send("to nobody", MPI.PROC_NULL)
            assert error_class(lambda: comm.send(None, 2)) == MPI.ERR_RANK
            assert error_class(lambda: comm.recv(source=2)) == MPI.ERR_RANK
        elif WORLD.rank == 2:
            into = np.zeros(10, int)
            status = MPI.Status()
            comm.Probe(status=status)
            assert status.source == 0
            comm.Mprobe(source=0, tag=0).Recv(into)
            comm.Recv(into, tag=1)
            comm.Recv(into, 0, 2)
            ready = comm.Irecv(np.zeros(10, int), 0, 3)
            comm.send(None, 0)
            ready.Wait()
            comm.Recv(into, 0, 4)
            assert (into == data).all()
            assert not comm.Iprobe()

    ranks(3, program)


def test_messages_do_not_mix_with_those_of_other_communicators(ranks):
    def program():
        comm = halves()
        again = comm.Dup()
        if WORLD.rank == 0:
            again.send("dup", 0)
            comm.send("first", 0)
            WORLD.send("world", 1)
            return None
        return comm.recv(), WORLD.recv(), again.recv()

    assert ranks(2, program)[1] == ("first", "world", "dup")


def test_comparing(ranks):
    def program():
        comm = halves()
        assert comm.Compare(comm) == MPI.IDENT
        assert comm.Compare(comm.Dup()) == MPI.CONGRUENT
        assert comm.Compare(WORLD) == WORLD.Compare(comm) == MPI.UNEQUAL
        lower = WORLD.rank < 3
        turned = WORLD.Split(lower, -WORLD.rank).Create_intercomm(1, WORLD, 4 if lower else 1)
        assert comm.Compare(turned) == MPI.SIMILAR
        assert comm.Compare(comm.Split(0 if comm.rank < 2 else 1)) == MPI.UNEQUAL

    ranks(6, program)


def test_a_duplicate_has_attributes_hints_and_error_handler(ranks):
    def program():
        comm = halves()
        key = MPI.Comm.Create_keyval(lambda comm, key, value: (comm.Is_inter(), value + 1))
        comm.Set_attr(key, 4)
        comm.Set_errhandler(MPI.ERRORS_ABORT)
        comm.Set_info(MPI.Info.Create({"a": "1"}))
        again = comm.Dup()
        assert type(again) is MPI.Intercomm
        assert again.Get_attr(key) == (True, 5)
        assert again.Get_errhandler() == MPI.ERRORS_ABORT
        assert again.info.get("a") == "1"
        assert comm.Dup(MPI.Info.Create({"a": "2"})).info.get("a") == "2"
        again.name = "again"
        assert (comm.name, again.name) == ("", "again")

    ranks(3, program)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("high", ["below", "above", "neither", "both"])
def test_merging(ranks, size, high):
    low = size // 2

    def program():
        comm = halves()
        below = WORLD.rank < low
        whole = comm.Merge(
            {"below": below, "above": not below, "neither": False, "both": True}[high]
        )
        assert type(whole) is MPI.Intracomm
        assert whole.allreduce(WORLD.rank) == sum(range(size))
        return whole.rank

    expected = list(range(size))
    if high == "below":
        expected = expected[size - low :] + expected[: size - low]
    assert ranks(size, program) == expected


def test_splitting_keeps_those_whose_colour_both_sides_have(ranks):
    def program():
        comm = halves(left=4)
        # Colours 0 and 1 below, 0 to 4 above: by rank, in turned order.
        colour = comm.rank % 2 if WORLD.rank < 4 else comm.rank
        part = comm.Split(colour, -comm.rank)
        if part == NULL:
            return None
        assert type(part) is MPI.Intercomm
        return everywhere(part)

    assert ranks(9, program) == [
        (1, 2, 1), (1, 2, 1), (0, 2, 1), (0, 2, 1), (0, 1, 2), (0, 1, 2), None, None, None,
    ]  # fmt: skip


def test_splitting_by_node(ranks):
    def program():
        comm = halves()
        assert comm.Split_type(MPI.UNDEFINED) == NULL
        shared = comm.Split_type(MPI.COMM_TYPE_SHARED)
        return None if shared == NULL else everywhere(shared)

    # Ranks 0 to 2 below and 3 to 5 above; node 1 has one of each.
    assert ranks(6, program, nodes=[0, 0, 1, 1, 2, 2]) == [
        None, None, (0, 1, 1), (0, 1, 1), None, None,
    ]  # fmt: skip


def test_parts_of_both_groups(ranks):
    def program():
        comm = halves()
        first = comm.Create(comm.group.Incl([0]))
        assert (first == NULL) == (comm.rank != 0)
        # One side has nobody to give.
        nobody = MPI.GROUP_EMPTY if WORLD.rank < 2 else comm.group
        assert comm.Create(nobody) == NULL
        # Nothing of what was not made is left in use.
        again = comm.Dup()
        again.Free()
        return None if first == NULL else everywhere(first)

    assert ranks(5, program) == [(0, 1, 1), None, (0, 1, 1), None, None]


@pytest.mark.parametrize("size", SIZES)
def test_of_groups_alone(ranks, size):
    def program():
        group = WORLD.group
        low, high = (
            group.Range_incl([(0, size // 2 - 1, 1)]),
            group.Range_incl([(size // 2, size - 1, 1)]),
        )
        last = high.size - 1
        below = WORLD.rank < size // 2
        sides = (low, 0, high, last) if below else (high, last, low, 0)
        comm = MPI.Intercomm.Create_from_groups(*sides, info=MPI.Info.Create({"k": "v"}))
        assert comm.info.get("k") == "v"
        assert comm.Compare(halves()) == MPI.CONGRUENT
        assert MPI.Intercomm.Create_from_groups(MPI.GROUP_EMPTY, 0, low, 0) == NULL
        assert error_class(
            lambda: MPI.Intercomm.Create_from_groups(MPI.COMM_SELF.group, 1, low, 0)
        ) == (MPI.ERR_RANK)
        return comm.rank

    assert ranks(size, program) == [*range(size // 2), *range(size - size // 2)]


def test_what_is_freed_is_free_for_others(ranks):
    def program():
        own = WORLD.Split(WORLD.rank)
        for _ in range(3000):
            comm = own.Create_intercomm(0, WORLD, 1 - WORLD.rank)
            comm.Disconnect()

    ranks(2, program)


def test_what_mpi4pys_modules_keep_beside_it(ranks):
    def program():
        comm = halves(left=1)
        beside, tag, local, low = commctx_inter(comm)
        assert beside.Compare(comm) == MPI.CONGRUENT
        assert local.group.Compare(comm.group) == MPI.IDENT
        assert commctx_inter(comm)[1] == tag + 1
        assert local.allreduce(1) == comm.size
        even = halves(left=2) if WORLD.size == 4 else comm
        return low, commctx_inter(even)[3]

    assert ranks(3, program) == [(True, True), (False, False), (False, False)]
    assert ranks(4, program) == [(True, True), (False, True), (False, False), (False, False)]


def test_a_deadlock_names_the_two_groups(ranks):
    def program():
        comm = halves()
        comm.recv(source=0)

    with pytest.raises(ranks.Deadlock) as deadlock:
        ranks(3, program)
    assert deadlock.value.waiting[0] == ("Recv(source=0, tag=ANY_TAG) on a communicator of 1 and 2")
