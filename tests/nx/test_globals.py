"""Global operations: the result on every node, whatever the buffers are made of."""

from __future__ import annotations

import array
import ctypes
from typing import Any

import numpy as np
import nx  # type: ignore[import-not-found]
import pytest
from mpi4py import MPI

DOUBLES = {"sum": 10.0, "prod": 24.0, "high": 4.0, "low": 1.0}
"""What comes of 1, 2, 3 and 4."""


@pytest.mark.vmpp(nprocs=4)
def test_the_result_is_on_every_node() -> None:
    for operation, result in DOUBLES.items():
        for letter, dtype in (("d", "f8"), ("s", "f4"), ("i", "i4"), ("i", "i8")):
            x = np.array([nx.mynode() + 1, -nx.mynode() - 1], dtype)
            work = np.zeros_like(x)
            assert getattr(nx, f"g{letter}{operation}")(x, 1, work) is None
            assert x.tolist() == [result, -nx.mynode() - 1]


OF_LONGS = [
    ("giand", (0b110, 0b011, 0b111), 0b010),
    ("gior", (0b100, 0b001, 0b000), 0b101),
    ("gixor", (0b110, 0b011, 0b001), 0b100),
    ("gland", (5, 0, 2), 0),
    ("gland", (5, 1, 2), 1),
    ("glor", (0, 0, 0), 0),
    ("glor", (0, 8, 0), 1),
    ("glxor", (4, 2, 0), 0),
    ("glxor", (4, 2, 1), 1),
]


@pytest.mark.vmpp(nprocs=3)
def test_longs_are_combined_bit_by_bit_or_by_their_truth() -> None:
    for name, given, result in OF_LONGS:
        x = array.array("i", [given[nx.mynode()]])
        getattr(nx, name)(x, 1, array.array("i", [0]))
        assert x[0] == result


@pytest.mark.vmpp(nprocs=3)
def test_buffers_are_any_memory() -> None:
    places: list[Any] = [
        (ctypes.c_double * 2)(1, 2),
        array.array("d", [1, 2]),
        np.array([1.0, 2.0]),
        memoryview(bytearray(np.array([1.0, 2.0]).tobytes())),
    ]
    for x in places:
        nx.gdsum(x, 2, None)
        assert np.frombuffer(x).tolist() == [3.0, 6.0]


@pytest.mark.vmpp(nprocs=2)
def test_elements_of_another_type_are_refused_and_change_nothing() -> None:
    x = np.ones(2, np.float32)
    assert nx._gdsum(x, 2, None) == -1
    assert nx.errno == nx.EQPARAM
    assert nx._gisum(x, 2, None) == -1
    assert nx._gssum(x, 3, None) == -1
    assert nx.errno == nx.EQBLEN
    assert nx._gssum(bytes(8), 2, None) == -1
    assert nx.errno == nx.EQPBUF
    assert nx._gssum(None, 2, None) == -1
    assert x.tolist() == [1, 1]


@pytest.mark.vmpp(nprocs=5)
def test_a_sum_has_the_bits_of_that_of_mpi() -> None:
    random = np.random.default_rng(nx.mynode())
    for kind, nx_sum in (("f8", nx.gdsum), ("f4", nx.gssum)):
        for count in (1, 2, 3, 17, 40, 300, 3000):
            own = random.standard_normal(count) * 10.0 ** random.integers(-9, 9, count)
            own = own.astype(kind)
            by_mpi = np.empty_like(own)
            MPI.COMM_WORLD.Allreduce(own, by_mpi, MPI.SUM)
            nx_sum(own, count, None)
            assert own.tobytes() == by_mpi.tobytes()


@pytest.mark.vmpp(nprocs=4)
def test_vectors_are_put_together_in_the_order_of_nodes() -> None:
    me = nx.mynode()
    y, ncnt = bytearray(10), [0]
    assert nx.gcol(bytes([65 + me]) * me, me, y, 10, ncnt) == 6
    assert bytes(y) == b"BCCDDD\0\0\0\0"
    assert ncnt == [6]
    y = bytearray(6)
    nx.gcolx(bytes([97 + me]) * me, [0, 1, 2, 3], y)
    assert bytes(y) == b"bccddd"
    assert nx._gcol(b"1234", 4, bytearray(15), 15, None) == -1
    assert nx.errno == nx.EQBLEN
    assert nx._gcolx(b"1234", [1, 2], bytearray(15)) == -1


@pytest.mark.vmpp(nprocs=5)
def test_a_function_of_the_programs_own_combines_vectors() -> None:
    me = nx.mynode()

    def further(x: Any, work: Any) -> None:
        x[0] = max(x[0], work[0])
        x[1] = min(x[1], work[1])

    pair = np.array([me, me], float)
    nx.gopf(pair, pair.nbytes, np.empty(2), further)
    assert pair.tolist() == [4, 0]
    longs = array.array("q", [me * 7, me - 9])
    nx.gopf(longs, 16, None, further)
    assert longs.tolist() == [28, -9]
    pair = (ctypes.c_double * 2)(me, me)
    nx.gopf(pair, 16, None, further)
    assert [*pair] == [4, 0]
    assert nx._gopf(pair, 16, None, None) == -1
    assert nx.errno == nx.EQPARAM


@pytest.mark.vmpp(nprocs=4)
def test_nobody_passes_a_synchronisation_before_all_have_come() -> None:
    from vmpp import compute

    compute(nx.mynode() * 1e-3)
    nx.gsync()
    assert nx.dclock() >= 3e-3


@pytest.mark.vmpp(nprocs=4)
def test_a_message_goes_to_some_nodes() -> None:
    me = nx.mynode()
    if me == 1:
        nx.gsendx(12, b"hello", 5, [3, 0, 2], 2)
    elif me != 2:
        into = bytearray(5)
        nx.crecv(12, into, 5)
        assert into == b"hello"
        assert nx.infonode() == 1
    nx.gsync()
    assert nx.iprobe(-1) == 0
    assert nx._gsendx(12, b"hello", 5, [0], 2) == -1
    assert nx._gsendx(12, b"hello", 5, [4], 1) == -1
    assert nx.errno == nx.EQNODE


@pytest.mark.vmpp(nprocs=3)
def test_messages_of_programs_and_of_global_operations_never_meet() -> None:
    me = nx.mynode()
    for node in range(3):
        nx.csend(3, bytes([me]), 1, node, 0)
    x = np.array([me], np.int32)
    nx.gisum(x, 1, None)
    assert x[0] == 3
    into = bytearray(1)
    assert sorted(_taken(into) for _ in range(3)) == [0, 1, 2]


def _taken(into: bytearray) -> int:
    nx.crecv(-1, into, 1)
    return into[0]


@pytest.mark.vmpp(nprocs=2)
def test_nodes_with_vectors_of_different_lengths_are_told_so() -> None:
    x = np.ones(3)
    assert nx._gdsum(x, 2 + nx.mynode(), None) == -1
    assert nx.errno == nx.EQMSGLONG
