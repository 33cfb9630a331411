"""Partitioned messages: buffers that leave, and arrive, piece by piece (MPI 4.1, chapter 4)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmpp_mpi import MPI
from vmpp_mpi._requests._partitioned import MOST_MESSAGES, Groups

WORLD = MPI.COMM_WORLD


def error_of(call) -> int:
    with pytest.raises(MPI.Exception) as error:
        call()
    return error.value.Get_error_class()


@pytest.mark.parametrize("theirs", [1, 2, 3, 4, 6, 12])
@pytest.mark.parametrize("ours", [1, 2, 3, 4, 6, 12])
def test_both_ends_may_divide_the_buffer_differently(ranks, ours, theirs):
    def program():
        if WORLD.rank == 0:
            data = np.arange(12, dtype="i4")
            request = WORLD.Psend_init(data, ours, 1, 5)
            for round_ in range(3):
                data += 100 * round_
                request.Start()
                for partition in reversed(range(ours)):
                    request.Pready(partition)
                request.Wait()
        else:
            data = np.zeros(12, dtype="i4")
            request = WORLD.Precv_init(data, theirs, 0, 5)
            status = MPI.Status()
            for round_ in range(3):
                request.Start()
                for partition in range(theirs):
                    while not request.Parrived(partition):
                        pass
                    size = 12 // theirs
                    here = data[partition * size : (partition + 1) * size]
                    first = partition * size + sum(100 * each for each in range(round_ + 1))
                    assert here.tolist() == list(range(first, first + size))
                request.Wait(status)
                assert (status.source, status.tag, status.count) == (0, 5, 48)
        request.Free()
        assert request == MPI.REQUEST_NULL

    ranks(2, program)


def test_a_partition_arrives_when_it_was_ready_and_no_sooner(ranks):
    def program():
        sent, received = np.arange(8.0), np.zeros(8)
        sending = WORLD.Psend_init(sent, 4, 0, 1)
        receiving = WORLD.Precv_init(received, 2, 0, 1)
        receiving.Start()
        assert not receiving.Parrived(0)
        sending.Start()
        sending.Pready_list([0, 2])
        assert not receiving.Parrived(0)
        assert not receiving.Parrived(1)
        sending.Pready(1)
        assert receiving.Parrived(0)
        assert not receiving.Parrived(1)
        assert not receiving.Test()
        assert not sending.Test()
        assert received.tolist() == [0, 1, 2, 3, *received[4:]]
        sending.Pready(3)
        MPI.Request.Waitall([sending, receiving])
        assert received.tolist() == sent.tolist()
        assert receiving.Parrived(1)
        assert sending
        assert receiving
        MPI.Prequest.Startall([sending, receiving])
        sending.Pready_range(0, 3)
        MPI.Request.Waitall([sending, receiving])

    ranks(1, program)


def test_messages_match_in_the_order_in_which_they_are_made(ranks):
    def program():
        if WORLD.rank == 0:
            requests = [WORLD.Psend_init(bytes([n] * 2), 2, 1, n % 2) for n in range(4)]
        else:
            rooms = [bytearray(2) for _ in range(4)]
            order = [1, 0, 3, 2]
            requests = [WORLD.Precv_init(rooms[n], 1, 0, n % 2) for n in order]
        MPI.Prequest.Startall(requests)
        if WORLD.rank == 0:
            for request in reversed(requests):
                request.Pready_range(0, 1)
        MPI.Request.Waitall(requests)
        if WORLD.rank == 1:
            assert rooms == [bytes([n] * 2) for n in range(4)]

    ranks(2, program)


def test_they_keep_out_of_the_way_of_other_messages(ranks):
    def program():
        peer = 1 - WORLD.rank
        room = bytearray(3)
        receiving = WORLD.Precv_init(room, 3, peer, tag=7)
        sending = WORLD.Psend_init(b"abc", 3, peer, 7)
        MPI.Prequest.Startall([receiving, sending])
        sending.Pready_range(0, 2)
        WORLD.Barrier()
        assert not WORLD.iprobe()
        WORLD.Barrier()
        assert WORLD.sendrecv("other", peer, 7, source=MPI.ANY_SOURCE, recvtag=7) == "other"
        assert WORLD.allreduce(1) == 2
        MPI.Request.Waitall([receiving, sending])
        assert room == b"abc"

    ranks(2, program)


def test_very_many_partitions_share_messages(ranks):
    count = 3 * MOST_MESSAGES + 5

    def program():
        data, room = np.arange(count, dtype="i4"), np.zeros(count, dtype="i4")
        sending = WORLD.Psend_init(data, count, 0, 0)
        receiving = WORLD.Precv_init(room, 1, 0, 0)
        MPI.Prequest.Startall([receiving, sending])
        sending.Pready_range(0, count - 1)
        MPI.Request.Waitall([receiving, sending])
        assert (room == data).all()

    ranks(1, program)
    assert ranks.world.sent <= MOST_MESSAGES + 1


def test_long_partitions_wait_for_their_receiver(ranks):
    def program():
        size = 5000
        if WORLD.rank == 0:
            request = WORLD.Psend_init(np.arange(2 * size), 2, 1)
            request.Start()
            request.Pready_range(0, 1)
            request.Wait()
        else:
            room = np.zeros(2 * size, dtype=int)
            request = WORLD.Precv_init(room, 2, 0, 0)
            request.Start()
            request.Wait()
            assert (room == np.arange(2 * size)).all()

    ranks(2, program)


def test_a_buffer_that_is_too_short_is_an_error_at_the_end(ranks):
    def program():
        room = bytearray(b"????")
        sending = WORLD.Psend_init(b"12345678", 2, 0)
        receiving = WORLD.Precv_init(room, 2, 0, 0)
        MPI.Prequest.Startall([sending, receiving])
        sending.Pready_range(0, 1)
        assert error_of(receiving.Wait) == MPI.ERR_TRUNCATE
        sending.Wait()
        assert room == b"????"

    ranks(1, program)


def test_nobody_sends_and_receives_at_once(ranks):
    def program():
        sending = WORLD.Psend_init(b"12", 2, MPI.PROC_NULL)
        receiving = WORLD.Precv_init(bytearray(2), 2, MPI.PROC_NULL, 0)
        MPI.Prequest.Startall([sending, receiving])
        assert not sending.Test()
        sending.Pready_range(0, 1)
        assert receiving.Parrived(1)
        status = MPI.Status()
        sending.Wait()
        receiving.Wait(status)
        assert status.source == MPI.PROC_NULL

    ranks(1, program)


def test_mistakes_are_errors_of_their_class(ranks):
    def program():
        room = bytearray(2)
        sending = WORLD.Psend_init(b"12", 2, 0)
        receiving = WORLD.Precv_init(room, 2, 0, 0)
        plain = WORLD.Send_init(b"12", 0)
        assert error_of(lambda: sending.Pready(0)) == MPI.ERR_REQUEST
        MPI.Prequest.Startall([sending, receiving])
        assert error_of(sending.Start) == MPI.ERR_REQUEST
        for partition in (-1, 2):
            assert error_of(lambda number=partition: sending.Pready(number)) == MPI.ERR_ARG
            assert error_of(lambda number=partition: receiving.Parrived(number)) == MPI.ERR_ARG
        sending.Pready(0)
        assert error_of(lambda: sending.Pready(0)) == MPI.ERR_ARG
        for request in (receiving, plain, MPI.Prequest()):
            assert error_of(lambda wrong=request: wrong.Pready(1)) == MPI.ERR_REQUEST
        for request in (sending, plain, MPI.Prequest()):
            assert error_of(lambda wrong=request: wrong.Parrived(1)) == MPI.ERR_REQUEST
        assert error_of(receiving.Cancel) == MPI.ERR_REQUEST
        sending.Pready(1)
        MPI.Request.Waitall([sending, receiving])
        for source, tag, expected in (
            (MPI.ANY_SOURCE, 0, MPI.ERR_RANK),
            (0, MPI.ANY_TAG, MPI.ERR_TAG),
            (1, 0, MPI.ERR_RANK),
        ):
            assert error_of(lambda s=source, t=tag: WORLD.Precv_init(room, 2, s, t)) == expected
        assert error_of(lambda: WORLD.Psend_init(b"", 0, 0)) == MPI.ERR_ARG
        with pytest.raises(ValueError, match="multiple"):
            WORLD.Psend_init(b"123", 2, 0)

    ranks(1, program)


def test_a_receive_that_is_freed_expects_nothing(ranks):
    def program():
        WORLD.Precv_init(bytearray(2), 2, 0, 1).Free()
        receiving = WORLD.Precv_init(bytearray(2), 2, 0, 2)
        receiving.Start()
        assert not receiving.Test()
        sending = WORLD.Psend_init(b"12", 2, 0, 2)
        sending.Start()
        sending.Pready_range(0, 1)
        MPI.Request.Waitall([sending, receiving])

    ranks(1, program)


@given(st.integers(1, 4 * MOST_MESSAGES), st.integers(1, 4 * MOST_MESSAGES), st.integers(0, 4))
@settings(deadline=None)
def test_groups_cover_every_partition_of_both_ends(theirs, ours, item):
    nbytes = theirs * ours * item
    groups = Groups(theirs, nbytes)
    assert groups.count <= MOST_MESSAGES
    partitions = [each for number in range(groups.count) for each in groups.members(number)]
    assert partitions == list(range(theirs))
    stretches = [groups.stretch(number) for number in range(groups.count)]
    assert [each.start for each in stretches[1:]] == [each.stop for each in stretches[:-1]]
    assert (stretches[0].start, stretches[-1].stop) == (0, nbytes)
    for partition in {0, ours // 2, ours - 1}:
        under = groups.under(partition, ours)
        first, last = groups.stretch(under[0]), groups.stretch(under[-1])
        size = nbytes // ours
        assert first.start <= partition * size
        assert last.stop >= (partition + 1) * size
        if item:
            assert first.stop > partition * size
            assert last.start < (partition + 1) * size


def test_partitions_of_a_derived_datatype_go_where_they_belong(ranks):
    def program():
        column = MPI.DOUBLE.Create_vector(4, 1, 6).Create_resized(0, 8).Commit()
        matrix = np.arange(24.0).reshape(4, 6)
        room = np.zeros((4, 6))
        sending = WORLD.Psend_init([matrix, 2, column], 3, 0)
        receiving = WORLD.Precv_init([room, 3, column], 2, 0, 0)
        MPI.Prequest.Startall([receiving, sending])
        sending.Pready_list([0, 2])
        assert not receiving.Parrived(0)
        sending.Pready(1)
        while not receiving.Parrived(0):
            pass
        assert (room[:, :3] == matrix[:, :3]).all()
        room[:, :3] = -1  # what has arrived is the program's, before all has
        MPI.Request.Waitall([sending, receiving])
        assert (room[:, :3] == -1).all()
        assert (room[:, 3:] == matrix[:, 3:]).all()

    ranks(1, program)
