"""Messages between two ranks, in both spellings."""

from __future__ import annotations

import array
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vmpp_mpi import MPI

WORLD, SELF = MPI.COMM_WORLD, MPI.COMM_SELF
LONG = 5000


def envelope(status):
    return status.source, status.tag, status.count


@pytest.mark.parametrize("count", [0, 1, 10, LONG])
@pytest.mark.parametrize("send", ["Send", "Ssend", "Isend", "Issend"])
@pytest.mark.parametrize("receive", ["Recv", "Irecv", "Mprobe", "Improbe"])
def test_a_buffer_goes_from_rank_to_rank(ranks, count, send, receive):
    def program():
        data = np.arange(count, dtype="f8") + WORLD.rank
        if WORLD.rank == 0:
            request = getattr(WORLD, send)(data, 1, 7)
            if request is not None:
                request.Wait()
            return
        found, status = np.zeros(count), MPI.Status()
        match receive:
            case "Recv":
                WORLD.Recv(found, 0, 7, status)
            case "Irecv":
                WORLD.Irecv(found, 0, 7).Wait(status)
            case "Mprobe":
                WORLD.Mprobe(0, 7).Recv(found, status)
            case "Improbe":
                while (message := WORLD.Improbe()) is None:
                    pass
                message.Irecv(found).Wait(status)
        assert envelope(status) == (0, 7, count * 8)
        assert status.Get_count(MPI.DOUBLE) == count
        np.testing.assert_array_equal(found, data - 1)
        return

    ranks(2, program)


@pytest.mark.parametrize("size", [3, LONG])
@pytest.mark.parametrize("send", ["send", "ssend", "isend", "issend"])
@pytest.mark.parametrize("receive", ["recv", "irecv", "mprobe", "improbe", "message irecv"])
def test_an_object_goes_from_rank_to_rank(ranks, size, send, receive):
    def program():
        thing = {"rank": 0, "text": "x" * size}
        if WORLD.rank == 0:
            request = getattr(WORLD, send)(thing, 1, 7)
            assert request is None or request.wait() is None
            return
        status = MPI.Status()
        match receive:
            case "recv":
                found = WORLD.recv(source=0, tag=7, status=status)
            case "irecv":
                found = WORLD.irecv(source=0, tag=7).wait(status)
            case "mprobe":
                found = WORLD.mprobe(0, 7).recv(status)
            case "improbe":
                while (message := WORLD.improbe()) is None:
                    pass
                found = message.recv(status)
            case "message irecv":
                found = WORLD.mprobe(0, 7).irecv().wait(status)
        assert found == thing
        assert envelope(status)[:2] == (0, 7)

    ranks(2, program)


def test_messages_of_a_pair_of_ranks_do_not_overtake(ranks):
    def program():
        if WORLD.rank == 0:
            for number in range(10):
                WORLD.send(number, 1, number % 2)
            return None
        odd = [WORLD.recv(source=0, tag=1) for _ in range(5)]
        return odd, [WORLD.recv() for _ in range(5)]

    assert ranks(2, program)[1] == ([1, 3, 5, 7, 9], [0, 2, 4, 6, 8])


def test_wild_cards_take_what_comes_and_the_status_tells_what_it_was(ranks):
    def program():
        if WORLD.rank:
            WORLD.send(WORLD.rank, 0, 10 + WORLD.rank)
            return None
        status = MPI.Status()
        found = set()
        for _ in range(3):
            rank = WORLD.recv(status=status)
            found.add((rank, status.source, status.tag))
        return found

    assert ranks(4, program)[0] == {(1, 1, 11), (2, 2, 12), (3, 3, 13)}


def test_messages_of_different_communicators_do_not_mix(ranks):
    def program():
        other = WORLD.Dup()
        if WORLD.rank == 0:
            WORLD.send("world", 1)
            other.send("other", 1)
            return None
        return other.recv(), WORLD.recv()

    assert ranks(2, program)[1] == ("other", "world")


def test_nothing_goes_to_or_comes_from_proc_null(ranks):
    def program():
        null = MPI.PROC_NULL
        status = MPI.Status()
        for send in (WORLD.Send, WORLD.Ssend, WORLD.Rsend, WORLD.Bsend):
            send(None, null)
        for begin in (WORLD.Isend, WORLD.Issend, WORLD.Irsend, WORLD.Ibsend):
            begin(None, null).Wait()
        for send in (WORLD.send, WORLD.ssend, WORLD.bsend):
            send(object(), null)
        for begin in (WORLD.isend, WORLD.issend, WORLD.ibsend):
            assert begin(object(), null).wait() is None
        for receive in (
            lambda: WORLD.Recv(None, null, 5, status),
            lambda: WORLD.Irecv(None, null, 5).Wait(status),
            lambda: WORLD.recv(None, null, 5, status),
            lambda: WORLD.irecv(None, null, 5).wait(status),
            lambda: WORLD.probe(null, 5, status) and None,
            lambda: WORLD.iprobe(null, 5, status) and None,
            lambda: WORLD.Sendrecv(None, null, 0, None, null, 0, status),
            lambda: WORLD.sendrecv(1, null, 0, None, null, 0, status),
            lambda: WORLD.Sendrecv_replace(bytearray(3), null, 0, null, 0, status),
            lambda: WORLD.mprobe(null).recv(status),
        ):
            status.source = status.tag = status.count = 77
            assert receive() in (None, True)
            assert envelope(status) == (null, MPI.ANY_TAG, 0)
        assert WORLD.mprobe(null) == WORLD.improbe(null) == MPI.MESSAGE_NO_PROC
        message = WORLD.Mprobe(null)
        message.Recv(None)
        assert message == MPI.MESSAGE_NULL
        assert MPI.MESSAGE_NO_PROC.recv() is None
        assert MPI.MESSAGE_NO_PROC != MPI.MESSAGE_NULL

    ranks(1, program)


@pytest.mark.parametrize("count", [2, LONG])
def test_sendrecv_round_a_ring(ranks, count):
    def program():
        rank, size = WORLD.rank, WORLD.size
        right, left = (rank + 1) % size, (rank - 1) % size
        own, found, status = np.full(count, rank), np.zeros(count, int), MPI.Status()
        WORLD.Sendrecv(own, right, 3, found, left, 3, status)
        assert (found == left).all()
        assert envelope(status) == (left, 3, count * 8)
        WORLD.Sendrecv_replace(own, right, source=left)
        assert (own == left).all()
        WORLD.Isendrecv_replace(own, left, source=right).Wait()
        assert (own == rank).all()
        WORLD.Isendrecv(own, left, recvbuf=found, source=right).Wait()
        assert (found == right).all()
        assert WORLD.sendrecv(rank, right, source=left, status=status) == left
        assert status.source == left

    ranks(5, program)


def test_a_rank_can_send_to_itself(ranks):
    def program():
        request = WORLD.isend("self", WORLD.rank, 3)
        assert WORLD.recv(source=WORLD.rank) == "self"
        request.wait()
        SELF.send("me", 0)
        return SELF.recv()

    assert ranks(2, program) == ["me", "me"]


def test_probing_leaves_the_message(ranks):
    def program():
        if WORLD.rank == 0:
            WORLD.Send(np.zeros(5), 1, 4)
            return
        status = MPI.Status()
        assert WORLD.Probe(status=status) is True
        assert envelope(status) == (0, 4, 40)
        assert WORLD.Iprobe(0, 4) is True
        assert WORLD.Iprobe(0, 5) is False
        assert WORLD.improbe(0, 5) is None
        WORLD.Recv(np.zeros(status.Get_count(MPI.DOUBLE)), status.source, status.tag)

    ranks(2, program)


def test_a_matched_message_can_be_received_by_nobody_else(ranks):
    def program():
        if WORLD.rank == 0:
            WORLD.send("first", 1)
            WORLD.send("second", 1)
            return None
        message = WORLD.mprobe()
        assert message
        later = WORLD.recv()
        found = message.recv()
        assert message == MPI.MESSAGE_NULL
        with pytest.raises(MPI.Exception) as error:
            message.recv()
        assert error.value.Get_error_class() == MPI.ERR_REQUEST
        return later, found

    assert ranks(2, program)[1] == ("second", "first")


def test_messages_by_the_class_of_messages(ranks):
    def program():
        SELF.send("a", 0)
        assert MPI.Message.Probe(SELF).recv() == "a"
        assert MPI.Message.iprobe(SELF) is None
        SELF.send("b", 0)
        while (message := MPI.Message.Iprobe(SELF)) is None:
            pass
        assert MPI.Message(message).recv() == "b"

    ranks(1, program)


@pytest.mark.parametrize(
    "receive",
    [
        lambda found, status: WORLD.Recv(found, 0, 1, status),
        lambda found, status: WORLD.Irecv(found, 0, 1).Wait(status),
        lambda found, status: WORLD.Mprobe(0, 1).Recv(found, status),
        lambda found, status: WORLD.Sendrecv(None, MPI.PROC_NULL, 0, found, 0, 1, status),
    ],
)
@pytest.mark.parametrize("count", [3, LONG])
def test_a_message_longer_than_the_buffer_is_an_error(ranks, receive, count):
    def program():
        request = WORLD.Isend(np.zeros(count), 0, 1)
        status = MPI.Status()
        with pytest.raises(MPI.Exception) as error:
            receive(np.zeros(2), status)
        assert error.value.Get_error_class() == MPI.ERR_TRUNCATE
        assert (status.source, status.tag) == (0, 1)
        request.Wait()
        request = WORLD.Isend(np.zeros(count), 0, 1)
        with pytest.raises(MPI.Exception):
            receive(np.zeros(2), None)
        request.Wait()

    ranks(1, program)


def test_a_pickle_longer_than_the_room_for_it_is_an_error(ranks):
    def program():
        request = WORLD.isend("x" * 40000, 0)
        with pytest.raises(MPI.Exception) as error:
            WORLD.irecv().wait()
        assert error.value.Get_error_class() == MPI.ERR_TRUNCATE
        request.wait()
        request = WORLD.isend("x" * 40000, 0)
        assert len(WORLD.irecv(50000).wait()) == 40000
        request.wait()
        for room in (100, bytearray(100), np.zeros(100)):
            request = WORLD.isend("hello", 0)
            with pytest.warns(UserWarning, match="deprecated"):
                assert WORLD.recv(room, 0, 0) == "hello"
            request.wait()

    ranks(1, program)


def test_a_message_without_a_byte_is_no_object(ranks):
    def program():
        for receive in (WORLD.recv, lambda: WORLD.irecv().wait()):
            request = WORLD.Isend(b"", 0)
            assert receive() is None
            request.wait()

    ranks(1, program)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda data: WORLD.Send(data, 3), MPI.ERR_RANK),
        (lambda data: WORLD.Send(data, -7), MPI.ERR_RANK),
        (lambda data: WORLD.Send(data, MPI.ANY_SOURCE), MPI.ERR_RANK),
        (lambda data: WORLD.Send(data, 0, -5), MPI.ERR_TAG),
        (lambda data: WORLD.Send(data, 0, MPI.ANY_TAG), MPI.ERR_TAG),
        (lambda data: WORLD.Send(data, 0, 2**31), MPI.ERR_TAG),
        (lambda data: WORLD.Isend(data, 3), MPI.ERR_RANK),
        (lambda data: WORLD.Send_init(data, 3), MPI.ERR_RANK),
        (lambda data: WORLD.send(1, 3), MPI.ERR_RANK),
        (lambda data: WORLD.isend(1, 0, -1), MPI.ERR_TAG),
        (lambda data: WORLD.Recv(data, 3), MPI.ERR_RANK),
        (lambda data: WORLD.Recv(data, -9), MPI.ERR_RANK),
        (lambda data: WORLD.Recv(data, 0, -9), MPI.ERR_TAG),
        (lambda data: WORLD.Irecv(data, 3), MPI.ERR_RANK),
        (lambda data: WORLD.recv(None, 3), MPI.ERR_RANK),
        (lambda data: WORLD.irecv(None, 3), MPI.ERR_RANK),
        (lambda data: WORLD.Probe(3), MPI.ERR_RANK),
        (lambda data: WORLD.improbe(0, -2), MPI.ERR_TAG),
        (lambda data: WORLD.Sendrecv(data, 0, 0, data, 3), MPI.ERR_RANK),
        (lambda data: WORLD.Bcast(data, 3), MPI.ERR_ROOT),
        (lambda data: WORLD.bcast(data, -1), MPI.ERR_ROOT),
        (lambda data: WORLD.Reduce(data, data, root=3), MPI.ERR_ROOT),
        (lambda data: WORLD.gather(data, 3), MPI.ERR_ROOT),
        (lambda data: MPI.COMM_NULL.Send(data, 0), MPI.ERR_COMM),
        (lambda data: MPI.COMM_NULL.recv(), MPI.ERR_COMM),
        (lambda data: MPI.COMM_NULL.Barrier(), MPI.ERR_COMM),
        (lambda data: MPI.COMM_NULL.rank, MPI.ERR_COMM),
        (lambda data: WORLD.Allreduce(data, data.copy(), MPI.OP_NULL), MPI.ERR_OP),
        (lambda data: WORLD.Allreduce(data, data.copy(), MPI.BAND), MPI.ERR_OP),
        (lambda data: WORLD.bsend(1, 0), MPI.ERR_BUFFER),
    ],
)
def test_wrong_arguments_are_errors_of_their_class(ranks, call, error):
    def program():
        with pytest.raises(MPI.Exception) as caught:
            call(np.zeros(1))
        assert caught.value.Get_error_class() == error

    ranks(3, program)


def test_ranks_and_tags_that_are_no_whole_numbers_are_cut_off(ranks):
    def program():
        half = WORLD.size / 2
        if WORLD.rank == 0:
            WORLD.send("object", dest=half, tag=2.9)
            WORLD.Send(np.ones(1), np.float64(1.2))
        elif WORLD.rank == 1:
            assert WORLD.recv(source=0.5, tag=2.0) == "object"
            WORLD.Recv(np.zeros(1), source=0.0)
        assert WORLD.bcast(WORLD.rank, root=half) == 1
        assert WORLD.Split(WORLD.rank / 2, key=-WORLD.rank / 1).size == (
            1 if WORLD.rank == 2 else 2
        )
        cart = WORLD.Create_cart([3])
        assert cart.Get_coords(half) == [1]
        assert cart.Shift(0.0, 1.0) == cart.Shift(0, 1)

    ranks(3, program)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: WORLD.Send(bytes(1), "x"), TypeError),
        (lambda: WORLD.Send(bytes(1), 0, "x"), TypeError),
        (lambda: WORLD.send(1, None), TypeError),
        (lambda: WORLD.recv(None, 1j), TypeError),
        (lambda: WORLD.Send(None, 0), TypeError),
        (lambda: WORLD.Send(3, 0), TypeError),
        (lambda: WORLD.Recv(bytes(1)), BufferError),
        (lambda: WORLD.Irecv(b"abc"), BufferError),
        (lambda: WORLD.Bcast(3), TypeError),
        (lambda: WORLD.send(lambda: 0, 0), (AttributeError, pickle.PicklingError)),
        (lambda: WORLD.Allreduce(np.zeros(1), np.zeros(2)), ValueError),
        (lambda: WORLD.Allreduce(np.zeros(1), np.zeros(1, "i8")), ValueError),
        (lambda: WORLD.Allreduce(np.zeros(1), np.zeros(1), max), TypeError),
        (lambda: WORLD.Allgather(np.zeros(1), np.zeros(4)), ValueError),
        (lambda: WORLD.alltoall([1] * 5), ValueError),
    ],
)
def test_wrong_python_arguments_are_errors_of_python(ranks, call, error):
    def program():
        with pytest.raises(error):
            call()

    ranks(3, program)


def test_ranks_and_tags_may_be_any_whole_numbers(ranks):
    def program():
        right = np.int32((WORLD.rank + 1) % 3)
        WORLD.Send(np.zeros(1), right, np.uint8(200))
        WORLD.Recv(np.zeros(1), np.int8((WORLD.rank - 1) % 3), np.int16(200))
        WORLD.send(1, right, True)
        return WORLD.recv(tag=np.int64(1))

    assert ranks(3, program) == [1, 1, 1]


def test_buffers_of_several_kinds(ranks):
    def program():
        if WORLD.rank == 0:
            WORLD.Send(b"bytes", 1)
            WORLD.Send([array.array("i", [1, 2, 3]), 2, MPI.INT], 1)
            WORLD.Send(np.asfortranarray(np.arange(6.0).reshape(2, 3)), 1)
            WORLD.Send([np.arange(4.0), "d"], 1)
            return
        data = bytearray(5)
        WORLD.Recv(data)
        assert data == b"bytes"
        numbers = array.array("i", [0, 0, 0])
        WORLD.Recv([numbers, (2, 1), MPI.INT])
        assert list(numbers) == [0, 1, 2]
        square = np.zeros((2, 3), order="F")
        WORLD.Recv(square)
        np.testing.assert_array_equal(square, np.arange(6.0).reshape(2, 3))
        WORLD.Recv([square, 4, MPI.DOUBLE])

    ranks(2, program)


class TestBufferedSends:
    def test_they_return_before_the_receive_and_keep_their_own_copy(self, ranks):
        def program():
            if WORLD.rank == 0:
                memory = bytearray(100_000)
                MPI.Attach_buffer(memory)
                data = np.ones(LONG)
                WORLD.Bsend(data, 1)
                WORLD.Ibsend(data, 1).Wait()
                WORLD.bsend("object", 1)
                WORLD.ibsend("object", 1).wait()
                data[:] = 0
                WORLD.Barrier()
                assert MPI.Detach_buffer() is memory
                return
            WORLD.Barrier()
            found = np.zeros(LONG)
            for _ in range(2):
                WORLD.Recv(found, 0)
                assert found.all()
            assert [WORLD.recv(), WORLD.recv()] == ["object", "object"]

        ranks(2, program)

    def test_what_does_not_fit_the_buffer_is_an_error_until_others_are_gone(self, ranks):
        def program():
            data = np.ones(LONG // 8)
            if WORLD.rank == 0:
                MPI.Attach_buffer(bytearray(2 * (LONG + MPI.BSEND_OVERHEAD)))
                WORLD.Bsend(data, 1)
                WORLD.Bsend(data, 1)
                with pytest.raises(MPI.Exception) as error:
                    WORLD.Bsend(data, 1)
                assert error.value.Get_error_class() == MPI.ERR_BUFFER
                WORLD.Barrier()
                WORLD.Barrier()
                WORLD.Bsend(data, 1)
                MPI.Detach_buffer()
                return
            WORLD.Barrier()
            WORLD.Recv(data)
            WORLD.Recv(data)
            WORLD.Barrier()
            WORLD.Recv(data)

        ranks(2, program)

    def test_a_communicator_may_have_a_buffer_of_its_own(self, ranks):
        def program():
            comm = SELF.Dup()
            memory = bytearray(1000)
            comm.Attach_buffer(memory)
            with pytest.raises(MPI.Exception):
                comm.Attach_buffer(memory)
            with pytest.raises(MPI.Exception):
                SELF.bsend(1, 0)
            comm.bsend(1, 0)
            comm.recv()
            comm.Flush_buffer()
            assert comm.Detach_buffer() is memory
            assert comm.Detach_buffer() is None
            comm.Attach_buffer(MPI.BUFFER_AUTOMATIC)
            comm.Bsend(np.zeros(LONG), 0)
            comm.Recv(np.zeros(LONG))
            comm.Free()

        ranks(1, program)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    plan=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1), st.booleans()),
        max_size=12,
    ),
    seed=st.integers(0, 1000),
)
def test_every_message_is_received_once_and_in_order(ranks, plan, seed):
    """*plan* has for each message its source, destination, tag and whether it is long."""

    def program():
        rank = WORLD.rank
        sends = [
            WORLD.isend((number, "x" * (LONG if long else 1)), dest, tag)
            for number, (source, dest, tag, long) in enumerate(plan)
            if source == rank
        ]
        for source in range(3):
            for tag in (0, 1):
                wanted = [
                    number
                    for number, message in enumerate(plan)
                    if message[:3] == (source, rank, tag)
                ]
                assert [WORLD.recv(None, source, tag)[0] for _ in wanted] == wanted
        MPI.Request.waitall(sends)

    ranks(3, program, seed=seed)
