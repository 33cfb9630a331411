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
