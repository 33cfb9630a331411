"""nwrite, nread, ntest, nreadp, nrelp, ngetp, nwritep and nrange.

Oracles are public programs for the nCUBE: argument order, in/out arguments, results, -1 for any,
0xffff for all. What they do not show is the library's reading, and said to be in its documentation.
"""

from __future__ import annotations

import ctypes
import errno

import numpy as np
import pytest

from vmpp.engine import MICROSECOND, current_process
from vmpp_vertex.vertex import (
    amicclk,
    cell,
    nerrno,
    ngetp,
    nrange,
    nread,
    nreadp,
    nrelp,
    ntest,
    nwrite,
    nwritep,
    whoami,
)


def test_a_message_comes_with_its_length_sender_and_type(nodes):
    def writes():
        return nwrite(b"hello", 5, 1, 7)

    def reads():
        buf, src, type, flag = bytearray(10), cell(-1), cell(-1), cell(99)
        length = nread(buf, 10, src, type, flag)
        return length, src.value, type.value, flag.value, bytes(buf[:5])

    assert nodes(2, writes, reads) == {0: 0, 1: (5, 0, 7, 0, b"hello")}


@pytest.mark.parametrize(
    "place",
    [
        lambda: cell(-1),
        lambda: [-1],
        lambda: ctypes.c_int(-1),
        lambda: np.array(-1),
        lambda: np.array([-1]),
        lambda: np.array([[-1]]),
    ],
)
def test_cells_of_any_kind_are_filled(nodes, place):
    def program():
        src, type = place(), place()
        nwrite(b"x", 1, 0, 12)
        length = nread(bytearray(1), 1, src, type)
        values = [each.value if hasattr(each, "value") else each for each in (src, type)]
        return length, [int(np.array(value).reshape(())) for value in values]

    assert nodes(1, program) == {0: (1, [0, 12])}


def test_references_of_ctypes_are_cells(nodes):
    def program():
        src, type = ctypes.c_int(-1), ctypes.c_int(-1)
        nwrite(b"x", 1, 0, 12)
        return nread(bytearray(1), 1, ctypes.byref(src), ctypes.byref(type)), src.value, type.value

    assert nodes(1, program) == {0: (1, 0, 12)}


def test_what_has_no_cell_is_returned_behind_the_length(nodes):
    def program():
        for _ in range(4):
            nwrite(b"abc", 3, 0, 12)
        buf, src, type = bytearray(3), cell(-1), cell(-1)
        return (
            nread(buf, 3, -1, -1),
            nread(buf, 3, src, -1),
            nread(buf, 3, -1, type),
            nread(buf, 3),
            src.value,
            type.value,
        )

    assert nodes(1, program) == {0: ((3, 0, 12), (3, 12), (3, 0), (3, 0, 12), 0, 12)}


def test_a_cell_for_two_numbers_is_refused(nodes):
    with pytest.raises(TypeError, match="one element, not 2"):
        nodes(1, lambda: ntest([-1, 0], -1))


def test_a_filled_cell_is_a_number_for_the_next_call(nodes):
    def echoes():
        src, type = cell(-1), cell(-1)
        length = nread(bytearray(4), 4, src, type)
        return nwrite(b"back", length, src, type)

    def asks():
        nwrite(b"here", 4, 1, 5)
        return nread(bytearray(4), 4, 1, 5)

    assert nodes(2, asks, echoes) == {0: (4, 1, 5), 1: 0}


def test_messages_of_one_pair_keep_their_order(nodes):
    def writes():
        for number in range(20):
            nwrite(bytes(number * 10), number * 10, 1, number % 3)

    def reads():
        return [nread(bytearray(200), 200, -1, -1)[0] for _ in range(20)]

    assert nodes(2, writes, reads)[1] == [number * 10 for number in range(20)]


def test_nread_waits_for_the_one_that_it_asks_for(nodes):
    def first():
        nwrite(b"no", 2, 2, 1)

    def second():
        nread(bytearray(1), 1, 2, 9)
        nwrite(b"yes", 3, 2, 1)

    def reads():
        buf = bytearray(3)
        nwrite(b"!", 1, 1, 9)
        wanted = nread(buf, 3, 1, 1)
        return wanted, bytes(buf), nread(buf, 3, -1, -1)

    assert nodes(3, first, second, reads)[2] == ((3, 1, 1), b"yes", (2, 0, 1))


def test_0xffff_is_everybody_with_the_sender(nodes):
    def program():
        node, *_ = whoami()
        if node == 2:
            assert nwrite(b"all", 3, 0xFFFF, 4) == 0
        buf = bytearray(3)
        return nread(buf, 3, -1, -1), bytes(buf)

    assert nodes(5, program) == dict.fromkeys(range(5), ((3, 2, 4), b"all"))


def test_empty_messages_need_no_buffer(nodes):
    def program():
        nwrite(None, 0, 0, 3)
        return ntest(-1, 3), nread(None, 0, -1, -1)

    assert nodes(1, program) == {0: ((0, 0, 3), (0, 0, 3))}


def test_a_message_that_is_too_long_is_cut_off_and_the_length_negative(nodes):
    def program():
        nwrite(b"too long", 8, 0, 3)
        buf, src, type = bytearray(b"......"), cell(-1), cell(-1)
        length = nread(buf, 3, src, type)
        return length < 0, nerrno(), bytes(buf), src.value, type.value, ntest(-1, -1)

    expected = (True, errno.EMSGSIZE, b"too...", 0, 3, (-1, -1, -1))
    assert nodes(1, program) == {0: expected}


def test_no_more_is_received_than_the_buffer_has(nodes):
    def program():
        nwrite(bytes(10), 10, 0, 3)
        nwrite(bytes(4), 4, 0, 3)
        buf = bytearray(4)
        return nread(buf, 0x7FFFFFFF)[0] < 0, nread(buf, 0x7FFFFFFF)[0]

    assert nodes(1, program) == {0: (True, 4)}


@pytest.mark.parametrize(
    ("dest", "type", "error"),
    [(3, 0, errno.ENXIO), (-1, 0, errno.ENXIO), (0x8000, 0, errno.ENXIO),
     (0, -1, errno.EINVAL), (0, 0x10000, errno.EINVAL)],
)  # fmt: skip
def test_nwrite_refuses_nodes_and_types_that_there_are_not(nodes, dest, type, error):
    def program():
        return nwrite(b"x", 1, dest, type) < 0, nerrno(), ntest(-1, -1)[0]

    assert nodes(2, program)[0] == (True, error, -1)


def test_nread_does_not_wait_for_what_can_never_come(nodes):
    def program():
        src, type = cell(7), cell(1)
        buf = bytearray(1)
        return (
            nread(buf, 1, src, type) < 0, nerrno(), src.value, nread(buf, 1, 0, 70000), nerrno(),
        )  # fmt: skip

    assert nodes(2, program)[0] == (True, errno.ENXIO, 7, (-1, 0, 70000), errno.EINVAL)


def test_a_message_longer_than_any_node_buffer_is_refused(nodes):
    def program():
        return nwrite(bytes(4000), 4000, 0, 0), nwrite(bytes(4096), 4096, 0, 0), nerrno()

    assert nodes(1, program, buffer=4096) == {0: (0, -1, errno.EMSGSIZE)}


def test_a_process_is_known_by_its_packed_number_too(nodes):
    def program():
        _, proc, _, _ = whoami()
        nwrite(b"x", 1, proc, 3)
        return nread(bytearray(1), 1, proc, 3)

    assert nodes(1, program) == {0: (1, 0, 3)}


def test_buffers_of_any_kind_travel(nodes):
    def program():
        given = np.arange(6.0).reshape(2, 3)
        taken = np.zeros((2, 3))
        nwrite(given, given.nbytes, 0, 1)
        nread(taken, taken.nbytes)
        number = ctypes.c_int(0)
        nwrite(ctypes.c_int(77), 4, 0, 1)
        nread(number, 4)
        return taken.tolist(), number.value

    assert nodes(1, program) == {0: ([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], 77)}


def test_the_senders_buffer_is_free_when_nwrite_returns(nodes):
    def program():
        buf = bytearray(b"first")
        nwrite(buf, 5, 0, 1)
        buf[:] = b"other"
        nread(buf, 5)
        return bytes(buf)

    assert nodes(1, program) == {0: b"first"}


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: nwrite(b"abc", 4, 0, 0), ValueError),
        (lambda: nwrite(b"abc", -1, 0, 0), ValueError),
        (lambda: nwrite(np.zeros((4, 4))[:, 0], 32, 0, 0), ValueError),
        (lambda: nwrite("text", 4, 0, 0), TypeError),
        (lambda: nread(b"constant", 8), TypeError),
    ],
)
def test_what_is_no_such_buffer_is_a_mistake_in_python(nodes, call, error):
    with pytest.raises(error):
        nodes(1, call)


# -- ntest --------------------------------------------------------------------------------------


def test_ntest_tells_of_the_oldest_and_leaves_it(nodes):
    def program():
        nwrite(b"one", 3, 0, 1)
        nwrite(b"three", 5, 0, 3)
        src, type = cell(-1), cell(-1)
        found = ntest(src, type)
        return found, src.value, type.value, ntest(-1, 3), ntest(-1, 3), nread(bytearray(9), 9)

    assert nodes(1, program) == {0: (3, 0, 1, (5, 0, 3), (5, 0, 3), (3, 0, 1))}


def test_ntest_leaves_cells_alone_when_there_is_nothing(nodes):
    def program():
        src, type = cell(-1), cell(4)
        return ntest(src, type) < 0, src.value, type.value

    assert nodes(1, program) == {0: (True, -1, 4)}


def test_a_program_that_polls_gets_its_message(nodes):
    def writes():
        current_process().compute(MICROSECOND * 10)
        nwrite(b"x", 1, 1, 3)

    def polls():
        began, looks = amicclk(), 1
        while ntest(-1, 3)[0] < 0:
            looks += 1
        return looks > 1, amicclk() - began >= 10

    assert nodes(2, writes, polls)[1] == (True, True)


# -- the node's own memory ----------------------------------------------------------------------


def test_nreadp_hands_out_the_buffer_and_nrelp_takes_it_back(nodes):
    def program():
        nwrite(b"data", 4, 0, 6)
        bufp, src, type = cell(), cell(-1), cell(-1)
        length = nreadp(bufp, 100, src, type)
        data = bytes(bufp.value)
        return length, data, src.value, type.value, nrelp(bufp), nrelp(bufp) < 0, nerrno()

    assert nodes(1, program) == {0: (4, b"data", 0, 6, 0, True, errno.EINVAL)}


@pytest.mark.parametrize("place", [cell, lambda: [None]])
def test_a_piece_is_given_back_and_sent_by_the_cell_that_has_it(nodes, place):
    def program():
        nwrite(b"data", 4, 0, 6)
        bufp = place()
        length = nreadp(bufp, 100, cell(-1), cell(-1))
        sent = nwritep(bufp, length, 0, 7)
        return sent, nreadp(bufp, 100, cell(-1), cell(7)), nrelp(bufp)

    assert nodes(1, program) == {0: (0, 4, 0)}


def test_nreadp_returns_the_buffer_if_there_is_no_cell_for_it(nodes):
    def program():
        nwrite(b"data", 4, 0, 6)
        length, bufp, src, type = nreadp(None, 100, -1, -1)
        return length, bytes(bufp), src, type, nrelp(bufp)

    assert nodes(1, program) == {0: (4, b"data", 0, 6, 0)}


def test_nreadp_leaves_what_is_too_long(nodes):
    def program():
        nwrite(bytes(10), 10, 0, 6)
        return nreadp(None, 9, -1, -1)[0] < 0, nerrno(), ntest(-1, -1)

    assert nodes(1, program) == {0: (True, errno.EMSGSIZE, (10, 0, 6))}


def test_what_is_handed_out_takes_room_until_it_is_given_back(nodes):
    def program():
        nwrite(bytes(900), 900, 0, 1)
        _, bufp, *_ = nreadp(None, 900)
        full = ngetp(100)
        nrelp(bufp)
        return full, nerrno(), len(ngetp(100))

    assert nodes(1, program, buffer=1024) == {0: (None, errno.ENOMEM, 100)}


def test_nwritep_sends_a_piece_and_gives_it_back(nodes):
    def program():
        piece = ngetp(900)
        piece[:5] = b"hello"
        sent = nwritep(piece, 5, 0, 2)
        again = nwritep(piece, 5, 0, 2) < 0
        buf = bytearray(5)
        nread(buf, 5)
        return sent, again, bytes(buf), ngetp(900) is not None

    assert nodes(1, program, buffer=1024) == {0: (0, True, b"hello", True)}


def test_a_received_piece_can_be_sent_on(nodes):
    def starts():
        nwrite(b"round", 5, 1, 1)
        buf = bytearray(5)
        return nread(buf, 5), bytes(buf)

    def passes_on():
        length, bufp, _, type = nreadp(None, 100)
        return nwritep(bufp, length, 0, type + 1)

    assert nodes(2, starts, passes_on) == {0: ((5, 1, 2), b"round"), 1: 0}


def test_a_refused_piece_stays_the_programs(nodes):
    def program():
        piece = ngetp(10)
        return nwritep(piece, 10, 99, 1) < 0, nerrno(), nrelp(piece)

    assert nodes(1, program) == {0: (True, errno.ENXIO, 0)}


def test_a_negative_piece_is_refused(nodes):
    assert nodes(1, lambda: (ngetp(-1), nerrno())) == {0: (None, errno.EINVAL)}


# -- nrange -------------------------------------------------------------------------------------


def test_nrange_says_which_types_a_wildcard_takes(nodes):
    def program():
        for type in (1, 5, 9):
            nwrite(b"x", 1, 0, type)
        nrange(5, 8)
        found = [ntest(-1, -1)[2]]
        nread(bytearray(1), 1)
        found += [ntest(-1, -1)[2], nread(bytearray(1), 1, -1, 9)[2]]
        nrange(0, 0x7FFF)
        return [*found, ntest(-1, -1)[2]]

    assert nodes(1, program) == {0: [5, -1, 9, 1]}


def test_system_types_are_taken_by_number_or_by_a_range_that_has_them(nodes):
    def program():
        nwrite(b"s", 1, 0, 0xFD01)
        before = ntest(-1, -1)[0], ntest(-1, 0xFD01)[0]
        nrange(0, 0xFFFF)
        return before, ntest(-1, -1)

    assert nodes(1, program) == {0: ((-1, 1), (1, 0, 0xFD01))}


@pytest.mark.parametrize(("low", "high"), [(-1, 5), (6, 5), (0, 0x10000)])
def test_nrange_refuses_what_is_no_range(nodes, low, high):
    def program():
        return nrange(low, high) < 0, nerrno(), nwrite(b"x", 1, 0, 3), ntest(-1, -1)[2]

    assert nodes(1, program) == {0: (True, errno.EINVAL, 0, 3)}
