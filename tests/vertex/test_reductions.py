"""The parallel library: reductions with target and mask, and nsync."""

from __future__ import annotations

import ctypes
import operator
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_vertex import vertex
from vmpp_vertex.vertex import VertexError, amicclk, cell, dsumn, imaxn, isum, isumn, nsync, whoami

OPERATIONS = {
    "sum": operator.add,
    "prod": operator.mul,
    "max": max,
    "min": min,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
}
NAMES = [f"i{name}" for name in OPERATIONS] + [
    f"{prefix}{name}" for prefix in "fd" for name in ("sum", "prod", "max", "min")
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1, 3, 4])
def test_each_reduction_of_scalars_and_of_vectors(nodes, name, size):
    whole = name[0] == "i"
    values = [3 + 2 * node if whole else 1.5 + node for node in range(size)]
    expected = reduce(OPERATIONS[name[1:]], values)

    def program():
        node, *_ = whoami()
        scalar = getattr(vertex, name)(values[node], -1, 7, -1)
        vector = np.full(9, values[node], {"i": "i4", "f": "f4", "d": "f8"}[name[0]])
        status = getattr(vertex, name + "n")(vector, 9, -1, 7, -1)
        return scalar, status, vector.tolist()

    assert nodes(size, program) == dict.fromkeys(range(size), (expected, 0, [expected] * 9))


@given(size=st.integers(1, 9), mask=st.integers(-1, 15), target=st.integers(-1, 8))
def test_a_mask_reduces_along_its_dimensions_to_its_target(nodes, size, mask, target):
    def program():
        node, *_ = whoami()
        vector = np.array([1 << node, node])
        status = isumn(vector, 2, target, 3, mask)
        return status, vector.tolist()

    dim = (size - 1).bit_length()
    bits = mask & ((1 << dim) - 1)
    for node, found in nodes(size, program).items():
        members = [each for each in range(size) if each & ~bits == node & ~bits]
        result = [sum(1 << each for each in members), sum(members)]
        getter = node & ~bits | target & bits
        if target >= size or (target >= 0 and getter >= size):
            assert found == (-1, [1 << node, node])
        elif target in (-1,) or getter == node:
            assert found == (0, result)
        else:
            assert found == (0, [1 << node, node])


def test_who_is_not_the_target_keeps_its_own(nodes):
    def program():
        node, *_ = whoami()
        place = cell(10 + node)
        return isum(place, 2), place.value

    assert nodes(3, program) == {0: (10, 10), 1: (11, 11), 2: (33, 33)}


@pytest.mark.parametrize(
    "place",
    [
        lambda: cell(1.5),
        lambda: [1.5],
        lambda: np.array([1.5]),
        lambda: ctypes.c_double(1.5),
        lambda: ctypes.byref(ctypes.c_double(1.5)),
    ],
)
def test_cells_of_any_kind_get_the_result(nodes, place):
    def program():
        val = place()
        return vertex.dsum(val), vertex.dmax(val)

    assert nodes(2, program) == dict.fromkeys(range(2), (3.0, 3.0))


def test_only_n_elements_are_reduced(nodes):
    def program():
        vector = np.arange(4, dtype="i4")
        imaxn(vector, 2)
        isumn(vector, 2)
        return vector.tolist()

    assert nodes(2, program)[0] == [0, 2, 2, 3]


def test_plain_bytes_are_numbers_of_the_prefix(nodes):
    def program():
        raw = bytearray(np.array([1.5, 2.5]).tobytes())
        dsumn(raw, 2)
        return np.frombuffer(raw).tolist()

    assert nodes(2, program)[1] == [3.0, 5.0]


def test_whole_numbers_have_32_bits_and_wrap(nodes):
    assert nodes(2, lambda: isum(0x7FFFFFFF)) == {0: -2, 1: -2}


def test_reductions_of_different_types_are_apart(nodes):
    """Node 1 is two reductions behind node 0, and takes the right one first all the same."""

    def program():
        node, *_ = whoami()
        return isum(1, 0, 5), isum(10, 1, 6), isum(100, -1, 5), node

    assert nodes(2, program) == {0: (2, 10, 200, 0), 1: (1, 20, 200, 1)}


def test_a_long_vector_needs_no_node_buffer(nodes):
    def program():
        vector = np.ones(20_000)
        status = dsumn(vector, 20_000)
        return status, set(vector.tolist())

    assert nodes(4, program, buffer=1024)[3] == (0, {4.0})


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: isum(1, 5), ValueError),
        (lambda: isum(1, -1, -3), ValueError),
        (lambda: isum(1 << 40), ValueError),
        (lambda: isum(1.5), TypeError),
        (lambda: isumn(np.zeros(3), 3), TypeError),
        (lambda: dsumn(np.zeros(3, "f4"), 3), TypeError),
        (lambda: dsumn(b"12345678", 1), TypeError),
        (lambda: dsumn(np.zeros(3), 4), ValueError),
    ],
)
def test_what_cannot_be_reduced_is_refused(nodes, call, error):
    with pytest.raises(error):
        nodes(1, call)


def test_nodes_that_do_not_agree_on_the_length_are_told(nodes):
    with pytest.raises(VertexError, match="8 bytes from node 0 where 16 were"):
        nodes(2, lambda: dsumn(np.zeros(2), 1 + whoami()[0]))


def test_nobody_leaves_nsync_before_the_last_has_come(nodes):
    def program():
        from vmpp.engine import MICROSECOND, current_process

        node, *_ = whoami()
        current_process().compute(node * 100 * MICROSECOND)
        came = amicclk()
        status = nsync(79)
        return came, status, amicclk()

    found = nodes(5, program)
    last = max(came for came, _, _ in found.values())
    assert all(status == 0 and left >= last for _, status, left in found.values())


def test_nsync_refuses_what_is_no_type(nodes):
    assert nodes(1, lambda: nsync(-1)) == {0: -1}


@pytest.mark.parametrize("nprocs", [6, 8])
@pytest.mark.parametrize("count", [1, 100, 3000])
def test_sums_have_the_bits_of_mpis_allreduce(run, nprocs, count):
    result = run(
        f"""
        import numpy as np
        from mpi4py import MPI

        comm = MPI.COMM_WORLD
        mine = np.random.default_rng(comm.rank).normal(size={count}) * 10.0 ** (comm.rank - 3)
        theirs = np.empty_like(mine)
        comm.Allreduce(mine, theirs)
        assert dsumn(mine, {count}) == 0
        assert mine.tobytes() == theirs.tobytes()
        single = mine.astype("f4") * (comm.rank + 1)
        other = np.empty_like(single)
        comm.Reduce(single, other, root=3)
        assert fsumn(single, {count}, 3) == 0
        assert comm.rank != 3 or single.tobytes() == other.tobytes()
        """,
        nprocs,
    )
    assert result.status == 0, result.failure


def test_threads_reduce_at_once_by_types_of_their_own(run):
    result = run(
        """
        import threading

        node, *_ = whoami()
        found = {}

        def reduces(type):
            found[type] = [isum(type * turn, -1, type) for turn in range(3)]

        order = (1, 2, 3) if node else (3, 2, 1)
        threads = [threading.Thread(target=reduces, args=(type,)) for type in order]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(found == {type: [0, 2 * type, 4 * type] for type in (1, 2, 3)})
        """,
        2,
    )
    assert result.stdout == b"True\nTrue\n"
