"""Buffered sends, and the memory that is attached for them."""

from __future__ import annotations

import pytest

from vmpp_mpi import MPI

WORLD = MPI.COMM_WORLD
LONG = 5000


def error_of(call) -> int:
    with pytest.raises(MPI.Exception) as error:
        call()
    return error.value.Get_error_class()


def test_the_buffer_is_full_until_its_messages_are_received(ranks):
    def program():
        memory = bytearray(LONG + MPI.BSEND_OVERHEAD)
        MPI.Attach_buffer(memory)
        WORLD.Bsend(bytes(LONG), 0)
        assert error_of(lambda: WORLD.Bsend(b"1" * LONG, 0)) == MPI.ERR_BUFFER
        request = MPI.Iflush_buffer()
        assert not request.Test()
        WORLD.Recv(bytearray(LONG), 0)
        assert request.Test()
        WORLD.Bsend(b"2" * LONG, 0)
        WORLD.Recv(bytearray(LONG), 0)
        MPI.Flush_buffer()
        assert MPI.Detach_buffer() is memory
        assert MPI.Detach_buffer() is None

    ranks(1, program)


def test_a_communicators_buffer_goes_before_the_process_s(ranks):
    def program():
        comm = WORLD.Dup()
        MPI.Attach_buffer(bytearray(100))
        comm.Attach_buffer(MPI.BUFFER_AUTOMATIC)
        comm.Bsend(bytes(LONG), 0)
        assert MPI.Iflush_buffer().Test()
        request = comm.Iflush_buffer()
        assert not request.Test()
        assert error_of(lambda: WORLD.Bsend(bytes(LONG), 0)) == MPI.ERR_BUFFER
        comm.Recv(bytearray(LONG), 0)
        request.Wait()
        assert comm.Detach_buffer() is MPI.BUFFER_AUTOMATIC
        assert error_of(lambda: comm.Bsend(bytes(LONG), 0)) == MPI.ERR_BUFFER
        assert WORLD.Iflush_buffer().Test()
        MPI.Detach_buffer()
        comm.Free()

    ranks(1, program)
