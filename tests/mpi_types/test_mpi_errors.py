"""Error codes, classes and the exception."""

from __future__ import annotations

import pytest

from vmpp_mpi import _errors as errors
from vmpp_mpi._errors import (
    ERR_ARG,
    ERR_LASTCODE,
    ERR_RANK,
    ERR_TYPE,
    ERR_UNKNOWN,
    SUCCESS,
    Add_error_class,
    Add_error_code,
    Add_error_string,
    Get_error_class,
    Get_error_string,
    Remove_error_class,
    Remove_error_code,
    Remove_error_string,
    last_used_code,
)
from vmpp_mpi._errors import Exception as MPIError

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if name.startswith("ERR_") and name != "ERR_LASTCODE"
}


def error_of(call, *arguments):
    with pytest.raises(MPIError) as error:
        call(*arguments)
    return error.value.Get_error_class()


def test_classes_are_distinct_and_dense():
    assert sorted(CLASSES.values()) == list(range(1, ERR_LASTCODE + 1))


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_class_says_its_name(name):
    assert Get_error_string(CLASSES[name]).startswith(f"MPI_{name}: ")
    assert Get_error_class(CLASSES[name]) == CLASSES[name]


def test_an_exception_carries_its_code():
    error = MPIError(ERR_RANK)
    assert int(error) == error.Get_error_code() == error.error_code == ERR_RANK
    assert error.Get_error_class() == error.error_class == ERR_RANK
    assert error.Get_error_string() == error.error_string == str(error)
    assert str(error) == "MPI_ERR_RANK: invalid rank"
    assert repr(error) == f"MPI.Exception({ERR_RANK})"
    assert error.args == (ERR_RANK,)
    assert isinstance(error, RuntimeError)


def test_an_exception_may_say_more():
    error = MPIError(ERR_RANK, "rank 7 of 3")
    assert str(error) == "MPI_ERR_RANK: invalid rank (rank 7 of 3)"
    assert error == MPIError(ERR_RANK)


def test_an_exception_compares_as_its_number():
    error = MPIError(ERR_RANK)
    assert error == ERR_RANK
    assert error == MPIError(ERR_RANK)
    assert error != MPIError(ERR_TYPE)
    assert error != "a"
    assert ERR_TYPE < error <= ERR_RANK
    assert error > MPIError(ERR_TYPE)
    assert error >= ERR_RANK
    assert hash(error) == hash(ERR_RANK)
    assert error
    assert not MPIError()
    assert MPIError() == SUCCESS
    with pytest.raises(TypeError):
        assert error < "a"


@pytest.mark.parametrize("code", [-5, 10**7])
def test_a_code_that_does_not_exist_is_unknown(code):
    assert MPIError(code) == (ERR_UNKNOWN if code < 0 else code)
    assert MPIError(code).Get_error_class() == ERR_UNKNOWN
    assert error_of(Get_error_class, code) == ERR_ARG
    assert error_of(Get_error_string, code) == ERR_ARG
    assert error_of(Add_error_code, code) == ERR_ARG
    with pytest.raises(ValueError, match="invalid literal"):
        MPIError("a")


def test_a_rank_adds_codes_of_its_own(ranks):
    def adds():
        kind = Add_error_class()
        code = Add_error_code(kind)
        Add_error_string(code, "out of coffee")
        return kind, code, str(MPIError(code)), MPIError(code).Get_error_class()

    kind, code, text, its_class = ranks[0].run(adds)
    assert ERR_LASTCODE < kind < code
    assert (text, its_class) == ("out of coffee", kind)
    assert ranks[0].run(last_used_code) == code
    assert ranks[1].run(last_used_code) == ERR_LASTCODE
    assert ranks[1].run(lambda: MPIError(code).Get_error_class()) == ERR_UNKNOWN


def test_an_exception_can_be_shown_where_its_code_is_not_known(ranks):
    error = ranks[0].run(lambda: MPIError(Add_error_class()))
    assert str(error) == f"error code {int(error)}"


def test_added_codes_can_be_removed(ranks):
    def removes():
        kind = Add_error_class()
        code = Add_error_code(kind)
        Add_error_string(code, "words")
        assert error_of(Remove_error_code, code) == ERR_ARG
        Remove_error_string(code)
        assert Get_error_string(code) == ""
        assert error_of(Remove_error_class, kind) == ERR_ARG
        assert error_of(Remove_error_code, kind) == ERR_ARG
        Remove_error_code(code)
        Remove_error_class(kind)
        return last_used_code()

    assert ranks[0].run(removes) == ERR_LASTCODE


@pytest.mark.parametrize("call", [Remove_error_class, Remove_error_code, Remove_error_string])
def test_predefined_codes_stay(call):
    assert error_of(call, ERR_TYPE) == ERR_ARG
    assert error_of(Add_error_string, ERR_TYPE, "x") == ERR_ARG
