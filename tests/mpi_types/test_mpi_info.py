"""Info objects, and error handlers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_mpi import MPI
from vmpp_mpi._constants import MAX_INFO_KEY, MAX_INFO_VAL
from vmpp_mpi._errhandler import (
    ERRHANDLER_NULL,
    ERRORS_ABORT,
    ERRORS_ARE_FATAL,
    ERRORS_RETURN,
    Errhandler,
)
from vmpp_mpi._errors import (
    ERR_ARG,
    ERR_ERRHANDLER,
    ERR_INFO,
    ERR_INFO_KEY,
    ERR_INFO_NOKEY,
    ERR_INFO_VALUE,
)
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._info import INFO_ENV, INFO_NULL, Info


def error_of(call, *arguments):
    with pytest.raises(MPIError) as error:
        call(*arguments)
    return error.value.Get_error_class()


KEYS = st.sampled_from(["a", "b", "c"])
STEPS = st.one_of(
    st.tuples(st.just("set"), KEYS, st.text(max_size=5)),
    st.tuples(st.just("pop"), KEYS, st.just("default")),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("popitem")),
    st.tuples(st.just("clear")),
)


@given(st.lists(STEPS, max_size=20))
def test_an_info_object_is_a_dictionary(steps):
    info, model = Info.Create(), {}
    for step, *arguments in steps:
        if step == "set":
            info[arguments[0]] = model[arguments[0]] = arguments[1]
        elif step == "delete":
            if arguments[0] in model:
                del info[arguments[0]], model[arguments[0]]
            else:
                with pytest.raises(KeyError):
                    del info[arguments[0]]
        elif step == "popitem" and not model:
            with pytest.raises(KeyError):
                info.popitem()
        else:
            assert getattr(info, step)(*arguments) == getattr(model, step)(*arguments)
        assert info.items() == list(model.items())
        assert (list(info), info.keys()) == (list(model), list(model))
        assert info.values() == list(model.values())
        assert len(info) == info.Get_nkeys() == len(model)
        assert [info.Get_nthkey(n) for n in range(len(info))] == list(model)
        for key in "abc":
            assert (key in info) == (key in model)
            assert info.Get(key) == info.get(key) == model.get(key)


def test_ways_to_make_one():
    assert Info.Create().items() == []
    assert Info.Create({"a": "b"}).items() == [("a", "b")]
    assert Info.Create([("a", "b")]).items() == [("a", "b")]
    info = Info.Create({"x": "1"})
    info.update([("y", "2")], z="3")
    info.update(info)
    assert info.items() == [("x", "1"), ("y", "2"), ("z", "3")]
    for copy in (info.Dup(), info.copy(), Info.Create(info)):
        assert copy.items() == info.items()
        assert copy != info
        copy.Set("x", "2")
    assert info["x"] == "1"
    create, arguments = info.__reduce__()
    assert create(*arguments).items() == info.items()


def test_keys_and_values_have_bounds():
    info = Info.Create()
    for key in ("", "k" * (MAX_INFO_KEY + 1)):
        assert error_of(info.Set, key, "v") == ERR_INFO_KEY
        assert error_of(info.Get, key) == ERR_INFO_KEY
    assert error_of(info.Set, "k", "v" * (MAX_INFO_VAL + 1)) == ERR_INFO_VALUE
    assert error_of(info.Delete, "k") == ERR_INFO_NOKEY
    assert error_of(info.Get_nthkey, 0) == ERR_ARG
    for key, value in (("k", 3), (3, "v")):
        with pytest.raises(TypeError):
            info.Set(key, value)
    with pytest.raises(KeyError):
        info["k"]
    with pytest.raises(KeyError):
        info.pop("k")


def test_the_null_info_object_reads_as_an_empty_one():
    null = INFO_NULL
    assert (len(null), list(null), null.items(), "a" in null) == (0, [], [], False)
    assert null.get("a", "default") == "default"
    assert null.pop("a", "default") == "default"
    assert null.copy() == INFO_NULL
    null.clear()
    for call, arguments in (("Get", "a"), ("Get_nkeys", ""), ("Dup", ""), ("Set", "ab")):
        assert error_of(getattr(null, call), *arguments) == ERR_INFO
    for wrong in (lambda: null["a"], lambda: null.update([]), null.popitem):
        with pytest.raises(KeyError):
            wrong()
    assert error_of(null.Free) == error_of(INFO_ENV.Free) == ERR_INFO


def test_freeing_makes_null():
    info = Info.Create()
    assert info
    info.Free()
    assert info == INFO_NULL
    assert not info


def test_each_rank_has_its_own_environment(ranks):
    ranks[0].run(INFO_ENV.Set, "colour", "red")
    assert ranks[0].run(INFO_ENV.items) == [("maxprocs", "3"), ("colour", "red")]
    assert ranks[1].run(INFO_ENV.items) == [("maxprocs", "3")]
    assert ranks[1].run(lambda: Info.Create_env(["x"]).items()) == [("maxprocs", "3")]
    assert INFO_ENV.__reduce__() == "INFO_ENV"


def test_error_handlers():
    predefined = (ERRORS_RETURN, ERRORS_ABORT, ERRORS_ARE_FATAL)
    for handler in predefined:
        assert [handler == other for other in predefined].count(True) == 1
        copy = Errhandler(handler)
        assert copy == handler
        copy.Free()
        assert copy == ERRHANDLER_NULL
        handler.Free()
        assert handler
    assert not ERRHANDLER_NULL
    assert error_of(ERRHANDLER_NULL.Free) == ERR_ERRHANDLER


def test_a_programs_error_handler():
    handler = MPI.Comm.Create_errhandler(print)
    assert handler.function is print
    assert ERRORS_RETURN.function is None
    number = handler.handle
    assert Errhandler.fromhandle(number) == handler
    handler.free()
    assert handler == ERRHANDLER_NULL
    with pytest.raises(ValueError, match="pickle"):
        MPI.Comm.Create_errhandler(print).__reduce__()


def test_as_many_error_handlers_of_ones_own_as_mpi4py_has_room_for(ranks):
    def program():
        made = [MPI.Comm.Create_errhandler(print) for _ in range(32)]
        with pytest.raises(RuntimeError, match="32"):
            MPI.Comm.Create_errhandler(print)
        made[3].Free()
        MPI.Comm.Create_errhandler(print)
        with pytest.raises(TypeError):
            MPI.Comm.Create_errhandler(3)

    for rank in ranks:
        rank.run(program)
