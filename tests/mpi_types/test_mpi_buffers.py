"""Message specifications: every way in which a program may give a buffer."""

from __future__ import annotations

import array
import ctypes
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_mpi._buffers._buffer import (
    is_buffer,
    is_in_place,
    receivable,
    recv_spec,
    recv_vspec,
    recv_wspec,
    send_spec,
    send_view,
    send_vspec,
    send_wspec,
)
from vmpp_mpi._datatype import BYTE, DATATYPE_NULL, Datatype
from vmpp_mpi._datatype._predefined import (
    C_BOOL,
    C_DOUBLE_COMPLEX,
    DOUBLE,
    DOUBLE_INT,
    INT,
    INT32_T,
    SHORT_INT,
    UNSIGNED_CHAR,
)
from vmpp_mpi._errors import ERR_TYPE
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._special import BOTTOM, IN_PLACE

TEN = np.arange(10, dtype="i4")


def ints(*values):
    return np.array(values, dtype="i4").tobytes()


def zeros(count=10):
    return np.zeros(count, dtype="i4")


class Dlpack:
    """An array that has DLPack and nothing else."""

    def __init__(self, array_, device=None):
        self._array = array_
        self._device = device

    def __dlpack_device__(self):
        return self._device or self._array.__dlpack_device__()

    def __dlpack__(self, stream=None):
        return self._array.__dlpack__()


class VersionedDlpack(Dlpack):
    """The same, whose capsule says its version and whether it may be written."""

    def __dlpack__(self, *, max_version, stream=None):
        return self._array.__dlpack__(max_version=max_version)


class CudaArray:
    """An array that has the CUDA array interface and nothing else."""

    def __init__(self, array_, **changes):
        self._array = array_
        interface = array_.__array_interface__
        self.__cuda_array_interface__ = {
            "version": 3,
            "typestr": interface["typestr"],
            "shape": interface["shape"],
            "data": interface["data"],
            "strides": interface["strides"],
            **changes,
        }


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (TEN, TEN.tobytes()),
        ([TEN, INT], TEN.tobytes()),
        ((TEN, INT), TEN.tobytes()),
        ([TEN, "i"], TEN.tobytes()),
        ([TEN, None], TEN.tobytes()),
        ([TEN, DOUBLE], TEN.tobytes()),
        ([TEN, 3], ints(0, 1, 2)),
        ([TEN, np.int64(3)], ints(0, 1, 2)),
        ([TEN, True], ints(0)),
        ([TEN, 3, INT], ints(0, 1, 2)),
        ([TEN, 3, None], ints(0, 1, 2)),
        ((TEN, 3, "d"), TEN.tobytes()[:24]),
        ([TEN, None, INT], TEN.tobytes()),
        ([TEN, (3, 2), INT], ints(2, 3, 4)),
        ([TEN, [3, 2], INT], ints(2, 3, 4)),
        ([TEN, (3, 2)], ints(2, 3, 4)),
        ([TEN, 3, 2, INT], ints(2, 3, 4)),
        ([TEN, (None, 7), INT], ints(7, 8, 9)),
        ([TEN, 10, INT.Dup()], TEN.tobytes()),
        ([TEN, 0, 10, INT], b""),
        ([None, 0, INT], b""),
        ([None, INT], b""),
        ([BOTTOM, 0, INT], b""),
        ([BOTTOM, INT], b""),
        (IN_PLACE, b""),
        ([b"abc", 2, "c"], b"ab"),
    ],
)
def test_the_bytes_of_a_message_to_send(spec, expected):
    assert bytes(send_spec(spec).data) == expected
    assert bytes(send_view(spec)) == expected


@pytest.mark.parametrize(
    ("buffer", "datatype"),
    [
        (b"abc", "B"),
        (bytearray(b"abc"), "B"),
        (memoryview(b"abc"), "B"),
        (array.array("d", [1, 2]), "d"),
        (array.array("u", "ab"), "w"),
        ((ctypes.c_int * 3)(1, 2, 3), "i"),
        ((ctypes.c_double * 3)(1, 2, 3), "d"),
        (np.float64(3), "d"),
        (np.array(3.0), "d"),
        (np.zeros(0), "d"),
        (np.zeros((0, 3)), "d"),
        (np.zeros((2, 3)), "d"),
        (np.asfortranarray(np.arange(6.0).reshape(2, 3)), "d"),
        (np.zeros(2, "?"), "?"),
        (np.zeros(2, "e"), "e"),
        (np.zeros(2, "g"), "g"),
        (np.zeros(2, "F"), "F"),
        (np.zeros(2, "D"), "D"),
        (np.zeros(2, "G"), "G"),
        (np.zeros(2, "S1"), "c"),
        (np.zeros(2, "U1"), "U"),
    ],
)
def test_the_datatype_is_that_of_the_elements(buffer, datatype):
    spec = send_spec(buffer)
    assert spec.datatype == Datatype.fromcode(datatype)
    assert spec.nbytes == memoryview(buffer).nbytes == len(send_view(buffer))
    assert spec.count * spec.datatype.size == spec.nbytes


def test_a_fortran_array_is_sent_as_it_lies():
    matrix = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert bytes(send_view(matrix)) == matrix.tobytes("F")
    assert bytes(send_view(matrix.T)) == matrix.T.tobytes()


def test_nothing_is_copied():
    target = np.zeros(4, "i4")
    for data in (recv_spec(target).data, receivable(target)[0], recv_spec([target, 4, INT]).data):
        data[:4] = ints(data[0] + 1)
    assert target[0] == 3


RAW = np.zeros(2, [("a", "i4"), ("b", "f8")])


@pytest.mark.parametrize(
    "buffer", [RAW, np.zeros(2, "V4"), np.array([None]), np.zeros(2, ">i4"), np.zeros(2, "S3")]
)
def test_a_datatype_may_be_given_for_elements_that_have_none(buffer):
    assert bytes(send_spec([buffer, BYTE]).data) == buffer.tobytes()
    assert bytes(send_view([buffer, BYTE])) == buffer.tobytes()


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        (None, TypeError),
        ("abc", TypeError),
        (3, TypeError),
        ({}, TypeError),
        (range(3), TypeError),
        ([TEN], ValueError),
        ([], ValueError),
        ([TEN, 1, 2, 3, 4], ValueError),
        ([TEN, (3,), INT], ValueError),
        ([TEN, (1, 2, 3), INT], ValueError),
        ([TEN, 11, INT], ValueError),
        ([TEN, (8, 3), INT], ValueError),
        ([TEN, -1, INT], ValueError),
        ([TEN, (1, -1), INT], ValueError),
        ([TEN, (None, 11), INT], ValueError),
        ([TEN, (0, 100), INT], ValueError),
        ([bytearray(7), INT], ValueError),
        ([bytearray(20), DOUBLE_INT], ValueError),
        ([None, 3, INT], ValueError),
        ([BOTTOM, 3, INT], BufferError),
        ([TEN, DATATYPE_NULL], ValueError),
        ([TEN, 0, 1, DATATYPE_NULL], ValueError),
        ([TEN, 1.5, INT], TypeError),
        ([TEN, "3", INT], TypeError),
        ([[TEN], 3, INT], TypeError),
        ([TEN, "xx"], KeyError),
        ([TEN, INT, 3], KeyError),
        ([None, None], KeyError),
        ([None, 0], KeyError),
        (BOTTOM, KeyError),
        (np.array([None]), KeyError),
        (RAW, KeyError),
        (np.zeros(2, "S3"), KeyError),
        (np.zeros(2, "V4"), KeyError),
        (np.zeros(2, ">i4"), BufferError),
        (np.zeros(2, "M8[s]"), BufferError),
        (TEN[::2], BufferError),
        ([TEN[::2], INT], BufferError),
        (np.zeros((3, 3))[:, 0], BufferError),
    ],
)
@pytest.mark.parametrize("read", [send_spec, send_view])
def test_what_cannot_be_sent(read, spec, error):
    with pytest.raises(error):
        read(spec)


def test_the_null_datatype_is_no_type_for_a_message():
    for read in (send_spec, send_view, recv_spec, receivable):
        with pytest.raises(MPIError) as error:
            read([zeros(), 3, DATATYPE_NULL])
        assert error.value == ERR_TYPE


READ_ONLY = np.zeros(4)
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    "spec", [b"abc", READ_ONLY, [READ_ONLY, 2, "d"], [b"abc", "B"], memoryview(b"a"), np.float64(1)]
)
@pytest.mark.parametrize("read", [recv_spec, receivable])
def test_nothing_is_received_into_read_only_memory(read, spec):
    with pytest.raises(BufferError, match="read-only"):
        read(spec)


@pytest.mark.parametrize("spec", [np.array(3.0), np.zeros((2, 3), order="F"), [None, 0, INT]])
def test_what_can_be_received_into(spec):
    assert receivable(spec)[0].nbytes == recv_spec(spec).nbytes


def test_a_pair_is_sent_without_its_gap_and_received_around_it():
    pairs = np.zeros(3, [("value", "f8"), ("index", "i4"), ("gap", "i4")])
    pairs["value"], pairs["index"], pairs["gap"] = [1, 2, 3], [4, 5, 6], 7
    spec = send_spec([pairs, DOUBLE_INT])
    assert (spec.nbytes, spec.count) == (36, 3)
    target = np.full_like(pairs, 0)
    arriving = recv_spec([target, 3, DOUBLE_INT])
    assert receivable([target, 3, DOUBLE_INT])[1] is not None
    arriving.data[:] = spec.data
    assert not target["value"].any()
    arriving.deliver()
    assert target["value"].tolist() == [1, 2, 3]
    assert target["index"].tolist() == [4, 5, 6]
    assert not target["gap"].any()


def test_only_what_arrived_is_delivered():
    target = np.ones(2, [("value", "i2"), ("gap", "i2"), ("index", "i4")])
    arriving = recv_spec([target, SHORT_INT])
    arriving.data[:6] = bytes(6)
    arriving.deliver(6)
    assert target.tolist() == [(0, 1, 0), (1, 1, 1)]


def test_the_last_element_need_not_have_room_after_its_data():
    assert send_spec([bytearray(12), 1, DOUBLE_INT]).nbytes == 12


@pytest.mark.parametrize("kind", "bhilqBHILQfdFD")
@pytest.mark.parametrize("wrap", [Dlpack, VersionedDlpack, CudaArray])
def test_arrays_of_other_protocols(wrap, kind):
    inner = np.arange(6).astype(kind).reshape(2, 3)
    buffer = wrap(inner)
    assert is_buffer(buffer)
    assert bytes(send_view(buffer)) == inner.tobytes()
    assert send_spec(buffer).datatype.typestr == inner.dtype.str[1:]
    receivable(buffer)[0][:] = bytes(inner.nbytes)
    assert not inner.any()


def test_other_protocols_take_datatypes_and_shapes_as_well():
    assert send_spec(Dlpack(np.zeros(3, "?"))).datatype == C_BOOL
    assert send_spec(CudaArray(np.zeros(2, "D"))).datatype == C_DOUBLE_COMPLEX
    assert send_spec([Dlpack(zeros()), 2, 1, INT]).nbytes == 8
    assert send_spec(Dlpack(np.zeros((0, 3)))).nbytes == 0
    assert send_spec(Dlpack(np.zeros((2, 3), order="F"))).nbytes == 48
    assert send_spec(CudaArray(np.zeros((2, 3), order="F"))).nbytes == 48
    assert send_spec(CudaArray(np.zeros((1, 3))[:, ::1])).nbytes == 24


@pytest.mark.parametrize(
    ("buffer", "error"),
    [
        (Dlpack(TEN, device=(2, None)), TypeError),
        (Dlpack(zeros()[::2]), BufferError),
        (CudaArray(zeros()[::2]), BufferError),
        (CudaArray(zeros(), mask=[1]), BufferError),
        (CudaArray(zeros(), typestr=">i4"), BufferError),
        (CudaArray(zeros(), data=(16, False)), BufferError),
        (CudaArray(zeros(), shape=(3, -1)), BufferError),
        (CudaArray(zeros(), shape=3), TypeError),
        (CudaArray(zeros(), strides=(7,)), BufferError),
        (CudaArray(zeros(), typestr="<iX"), ValueError),
        (CudaArray(zeros(), typestr="<i0"), ValueError),
        (CudaArray(zeros(), typestr=3), TypeError),
        (CudaArray(zeros(), typestr="<x4"), KeyError),
        (CudaArray(zeros(), descr=3), TypeError),
    ],
)
def test_what_other_protocols_cannot_give(buffer, error):
    with pytest.raises(error):
        send_view(buffer)


def test_what_has_no_datatype_elsewhere_is_bytes():
    assert send_spec(CudaArray(zeros(), typestr="|V4")).datatype == UNSIGNED_CHAR
    with pytest.warns(RuntimeWarning, match="structure"):
        send_spec(CudaArray(zeros(), typestr="|V4", descr=[("a", "<i2"), ("b", "<i2")]))


def test_memory_of_a_device_will_do_if_the_cpu_reads_it():
    assert bytes(send_view(Dlpack(TEN, device=(2, 0)))) == TEN.tobytes()


@pytest.mark.parametrize("wrap", [CudaArray, VersionedDlpack])
def test_a_read_only_foreign_array_can_be_sent_only(wrap):
    buffer = wrap(READ_ONLY)
    assert len(send_view(buffer)) == 32
    with pytest.raises(BufferError, match="read-only"):
        receivable(buffer)


@pytest.mark.parametrize("wrap", [lambda array_: array_, Dlpack, CudaArray])
def test_a_view_keeps_its_memory_alive_and_no_longer(wrap):
    inner = zeros()
    before = sys.getrefcount(inner)
    buffer = wrap(inner)
    view, _ = receivable(buffer)
    del buffer
    view[:4] = ints(5)
    assert inner[0] == 5
    del view
    assert sys.getrefcount(inner) == before


def test_a_count_is_that_of_one_block():
    target = zeros(8)
    assert recv_spec(target, 4).count == 8
    assert recv_spec([target, 2, INT], 4).count == 8
    assert recv_spec([target, (2, 2), INT], 3).nbytes == 24
    assert recv_spec([target, (None, 4), INT], 2).count == 4
    for spec, blocks in ((target, 3), ([target, (None, 3), INT], 2), ([target, 3, INT], 3)):
        with pytest.raises(ValueError, match="message"):
            recv_spec(spec, blocks)


@pytest.mark.parametrize(
    ("counts", "displs", "expected"),
    [
        ([2, 3], None, ([2, 3], [0, 2])),
        ((1, 2), None, ([1, 1], [0, 2])),
        (np.array([2, 3]), np.array([5, 1]), ([2, 3], [5, 1])),
        ([2, 3], [5, 1], ([2, 3], [5, 1])),
        (2, None, ([2, 2], [0, 2])),
        (np.array(2), np.array(3), ([2, 2], [0, 3])),
        (2, 3, ([2, 2], [0, 3])),
        (None, None, ([5, 5], [0, 5])),
        (None, [5, 0], ([5, 5], [5, 0])),
        ([0, 0], [99, -1], ([0, 0], [99, -1])),
    ],
)
def test_counts_and_displacements_for_each_rank(counts, displs, expected):
    spec = send_vspec([TEN, counts, INT] if displs is None else [TEN, counts, displs, INT], 2)
    specs = [spec] if displs is None else [spec, send_vspec([TEN, (counts, displs), INT], 2)]
    for each in specs:
        assert each.counts == expected[0]
        for block, count, displ in zip(each.blocks(), *expected, strict=True):
            assert bytes(block) == TEN[displ : displ + count].tobytes()


def test_short_forms_of_vectors():
    assert send_vspec(TEN, 2).counts == [5, 5]
    assert send_vspec([TEN, INT], 5).counts == [2] * 5
    assert send_vspec([TEN, INT], 4).counts == [3, 3, 2, 2]
    assert send_vspec([TEN, [2, 3]], 2).datatype in (INT, INT32_T)
    assert send_vspec([None, [0, 0], INT], 2).counts == [0, 0]


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        (None, TypeError),
        (3, TypeError),
        ([TEN], ValueError),
        ([TEN, [2], INT], ValueError),
        ([TEN, ([2, 2], [5]), INT], ValueError),
        ([TEN, [2, -2], INT], ValueError),
        ([TEN, [2, 2], [-1, 0], INT], ValueError),
        ([TEN, [20, 20], INT], ValueError),
        ([TEN, [2, 2], [0, 9], INT], ValueError),
        ([None, [0, 1], INT], ValueError),
        ([TEN, DATATYPE_NULL], ValueError),
        ([TEN, [2.0, 2.0], INT], TypeError),
        ([TEN, [2, 2], "xx"], KeyError),
    ],
)
def test_vectors_that_are_refused(spec, error):
    with pytest.raises(error):
        send_vspec(spec, 2)


def test_vectors_of_pairs_are_packed_block_by_block():
    pairs = np.zeros(4, [("value", "f8"), ("index", "i4"), ("gap", "i4")])
    pairs["index"] = [0, 1, 2, 3]
    spec = send_vspec([pairs, [1, 2], [3, 0], DOUBLE_INT], 2)
    assert spec.counts == [1, 2]
    target = np.zeros_like(pairs)
    arriving = recv_vspec([target, [1, 2], [0, 2], DOUBLE_INT], 2)
    for mine, theirs in zip(arriving.blocks(), spec.blocks(), strict=True):
        mine[:] = theirs
    arriving.deliver()
    assert target["index"].tolist() == [3, 0, 0, 1]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.randoms())
def test_blocks_of_a_vector_arrive_where_their_displacements_say(counts, random):
    order = list(range(len(counts)))
    random.shuffle(order)
    displs, end = [0] * len(counts), 0
    for rank in order:
        displs[rank] = end
        end += counts[rank]
    target = np.full(end, -1, "i4")
    spec = recv_vspec([target, counts, displs, INT], len(counts))
    for rank, block in enumerate(spec.blocks()):
        block[:] = np.full(counts[rank], rank, "i4").tobytes()
    assert target.tolist() == [rank for rank in order for _ in range(counts[rank])]


def test_blocks_of_different_datatypes():
    spec = send_wspec([TEN, [2, 1], [4, 16], [INT, DOUBLE]], 2)
    assert [bytes(block.data) for block in spec.blocks] == [ints(1, 2), ints(4, 5)]
    assert send_wspec([TEN, ([2, 1], [4, 16]), [INT, DOUBLE]], 2).blocks[1].datatype == DOUBLE
    assert [block.count for block in send_wspec([TEN, [INT, INT]], 2).blocks] == [1, 1]
    empty = send_wspec([None, [0, 0], [0, 0], [INT, DATATYPE_NULL]], 2)
    assert [block.nbytes for block in empty.blocks] == [0, 0]
    target = np.zeros(2, [("value", "f8"), ("index", "i4"), ("gap", "i4")])
    arriving = recv_wspec([target, [1, 1], [0, 16], [DOUBLE_INT, DOUBLE]], 2)
    arriving.blocks[0].data[8:] = ints(9)
    arriving.deliver()
    assert target["index"].tolist() == [9, 0]


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        (None, TypeError),
        (TEN, TypeError),
        ([TEN], ValueError),
        ([TEN, INT], TypeError),
        ([TEN, [2, 2], [0, 8], [INT]], ValueError),
        ([TEN, [2, 2], [0, 8], ["i", "i"]], TypeError),
        ([TEN, ([2, 2], None), [INT, INT]], TypeError),
        ([BOTTOM, ([0, 0], None), [INT, INT]], ValueError),
        ([TEN, [2, 20], [0, 8], [INT, INT]], ValueError),
        ([TEN, [2, 2], [0, -8], [INT, INT]], ValueError),
        ([TEN, [2, -2], [0, 8], [INT, INT]], ValueError),
    ],
)
def test_blocks_of_datatypes_that_are_refused(spec, error):
    with pytest.raises(error):
        send_wspec(spec, 2)


def test_in_place_is_recognised():
    assert is_in_place(IN_PLACE)
    assert is_in_place(None)
    assert not is_in_place(BOTTOM)
    assert not is_in_place(np.zeros(3))
