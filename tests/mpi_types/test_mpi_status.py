"""Statuses: what is known of a message."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_mpi._constants import (
    ANY_SOURCE,
    ANY_TAG,
    F_ERROR,
    F_SOURCE,
    F_STATUS_SIZE,
    F_TAG,
    UNDEFINED,
)
from vmpp_mpi._datatype import BYTE, DATATYPE_NULL, Datatype
from vmpp_mpi._datatype._predefined import DOUBLE, DOUBLE_INT, INT, SHORT_INT
from vmpp_mpi._errors import ERR_COUNT, ERR_TRUNCATE, ERR_TYPE, SUCCESS
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._status import Status


def filled(nbytes=12):
    status = Status()
    status.fill(3, 7, nbytes, ERR_TRUNCATE, True)
    return status


def test_nothing_is_known_at_first():
    status = Status()
    assert (status.source, status.tag, status.error) == (ANY_SOURCE, ANY_TAG, SUCCESS)
    assert (status.count, status.cancelled) == (0, False)
    assert status.Get_count(INT) == status.Get_elements(INT) == 0


def test_what_the_library_fills_in_is_what_a_program_reads():
    status = filled()
    assert (status.Get_source(), status.Get_tag()) == (status.source, status.tag) == (3, 7)
    assert status.Get_error() == status.error == ERR_TRUNCATE
    assert status.Is_cancelled()
    assert status.cancelled
    assert status.Get_count() == status.Get_count(BYTE) == status.count == 12


@pytest.mark.parametrize(
    ("nbytes", "datatype", "count", "elements"),
    [
        (12, INT, 3, 3),
        (13, INT, UNDEFINED, UNDEFINED),
        (24, DOUBLE_INT, 2, 4),
        (20, DOUBLE_INT, UNDEFINED, 3),
        (14, DOUBLE_INT, UNDEFINED, UNDEFINED),
        (8, SHORT_INT, UNDEFINED, 3),
        (0, DOUBLE_INT, 0, 0),
    ],
)
def test_counts_are_whole_or_undefined(nbytes, datatype, count, elements):
    status = filled(nbytes)
    assert status.Get_count(datatype) == count
    assert status.Get_elements(datatype) == elements


def test_a_program_may_set_everything():
    status = Status()
    status.Set_source(1)
    status.Set_tag(2)
    status.Set_error(ERR_TRUNCATE)
    status.Set_elements(INT, 5)
    status.Set_cancelled(True)
    other = Status()
    other.source, other.tag, other.error, other.count = 1, 2, ERR_TRUNCATE, 20
    other.cancelled = True
    assert status == other


def test_the_elements_that_are_set_are_numbers():
    status = Status()
    three = Datatype.Create_struct([1, 2], [0, 8], [INT, DOUBLE])
    for datatype, per_element in ((three, 3), (DOUBLE_INT, 2), (three.Create_contiguous(5), 15)):
        for elements in range(40):
            status.Set_elements(datatype, elements)
            assert status.Get_elements(datatype) == elements
            whole = elements % per_element == 0
            assert status.Get_count(datatype) == (elements // per_element if whole else UNDEFINED)
    status.Set_elements(INT.Create_contiguous(0), 7)
    assert status.count == 0


@pytest.mark.parametrize("name", ["source", "tag", "error", "count"])
def test_numbers_are_numbers(name):
    with pytest.raises(TypeError):
        setattr(Status(), name, "a")


def test_wrong_questions():
    with pytest.raises(MPIError) as error:
        Status().Get_count(DATATYPE_NULL)
    assert error.value == ERR_TYPE
    with pytest.raises(MPIError) as error:
        Status().Set_elements(INT, -1)
    assert error.value == ERR_COUNT


def test_copies_are_equal_and_independent():
    status = filled()
    copy = Status(status)
    assert copy == status
    copy.tag = 8
    assert copy != status
    assert status != 3
    with pytest.raises(TypeError):
        Status(3)
    with pytest.raises(TypeError):
        hash(status)


@given(
    st.integers(-2, 2**31 - 1),
    st.integers(-1, 2**31 - 1),
    st.integers(0, 2**62 - 1),
    st.integers(0, 99),
    st.booleans(),
)
def test_a_status_survives_pickling_and_fortran(source, tag, nbytes, error, cancelled):
    status = Status()
    status.fill(source, tag, nbytes, error, cancelled)
    kind, arguments, state = status.__reduce__()
    copy = kind(*arguments)
    copy.__setstate__(pickle.loads(pickle.dumps(state)))
    words = status.py2f()
    assert status == copy == Status.f2py(words)
    assert len(words) == F_STATUS_SIZE
    assert (words[F_SOURCE], words[F_TAG], words[F_ERROR]) == (source, tag, error)
    assert status.tomemory().tolist() == words


def test_the_memory_of_a_status_is_the_status():
    status = Status()
    memory = status.tomemory()
    status.fill(3, 4, 5 << 31, 6)
    assert list(memory) == status.py2f()
    memory[F_SOURCE], memory[F_TAG], memory[F_ERROR] = 30, 40, 60
    assert (status.source, status.tag, status.error) == (30, 40, 60)
    assert status.count == 5 << 31
    status.tag = 41
    assert memory[F_TAG] == 41
    copy = Status(status)
    copy.source = 1
    assert status.source == 30
