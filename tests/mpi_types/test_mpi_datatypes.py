"""Datatypes: names, sizes, codes, layouts, and what becomes of handles."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from vmpp_mpi import _constants as constants
from vmpp_mpi._datatype import (
    BY_CODE,
    DATATYPE_NULL,
    Datatype,
    datatype_create,
    typealign,
    typecode,
)
from vmpp_mpi._datatype import _predefined as types
from vmpp_mpi._datatype._predefined import DOUBLE, DOUBLE_INT, INT, LONG_DOUBLE_INT, SHORT_INT
from vmpp_mpi._errors import ERR_ARG, ERR_TYPE
from vmpp_mpi._errors import Exception as MPIError

NUMBERS = sorted(
    name
    for name, value in vars(types).items()
    if isinstance(value, Datatype) and value and value._get().number.kind
)
PAIRS = {
    "SHORT_INT": ctypes.c_short,
    "INT_INT": ctypes.c_int,
    "LONG_INT": ctypes.c_long,
    "FLOAT_INT": ctypes.c_float,
    "DOUBLE_INT": ctypes.c_double,
    "LONG_DOUBLE_INT": ctypes.c_longdouble,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_as_large_as_numpy_has_it(name):
    datatype = getattr(types, name)
    dtype = np.dtype(datatype.typestr)
    assert datatype.size == datatype.extent == dtype.itemsize
    assert np.dtype(datatype.typechar).kind == dtype.kind
    assert (datatype.lb, datatype.ub) == (datatype.true_lb, datatype.true_ub)


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_a_pair_lies_as_the_c_structure(name):
    class Pair(ctypes.Structure):
        _fields_ = (("value", PAIRS[name]), ("index", ctypes.c_int))

    datatype = getattr(types, name)
    assert datatype.extent == ctypes.sizeof(Pair)
    assert datatype.size == ctypes.sizeof(PAIRS[name]) + 4
    assert datatype.Get_true_extent() == (0, Pair.index.offset + 4)
    assert typealign(datatype) == ctypes.alignment(Pair)


@pytest.mark.parametrize(
    ("datatype", "name"),
    [
        (INT, "MPI_INT"),
        (types.LONG_LONG, "MPI_LONG_LONG_INT"),
        (types.TWOINT, "MPI_2INT"),
        (types.C_FLOAT_COMPLEX, "MPI_C_COMPLEX"),
        (DATATYPE_NULL, "MPI_DATATYPE_NULL"),
    ],
)
def test_names_are_those_of_the_standard(datatype, name):
    assert datatype.Get_name() == name


def test_a_name_can_be_set():
    copy = INT.Dup()
    assert copy.name == ""
    copy.name = "mine"
    assert copy.Get_name() == "mine"
    assert INT.Get_name() == "MPI_INT"
    copy.Set_name("x" * 1000)
    assert len(copy.name) == constants.MAX_OBJECT_NAME


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_every_code_leads_to_a_datatype(code):
    assert Datatype.fromcode(code) == BY_CODE[code]


@pytest.mark.parametrize("name", NUMBERS)
def test_a_code_leads_back_to_a_datatype_of_the_same_layout(name):
    datatype = getattr(types, name)
    other = Datatype.fromcode(datatype.tocode())
    assert (other.size, other.typechar) == (datatype.size, datatype.typechar)


@pytest.mark.parametrize("code", ["", "xx", "<i4", ">i4", "O", "V8", "float64", 3, None, []])
def test_other_codes_are_refused(code):
    with pytest.raises(ValueError, match="cannot map"):
        Datatype.fromcode(code)


@pytest.mark.parametrize("datatype", [DOUBLE_INT, DATATYPE_NULL])
def test_what_is_no_number_has_no_code(datatype):
    with pytest.raises(ValueError, match="no type code"):
        datatype.tocode()
    assert typecode(datatype) is None


def test_handles_are_equal_when_they_refer_to_the_same():
    assert Datatype(INT) == INT
    assert INT != DOUBLE
    assert Datatype() == DATATYPE_NULL
    assert INT != 3
    assert INT
    assert not DATATYPE_NULL
    with pytest.raises(TypeError):
        hash(INT)
    with pytest.raises(TypeError):
        Datatype(3)
    with pytest.raises(AttributeError):
        INT.colour = "red"


def test_a_duplicate_is_another_datatype_of_the_same_layout():
    copy = INT.Dup()
    assert copy != INT
    assert (copy.size, copy.typestr, copy.typechar, copy.tocode()) == (4, "i4", "i", "i")
    assert (copy.is_predefined, copy.is_named) == (False, False)
    assert (copy.combiner, copy.envelope) == (constants.COMBINER_DUP, (0, 0, 0, 1, 2))
    assert copy.Get_contents() == ([], [], [], [INT])
    assert copy.decode() == (INT, "DUP", {})
    copy.Free()
    assert copy == DATATYPE_NULL


def test_a_predefined_datatype_is_made_of_nothing_and_stays():
    assert INT.Commit() is INT
    assert INT.is_predefined
    assert INT.is_named
    assert INT.envelope == (0, 0, 0, 0, constants.COMBINER_NAMED)
    assert INT.decode() == (INT, "NAMED", {})
    for call in (INT.Get_contents, INT.Free, DATATYPE_NULL.Free):
        with pytest.raises(MPIError) as error:
            call()
        assert error.value == ERR_TYPE
    INT.free()
    assert INT.size == 4


@pytest.mark.parametrize("call", ["Get_size", "Get_extent", "Commit", "Dup", "Get_envelope"])
def test_the_null_datatype_has_no_layout(call):
    with pytest.raises(MPIError) as error:
        getattr(DATATYPE_NULL, call)()
    assert error.value.Get_error_class() == ERR_TYPE


def test_a_class_and_size_match_a_datatype():
    assert Datatype.Match_size(constants.TYPECLASS_REAL, 8) == types.REAL8
    assert Datatype.Match_size(constants.TYPECLASS_INTEGER, 2) == types.INTEGER2
    assert Datatype.Match_size(constants.TYPECLASS_COMPLEX, 16) == types.COMPLEX16
    for typeclass, size in ((constants.TYPECLASS_REAL, 3), (17, 8)):
        with pytest.raises(MPIError) as error:
            Datatype.Match_size(typeclass, size)
        assert error.value == ERR_ARG


def test_a_handle_has_a_number():
    assert Datatype.fromhandle(INT.handle) == INT
    assert Datatype.fromint(DATATYPE_NULL.toint()) == DATATYPE_NULL
    copy = INT.Dup()
    number = copy.py2f()
    assert number == copy.handle
    assert Datatype.f2py(number) == copy
    copy.Free()
    assert Datatype.f2py(number) == DATATYPE_NULL
    with pytest.raises(MPIError):
        Datatype.fromhandle(0)


def test_datatypes_survive_being_taken_apart():
    assert INT.__reduce__() == "INT"
    function, arguments = INT.Dup().__reduce__()
    assert function is datatype_create
    assert function(*arguments).combiner == constants.COMBINER_DUP
    with pytest.raises(ValueError, match="SPIRAL"):
        datatype_create(INT, "SPIRAL", {})


@pytest.mark.parametrize("datatype", [SHORT_INT, DOUBLE_INT, LONG_DOUBLE_INT])
def test_a_pair_with_a_gap_is_packed_without_it(datatype):
    layout = datatype._get()
    assert not layout.contiguous
    memory = bytes(range(3 * layout.extent))
    packed = bytes(layout.pack(memoryview(memory), 3))
    assert len(packed) == 3 * layout.size
    back = bytearray(3 * layout.extent)
    layout.unpack(memoryview(packed), memoryview(back))
    assert bytes(layout.pack(memoryview(back), 3)) == packed


def test_a_contiguous_layout_packs_without_a_copy():
    memory = bytearray(8)
    packed = DOUBLE._get().pack(memoryview(memory), 1)
    memory[0] = 7
    assert packed[0] == 7
