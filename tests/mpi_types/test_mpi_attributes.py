"""Attributes of datatypes, communicators and windows: one mechanism, keys for one kind each."""

from __future__ import annotations

import pytest

from vmpp_mpi import MPI


def error_class(call):
    with pytest.raises(MPI.Exception) as error:
        call()
    return error.value.Get_error_class()


@pytest.fixture
def rank(ranks):
    """A process in which the program of a test runs."""
    return ranks[0]


KINDS = [(MPI.Datatype, MPI.INT.Dup), (MPI.Comm, lambda: MPI.COMM_SELF)]


@pytest.mark.parametrize(("kind", "make"), KINDS)
def test_an_attribute_is_what_was_attached(rank, kind, make):
    def program():
        obj, value = make(), ["anything"]
        keyval = kind.Create_keyval()
        assert obj.Get_attr(keyval) is None
        obj.Set_attr(keyval, value)
        assert obj.Get_attr(keyval) is value
        obj.Delete_attr(keyval)
        assert obj.Get_attr(keyval) is None
        assert error_class(lambda: obj.Delete_attr(keyval)) == MPI.ERR_KEYVAL
        assert kind.Free_keyval(keyval) == MPI.KEYVAL_INVALID

    rank.run(program)


def test_a_key_is_for_one_kind_of_handle(rank):
    def program():
        keyval = MPI.Datatype.Create_keyval()
        assert error_class(lambda: MPI.COMM_SELF.Set_attr(keyval, 1)) == MPI.ERR_KEYVAL
        assert error_class(lambda: MPI.Comm.Free_keyval(keyval)) == MPI.ERR_KEYVAL
        assert error_class(lambda: MPI.INT.Get_attr(12345)) == MPI.ERR_KEYVAL
        MPI.Datatype.Free_keyval(keyval)
        assert error_class(lambda: MPI.INT.Get_attr(keyval)) == MPI.ERR_KEYVAL
        assert error_class(lambda: MPI.Datatype.Free_keyval(keyval)) == MPI.ERR_KEYVAL
        assert error_class(lambda: MPI.DATATYPE_NULL.Get_attr(keyval)) == MPI.ERR_TYPE

    rank.run(program)


@pytest.mark.parametrize(
    ("copy", "found"),
    [
        (None, None),
        (False, None),
        (True, 5),
        (lambda datatype, keyval, value: value + 1, 6),
        (lambda *_: NotImplemented, None),
    ],
)
def test_a_duplicate_gets_what_the_key_says(rank, copy, found):
    def program():
        datatype = MPI.INT.Create_contiguous(2)
        keyval = MPI.Datatype.Create_keyval(copy)
        datatype.Set_attr(keyval, 5)
        assert datatype.Dup().Get_attr(keyval) == found

    rank.run(program)


def test_functions_are_called_with_the_handle_the_key_and_the_value(rank):
    def program():
        log = []
        keyval = MPI.Datatype.Create_keyval(
            copy_fn=lambda *arguments: log.append(("copy", *arguments)),
            delete_fn=lambda *arguments: log.append(("delete", *arguments)),
        )
        datatype = MPI.INT.Dup()
        datatype.Set_attr(keyval, "value")
        datatype.Dup()
        datatype.Set_attr(keyval, "other")
        datatype.Delete_attr(keyval)
        assert log == [
            ("copy", datatype, keyval, "value"),
            ("delete", datatype, keyval, "value"),
            ("delete", datatype, keyval, "other"),
        ]

    rank.run(program)


def test_freeing_deletes_them_the_last_one_first(rank):
    def program():
        log = []
        first = MPI.Datatype.Create_keyval(delete_fn=lambda *_: log.append("first"))
        second = MPI.Datatype.Create_keyval(delete_fn=lambda *_: log.append("second"))
        datatype = MPI.INT.Dup()
        datatype.Set_attr(first, 1)
        datatype.Set_attr(second, 2)
        MPI.Datatype.Free_keyval(first)  # its function is called all the same
        datatype.Free()
        assert log == ["second", "first"]

    rank.run(program)


def test_integers_only_where_the_key_says_so(rank):
    def program():
        keyval = MPI.Datatype.Create_keyval(nopython=True)
        MPI.INT.Set_attr(keyval, 0)
        assert MPI.INT.Get_attr(keyval) == 0
        with pytest.raises((TypeError, ValueError)):
            MPI.INT.Set_attr(keyval, [1])

    rank.run(program)


@pytest.mark.parametrize("way", ["copy", "delete"])
def test_an_exception_in_a_function_is_an_error_of_the_call(rank, way, capfd):
    def fail(*_):
        raise ValueError("no more attributes")

    def program():
        datatype = MPI.INT.Dup()
        if way == "copy":
            datatype.Set_attr(MPI.Datatype.Create_keyval(fail), 1)
            assert error_class(datatype.Dup) == MPI.ERR_OTHER
        else:
            keyval = MPI.Datatype.Create_keyval(delete_fn=fail)
            datatype.Set_attr(keyval, 1)
            assert error_class(lambda: datatype.Delete_attr(keyval)) == MPI.ERR_OTHER
            assert datatype.Get_attr(keyval) is None

    rank.run(program)
    assert "no more attributes" in capfd.readouterr().err


def test_an_mpi_error_in_a_function_keeps_its_class(rank):
    def program():
        def fail(*_):
            raise MPI.Exception(MPI.ERR_NO_SPACE)

        keyval = MPI.Datatype.Create_keyval(delete_fn=fail)
        datatype = MPI.INT.Dup()
        datatype.Set_attr(keyval, 1)
        assert error_class(datatype.Free) == MPI.ERR_NO_SPACE

    rank.run(program)


def test_each_rank_has_its_own_attributes_of_predefined_datatypes(ranks):
    def attach():
        keyval = MPI.Datatype.Create_keyval()
        MPI.INT.Set_attr(keyval, "mine")
        MPI.INT.Set_name("mine")
        return keyval

    def look(keyval):
        assert MPI.Datatype.Create_keyval() == keyval
        assert MPI.INT.Get_attr(keyval) is None
        assert MPI.INT.name == "MPI_INT"

    keyval = ranks[0].run(attach)
    ranks[1].run(look, keyval)
    assert ranks[0].run(lambda: (MPI.INT.Get_attr(keyval), MPI.INT.name)) == ("mine", "mine")


def test_those_of_comm_self_go_when_mpi_is_left(rank):
    log = []

    def note(comm, keyval, value):
        assert comm == MPI.COMM_SELF
        log.append(value)

    def program():
        keyval = MPI.Comm.Create_keyval(delete_fn=note)
        MPI.COMM_SELF.Set_attr(keyval, "replaced")
        MPI.COMM_SELF.Set_attr(keyval, "one")
        MPI.COMM_SELF.Set_attr(MPI.Comm.Create_keyval(delete_fn=note), "two")
        assert log == ["replaced"]
        MPI.Finalize()
        assert log == ["replaced", "two", "one"]

    rank.run(program)
