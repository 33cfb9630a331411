"""Random operations on random windows, against plain arrays on which the same is done in turn."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CELLS = 12
RANKS = 3

PROGRAM = """
import json

RANKS, CELLS = size, {cells}
operations = json.loads('''{operations}''')
model = [np.arange(CELLS) + 100 * owner for owner in range(RANKS)]
memory = model[rank].copy()
win = MPI.Win.Create(memory, 8, comm=comm)
TAKE = {{"SUM": np.add, "MAX": np.maximum, "REPLACE": lambda old, new: new,
        "NO_OP": lambda old, new: old, "BXOR": np.bitwise_xor}}

for number, (origin, target, kind, op, first, count, stride, sync) in enumerate(operations):
    cells = first + stride * np.arange(count)
    place = (first, count, MPI.LONG)
    if stride != 1:
        place = (first, 1, MPI.LONG.Create_vector(count, 1, stride).Commit())
    data = np.arange(count) * 7 + number
    before = model[target][cells]
    if kind == "put":
        model[target][cells] = data
    elif kind != "get":
        model[target][cells] = TAKE[op](before, data)
    if sync == "fence":
        win.Fence()
    if rank == origin:
        got = np.full(count, -1)
        if sync == "lock":
            win.Lock(target)
        elif sync == "shared":
            win.Lock(target, MPI.LOCK_SHARED)
        elif sync == "all":
            win.Lock_all()
        operation = getattr(MPI, op)
        if kind == "put":
            win.Put(data, target, place)
        elif kind == "get":
            win.Get(got, target, place)
        elif kind == "accumulate":
            win.Accumulate(data, target, place, operation)
        else:
            win.Get_accumulate(data, got, target, place, operation)
        if sync == "all":
            win.Unlock_all()
        elif sync != "fence":
            win.Unlock(target)
        else:
            win.Fence(MPI.MODE_NOSUCCEED)
        if kind in ("get", "fetch"):
            assert (got == before).all(), (number, got, before)
    elif sync == "fence":
        win.Fence(MPI.MODE_NOSUCCEED)
    comm.Barrier()
    assert (memory == model[rank]).all(), (number, memory, model[rank])
win.Free()
"""


@st.composite
def one_operation(draw: st.DrawFn) -> list[object]:
    kind = draw(st.sampled_from(["put", "get", "accumulate", "fetch"]))
    ops = ["SUM", "MAX", "REPLACE", "BXOR"] + ["NO_OP"] * (kind == "fetch")
    stride = draw(st.integers(1, 4))
    count = draw(st.integers(0, (CELLS - 1) // stride + 1))
    last = stride * max(count - 1, 0)
    first = draw(st.integers(0, CELLS - 1 - last))
    backwards = stride > 1 and draw(st.booleans())
    return [
        draw(st.integers(0, RANKS - 1)),
        draw(st.integers(0, RANKS - 1)),
        kind,
        draw(st.sampled_from(ops)),
        first + last if backwards else first,
        count,
        -stride if backwards else stride,
        draw(st.sampled_from(["fence", "lock", "shared", "all"])),
    ]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(one_operation(), min_size=1, max_size=12))
def test_windows_do_what_plain_arrays_do(job, operations):
    job(RANKS, PROGRAM.format(cells=CELLS, operations=json.dumps(operations)))


CONCURRENT = """
import json

CELLS = {cells}
plan = json.loads('''{plan}''')
memory = np.zeros(CELLS, "i8")
win = MPI.Win.Create(memory, 8, comm=comm)
expected = np.zeros(CELLS, "i8")
fetched = []
for turn, (sync, operations) in enumerate(plan):
    win.Fence() if sync == "fence" else win.Lock_all()
    for origin, target, first, count, stride, fetching in operations:
        cells = first + stride * np.arange(count)
        data = np.arange(count) + origin + 1
        if target == rank:
            expected[cells] += data
        if origin == rank:
            datatype = MPI.LONG.Create_vector(count, 1, stride).Commit()
            if fetching:
                got = np.empty(count, "i8")
                win.Get_accumulate(data, got, target, (first, 1, datatype))
            else:
                win.Accumulate(data, target, (first, 1, datatype))
    win.Fence(MPI.MODE_NOSUCCEED) if sync == "fence" else win.Unlock_all()
    comm.Barrier()
    assert (memory == expected).all(), (turn, memory, expected)
win.Free()
"""


@st.composite
def one_sum(draw: st.DrawFn) -> list[object]:
    stride = draw(st.integers(1, 3))
    count = draw(st.integers(1, (CELLS - 1) // stride + 1))
    first = draw(st.integers(0, CELLS - 1 - stride * (count - 1)))
    origin, target = draw(st.integers(0, RANKS - 1)), draw(st.integers(0, RANKS - 1))
    return [origin, target, first, count, stride, draw(st.booleans())]


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.tuples(st.sampled_from(["fence", "lock"]), st.lists(one_sum(), max_size=20)),
        min_size=1,
        max_size=3,
    )
)
def test_sums_that_all_ranks_add_at_once_are_those_of_plain_arrays(job, plan):
    job(RANKS, CONCURRENT.format(cells=CELLS, plan=json.dumps(plan)))
