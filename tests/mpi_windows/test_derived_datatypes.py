"""Memory that is not contiguous, at the origin, at the target, or both."""

from __future__ import annotations

import pytest

ROWS = pytest.mark.parametrize("rows", [3, 40, 20_000])
"""Few runs are moved one by one, more by a request, and many by several of them."""


@ROWS
def test_columns_are_put_got_and_accumulated(job, rows):
    job(
        2,
        f"""
        memory = np.zeros(({rows}, 5))
        win = MPI.Win.Create(memory, 8, comm=comm)
        column = MPI.DOUBLE.Create_vector({rows}, 1, 5).Commit()
        sent, got = np.arange({rows}.0) + 1, np.zeros({rows})
        win.Fence()
        win.Put(sent, right, (2, 1, column))
        win.Fence()
        assert (memory[:, 2] == sent).all() and not memory[:, [0, 1, 3, 4]].any()
        win.Accumulate(sent, right, (2, 1, column), MPI.PROD)
        win.Fence()
        win.Get_accumulate(np.ones({rows}), got, right, (2, 1, column))
        win.Fence()
        assert (got == sent**2).all() and (memory[:, 2] == sent**2 + 1).all()
        win.Get(got, right, (2, 1, column))
        win.Fence()
        assert (got == memory[:, 2]).all() and not memory[:, [0, 1, 3, 4]].any()
        win.Free()
        """,
    )


@ROWS
def test_columns_at_the_origin(job, rows):
    job(
        2,
        f"""
        memory = np.zeros({rows})
        win = MPI.Win.Create(memory, 8, comm=comm)
        column = MPI.DOUBLE.Create_vector({rows}, 1, 5).Commit()
        mine = np.arange({rows} * 5.0).reshape(-1, 5)
        kept = mine.copy()
        win.Fence()
        win.Put([mine, 1, column], right, (0, {rows}, MPI.DOUBLE))
        win.Fence()
        assert (memory == mine[:, 0]).all()
        win.Accumulate([mine, 1, column], right, (0, {rows}, MPI.DOUBLE))
        win.Fence()
        win.Get([mine, 1, column], right, (0, {rows}, MPI.DOUBLE))
        win.Fence()
        assert (mine[:, 0] == 2 * kept[:, 0]).all() and (mine[:, 1:] == kept[:, 1:]).all()
        result = np.zeros(({rows}, 5))
        win.Get_accumulate(
            [mine, 1, column], [result, 1, column], right, (0, {rows}, MPI.DOUBLE), MPI.REPLACE
        )
        win.Fence()
        assert (result[:, 0] == mine[:, 0]).all() and not result[:, 1:].any()
        win.Free()
        """,
    )


def test_the_same_datatype_on_both_sides(job):
    job(
        3,
        """
        memory = np.zeros((6, 6), "i4")
        win = MPI.Win.Create(memory, comm=comm)
        block = MPI.INT.Create_subarray([6, 6], [3, 2], [2, 3]).Commit()
        mine = np.arange(36, dtype="i4").reshape(6, 6) + 100 * rank
        win.Fence()
        win.Put([mine, 1, block], right)
        win.Fence()
        expected = np.zeros((6, 6), "i4")
        expected[2:5, 3:5] = (np.arange(36).reshape(6, 6) + 100 * left)[2:5, 3:5]
        assert (memory == expected).all()
        got = np.zeros((6, 6), "i4")
        win.Get([got, 1, block], right)
        win.Fence()
        assert (got[2:5, 3:5] == mine[2:5, 3:5]).all() and got.sum() == mine[2:5, 3:5].sum()
        win.Free()
        """,
    )


def test_structures_of_several_types_can_be_put_and_not_accumulated(job):
    job(
        2,
        """
        record = np.dtype([("number", "i4"), ("value", "f8"), ("flag", "u1")], align=True)
        memory = np.zeros(10, record)
        win = MPI.Win.Create(memory, record.itemsize, comm=comm)
        places = [record.fields[name][1] for name in record.names]
        datatype = MPI.Datatype.Create_struct([1, 1, 1], places, [MPI.INT, MPI.DOUBLE, MPI.BYTE])
        datatype = datatype.Create_resized(0, record.itemsize).Commit()
        sent = np.array([(each, each / 2, each % 2) for each in range(10)], record)
        win.Fence()
        win.Put([sent, 10, datatype], right)
        win.Fence()
        assert memory.tolist() == sent.tolist()
        raises(MPI.ERR_TYPE, win.Accumulate, [sent, 10, datatype], right)
        win.Free()
        """,
    )


def test_runs_in_another_order_than_in_memory(job):
    job(
        2,
        """
        memory = np.zeros(8, "i8")
        win = MPI.Win.Create(memory, 8, comm=comm)
        backwards = MPI.INT64_T.Create_vector(8, 1, -1).Commit()
        win.Fence()
        win.Put(np.arange(8), right, (7, 1, backwards))
        win.Fence()
        assert memory.tolist() == list(range(7, -1, -1))
        got = np.zeros(8, "i8")
        win.Get(got, right, (7, 1, backwards))
        win.Fence()
        assert got.tolist() == list(range(8))
        win.Free()
        """,
    )
