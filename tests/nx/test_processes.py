"""Applications on nodes of their own, programs loaded on nodes, copies, and ends of processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

Run = Callable[..., Any]

SHARED = {"pct": "rr:1ms"}
"""Policies of a machine on whose nodes several processes can be."""


@pytest.fixture
def worker(tmp_path: Path) -> Callable[[str], str]:
    """Write a program to be loaded, and return where it is."""

    def write(text: str) -> str:
        path = tmp_path / "worker.py"
        path.write_text("from nx import *\nme, n = mynode(), numnodes()\n" + dedent(text))
        return str(path)

    return write


@pytest.fixture
def mesh(tmp_path: Path) -> str:
    """Describe a small mesh of eight columns, with I/O nodes, and return where its file is."""
    path = tmp_path / "mesh.toml"
    path.write_text("[topology]\ndims = [8, 4]\n[service]\nio_nodes = 6\n")
    return str(path)


def lines(result: Any) -> list[str]:
    """Return the lines that a program has printed, sorted."""
    return sorted(result.stdout.decode().splitlines())


def test_a_process_controls_an_application_that_it_is_no_node_of(
    run: Run, worker: Callable[[str], str]
) -> None:
    path = worker(
        """
        import sys
        room = bytearray(9)
        crecvx(5, room, 9, myhost(), -1, None)
        print(me, n, myptype(), room[:infocount()].decode(), infonode(), infoptype(), sys.argv[1:])
        csend(6, b"from %d" % me, 6, infonode(), infoptype())
        """
    )
    result = run(
        f"""
        assert nx_initve(None, 3, "", None, None) == 3
        assert (mynode(), numnodes(), myhost()) == (3, 3, 3)
        pids = [0] * 3
        assert nx_loadve(None, -1, 7, pids, {path!r}, ["worker", "a", "b"], None) == 3
        assert len(set(pids)) == 3
        for node in range(3):
            csend(5, b"hello %d" % node, 7, node, 7)
        room = bytearray(6)
        found = set()
        for node in range(3):
            crecv(6, room, 6)
            assert (infoptype(), bytes(room)) == (7, b"from %d" % infonode())
            found.add(infonode())
        assert found == {{0, 1, 2}}
        nx_waitall()
        assert _nx_initve(None, 1, "") == -1
        nodes, size = [], [0]
        nx_app_nodes(0, nodes, size)
        assert size == [3] and len(set(nodes)) == 3
        assert _gsync() == -1 and errno == EQNODE
        """,
        nprocs=1,
    )
    assert lines(result) == [f"{node} 3 7 hello {node} 3 0 ['a', 'b']" for node in range(3)]


def test_loaded_processes_have_global_operations_among_themselves(
    run: Run, worker: Callable[[str], str]
) -> None:
    path = worker(
        """
        import os, numpy as np
        x = np.array([me + 1.0])
        gdsum(x, 1, None)
        print(x[0], os.environ["WEATHER"], os.environ.get("HOME"))
        """
    )
    result = run(
        f"""
        nx_initve("", 4, "", None, None)
        nx_loadve([3, 1, 0, 2], 4, 0, None, {path!r}, None, ["WEATHER=fine"])
        """,
        nprocs=1,
    )
    assert lines(result) == ["10.0 fine None"] * 4


def test_global_operations_go_on_among_processes_that_were_loaded_one_by_one(
    run: Run, worker: Callable[[str], str]
) -> None:
    path = worker(
        """
        import numpy as np
        crecv(1, None, 0)
        for count in (1, 100, 5000):
            x = np.full(count, me + 1.0)
            for _ in range(3):
                gdhigh(x, count, None)
                gsync()
            gdsum(x, count, None)
            assert x.tolist() == [9.0] * count
        print("done")
        """
    )
    result = run(
        f"""
        nx_initve("", 3, "", None, None)
        for node in range(3):
            load({path!r}, node, 0)
        for node in range(3):
            csend(1, None, 0, node, 0)
        """,
        nprocs=1,
    )
    assert lines(result) == ["done"] * 3


def test_a_copy_runs_the_program_up_to_where_it_forks(run: Run) -> None:
    result = run(
        """
        print("begins")
        nodes = nx_initve("", 3, "", None, None)
        first = nx_nfork([2], 1, 4, None)
        if first == 0:
            print("first", mynode(), myptype(), nodes)
            raise SystemExit
        waitall(-1, 4)
        second = nx_nfork(None, -1, 0, None)
        if second == 0:
            gsync()
            print("second", mynode(), myptype(), first)
            raise SystemExit
        nx_waitall()
        print("parent", first, second)
        """,
        nprocs=1,
    )
    assert lines(result) == [
        *["begins"] * 5,
        "first 2 4 3",
        "parent 1 3",
        *(f"second {node} 0 1" for node in range(3)),
    ]


def test_nodes_and_process_types_address_processes_on_shared_nodes(
    run: Run, worker: Callable[[str], str]
) -> None:
    path = worker(
        """
        room = bytearray(9)
        crecvx(3, room, 9, me, 0, None)
        print(myptype(), me, room[:infocount()].decode())
        csend(4, room, infocount(), me, 0)
        """
    )
    result = run(
        f"""
        if me == 0:
            assert nx_load([0, 2], 2, 5, None, {path!r}) == 2
            assert _nx_load([1, 2], 2, 5, None, {path!r}) == -1 and errno == EQUSEPID
        gsync()
        if me != 1:
            csend(3, b"for %d" % me, 5, me, 5)
            room, info = bytearray(9), [0] * 8
            crecvx(4, room, 9, me, 5, info)
            assert info[:4] == [4, 5, me, 5]
        """,
        nprocs=3,
        policies=SHARED,
    )
    assert lines(result) == ["5 0 for 0", "5 2 for 2"]


def test_a_node_that_takes_one_process_has_no_slot_for_another(
    run: Run, worker: Callable[[str], str]
) -> None:
    path = worker("crecv(1, None, 0)")
    run(f"assert _nx_load([0], 1, 5, None, {path!r}) == -1 and errno == EQNOPROC", nprocs=2)
    run(
        f"""
        nx_initve("", 2, "", None, None)
        nx_load([1], 1, 0, None, {path!r})
        assert _nx_load([0, 1], 2, 1, None, {path!r}) == -1 and errno == EQNOPROC
        csend(1, None, 0, 1, 0)
        nx_waitall()
        load({path!r}, 1, 3)
        csend(1, None, 0, 1, 3)
        """,
        nprocs=1,
    )


def test_ends_of_processes_are_told_of_one_by_one(run: Run, worker: Callable[[str], str]) -> None:
    path = worker("crecv(1, None, 0)\nraise SystemExit(0)")
    run(
        f"""
        nx_initve("", 3, "", None, None)
        load({path!r}, -1, 2)
        csend(1, None, 0, 1, 2)
        node, ptype, code = [-1], [-1], [-1]
        assert waitone(-1, -1, node, ptype, code) == 0
        assert (node, ptype, code) == ([1], [2], [0])
        csend(1, None, 0, 2, 2)
        csend(1, None, 0, 0, 2)
        assert waitone(0, 2, node, ptype, code) == 0 and node == [0]
        nx_waitall()
        assert _waitone(-1, -1) == -1 and errno == EQNOACT
        nx_waitall()
        """,
        nprocs=1,
    )


def test_each_process_is_told_of_the_ends_in_its_own_application(run: Run) -> None:
    run(
        """
        own = mynode()
        nx_initve("", 2, "", None, None)
        if nx_nfork(None, -1, 0, None) == 0:
            csend(1, bytes([mynode()]), 1, myhost(), 0)
            crecv(2, None, 0)
            raise SystemExit(0)
        for _ in range(2):
            crecv(1, bytearray(1), 1)
        csend(2, None, 0, -1, 0)
        if own:
            nx_waitall()
        else:
            node = [-1]
            found = [(waitone(-1, -1, node), node[0]) for _ in range(2)]
            assert sorted(found) == [(0, 0), (0, 1)], found
        assert _waitone(-1, -1) == -1 and errno == EQNOACT
        """,
        nprocs=3,
    )


def test_any_process_of_the_job_is_told_of_what_another_has_loaded(
    run: Run, worker: Callable[[str], str]
) -> None:
    path = worker("raise SystemExit(0)")
    run(
        f"""
        import time
        if me == 0:
            nx_load([1], 1, 7, None, {path!r})
        gsync()
        if me == 1:
            time.sleep(1)
            node, ptype = [-1], [-1]
            assert waitone(-1, -1, node, ptype) == 0 and (node, ptype) == ([1], [7])
        """,
        policies={"pct": "rr:1ms"},
    )


def test_processes_are_ended_without_being_a_failure(
    run: Run, worker: Callable[[str], str]
) -> None:
    path = worker("crecv(1, None, 0)\nprint(me, 'was let go')")
    result = run(
        f"""
        nx_initve("", 3, "", None, None)
        load({path!r}, -1, 2)
        killproc(1, 2)
        node = [-1]
        assert waitone(-1, 2, node) == 143 and node == [1]
        csend(1, None, 0, 2, 2)
        waitone(2, 2)
        killcube(-1, -1)
        killcube(-1, -1)
        nx_waitall()
        assert _killproc(0, 9) == -1 and errno == EQNOACT
        """,
        nprocs=1,
    )
    assert lines(result) == ["2 was let go"]


def test_rectangles_and_attributes_and_switches_say_which_nodes(run: Run, mesh: str) -> None:
    result = run(
        """
        import nx
        argc, argv = [6], ["program", "-sz", "2", "input", "-mbf", "4096"]
        height, width = [0], [0]
        if nx_nfork(None, -1, 1, None) == 0:
            print("never")
        """,
        nprocs=1,
        fails=True,
    )
    assert b"nx_nfork: Out of process slots" in result.stderr
    run(
        """
        argc, argv = [6], ["program", "-sz", "2", "input", "-mbf", "4096"]
        assert nx_initve("", 5, "", argc, argv) == 2
        assert (argc, argv) == ([2], ["program", "input"])
        """,
        nprocs=1,
    )
    run(
        """
        assert nx_initve_rect("", 1, 2, 2, "", None, None) == 4
        rows, cols, nodes = [0], [0], []
        nx_app_rect(rows, cols)
        nx_app_nodes(0, nodes, None)
        assert (rows, cols) == ([2], [2]) and nodes[0] == 1
        """,
        nprocs=1,
        machine=mesh,
    )
    run(
        """
        wanted = NX_ATTR_RECT, 1, 3, NX_ATTR_PRI, 3, NX_ATTR_ACCT, "mine", NX_ATTR_END
        assert _nx_initve_attr("", None, None, 99, 1) == -1 and errno == EQPARAM
        assert _nx_initve_attr("", None, None, NX_ATTR_SZ) == -1 and errno == EQPARAM
        assert nx_initve_attr("", None, None, *wanted) == 3
        """,
        nprocs=1,
        machine=mesh,
    )


def test_switches_of_an_application_are_those_of_what_is_loaded(
    run: Run, worker: Callable[[str], str], mesh: str
) -> None:
    path = worker(
        """
        assert myptype() == 3
        assert _csend(1, bytes(2000), 2000, n, 0) == 0
        """
    )
    run(
        f"""
        argv = ["program", "-pkt", "512", "-mbf", "65536", "-rlx"]
        assert nx_initve_attr("", None, argv, {{NX_ATTR_MAP: (2, [4, 2]), NX_ATTR_MEA: 4096}}) == 2
        nodes = []
        nx_app_nodes(0, nodes, None)
        assert nodes == [4, 2]
        assert _nx_load([0], 1, 3, None, {path!r}) == 1
        crecv(1, bytearray(2000), 2000)
        """,
        nprocs=1,
        machine=mesh,
    )
    result = run(
        f"""
        nx_initve_attr("", None, None, NX_ATTR_SZ, 1, NX_ATTR_PKT, 1, NX_ATTR_END)
        nx_load([0], 1, 3, None, {path!r})
        """,
        nprocs=1,
        fails=True,
    )
    assert b"nx_load: Invalid argument: nx.pkt:" in result.stderr


def test_what_cannot_be_is_refused(run: Run, worker: Callable[[str], str]) -> None:
    path = worker("pass")
    run(
        f"""
        import errno as system
        assert _nx_initve("none", 1, "") == -1 and errno == system.ENOENT
        assert _nx_initve("", 10**6, "") == -1 and errno == system.EINVAL
        nx_initve("", 2, "")
        assert _nx_load([0, 0], 2, 0, None, {path!r}) == -1 and errno == EQNODE
        assert _nx_load([2], 1, 0, None, {path!r}) == -1 and errno == EQNODE
        assert _nx_load([0], 2, 0, None, {path!r}) == -1 and errno == EQPARAM
        assert _nx_load([0], 1, -1, None, {path!r}) == -1 and errno == EQPID
        assert _nx_load([0], 1, 0, None, {path + "none"!r}) == -1 and errno == EQBADFIL
        assert _csend(1, None, 0, 0, 3) == -1 and errno == EQPID
        assert _nx_pri(0, 11) == -1 and errno == EQPARAM
        """,
        nprocs=1,
    )


def test_the_cpu_is_given_up_for_a_moment(run: Run, worker: Callable[[str], str]) -> None:
    path = worker("print('second', mynode())")
    result = run(
        f"""
        load({path!r}, 0, 1)
        before = dclock()
        flick()
        assert 0 < dclock() - before < 1e-3
        nx_pri(0, 7)
        print("first")
        """,
        nprocs=1,
        policies=SHARED,
    )
    assert lines(result) == ["first", "second 0"]
