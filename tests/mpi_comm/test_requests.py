"""Requests: waiting for and testing one or many, cancelling, and beginning again."""

from __future__ import annotations

import numpy as np
import pytest

from vmpp_mpi import MPI

WORLD = MPI.COMM_WORLD
NULL = MPI.REQUEST_NULL
Request = MPI.Request


def told(status):
    return status.source, status.tag, status.error, status.count, status.cancelled


EMPTY = (MPI.ANY_SOURCE, MPI.ANY_TAG, MPI.SUCCESS, 0, False)


def test_a_request_is_null_once_it_is_complete(ranks):
    def program():
        sending, receiving = WORLD.isend("x", 0, 3), WORLD.irecv(source=0, tag=3)
        assert sending
        assert receiving != NULL
        status = MPI.Status()
        assert receiving.wait(status) == "x"
        assert told(status)[:2] == (0, 3)
        assert sending.Wait(status) is True
        assert told(status) == EMPTY
        assert sending == receiving == NULL == Request()
        assert not sending

    ranks(1, program)


def test_a_test_says_whether_the_message_is_there(ranks):
    def program():
        if WORLD.rank == 0:
            WORLD.Barrier()
            WORLD.send("late", 1)
            return
        request = WORLD.irecv(source=0)
        assert request.test() == (False, None)
        assert not request.Get_status()
        assert request
        WORLD.Barrier()
        while not request.get_status():
            pass
        assert request.test() == (True, "late")
        assert request.test() == (True, None)

    ranks(2, program)


def test_null_requests_are_complete(ranks):
    def program():
        status = MPI.Status()
        assert NULL.Wait(status) is True
        assert told(status) == EMPTY
        assert NULL.wait() is None
        assert NULL.Test() is True
        assert NULL.test() == (True, None)
        assert NULL.Get_status() is True
        for requests in ([], [NULL], [Request(), NULL]):
            empty = [None] * len(requests)
            assert Request.Waitany(requests) == MPI.UNDEFINED
            assert Request.waitany(requests) == (MPI.UNDEFINED, None)
            assert Request.Testany(requests) == (MPI.UNDEFINED, True)
            assert Request.testany(requests) == (MPI.UNDEFINED, True, None)
            assert Request.Get_status_any(requests) == (MPI.UNDEFINED, True)
            assert Request.Waitall(requests) is True
            assert Request.waitall(requests) == empty
            assert Request.Testall(requests) is True
            assert Request.testall(requests) == (True, empty)
            assert Request.Get_status_all(requests) is True
            assert Request.Waitsome(requests) is None
            assert Request.waitsome(requests) == (None, None)
            assert Request.Testsome(requests) is None
            assert Request.testsome(requests) == (None, None)
            assert Request.get_status_some(requests) is None
        for call in (NULL.Cancel, NULL.Free):
            with pytest.raises(MPI.Exception) as error:
                call()
            assert error.value.Get_error_class() == MPI.ERR_REQUEST
        NULL.free()
        with pytest.raises(TypeError):
            Request.Waitall([1])

    ranks(1, program)


def test_waiting_for_any_some_and_all(ranks):
    def program():
        if WORLD.rank:
            for step in range(4):
                WORLD.recv(source=0)
                WORLD.send((WORLD.rank, step), 0, step)
            return
        start = [lambda peer=peer: WORLD.send(None, peer) for peer in (1, 2, 3)]

        requests = [WORLD.irecv(source=peer, tag=0) for peer in (1, 2, 3)]
        start[1]()
        status = MPI.Status()
        assert Request.waitany(requests, status) == (1, (2, 0))
        assert (status.source, requests[1]) == (2, NULL)
        assert Request.testany(requests) == (MPI.UNDEFINED, False, None)
        start[0]()
        start[2]()
        assert Request.Waitany(requests) in (0, 2)
        assert Request.waitall(requests)[1] is None
        assert requests == [NULL] * 3

        requests = [NULL, *(WORLD.irecv(source=peer, tag=1) for peer in (1, 2, 3))]
        start[0]()
        start[2]()
        found, statuses = {}, []
        while len(found) < 2:
            places, things = Request.waitsome(requests, statuses)
            assert [status.source for status in statuses[: len(places)]] == places
            found.update(zip(places, things, strict=True))
        assert found == {1: (1, 1), 3: (3, 1)}
        assert Request.testsome(requests) == ([], [])
        assert Request.testall(requests) == (False, None)
        assert Request.Get_status_some(requests) == []
        start[1]()
        while not Request.Get_status_all(requests):
            pass
        assert Request.get_status_any(requests) == (2, True)
        assert Request.Get_status_some(requests) == [2]
        assert Request.testall(requests) == (True, [None, None, (2, 1), None])

        requests = [WORLD.irecv(source=peer, tag=2) for peer in (1, 2, 3)]
        for begin in start:
            begin()
        statuses = []
        assert Request.waitall(requests, statuses) == [(1, 2), (2, 2), (3, 2)]
        assert [status.source for status in statuses] == [1, 2, 3]

        buffers = [np.zeros(0, "B")] * 3
        for begin in start:
            begin()
        assert [WORLD.recv(source=peer, tag=3) for peer in (1, 2, 3)]
        assert Request.Waitall([WORLD.Isend(buffers[0], MPI.PROC_NULL)]) is True

    ranks(4, program)


def test_an_error_among_many_is_told_by_its_status(ranks):
    def program():
        requests = [
            WORLD.Isend(np.zeros(4), 0, 1),
            WORLD.Irecv(np.zeros(2), 0, 1),
            WORLD.Isend(np.zeros(2), 0, 2),
            WORLD.Irecv(np.zeros(2), 0, 2),
        ]
        statuses = [MPI.Status()]
        with pytest.raises(MPI.Exception) as error:
            Request.Waitall(requests, statuses)
        assert error.value.Get_error_class() == MPI.ERR_IN_STATUS
        assert [status.error for status in statuses] == [0, MPI.ERR_TRUNCATE, 0, 0]
        assert requests == [NULL] * 4

    ranks(1, program)


def test_statuses_may_be_a_tuple_of_any_length(ranks):
    def program():
        for count in range(3):
            statuses = tuple(MPI.Status() for _ in range(count))
            requests = [WORLD.irecv(source=0, tag=4), WORLD.isend("x", 0, 4)]
            assert Request.waitall(requests, statuses) == ["x", None]
            assert [status.tag for status in statuses[:1]] == [4] * min(count, 1)

    ranks(1, program)


def test_a_receive_can_be_cancelled(ranks):
    def program():
        status = MPI.Status()
        request = WORLD.Irecv(np.zeros(1), 0, 77)
        request.Cancel()
        request.Wait(status)
        assert status.Is_cancelled()
        request = WORLD.irecv()
        request.cancel()
        assert request.wait(status) is None
        assert status.cancelled
        WORLD.send("x", 0)
        request = WORLD.irecv()
        request.cancel()  # too late: it has been matched
        assert request.wait(status) == "x"
        assert not status.cancelled

    ranks(1, program)


def test_a_freed_request_takes_its_course(ranks):
    def program():
        if WORLD.rank == 0:
            request = WORLD.Issend(np.ones(3), 1)
            request.Free()
            assert request == NULL
            return
        found = np.zeros(3)
        WORLD.Recv(found)
        assert found.all()

    ranks(2, program)


def test_persistent_requests_are_begun_again_and_again(ranks):
    def program():
        rank, size = WORLD.rank, WORLD.size
        own, found = np.zeros(3), np.zeros(3)
        requests = [
            WORLD.Send_init(own, (rank + 1) % size, 5),
            WORLD.Recv_init(found, (rank - 1) % size, 5),
        ]
        assert all(type(request) is MPI.Prequest for request in requests)
        assert Request.Waitany(requests) == MPI.UNDEFINED
        for step in range(3):
            own[:] = step * 10 + rank
            MPI.Prequest.Startall(requests)
            Request.Waitall(requests)
            assert (found == step * 10 + (rank - 1) % size).all()
            assert NULL not in requests
        requests[1].Start()
        with pytest.raises(MPI.Exception) as error:
            requests[1].Start()
        assert error.value.Get_error_class() == MPI.ERR_REQUEST
        requests[1].Cancel()
        requests[1].Wait()
        for request in requests:
            request.Free()
        assert requests == [NULL, NULL]

    ranks(3, program)


def test_persistent_requests_of_every_mode(ranks):
    def program():
        MPI.Attach_buffer(bytearray(1000))
        found, null = np.zeros(2), MPI.PROC_NULL
        receiving = WORLD.Recv_init(found, 0)
        for make in (WORLD.Send_init, WORLD.Bsend_init, WORLD.Ssend_init, WORLD.Rsend_init):
            found[:] = 0
            sending = make(np.ones(2), 0)
            receiving.Start()
            sending.Start()
            Request.Waitall([sending, receiving])
            assert found.all()
        MPI.Detach_buffer()
        nothing = [WORLD.Send_init(None, null), WORLD.Recv_init(None, null)]
        MPI.Prequest.Startall(nothing)
        Request.Waitall(nothing)
        with pytest.raises(TypeError):
            MPI.Prequest(WORLD.isend(1, null))

    ranks(1, program)


def test_handles_of_requests(ranks):
    def program():
        request = WORLD.irecv()
        other = Request(request)
        assert other == request
        assert request != WORLD.isend(1, 0)
        with pytest.raises(TypeError):
            hash(request)
        with pytest.raises(TypeError):
            Request(3)
        assert other.wait() == 1

    ranks(1, program)


def test_a_subclass_may_have_lower_case_calls_of_its_own(ranks):
    class Ours(Request):
        def wait(self):
            return "ours"

        def test(self):
            return "ours"

        @classmethod
        def waitall(cls):
            return "ours"

    def program():
        WORLD.Isend(b"", 0).Wait()
        request = Ours(WORLD.irecv(source=0))
        assert request.wait() == request.test() == "ours"
        assert request.Wait() is True
        request = Ours(WORLD.Isend(b"", 0))
        assert Ours.Waitall([request]) is True
        assert WORLD.recv() is None

    ranks(1, program)
