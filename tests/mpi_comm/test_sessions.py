"""Sessions: process sets, groups and communicators made of them, and buffers of their own."""

from __future__ import annotations

import pickle

import pytest

from vmpp_mpi import MPI


def class_of(call):
    with pytest.raises(MPI.Exception) as caught:
        call()
    return caught.value.Get_error_class()


def test_a_session_is_begun_and_ended(ranks):
    def program():
        session = MPI.Session.Init()
        again = MPI.Session(session)
        assert (bool(session), session == again, session != MPI.SESSION_NULL) == (True,) * 3
        assert session != MPI.Session.Init()
        session.Finalize()
        return not session and session == MPI.SESSION_NULL == MPI.Session()

    assert ranks(2, program) == [True] * 2


def test_a_null_session_is_of_no_use(ranks):
    def program():
        null = MPI.SESSION_NULL
        calls = [
            null.Finalize,
            null.Get_num_psets,
            lambda: null.Get_nth_pset(0),
            null.Get_info,
            lambda: null.Create_group("mpi://WORLD"),
            lambda: null.Attach_buffer(None),
            null.Get_errhandler,
        ]
        null.free()
        return {class_of(call) for call in calls} == {MPI.ERR_SESSION}

    assert ranks(1, program) == [True]


def test_process_sets(ranks):
    def program():
        session = MPI.Session.Init()
        names = [session.Get_nth_pset(n) for n in range(session.Get_num_psets())]
        return {name: session.Get_pset_info(name)["mpi_size"] for name in names}

    sets = {"mpi://WORLD": "3", "mpi://SELF": "1", "vmpp://PROGRAM": "3"}
    assert ranks(3, program) == [sets] * 3


def test_sets_that_there_are_not(ranks):
    def program():
        session = MPI.Session.Init()
        calls = [
            lambda: session.Get_nth_pset(-1),
            lambda: session.Get_nth_pset(99),
            lambda: session.Get_pset_info("nothing"),
            lambda: session.Create_group("nothing"),
            lambda: MPI.Group.Create_from_session_pset(session, ""),
        ]
        return {class_of(call) for call in calls} == {MPI.ERR_ARG}

    assert ranks(1, program) == [True]


@pytest.mark.parametrize("make", ["Create_group", "Create_from_session_pset"])
def test_groups_of_sets(ranks, make):
    def program():
        session = MPI.Session.Init()
        if make == "Create_group":
            world, own = map(session.Create_group, ("mpi://WORLD", "mpi://SELF"))
        else:
            world, own = (
                MPI.Group.Create_from_session_pset(session, name)
                for name in ("mpi://WORLD", "mpi://SELF")
            )
        same = world.Compare(MPI.COMM_WORLD.Get_group()) == MPI.IDENT
        return world.rank, world.size, own.rank, own.size, same

    assert ranks(3, program) == [(rank, 3, 0, 1, True) for rank in range(3)]


def test_a_communicator_made_of_nothing_but_a_session(ranks):
    def program():
        session = MPI.Session.Init()
        group = session.Create_group("mpi://WORLD")
        comm = MPI.Intracomm.Create_from_group(group.Excl([0]), "odd")
        if not comm:
            return None
        return comm.rank, comm.size, comm.allreduce(comm.rank)

    assert ranks(4, program) == [None, (0, 3, 3), (1, 3, 3), (2, 3, 3)]


def test_hints_are_told_again_with_the_level_of_threads(ranks):
    def program():
        session = MPI.Session.Init(MPI.Info.Create({"thread_level": "any", "own": "hint"}))
        info = session.Get_info()
        return info["own"], info["thread_level"].startswith("MPI_THREAD_")

    assert ranks(1, program) == [("hint", True)]


def test_a_sessions_buffer_is_for_its_own_communicators(ranks):
    def program():
        session, other = MPI.Session.Init(), MPI.Session.Init()
        memory = bytearray(1000 + MPI.BSEND_OVERHEAD)
        session.Attach_buffer(memory)
        assert class_of(lambda: session.Attach_buffer(None)) == MPI.ERR_BUFFER
        group = session.Create_group("mpi://WORLD")
        own = MPI.Intracomm.Create_from_group(group.Incl([1, 0]))
        part = own.Dup().Split()
        stranger = MPI.Intracomm.Create_from_group(other.Create_group("mpi://WORLD"), "other")
        for comm in (own, part):
            comm.Bsend(b"x" * 10, comm.rank)
            comm.Recv(bytearray(10), comm.rank)
        failed = [
            class_of(lambda comm=comm: comm.Bsend(b"x", comm.rank))
            for comm in (stranger, MPI.COMM_WORLD)
        ]
        session.Flush_buffer()
        session.Iflush_buffer().Wait()
        assert session.Detach_buffer() is memory
        assert session.Detach_buffer() is None
        return failed

    assert ranks(2, program) == [[MPI.ERR_BUFFER] * 2] * 2


def test_the_process_buffer_is_not_a_sessions(ranks):
    def program():
        MPI.Attach_buffer(None)
        session = MPI.Session.Init()
        comm = MPI.Intracomm.Create_from_group(session.Create_group("mpi://SELF"))
        return class_of(lambda: comm.Bsend(b"x", 0))

    assert ranks(1, program) == [MPI.ERR_BUFFER]


def test_an_error_handler_hears_of_errors(ranks):
    def program():
        heard = []
        handler = MPI.Session.Create_errhandler(lambda session, code: heard.append(code))
        session = MPI.Session.Init(errhandler=handler)
        assert class_of(lambda: session.Create_group("nothing")) == MPI.ERR_ARG
        session.Call_errhandler(MPI.ERR_OTHER)
        assert session.Get_errhandler() == handler
        session.Set_errhandler(MPI.ERRORS_RETURN)
        session.Call_errhandler(MPI.ERR_OTHER)
        return heard

    assert ranks(1, program) == [[MPI.ERR_ARG, MPI.ERR_OTHER]]


def test_a_session_is_no_thing_to_be_pickled(ranks):
    def program():
        with pytest.raises(ValueError, match="Session"):
            pickle.dumps(MPI.Session.Init())

    ranks(1, program)


def test_a_session_has_a_number(ranks):
    def program():
        session = MPI.Session.Init()
        return MPI.Session.fromint(session.toint()) == session == MPI.Session.f2py(session.py2f())

    assert ranks(1, program) == [True]
