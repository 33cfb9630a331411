"""The module that programs import: every call in both forms, and what reports say of it."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from vmpp_nx import _calls, nx, stub


def test_there_is_every_call_with_its_twin():
    for name, call in _calls.CALLS.items():
        plain, twin = getattr(nx, name), getattr(nx, f"_{name}")
        assert {name, f"_{name}"} <= set(nx.__all__)
        parameters = [each.name for each in call.parameters]
        assert list(inspect.signature(plain).parameters) == parameters
        assert list(inspect.signature(twin).parameters) == parameters
        assert plain.__name__ == name
        assert plain.__doc__


def test_the_stub_is_that_of_the_table():
    written = Path(nx.__file__).with_name("nx.pyi").read_text()
    assert ast.dump(ast.parse(written)) == ast.dump(ast.parse(stub.text())), (
        "write it anew: python -m vmpp_nx.stub plugins/vmpp_nx/nx.pyi, then format it"
    )


@pytest.mark.parametrize("name", _calls.CALLS)
def test_the_documentation_has_it(name):
    page = Path(__file__).parents[2] / "docs" / "nx.md"
    assert re.search(rf"`[^`]*\b{name}\b[^`]*`", page.read_text())


ORDER = {
    # As in the header of the Paragon's NX.
    "csend": "type buf count node ptype",
    "crecv": "typesel buf count",
    "crecvx": "typesel buf count nodesel ptypesel info",
    "csendrecv": "type sbuf scount node ptype typesel rbuf rcount",
    "isend": "type buf count node ptype",
    "irecv": "typesel buf count",
    "irecvx": "typesel buf count nodesel ptypesel info",
    "isendrecv": "type sbuf scount node ptype typesel rbuf rcount",
    "hsend": "type buf count node ptype handler",
    "hsendx": "type buf count node ptype xhandler hparam",
    "hrecv": "typesel buf count handler",
    "hrecvx": "typesel buf count nodesel ptypesel xhandler hparam",
    "hsendrecv": "type sbuf scount node ptype typesel rbuf rcount handler",
    "cprobe": "typesel",
    "cprobex": "typesel nodesel ptypesel info",
    "iprobe": "typesel",
    "iprobex": "typesel nodesel ptypesel info",
    "msgwait": "mid",
    "msgdone": "mid",
    "msgignore": "mid",
    "msgcancel": "mid",
    "msgmerge": "mid1 mid2",
    "flushmsg": "typesel node pid",
    "mypart": "rows cols",
}


@pytest.mark.parametrize("name", ORDER)
def test_arguments_stand_in_nx_s_order(name):
    assert list(inspect.signature(getattr(nx, name)).parameters) == ORDER[name].split()


def test_no_name_can_be_entered_twice():
    with pytest.raises(ValueError, match="there is a call 'csend' already"):
        _calls.call(name="csend")(lambda state: None)


def test_numbers_are_those_of_nx():
    assert (nx.INVALID_PTYPE, nx.FORCE_TYPE, nx.HWHZ) == (-1, 1073741824, 10_000_000)
    assert (nx.EQPBUF, nx.EQMSGLONG, nx.EQNOMID, nx.EQNOSET) == (151, 155, 174, 176)


def test_outside_of_a_machine_calls_say_where_they_belong():
    with pytest.raises(RuntimeError, match="programs on a virtual machine"):
        nx.mynode()


class TestWithMpi:
    def test_a_program_can_use_both(self, run):
        run(
            """
            from mpi4py import MPI
            comm = MPI.COMM_WORLD
            assert (comm.rank, comm.size) == (me, n)
            csend(1, bytes([me]), 1, (me + 1) % n, 0)
            got = bytearray(1)
            total = comm.allreduce(me)
            crecv(-1, got, 1)
            assert total == sum(range(n)) and got[0] == (me - 1) % n
            """,
            3,
        )


class TestReports:
    def test_a_deadlock_names_calls_and_arguments(self, run):
        result = run(
            """
            import numpy as np
            if me == 0:
                crecv(7, np.zeros(4), 32)
            elif me == 1:
                msgwait(irecv(8, bytearray(1), 1))
            elif me == 2:
                cprobex(-1, 0, -1, msginfo)
            else:
                csend(3, bytes(2_000_000), 2_000_000, 0, 0)
            """,
            4,
            fails=True,
        )
        assert result.status == 1
        lines = result.failure.splitlines()
        for said in (
            "rank 0 in crecv(typesel=7, buf=<ndarray of shape (4,)>, count=32)",
            "rank 1 in msgwait(mid=1)",
            "rank 2 in cprobex(typesel=-1, nodesel=0, ptypesel=-1, info=<MessageInformation>)",
            "rank 3 in csend(type=3, buf=<bytes>, count=2000000, node=0, ptype=0)",
        ):
            assert any(line.strip() == said for line in lines), result.failure

    def test_a_traceback_has_the_programs_frames_only(self, run):
        result = run("crecv(1)", 1, fails=True)
        assert "vmpp_nx" not in result.failure
        assert "missing 2 required positional arguments" in result.failure


def test_the_first_call_takes_the_memory_for_messages(run):
    result = run("print('up')", 1, fails=True, mbf="3 GiB")
    assert result.status == 1
    assert b"nx: Not enough memory: " in result.stderr
    assert b"start it with a smaller -mbf (node 0)" in result.stderr


def test_a_process_that_does_not_call_nx_has_room_for_messages_when_some_come():
    from types import SimpleNamespace

    from vmpp.machine.description import MachineDescription
    from vmpp.portals import PortalTable
    from vmpp_nx import NxLibrary

    process = SimpleNamespace(table=PortalTable(), libraries={}, size=4)
    library = NxLibrary()
    library.attach(process, MachineDescription())
    assert not process.libraries
    assert library.memory(MachineDescription()) == 0
    assert process.table.needed(15, process) is process.table.entries[15]
    assert [index for index, entry in enumerate(process.table.entries) if entry] == [15, 25]
    assert list(process.libraries) == ["nx.mailbox"]
    library.finish(process)
    library.detach(process)
    assert not process.libraries


def test_threads_of_a_program_can_each_receive(run):
    run(
        """
        import threading, time
        if me == 0:
            got = {kind: bytearray(1) for kind in range(4)}
            def receive(kind):
                crecv(kind, got[kind], 1)
                csend(10 + kind, got[kind], 1, 1, 0)
            threads = [threading.Thread(target=receive, args=(kind,)) for kind in range(1, 4)]
            for thread in threads:
                thread.start()
            receive(0)
            for thread in threads:
                thread.join()
            assert got == {kind: bytes([kind]) for kind in range(4)}
        else:
            time.sleep(1)
            for kind in (2, 0, 3, 1):
                csend(kind, bytes([kind]), 1, 0, 0)
                crecv(10 + kind, bytearray(1), 1)
        """
    )
