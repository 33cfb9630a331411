"""whoami, npid, amicclk, nsignal, nlocal, nglobal, nperror: what a node knows and says."""

from __future__ import annotations

import errno
import math

import pytest

from vmpp.engine import MICROSECOND, current_process
from vmpp_vertex import vertex
from vmpp_vertex.vertex import (
    SIGMSGS,
    amicclk,
    cell,
    nerrno,
    npid,
    nread,
    nsignal,
    ntest,
    nwrite,
    whoami,
)


@pytest.mark.parametrize(("size", "dim"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3)])
def test_whoami_fills_its_four_cells(nodes, size, dim):
    def program():
        node, proc, host, cube = cell(), cell(), cell(), cell()
        assert whoami(node, proc, host, cube) == whoami()
        assert proc.value & 0xFFFF == node.value
        assert proc.value == npid()
        assert host.value >= 1 << cube.value
        assert nwrite(b"to nobody", 9, host, 0) < 0
        return node.value, cube.value

    assert nodes(size, program) == {node: (node, dim) for node in range(size)}


def test_amicclk_counts_microseconds(nodes):
    def program():
        began = amicclk()
        current_process().compute(1500 * MICROSECOND)
        return amicclk() - began

    assert math.isclose(nodes(1, program)[0], 1500, rel_tol=1e-3)


def test_calls_outside_a_machine_say_so():
    with pytest.raises(vertex.VertexError, match="not in a process of a machine"):
        whoami()


def test_a_signal_of_messages_interrupts_the_program(nodes):
    def writes():
        nwrite(b"a", 1, 1, 4)
        nwrite(b"b", 1, 1, 5)

    def computes():
        seen = []

        def on_message(sig):
            buf = bytearray(1)
            _, source, type = nread(buf, 1)
            seen.append((sig == SIGMSGS, amicclk() < 1000, source, type, bytes(buf)))

        assert nsignal(SIGMSGS, on_message) is None
        current_process().compute(1000 * MICROSECOND)
        assert nsignal(SIGMSGS, None) is on_message
        return seen, ntest(-1, -1)[0]

    assert nodes(2, writes, computes)[1] == (
        [(True, True, 0, 4, b"a"), (True, True, 0, 5, b"b")], -1,
    )  # fmt: skip


def test_a_handler_may_take_what_the_program_waits_for(nodes):
    def writes():
        nwrite(b"1", 1, 1, 4)
        current_process().compute(1000 * MICROSECOND)
        nwrite(b"2", 1, 1, 4)

    def waits():
        taken = []

        def once(sig):
            nsignal(SIGMSGS, None)
            buf = bytearray(1)
            nread(buf, 1)
            taken.append(bytes(buf))

        nsignal(SIGMSGS, once)
        buf = bytearray(1)
        nread(buf, 1, -1, 4)
        return taken, bytes(buf)

    assert nodes(2, writes, waits)[1] == ([b"1"], b"2")


def test_a_handler_may_not_wait(nodes):
    def program():
        nsignal(SIGMSGS, lambda sig: nread(bytearray(1), 1, -1, 99))
        nwrite(b"x", 1, 0, 3)
        current_process().compute(1000 * MICROSECOND)

    with pytest.raises(RuntimeError, match="may not block"):
        nodes(1, program)


def test_there_is_no_other_signal(nodes):
    with pytest.raises(ValueError, match="SIGMSGS"):
        nodes(1, lambda: nsignal(2, print))


def test_nothing_has_failed_at_first(nodes):
    def program():
        return nerrno(), nwrite(b"", 0, 5, 0), nerrno(), nwrite(b"", 0, 0, 0), nerrno()

    assert nodes(1, program) == {0: (0, -1, errno.ENXIO, 0, errno.ENXIO)}


def test_in_global_mode_node_0_prints_for_all(run):
    result = run(
        """
        node, *_ = whoami()
        nglobal()
        print("alike")
        nlocal()
        nsync()
        if node:
            print("from", node)
        nglobal()
        print("alike again")
        """,
        3,
    )
    lines = result.stdout.decode().splitlines()
    assert sorted(lines) == ["alike", "alike again", "from 1", "from 2"]
    assert lines[0] == "alike"
    assert result.status == 0


def test_nperror_says_why_a_call_failed(run):
    result = run("nwrite(b'x', 1, 7, 0) < 0 and nperror('nwrite')", 1)
    assert result.stderr == b"nwrite: No such device or address\n"


def test_the_module_has_the_names_that_it_promises(run):
    result = run("print(len([whoami, nwrite, nread, ntest, nreadp, nrelp, nrange, nlocal, npid,"
                 " ngetp, nsignal, amicclk, imax, imaxn, dsumn]))", 1)  # fmt: skip
    assert result.stdout == b"15\n"
    assert all(getattr(vertex, name).__doc__ for name in vertex.__all__ if name != "SIGMSGS")
