"""Packing into a program's own buffer, as the machine has numbers and in MPI's portable form."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vmpp_mpi import MPI

SELF = MPI.COMM_SELF
EXTERNAL = "external32"


def error_class(call):
    with pytest.raises(MPI.Exception) as error:
        call()
    return error.value.Get_error_class()


def test_what_is_packed_follows_one_another(ranks):
    def program():
        room = bytearray(b"." * 20)
        end = MPI.SHORT.Pack(np.array([1, 2], "i2"), room, 1, SELF)
        end = MPI.DOUBLE.Pack(np.array([2.5]), room, end, SELF)
        assert end == 13
        assert bytes(room) == b"." + struct.pack("=hhd", 1, 2, 2.5) + b"." * 7
        shorts, doubles = np.zeros(2, "i2"), np.zeros(1)
        end = MPI.SHORT.Unpack(room, 1, shorts, SELF)
        assert MPI.DOUBLE.Unpack(room, end, doubles, SELF) == 13
        assert (shorts.tolist(), doubles.tolist()) == ([1, 2], [2.5])

    ranks[0].run(program)


def test_elements_with_gaps_are_packed_without_them(ranks):
    def program():
        datatype = MPI.INT.Create_vector(2, 1, 2).Create_resized(0, 16).Commit()
        room = bytearray(datatype.Pack_size(2, SELF))
        assert datatype.Pack(np.arange(8, dtype="i4"), room, 0, SELF) == 16
        assert struct.unpack("=4i", room) == (0, 2, 4, 6)
        target = np.full(8, -1, "i4")
        assert datatype.Unpack(room, 0, target, SELF) == 16
        assert target.tolist() == [0, -1, 2, -1, 4, -1, 6, -1]

    ranks[0].run(program)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: MPI.INT.Pack(bytes(8), bytearray(7), 0, SELF), MPI.ERR_TRUNCATE),
        (lambda: MPI.INT.Pack(bytes(8), bytearray(8), 1, SELF), MPI.ERR_TRUNCATE),
        (lambda: MPI.INT.Pack(bytes(8), bytearray(8), -1, SELF), MPI.ERR_ARG),
        (lambda: MPI.INT.Unpack(bytes(8), 5, bytearray(4), SELF), MPI.ERR_TRUNCATE),
        (lambda: MPI.INT.Unpack(bytes(8), -1, bytearray(4), SELF), MPI.ERR_ARG),
        (lambda: MPI.INT.Pack(bytes(4), bytearray(4), 0, MPI.COMM_NULL), MPI.ERR_COMM),
        (lambda: MPI.INT.Pack_size(-1, SELF), MPI.ERR_COUNT),
        (lambda: MPI.DATATYPE_NULL.Pack_size(1, SELF), MPI.ERR_TYPE),
        (lambda: MPI.INT.Create_contiguous(1).Pack(bytes(4), bytearray(4), 0, SELF), MPI.ERR_TYPE),
        (lambda: MPI.INT.Pack_external("native", bytes(4), bytearray(4), 0), MPI.ERR_ARG),
        (lambda: MPI.INT.Pack_external_size("internal", 1), MPI.ERR_ARG),
        (
            lambda: MPI.INT.Create_resized(0, 2).Commit().Pack(bytes(8), bytearray(99), 0, SELF),
            MPI.ERR_ARG,
        ),
    ],
)
def test_what_cannot_be_packed(ranks, call, error):
    assert ranks[0].run(error_class, call) == error


def external(datatype, data):
    """The portable form of the elements in *data*."""
    count = len(memoryview(data).cast("B")) // datatype.extent
    room = bytearray(datatype.Pack_external_size(EXTERNAL, count))
    assert datatype.Pack_external(EXTERNAL, data, room, 0) == len(room)
    back = np.zeros_like(np.asarray(data))
    assert datatype.Unpack_external(EXTERNAL, room, 0, back) == len(room)
    assert (back == data).all()
    return bytes(room)


@pytest.mark.parametrize(
    ("datatype", "kind", "form"),
    [
        (MPI.SIGNED_CHAR, "i1", ">b"),
        (MPI.SHORT, "i2", ">h"),
        (MPI.INT, "i4", ">i"),
        (MPI.LONG, "i8", ">i"),
        (MPI.LONG_LONG, "i8", ">q"),
        (MPI.INT64_T, "i8", ">q"),
        (MPI.AINT, "i8", ">q"),
        (MPI.UNSIGNED, "u4", ">I"),
        (MPI.UNSIGNED_LONG, "u8", ">I"),
        (MPI.UINT16_T, "u2", ">H"),
        (MPI.FLOAT16_T, "f2", ">e"),
        (MPI.FLOAT, "f4", ">f"),
        (MPI.DOUBLE, "f8", ">d"),
        (MPI.C_BOOL, "?", ">?"),
    ],
)
def test_numbers_are_big_endian_and_of_the_tables_size(datatype, kind, form):
    numbers = np.array([0, 1, 100], kind)
    expected = b"".join(struct.pack(form, number) for number in numbers)
    assert external(datatype, numbers) == expected


def test_other_kinds_of_data():
    assert external(MPI.BYTE, np.frombuffer(b"abc", "u1")) == b"abc"
    assert external(MPI.CHAR, np.array([b"x", b"y"], "S1")) == b"xy"
    assert external(MPI.WCHAR, np.array(["a", "\u20ac"], "U1").view("u4")) == b"\0a\x20\xac"
    complex_ = np.array([1 + 2j], "c16")
    assert external(MPI.C_DOUBLE_COMPLEX, complex_) == struct.pack(">dd", 1, 2)


def test_a_structure_is_converted_number_by_number():
    kind = np.dtype([("a", "i2"), ("b", "f8"), ("c", "i4", 2)], align=True)
    inner = MPI.Datatype.Create_struct([1, 1, 2], [0, 8, 16], [MPI.SHORT, MPI.DOUBLE, MPI.INT])
    inner.Commit()
    records = np.zeros(2, kind)
    records["a"], records["b"], records["c"] = [1, 2], [0.5, 1.5], [[3, 4], [5, 6]]
    expected = struct.pack(">hdii", 1, 0.5, 3, 4) + struct.pack(">hdii", 2, 1.5, 5, 6)
    assert external(inner, records) == expected
    assert external(inner.Create_contiguous(2).Commit(), records) == expected


def test_a_pair_is_a_value_and_an_index():
    pairs = np.array([(2.5, 7)], np.dtype([("value", "f8"), ("index", "i4")], align=True))
    assert external(MPI.DOUBLE_INT, pairs) == struct.pack(">di", 2.5, 7)


def test_a_number_too_large_for_the_form_is_an_error():
    room = bytearray(8)
    large = np.array([1 << 40])
    assert (
        error_class(lambda: MPI.LONG.Pack_external(EXTERNAL, large, room, 0)) == MPI.ERR_CONVERSION
    )


def binary128(value):
    """IEEE's binary128 of a number whose fraction has 52 bits, by its definition."""
    if value == 0 or math.isinf(value) or math.isnan(value):
        exponent = 0 if value == 0 else 0x7FFF
        fraction = 1 << 111 if math.isnan(value) else 0
    else:
        mantissa, power = math.frexp(abs(value))
        exponent = power - 1 + 16383
        fraction = int(mantissa * 2 * (1 << 112)) - (1 << 112)
    sign = 1 if math.copysign(1, value) < 0 else 0
    return (sign << 127 | exponent << 112 | fraction).to_bytes(16, "big")


@given(st.floats(width=64))
@example(0.0)
@example(-0.0)
@example(math.inf)
@example(5e-324)
def test_a_long_double_is_binary128(value):
    number = np.zeros(1, "f16")
    number[0] = value
    room = bytearray(16)
    MPI.LONG_DOUBLE.Pack_external(EXTERNAL, number, room, 0)
    if not math.isnan(value):
        assert bytes(room) == binary128(value)
    back = np.zeros(1, "f16")
    MPI.LONG_DOUBLE.Unpack_external(EXTERNAL, room, 0, back)
    np.testing.assert_array_equal(back, number)


@pytest.mark.skipif(np.finfo("f16").nmant != 63, reason="this host's long double is not Intel's")
@given(st.integers(0, (1 << 112) - 1), st.integers(0, 0x7FFE), st.booleans())
@example((1 << 112) - 1, 100, False)
@example(1 << 48, 100, True)
@example(3 << 48, 100, False)
@example((1 << 49) - 1, 0, False)
def test_a_longer_fraction_is_rounded_to_the_nearest(fraction, exponent, negative):
    encoded = (negative << 127 | exponent << 112 | fraction).to_bytes(16, "big")
    found = np.zeros(1, "f16")
    MPI.LONG_DOUBLE.Unpack_external(EXTERNAL, encoded, 0, found)
    kept, rest = divmod(fraction, 1 << 49)
    if rest > 1 << 48 or (rest == 1 << 48 and kept & 1):
        kept += 1
    whole = (exponent << 63) + kept  # a carry goes over into the exponent
    exponent, kept = whole >> 63, whole & ((1 << 63) - 1)
    mantissa = kept | (exponent != 0) << 63
    expected = struct.pack("<QH", mantissa, negative << 15 | exponent)
    assert found.tobytes()[:10] == expected
