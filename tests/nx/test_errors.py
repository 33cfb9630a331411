"""What is wrong in a call: a line and the end of the process, or -1 and a number."""

from __future__ import annotations

import pytest

WRONG = [
    ("csend(-1, b'x', 1, 0, 0)", "EQTYPE"),
    ("csend('a', b'x', 1, 0, 0)", "EQTYPE"),
    ("csend([1], b'x', 1, 0, 0)", "EQTYPE"),
    ("csend(1, b'x', 1, [], 0)", "EQNODE"),
    ("crecv({}, None, 0)", "EQTYPE"),
    ("csend(1, b'x', 1, 5, 0)", "EQNODE"),
    ("csend(1, b'x', 1, -2, 0)", "EQNODE"),
    ("csend(1, b'x', 1, 0.5, 0)", "EQNODE"),
    ("csend(1, b'x', 1, 0, -1)", "EQPID"),
    ("csend(1, b'x', 2, 0, 0)", "EQBLEN"),
    ("csend(1, b'x', -1, 0, 0)", "EQLEN"),
    ("csend(1, b'x', None, 0, 0)", "EQLEN"),
    ("csend(1, 'text', 1, 0, 0)", "EQPBUF"),
    ("csend(1, None, 1, 0, 0)", "EQPBUF"),
    ("csend(1, memoryview(bytes(8))[::2], 4, 0, 0)", "EQPBUF"),
    ("isend(1, None, 1, 0, 0)", "EQPBUF"),
    ("crecv(1, b'x', 1)", "EQPBUF"),
    ("crecv(-2**31, None, 0)", "EQTYPE"),
    ("crecv(1.5, None, 0)", "EQTYPE"),
    ("irecv(1, bytearray(1), 2)", "EQBLEN"),
    ("crecvx(1, None, 0, 9, -1, msginfo)", "EQNODE"),
    ("crecvx(1, None, 0, -1, 40000, msginfo)", "EQPID"),
    ("msgwait(17)", "EQMID"),
    ("msgdone('a')", "EQMID"),
    ("msgcancel(17)", "EQMID"),
    ("msgignore(17)", "EQMID"),
    ("hsend(1, b'x', 1, 0, 0, None)", "EQHND"),
]


def test_twins_return_minus_one_and_set_the_number(run):
    calls = "\n".join(
        f"assert _{call} == -1, {call!r}\nassert errno == {code} == nx_errno(), ({call!r}, errno)"
        for call, code in WRONG
    )
    run(f"import sys\n{calls}\nassert iprobe(-1) == 0".replace("\n", "\n"), 1)


def test_the_number_compares_with_others(run):
    run("assert _msgwait(9) == -1 and 0 < errno < EQNOMID and errno >= EQMID > 0 == n - 1", 1)


def test_a_line_is_one_however_the_buffer_is_shown(run):
    result = run(
        "import numpy\ncsend(1, numpy.zeros((4, 4))[:, 1], 32, 0, 0)", nprocs=1, fails=True
    )
    assert result.stderr.decode().count("\n") == 1
    assert result.stderr.decode().endswith("is no contiguous memory (node 0, ptype 0)\n")


def test_twins_of_calls_that_return_nothing_return_zero(run):
    run(
        """
        assert errno == 0 and not errno
        assert _csend(1, b"x", 1, me, 0) == 0 == _crecv(1, bytearray(1), 1)
        assert _msgwait(_isend(1, None, 0, me, 0)) == 0
        assert _mynode() == me and _numnodes() == 1 and _dclock() > 0
        """,
        1,
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("csend(1, b'x', 1, 5, 0)", "Invalid node: 5 is not from 0 to 1"),
        ("csend(-7, b'x', 1, 1, 0)", "Invalid type: -7 is not from 0 to 1999999999"),
        ("msgwait(3)", "Invalid message id: 3 is none, or none any more"),
        (
            "crecv(1, bytearray(1), 1)",
            "Received message too long for buffer: 2 bytes for a buffer of 1",
        ),
    ],
)
def test_others_end_the_process_with_a_line(run, call, said):
    result = run(
        f"""
        import atexit
        print("before")
        if me == 1:
            csend(1, b"xy", 2, me, 0)
            cprobe(1)
            try:
                {call}
            except Exception:
                pass
            print("after")
        """,
        fails=True,
    )
    assert result.status == 1
    assert sorted(result.stdout.split()) == [b"before", b"before"]
    name = call.partition("(")[0]
    assert result.stderr.decode() == f"nx: {name}: {said} (node 1, ptype 0)\n"


def test_a_thread_that_calls_ends_the_process_as_well(run):
    result = run(
        """
        import threading, time
        threading.Thread(target=lambda: csend(1, None, 1, 0, 0)).start()
        time.sleep(1)
        print("after")
        """,
        1,
        fails=True,
    )
    assert (result.status, result.stdout) == (1, b"")
    assert (
        result.stderr
        == b"nx: csend: Invalid buffer pointer: None is no contiguous memory (node 0, ptype 0)\n"
    )


class TestTheErrorNumber:
    def test_it_is_a_variable_of_each_process(self, run):
        run(
            """
            if me == 0:
                assert _csend(-1, None, 0, 0, 0) == -1
                csend(1, None, 0, 1, 0)
                assert errno == EQTYPE != EQNODE and errno and int(errno) == EQTYPE == 158
                assert f"{errno} {errno:5}" == "158   158" and repr(errno) == str(errno) == "158"
            else:
                crecv(1, None, 0)
                assert errno == 0
            """
        )

    def test_success_leaves_it_as_it_is(self, run):
        run("_msgdone(5); _csend(1, None, 0, me, 0); assert errno == EQMID", 1)

    def test_it_can_be_printed(self, run):
        result = run("_msgdone(5); nx_perror('my program')", 1)
        assert result.stderr == b"my program: (node 0, ptype 0) Invalid message id\n"
