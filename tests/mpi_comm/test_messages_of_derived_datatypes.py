"""Messages of elements that do not lie side by side: where they come from, and where they go."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vmpp_mpi import MPI

WORLD = MPI.COMM_WORLD
LONG = 5000
"""Rows of an array whose column is a long message."""


def error_class(call):
    with pytest.raises(MPI.Exception) as error:
        call()
    return error.value.Get_error_class()


def column(rows, columns, place=0):
    """The datatype of one column of an array of doubles, as long as the whole array."""
    return MPI.DOUBLE.Create_subarray([rows, columns], [rows, 1], [0, place]).Commit()


@pytest.mark.parametrize("rows", [4, LONG])
@pytest.mark.parametrize("send", ["Send", "Ssend", "Isend", "Issend", "Bsend", "Send_init"])
@pytest.mark.parametrize("receive", ["Recv", "Recv status", "Irecv", "Mprobe", "Recv_init"])
def test_a_column_becomes_another_column(ranks, rows, send, receive):
    def program():
        array = np.arange(rows * 3, dtype="f8").reshape(rows, 3)
        if WORLD.rank == 0:
            message = [array, 1, column(rows, 3, 1)]
            if send == "Bsend":
                MPI.Attach_buffer(None)
            done = getattr(WORLD, send)(message, 1, 7)
            if done is not None:
                if send == "Send_init":
                    done.Start()
                done.Wait()
            if send == "Bsend":
                MPI.Detach_buffer()
            return
        target, status = np.full((rows, 3), -1.0), MPI.Status()
        message = [target, 1, column(rows, 3, 2)]
        match receive:
            case "Recv":
                WORLD.Recv(message, 0, 7)
            case "Recv status":
                WORLD.Recv(message, 0, 7, status)
            case "Irecv":
                WORLD.Irecv(message, 0, 7).Wait(status)
            case "Mprobe":
                WORLD.Mprobe(0, 7).Recv(message, status)
            case "Recv_init":
                request = WORLD.Recv_init(message, 0, 7)
                request.Start()
                request.Wait(status)
        assert (target[:, 2] == array[:, 1]).all()
        assert (target[:, :2] == -1).all()
        if receive != "Recv":
            assert status.Get_count(message[2]) == 1
            assert status.Get_elements(message[2]) == rows
            assert status.Get_count(MPI.DOUBLE) == rows

    ranks(2, program)


def test_elements_need_not_be_alike_on_both_sides(ranks):
    def program():
        if WORLD.rank == 0:
            WORLD.Send([np.arange(12, dtype="i4"), 3, MPI.INT.Create_vector(2, 1, 2).Commit()], 1)
            return
        target = np.zeros(6, "i4")
        WORLD.Recv(target, 0)
        # An element reaches over three numbers, so that the next begins at the fourth.
        assert target.tolist() == [0, 2, 3, 5, 6, 8]

    ranks(2, program)


def test_a_short_message_fills_a_part_of_the_elements(ranks):
    def program():
        pair = MPI.Datatype.Create_struct([1, 1], [0, 8], [MPI.DOUBLE, MPI.INT]).Commit()
        if WORLD.rank == 0:
            WORLD.Send(np.array([3.5]), 1, 0)
            WORLD.Send(bytes(20), 1, 1)
            return
        target = np.full(3, -1, [("a", "f8"), ("b", "i4"), ("gap", "i4")])
        status = MPI.Status()
        WORLD.Recv([target, 3, pair], 0, 0, status)
        assert target["a"].tolist() == [3.5, -1, -1]
        assert target["b"].tolist() == [-1, -1, -1]
        assert status.Get_count(pair) == MPI.UNDEFINED
        assert status.Get_elements(pair) == 1
        WORLD.Recv([target, 3, pair], 0, 1, status)
        assert target["a"].tolist() == [0, 0, -1]
        assert target["b"].tolist() == [0, -1, -1]
        assert status.Get_elements(pair) == 3
        assert status.Get_elements(MPI.DOUBLE) == MPI.UNDEFINED

    ranks(2, program)


def test_a_message_longer_than_the_elements_is_truncated(ranks):
    def program():
        if WORLD.rank == 0:
            WORLD.Send(np.zeros(5), 1)
            WORLD.Send(np.zeros(LONG), 1)
            return
        target = np.full((4, 3), -1.0)
        for _ in range(2):
            assert error_class(lambda: WORLD.Recv([target, 1, column(4, 3)], 0)) == MPI.ERR_TRUNCATE
        assert (target == -1).all()

    ranks(2, program)


def test_absolute_addresses_from_bottom(ranks):
    def program():
        one, two = np.full(3, WORLD.rank, "i4"), np.full(2, 2.5 + WORLD.rank)
        where = [MPI.Get_address(one), MPI.Get_address(two)]
        both = MPI.Datatype.Create_struct([3, 2], where, [MPI.INT, MPI.DOUBLE]).Commit()
        ints = MPI.INT.Create_hindexed([3], where[:1]).Commit()
        if WORLD.rank == 0:
            WORLD.Send([MPI.BOTTOM, 1, both], 1)
            WORLD.Send([MPI.BOTTOM, ints], 1)  # no count: nothing
            return
        WORLD.Recv((MPI.BOTTOM, 1, both), 0)
        assert (one.tolist(), two.tolist()) == ([0, 0, 0], [2.5, 2.5])
        status = MPI.Status()
        WORLD.Recv([MPI.BOTTOM, 1, ints], 0, status=status)
        assert status.count == 0

    ranks(2, program)


def test_addresses_where_nothing_is_are_refused(ranks):
    def program():
        nowhere = MPI.INT.Create_hindexed([1], [8]).Commit()
        constant = b"constant"
        read_only = np.frombuffer(constant, "u1")
        assert not read_only.flags.writeable
        for call in (
            lambda: WORLD.Send([MPI.BOTTOM, 1, nowhere], MPI.PROC_NULL + 2),
            lambda: WORLD.Irecv([MPI.BOTTOM, 1, nowhere], 0),
        ):
            with pytest.raises(BufferError, match="address"):
                call()

    ranks(1, program)


def test_data_before_the_origin(ranks):
    def program():
        before = MPI.INT.Create_indexed_block(1, [-2, -1, 1]).Commit()
        array = np.arange(10, dtype="i4")
        if WORLD.rank == 0:
            moved = MPI.INT.Create_resized(-4, 4).Create_vector(2, 1, -3).Commit()
            WORLD.Send([array[4:], 1, before], 1)  # reaches into the rest of the array
            WORLD.Send([array, 1, 1, MPI.INT.Create_indexed_block(1, [0, 3]).Commit()], 1)
            WORLD.Send([memoryview(array)[5:], 1, moved], 1)
            with pytest.raises(ValueError, match="reach"):
                WORLD.Send([array[1:], 1, before], 1)
            with pytest.raises(ValueError, match="reach"):
                WORLD.Send([array[8:], 2, before], 1)
            return
        found = np.zeros(3, "i4")
        WORLD.Recv(found, 0)
        assert found.tolist() == [2, 3, 5]
        WORLD.Recv(found, 0)
        assert found[:2].tolist() == [4, 7]
        WORLD.Recv(found, 0)
        assert found[:2].tolist() == [5, 2]

    ranks(2, program)


def test_elements_that_overlap_are_sent_as_often_as_they_come(ranks):
    def program():
        twice = MPI.INT.Create_contiguous(2).Create_resized(0, 4).Commit()
        if WORLD.rank == 0:
            WORLD.Send([np.arange(4, dtype="i4"), 3, twice], 1)
            return
        found = np.zeros(6, "i4")
        WORLD.Recv(found, 0)
        assert found.tolist() == [0, 1, 1, 2, 2, 3]

    ranks(2, program)


def test_elements_of_no_size(ranks):
    def program():
        nothing = MPI.INT.Create_contiguous(0).Create_resized(0, 12).Commit()
        empty = MPI.INT.Create_vector(3, 0, 2).Commit()
        status = MPI.Status()
        for datatype in (nothing, empty):
            data = np.arange(3, dtype="i4")
            WORLD.Sendrecv([data, 1, datatype], 0, 0, [data, 1, datatype], 0, 0, status)
            assert data.tolist() == [0, 1, 2]
            assert (status.count, status.Get_count(datatype)) == (0, 0)
            assert status.Get_elements(datatype) == 0

    ranks(1, program)


def test_a_datatype_has_to_be_committed(ranks):
    def program():
        datatype = MPI.INT.Create_contiguous(2)
        data = np.zeros(4, "i4")
        for call in (
            lambda: WORLD.Send([data, datatype], 0),
            lambda: WORLD.Irecv([data, 2, datatype], 0),
            lambda: WORLD.Bcast([data, datatype]),
            lambda: WORLD.Scatterv([data, [2], datatype], data),
            lambda: WORLD.Alltoallw([data, [1], [0], [datatype]], [data, [1], [0], [datatype]]),
        ):
            assert error_class(call) == MPI.ERR_TYPE
        assert error_class(lambda: WORLD.Send([data, datatype.Dup()], 0)) == MPI.ERR_TYPE
        WORLD.Bcast([data, datatype.Commit()])
        WORLD.Bcast([data, datatype.Dup()])

    ranks(1, program)


@pytest.mark.parametrize("rows", [4, LONG])
def test_a_datatype_may_be_freed_while_messages_of_it_are_under_way(ranks, rows):
    def program():
        array = np.full((rows, 2), float(WORLD.rank))
        datatype = column(rows, 2)
        peer = 1 - WORLD.rank
        receiving = WORLD.Irecv([array, 1, datatype], peer)
        sending = WORLD.Isend([array, 1, datatype.Dup()], peer)
        datatype.Free()
        receiving.Wait()
        sending.Wait()
        assert (array[:, 0] == peer).all()
        assert (array[:, 1] == WORLD.rank).all()

    ranks(2, program)


def test_send_and_receive_replace_elements(ranks):
    def program():
        array = np.full((4, 2), float(WORLD.rank))
        datatype = column(4, 2)
        WORLD.Sendrecv_replace([array, 1, datatype], 1 - WORLD.rank, 0, 1 - WORLD.rank, 0)
        assert (array == [[1 - WORLD.rank, WORLD.rank]] * 4).all()

    ranks(2, program)


def test_a_program_may_find_the_addresses_of_packed_data(ranks):
    def program():
        datatype = MPI.INT.Create_vector(2, 1, 2).Commit()
        if WORLD.rank == 0:
            room = bytearray(datatype.Pack_size(1, WORLD) + MPI.DOUBLE.Pack_size(1, WORLD))
            end = datatype.Pack(np.arange(3, dtype="i4"), room, 0, WORLD)
            end = MPI.DOUBLE.Pack(np.array([2.5]), room, end, WORLD)
            WORLD.Send([room, end, MPI.PACKED], 1)
            return
        room = bytearray(100)
        WORLD.Recv([room, MPI.PACKED], 0)
        one, two = np.full(3, -1, "i4"), np.zeros(1)
        end = datatype.Unpack(room, 0, one, WORLD)
        assert MPI.DOUBLE.Unpack(room, end, two, WORLD) == 16
        assert (one.tolist(), two.tolist()) == ([0, -1, 2], [2.5])

    ranks(2, program)


def test_packing_and_unpacking_take_the_time_of_a_copy(ranks):
    def program():
        array = np.zeros((10, 2))
        clock = WORLD._get().library.process
        times = [clock.clock]
        for message in ([array, 1, column(10, 2)], [array, 10, MPI.DOUBLE]):
            if WORLD.rank == 0:
                WORLD.Send(message, 1)
            else:
                WORLD.Recv(message, 0)
            times.append(clock.clock)
        MPI.DOUBLE.Pack(array, bytearray(160), 0, WORLD)
        times.append(clock.clock)
        return [after - before for before, after in itertools.pairwise(times)]

    # 80 bytes with gaps, 80 without, 160 packed by the program; 3 ps a byte.
    assert ranks(2, program, copy_rate=3000) == [[240, 0, 480]] * 2


# -- collective operations -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_collectives_move_elements_of_derived_datatypes(ranks, size):
    def program():
        rank = WORLD.rank
        column_ = MPI.DOUBLE.Create_vector(3, 1, size).Create_resized(0, 8).Commit()
        own = np.arange(3.0) + 10 * rank
        expected = np.array([np.arange(3.0) + 10 * peer for peer in range(size)]).T
        # Gathered as columns: element i of the receive buffer begins at number i.
        table = np.zeros((3, size))
        WORLD.Gather(own, [table, 1, column_] if rank == 0 else None)
        if rank == 0:
            assert (table == expected).all()
        WORLD.Allgather(own, [table, 1, column_])
        assert (table == expected).all()
        WORLD.Allgatherv(own, [table, [1] * size, column_])
        assert (table == expected).all()
        WORLD.Gatherv(own, [table, [1] * size, column_] if rank == 0 else None)
        back = np.zeros(3)
        WORLD.Scatter([table, 1, column_], back)
        assert (back == own).all()
        WORLD.Scatterv([table, [1] * size, column_], back)
        assert (back == own).all()
        turned = np.zeros((3, size))
        WORLD.Alltoall([table, 1, column_], [turned, 1, column_])
        assert (turned == expected[:, [rank]]).all()
        WORLD.Alltoallv([table, [1] * size, column_], [turned, [1] * size, column_])
        assert (turned == expected[:, [rank]]).all()
        WORLD.Bcast([table, 1, column_], size - 1)
        assert (table == expected).all()
        inside = np.zeros((3, size))
        inside[:, rank] = own
        WORLD.Allgather(MPI.IN_PLACE, [inside, 1, column_])
        assert (inside == expected).all()
        types = [column_] * size
        placed = [8 * peer for peer in range(size)]
        WORLD.Alltoallw([table, [1] * size, placed, types], [turned, [1] * size, placed, types])
        assert (turned == expected[:, [rank]]).all()

    ranks(size, program)


def test_blocks_at_absolute_addresses(ranks):
    def program():
        data, found = np.arange(4, dtype="i4") + WORLD.rank * 10, np.zeros(4, "i4")

        def halves(array):
            addresses = [MPI.Get_address(array[:2]), MPI.Get_address(array[2:])]
            return [MPI.INT.Create_hindexed([2], [each]).Commit() for each in addresses]

        give, take = halves(data), halves(found)
        WORLD.Alltoallw([MPI.BOTTOM, [1, 1], [0, 0], give], [MPI.BOTTOM, ([1, 1], [0, 0]), take])
        mine = [2 * WORLD.rank, 2 * WORLD.rank + 1]
        assert found.tolist() == [*mine, *(10 + place for place in mine)]

    ranks(2, program)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_programs_operation_gets_elements_as_they_lie(ranks, size):
    def program():
        complex_ = MPI.Datatype.Create_struct([1, 1], [0, 8], [MPI.INT, MPI.DOUBLE]).Commit()
        kind = np.dtype({"names": ["a", "b"], "formats": ["i4", "f8"], "itemsize": 16}, align=True)
        seen = []

        def add(given, result, datatype):
            x, y = np.frombuffer(given, kind), np.frombuffer(result, kind)
            y["a"] += x["a"]
            y["b"] *= x["b"]
            seen.append(datatype)

        operation = MPI.Op.Create(add, True)
        data = np.array([(WORLD.rank, 2.0), (1, 3.0)], kind)
        result = np.zeros(2, kind)
        WORLD.Allreduce([data, 2, complex_], [result, 2, complex_], operation)
        assert result["a"].tolist() == [size * (size - 1) // 2, size]
        assert result["b"].tolist() == [2.0**size, 3.0**size]
        assert all(datatype == complex_ for datatype in seen)
        assert (
            error_class(lambda: WORLD.Allreduce([data, 2, complex_], [result, 2, complex_]))
            == MPI.ERR_OP
        )

    ranks(size, program)


@settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_what_is_sent_by_one_datatype_is_received_by_another(ranks, data):
    count = data.draw(st.integers(1, 12))
    places = data.draw(st.permutations(range(12)))[:count]
    others = data.draw(st.permutations(range(12)))[:count]

    def program():
        array = np.arange(12, dtype="i4")
        mine = places if WORLD.rank == 0 else others
        datatype = MPI.INT.Create_indexed_block(1, mine).Commit()
        if WORLD.rank == 0:
            WORLD.Send([array, 1, datatype], 1)
            return
        target = np.full(12, -1, "i4")
        WORLD.Recv([target, 1, datatype], 0)
        expected = np.full(12, -1)
        expected[list(others)] = places
        assert target.tolist() == expected.tolist()

    ranks(2, program)
