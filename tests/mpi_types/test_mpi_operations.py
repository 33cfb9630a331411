"""Reduction operations on memory and on Python objects."""

from __future__ import annotations

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_mpi import _op as ops
from vmpp_mpi._datatype import BYTE, DATATYPE_NULL
from vmpp_mpi._datatype import _predefined as types
from vmpp_mpi._datatype._predefined import DOUBLE, DOUBLE_INT, FLOAT, INT, SHORT_INT
from vmpp_mpi._errors import ERR_BUFFER, ERR_OP, ERR_TYPE
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._op import MAXLOC, MINLOC, NO_OP, OP_NULL, REPLACE, SUM, Op
from vmpp_mpi._special import IN_PLACE

INTEGERS = [
    "SIGNED_CHAR",
    "SHORT",
    "INT",
    "LONG",
    "LONG_LONG",
    "UNSIGNED_CHAR",
    "UNSIGNED",
    "UINT64_T",
    "AINT",
    "CHAR",
]
REALS = ["FLOAT", "DOUBLE", "LONG_DOUBLE", "REAL"]
COMPLEX = ["C_COMPLEX", "C_DOUBLE_COMPLEX", "COMPLEX"]
LOGICAL = ["C_BOOL", "LOGICAL", "CXX_BOOL"]
OTHERS = ["CHARACTER", "WCHAR", "PACKED"]
PAIRS = ["SHORT_INT", "INT_INT", "DOUBLE_INT", "LONG_DOUBLE_INT"]

TAKES = {
    "MAX": INTEGERS + REALS,
    "MIN": INTEGERS + REALS,
    "SUM": INTEGERS + REALS + COMPLEX,
    "PROD": INTEGERS + REALS + COMPLEX,
    "LAND": INTEGERS + LOGICAL,
    "LOR": INTEGERS + LOGICAL,
    "LXOR": INTEGERS + LOGICAL,
    "BAND": [*INTEGERS, "BYTE"],
    "BOR": [*INTEGERS, "BYTE"],
    "BXOR": [*INTEGERS, "BYTE"],
    "MAXLOC": PAIRS,
    "MINLOC": PAIRS,
    "REPLACE": [],
    "NO_OP": [],
}
ALL = [*INTEGERS, *REALS, *COMPLEX, *LOGICAL, *OTHERS, *PAIRS, "BYTE"]

UFUNCS = {
    "MAX": np.maximum,
    "MIN": np.minimum,
    "SUM": np.add,
    "PROD": np.multiply,
    "LAND": np.logical_and,
    "LOR": np.logical_or,
    "LXOR": np.logical_xor,
    "BAND": np.bitwise_and,
    "BOR": np.bitwise_or,
    "BXOR": np.bitwise_xor,
}


def combined(op, datatype, x, y):
    """What Reduce_local makes of two arrays."""
    result = y.copy()
    op.Reduce_local([x, datatype], [result, datatype])
    return result


@pytest.mark.parametrize("op", sorted(TAKES))
@pytest.mark.parametrize("name", ALL)
def test_an_operation_takes_the_datatypes_of_the_standard(op, name):
    datatype = getattr(types, name)
    taken = name in TAKES[op]
    for alike in (datatype, datatype.Dup()):
        if taken:
            getattr(ops, op).combiner(alike)
        else:
            with pytest.raises(MPIError) as error:
                getattr(ops, op).combiner(alike)
            assert error.value == ERR_OP


@pytest.mark.parametrize("op", sorted(UFUNCS))
@given(st.data())
def test_integers_are_reduced_as_numpy_does_it(op, data):
    kind = data.draw(st.sampled_from(["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]))
    info = np.iinfo(kind)
    vector = st.lists(st.integers(info.min, info.max), min_size=1, max_size=7)
    x = np.array(data.draw(vector), kind)
    y = np.resize(np.array(data.draw(vector), kind), x.shape)
    with np.errstate(all="ignore"):
        expected = UFUNCS[op](x, y).astype(kind)
    assert combined(getattr(ops, op), kind, x, y).tolist() == expected.tolist()


@pytest.mark.parametrize("op", ["MAX", "MIN", "SUM", "PROD"])
@pytest.mark.parametrize("kind", ["f4", "f8"])
@given(st.lists(st.tuples(st.floats(), st.floats()), min_size=1, max_size=7))
def test_reals_are_reduced_as_numpy_does_it(op, kind, pairs):
    with np.errstate(all="ignore"):
        x, y = (np.array(side).astype(kind) for side in zip(*pairs, strict=True))
        expected = UFUNCS[op](x, y)
    np.testing.assert_array_equal(combined(getattr(ops, op), kind, x, y), expected)


def test_long_vectors_and_empty_ones():
    x = np.arange(1000.0)
    assert combined(SUM, DOUBLE, x, x).tolist() == (2 * x).tolist()
    assert combined(SUM, DOUBLE, x[:0], x[:0]).size == 0
    z = x * (1 + 2j)
    assert combined(SUM, "D", z, z).tolist() == (2 * z).tolist()


def test_overflow_is_no_error():
    large = np.full(9, 3e38, "f4")
    assert np.isinf(combined(SUM, FLOAT, large, large)).all()
    most = np.full(1, 2**31 - 1, "i4")
    assert combined(SUM, INT, most, np.ones(1, "i4")).tolist() == [-(2**31)]


def test_logical_results_are_zero_or_one():
    x, y = np.array([0, 2, 4], "i4"), np.array([0, 0, 8], "i4")
    assert combined(ops.LAND, INT, x, y).tolist() == [0, 0, 1]
    assert combined(ops.LOR, INT, x, y).tolist() == [0, 1, 1]
    assert combined(ops.LXOR, INT, x, y).tolist() == [0, 1, 0]
    assert combined(ops.LOR, "?", x > 0, y > 0).tolist() == [False, True, True]


PAIR = np.dtype([("value", "f8"), ("index", "i4"), ("gap", "i4")])


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 2), st.integers(0, 3)),
        min_size=1,
        max_size=6,
    )
)
def test_the_extreme_value_keeps_its_index_and_the_lower_one_of_ties(rows):
    x = np.array([(value, index, 0) for value, index, _, _ in rows], PAIR)
    y = np.array([(value, index, 0) for _, _, value, index in rows], PAIR)
    largest = combined(MAXLOC, DOUBLE_INT, x, y)
    smallest = combined(MINLOC, DOUBLE_INT, x, y)
    for row, (u, i, v, j) in enumerate(rows):
        best = max((u, -i), (v, -j))
        assert largest[row].item() == (best[0], -best[1], 0)
        assert smallest[row].item() == (*min((u, i), (v, j)), 0)
        assert MAXLOC((u, i), (v, j)) == (best[0], -best[1])
        assert MINLOC((u, i), (v, j)) == min((u, i), (v, j))


def test_replacing_and_leaving_work_on_any_elements():
    given_, result = memoryview(b"abcd"), memoryview(bytearray(b"wxyz"))
    NO_OP.reduce(given_, result, BYTE, 4)
    assert bytes(result) == b"wxyz"
    REPLACE.reduce(given_, result, BYTE, 3)
    assert bytes(result) == b"abcz"
    SUM.reduce(given_, result, INT, 1)
    assert bytes(result) != b"abcz"


@pytest.mark.parametrize(
    ("op", "x", "y", "expected"),
    [
        ("MAX", 3, 5, 5),
        ("MAX", "a", "b", "b"),
        ("MAX", [1], [2], [2]),
        ("MAX", {1}, {2}, {1}),
        ("MIN", 3, 5, 3),
        ("MIN", (3, 1), (3, 0), (3, 0)),
        ("SUM", 3, 5, 8),
        ("SUM", "a", "b", "ab"),
        ("SUM", [1], [2], [1, 2]),
        ("PROD", 2.5, 2, 5.0),
        ("LAND", 3, 0, False),
        ("LAND", "a", [1], True),
        ("LOR", None, 3, True),
        ("LXOR", 3, 5, False),
        ("BAND", 6, 3, 2),
        ("BOR", {1}, {2}, {1, 2}),
        ("BXOR", True, False, True),
        ("MAXLOC", (3, 1), (3, 0), (3, 0)),
        ("MINLOC", (5, 1), (3, 2), (3, 2)),
        ("REPLACE", 3, 5, 5),
        ("NO_OP", 3, 5, 3),
    ],
)
def test_python_objects(op, x, y, expected):
    assert getattr(ops, op)(x, y) == expected


@pytest.mark.parametrize(
    ("op", "x", "y"),
    [("SUM", None, 3), ("MAX", None, 3), ("BAND", 1.5, 2.5), ("MAXLOC", 3, 5)],
)
def test_objects_that_do_not_go_together(op, x, y):
    with pytest.raises(TypeError):
        getattr(ops, op)(x, y)


def test_which_operations_commute():
    apart = {"REPLACE", "NO_OP"}
    for name in TAKES:
        op = getattr(ops, name)
        assert op.Is_commutative() == op.is_commutative == (name not in apart)
        assert op.is_predefined


def test_a_program_makes_an_operation():
    calls = []

    def function(given_, result, datatype):
        x = np.frombuffer(given_, "i4")
        y = np.frombuffer(result, "i4")
        calls.append((len(given_), datatype == INT))
        y[:] = x * 10 + y

    op = Op.Create(function)
    assert not op.is_commutative
    assert not op.is_predefined
    assert Op.Create(function, commute=True).Is_commutative()
    x, y = np.arange(3, dtype="i4"), np.ones(3, "i4")
    assert combined(op, INT, x, y).tolist() == [1, 11, 21]
    assert calls == [(12, True)]
    op.Free()
    assert op == OP_NULL


def test_a_programs_operation_sees_elements_with_their_gaps():
    def function(given_, result, datatype):
        assert len(given_) == len(result) == 2 * datatype.extent
        result[:] = given_

    pairs = np.array([(1, 0, 2), (3, 0, 4)], [("value", "i2"), ("gap", "i2"), ("index", "i4")])
    assert combined(Op.Create(function), SHORT_INT, pairs, pairs).tolist() == pairs.tolist()
    target = np.zeros_like(pairs)
    assert combined(Op.Create(function), SHORT_INT, pairs, target).tolist() == pairs.tolist()


def test_a_programs_operation_on_objects_gets_no_datatype():
    assert Op.Create(lambda x, y, datatype: (x, y, datatype))(1, 2) == (1, 2, None)


def test_an_error_in_a_programs_operation_comes_out():
    def function(given_, result, datatype):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        combined(Op.Create(function), INT, np.zeros(1, "i4"), np.zeros(1, "i4"))


def test_what_is_no_operation():
    with pytest.raises(TypeError, match="not callable"):
        Op.Create(3)
    with pytest.raises(ValueError, match="null"):
        OP_NULL(1, 2)
    for call in (OP_NULL.Is_commutative, SUM.Free, OP_NULL.Free):
        with pytest.raises(MPIError) as error:
            call()
        assert error.value == ERR_OP
    with pytest.raises(MPIError) as error:
        OP_NULL.combiner(INT)
    assert error.value == ERR_OP
    with pytest.raises(MPIError) as error:
        SUM.combiner(DATATYPE_NULL)
    assert error.value == ERR_TYPE


def test_buffers_of_a_local_reduction_go_together():
    with pytest.raises(ValueError, match="count"):
        SUM.Reduce_local(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="datatypes"):
        SUM.Reduce_local(np.zeros(3), np.zeros(3, "f4"))
    with pytest.raises(MPIError) as error:
        SUM.Reduce_local(IN_PLACE, np.zeros(3))
    assert error.value == ERR_BUFFER


def test_handles_of_operations():
    assert Op(SUM) == SUM
    assert Op() == OP_NULL
    assert Op.fromhandle(SUM.handle) == SUM
    assert SUM.__reduce__() == "SUM"
    create, arguments = Op.Create(operator.add, True).__reduce__()
    assert create(*arguments).is_commutative
    with pytest.raises(MPIError):
        Op.fromhandle(INT.handle)


def test_a_rank_has_as_many_operations_as_mpi4py_gives_it(ranks):
    def program():
        made = [Op.Create(max) for _ in range(32)]
        with pytest.raises(RuntimeError, match="too many"):
            Op.Create(max)
        for each in made:
            each.Free()
        Op.Create(max).Free()

    for rank in ranks:
        rank.run(program)


def test_an_operation_known_by_number_only_cannot_be_pickled():
    made = Op.Create(max)
    assert made.__reduce__()
    known = Op.fromint(made.toint())
    assert known == made
    with pytest.raises(ValueError, match="number"):
        known.__reduce__()
    made.Free()
