"""How objects become messages."""

from __future__ import annotations

import json
import pickle as python

import numpy as np
import pytest

from vmpp_mpi._buffers._memory import buffer
from vmpp_mpi._pickle import Pickle, pickle


def test_objects_are_pickled():
    data = pickle.dumps({"a": [1, 2]})
    assert data == python.dumps({"a": [1, 2]}, python.HIGHEST_PROTOCOL)
    for form in (data, bytearray(data), memoryview(data), buffer(data)):
        assert pickle.loads(form) == {"a": [1, 2]}


def test_each_rank_sets_its_own_protocol(ranks):
    def sets():
        pickle.PROTOCOL = 2
        pickle.THRESHOLD = 3
        return pickle.dumps(1), pickle.PROTOCOL, pickle.THRESHOLD

    assert ranks[0].run(sets) == (python.dumps(1, 2), 2, 3)
    assert ranks[1].run(lambda: (pickle.PROTOCOL, pickle.THRESHOLD)) == (5, 1 << 18)
    assert ranks[1].run(pickle.dumps, 1) == python.dumps(1, 5)


def test_a_rank_replaces_the_way_objects_are_pickled(ranks):
    def replaces():
        pickle.__init__(lambda obj: json.dumps(obj).encode(), json.loads)
        data = pickle.dumps([1])
        return data, pickle.loads(data), pickle.PROTOCOL

    assert ranks[0].run(replaces) == (b"[1]", [1], None)
    assert ranks[1].run(pickle.dumps, [1]) == python.dumps([1], 5)

    def restores():
        pickle.__init__()
        return pickle.PROTOCOL, pickle.dumps([1])

    assert ranks[0].run(restores) == (5, python.dumps([1], 5))


def test_a_program_makes_its_own():
    own = Pickle(lambda obj, protocol: json.dumps([obj, protocol]).encode(), json.loads, 4)
    assert (own.dumps(1), own.PROTOCOL) == (b"[1, 4]", 4)
    assert Pickle().PROTOCOL == python.HIGHEST_PROTOCOL
    assert Pickle(protocol=2, threshold=3).dumps(1) == python.dumps(1, 2)
    again = Pickle(python.dumps, python.loads)
    again.PROTOCOL = None
    assert again.PROTOCOL == python.HIGHEST_PROTOCOL


@pytest.mark.parametrize("threshold", [0, 800, 801])
def test_large_buffers_stay_apart(threshold):
    own = Pickle(threshold=threshold)
    field = np.arange(100.0)
    data, apart = own.dumps_oob({"field": field})
    assert len(apart) == (threshold <= 800)
    for part in apart:
        assert isinstance(part, buffer)
        assert part.nbytes == 800
        assert np.shares_memory(np.frombuffer(part), field)
    assert own.loads_oob(data, apart)["field"].tolist() == field.tolist()


def test_small_objects_have_nothing_apart():
    assert pickle.dumps_oob([1]) == (python.dumps([1], 5), [])
