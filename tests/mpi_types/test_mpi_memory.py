"""MPI's memory object, and the constants in the place of a buffer."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_mpi._buffers._buffer import recv_view, send_spec
from vmpp_mpi._buffers._memory import buffer
from vmpp_mpi._datatype._predefined import UNSIGNED_CHAR
from vmpp_mpi._special import (
    BOTTOM,
    BUFFER_AUTOMATIC,
    IN_PLACE,
    BottomType,
    BufferAutomaticType,
    InPlaceType,
)


def test_it_refers_to_the_memory_of_an_object():
    inner = bytearray(b"abcd")
    memory = buffer(inner)
    assert (memory.obj, memory.nbytes, len(memory)) == (inner, 4, 4)
    assert (memory.format, memory.itemsize, memory.readonly) == ("B", 1, False)
    memory[1:3] = b"xy"
    memory[0] = 65
    assert inner == b"Axyd"
    assert bytes(memory) == memory.tobytes() == bytes(memoryview(memory)) == b"Axyd"
    assert list(memory) == [65, 120, 121, 100]
    assert memory[-1] == 100
    assert bytes(memory[1:3]) == b"xy"


def test_others_refer_to_its_memory():
    memory = buffer.allocate(16, clear=True)
    view = np.frombuffer(memory, "f8")
    view[:] = [1, 2]
    assert memory.cast("d").tolist() == [1, 2]
    assert memory.cast("d", [2, 1]).tolist() == [[1], [2]]
    assert send_spec(memory).datatype == UNSIGNED_CHAR
    recv_view(memory)[:] = bytes(16)
    assert not view.any()
    assert memory.address == view.ctypes.data
    assert np.frombuffer(buffer.fromaddress(memory.address, 16)).tolist() == [0, 0]


def test_it_can_be_read_only():
    for memory in (buffer(b"abc"), buffer(bytearray(3)).toreadonly(), buffer.frombuffer(b"", True)):
        assert memory.readonly
        assert memoryview(memory).readonly
        with pytest.raises(TypeError, match="read-only"):
            memory[0:0] = b""


@given(st.binary(max_size=8), st.integers(-9, 9), st.integers(-9, 9))
def test_slices_are_those_of_bytes(data, start, stop):
    assert bytes(buffer(data)[start:stop]) == data[start:stop]
    memory = buffer(bytearray(data))
    memory[start:stop] = 7
    assert (
        bytes(memory)
        == data[:start]
        + b"\7" * len(data[start:stop])
        + data[len(data[:start]) + len(data[start:stop]) :]
    )


def test_it_lets_go():
    inner = bytearray(8)
    before = sys.getrefcount(inner)
    memory = buffer(inner)
    memory.release()
    assert (len(memory), memory.address, memory.obj, bytes(memory)) == (0, 0, None, b"")
    assert sys.getrefcount(inner) == before
    inner.append(1)  # nobody refers to its memory any more


def test_an_empty_one():
    assert (len(buffer()), buffer().address, buffer().obj) == (0, 0, None)
    assert not buffer()
    assert buffer(b"a")


def test_it_is_compared_and_shown_as_a_whole():
    memory = buffer(b"abc")
    assert memory == memory  # noqa: PLR0124
    assert memory != buffer(b"abc")
    assert memory in {memory}
    assert repr(memory).endswith("buffer of 3 bytes>")


@pytest.mark.parametrize("wrong", ["a", 3, None, [1]])
def test_what_has_no_memory(wrong):
    with pytest.raises(TypeError):
        buffer(wrong)


def test_wrong_uses():
    memory = buffer(bytearray(4))
    with pytest.raises(IndexError):
        memory[4]
    with pytest.raises(IndexError):
        memory[::2]
    with pytest.raises(IndexError):
        memory[::2] = b"ab"
    with pytest.raises(TypeError):
        memory["a"]
    with pytest.raises(TypeError):
        memory["a"] = 1
    with pytest.raises(TypeError):
        memory[0] = b"a"
    with pytest.raises(OverflowError):
        memory[0] = 300
    with pytest.raises(ValueError, match="length"):
        memory[0:2] = b"abc"
    with pytest.raises(NotImplementedError):
        del memory[0]
    with pytest.raises(BufferError):
        buffer(np.zeros(4)[::2])
    with pytest.raises(ValueError, match="pickle"):
        memory.__reduce__()
    with pytest.raises(AttributeError):
        memory.colour = "red"
    for call, arguments in ((buffer.allocate, (-1,)), (buffer.fromaddress, (0, 5))):
        with pytest.raises(ValueError, match="expecting"):
            call(*arguments)
    with pytest.raises(ValueError, match="expecting"):
        buffer.fromaddress(8, -1)


@pytest.mark.parametrize(
    ("constant", "kind", "number"),
    [
        (BOTTOM, BottomType, 0),
        (IN_PLACE, InPlaceType, -1),
        (BUFFER_AUTOMATIC, BufferAutomaticType, -2),
    ],
)
def test_constants_in_the_place_of_a_buffer(constant, kind, number):
    assert int(constant) == number
    assert bool(constant) == bool(number)
    assert constant == number == kind()
    assert constant != 5
    assert constant is not None
    assert constant in {constant}
    assert repr(constant) == constant.__reduce__()
    with pytest.raises(TypeError):
        constant + 1
