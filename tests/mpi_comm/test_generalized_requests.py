"""Generalised requests: operations of the program's own (MPI 4.1, chapter 13)."""

from __future__ import annotations

import pytest

from vmpp_mpi import MPI

WORLD = MPI.COMM_WORLD


class Calls:
    """What was called, with what; *fails* names a function that raises an exception."""

    def __init__(self, fails: str = "", error: Exception | None = None):
        self.seen = []
        self.fails = fails
        self.error = error

    def _note(self, name, *arguments):
        self.seen.append((name, *arguments))
        if name == self.fails:
            raise self.error

    def query(self, status, *arguments, **keywords):
        status.source, status.tag = 4, 5
        status.Set_elements(MPI.INT, 3)
        status.Set_cancelled(True)
        self._note("query", arguments, keywords)

    def free(self, *arguments, **keywords):
        self._note("free", arguments, keywords)

    def cancel(self, complete, *arguments, **keywords):
        self._note("cancel", complete, arguments, keywords)

    def start(self, **options):
        return MPI.Grequest.Start(self.query, self.free, self.cancel, **options)


def test_the_programs_functions_are_called_in_their_turn(ranks):
    def program():
        calls = Calls()
        request = calls.start(args=(1,), kwargs={"key": 2})
        extra = (1,), {"key": 2}
        status = MPI.Status()
        assert not request.Test(status)
        assert not request.Get_status()
        request.Cancel()
        assert calls.seen == [("cancel", False, *extra)]
        request.Complete()
        request.Cancel()
        assert request.Get_status(status)
        assert calls.seen[1:] == [("cancel", True, *extra), ("query", *extra)]
        assert request.Wait(status)
        assert calls.seen[3:] == [("query", *extra), ("free", *extra)]
        assert (status.source, status.tag, status.Get_count(MPI.INT)) == (4, 5, 3)
        assert status.Is_cancelled()
        assert request == MPI.REQUEST_NULL

    ranks(1, program)


def test_without_functions_the_status_is_empty(ranks):
    def program():
        request = MPI.Grequest.Start()
        request.cancel()
        request.complete("object")
        status = MPI.Status()
        assert request.wait(status) == "object"
        assert (status.source, status.tag, status.count) == (MPI.ANY_SOURCE, MPI.ANY_TAG, 0)
        request = MPI.Grequest.Start(Calls().query)
        request.Complete()
        assert request.Test(status)
        assert not status.Is_cancelled()

    ranks(1, program)


def test_it_is_waited_for_together_with_messages(ranks):
    def program():
        calls = Calls()
        generalized = calls.start()
        receiving = WORLD.irecv(source=0, tag=1)
        requests = [receiving, generalized]
        assert MPI.Request.Testany(requests) == (MPI.UNDEFINED, False)
        WORLD.send("x", 0, 1)
        assert MPI.Request.waitany(requests) == (0, "x")
        generalized.complete("y")
        assert MPI.Request.waitany(requests) == (1, "y")
        requests = [WORLD.irecv(source=0, tag=1), MPI.Grequest.Start()]
        WORLD.send("x", 0, 1)
        requests[1].complete("y")
        statuses = []
        assert MPI.Request.waitall(requests, statuses) == ["x", "y"]
        assert statuses[0].tag == 1

    ranks(1, program)


def test_waiting_for_what_nobody_completes_is_a_deadlock(ranks):
    def program():
        MPI.Grequest.Start().Wait()

    with pytest.raises(ranks.Deadlock):
        ranks(1, program)


@pytest.mark.parametrize("function", ["query", "free"])
@pytest.mark.parametrize(
    ("error", "expected"),
    [(MPI.Exception(MPI.ERR_BUFFER), MPI.ERR_BUFFER), (KeyError(3), MPI.ERR_OTHER)],
)
def test_what_a_function_raises_is_printed_and_ends_the_call(
    ranks, capsys, function, error, expected
):
    def program():
        calls = Calls(function, error)
        request = calls.start()
        request.Complete()
        with pytest.raises(MPI.Exception) as raised:
            request.Wait()
        assert raised.value.Get_error_class() == expected
        assert [name for name, *_ in calls.seen].count("free") == 1
        request = calls.start()
        request.Complete()
        statuses = [MPI.Status()]
        with pytest.raises(MPI.Exception) as raised:
            MPI.Request.Waitall([request], statuses)
        assert raised.value.Get_error_class() == MPI.ERR_IN_STATUS
        assert statuses[0].error == expected

    ranks(1, program)
    assert capsys.readouterr().err.count("Traceback") == 2


def test_a_failed_cancel_leaves_the_request(ranks, capsys):
    def program():
        calls = Calls("cancel", ValueError("no"))
        request = calls.start()
        with pytest.raises(MPI.Exception) as raised:
            request.Cancel()
        assert raised.value.Get_error_class() == MPI.ERR_OTHER
        request.Complete()
        request.Wait()

    ranks(1, program)
    assert "ValueError: no" in capsys.readouterr().err


def test_a_request_that_is_freed_first_is_let_go_when_complete(ranks):
    def program():
        calls = Calls()
        request = calls.start()
        request.Free()
        assert calls.seen == []
        request.Complete()
        assert [name for name, *_ in calls.seen] == ["free"]
        with pytest.raises(MPI.Exception) as raised:
            request.Complete()
        assert raised.value.Get_error_class() == MPI.ERR_REQUEST

    ranks(1, program)


def test_handles_are_of_their_kind(ranks):
    def program():
        request = MPI.Grequest.Start()
        for same in (
            MPI.Grequest(request),
            MPI.Request(request),
            MPI.Grequest.fromhandle(request.handle),
        ):
            assert same == request
        with pytest.raises(TypeError):
            MPI.Prequest(request)
        with pytest.raises(TypeError):
            MPI.Grequest(WORLD.Send_init(b"", 0))
        MPI.Grequest.fromhandle(request.handle).Complete()
        request.Wait()
        assert not MPI.Grequest()
        with pytest.raises(MPI.Exception):
            MPI.Grequest().Complete()

    ranks(1, program)
