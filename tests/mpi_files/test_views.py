"""Views: each rank sees what its filetype shows it, laid down again and again."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmpp_mpi._datatype import BYTE
from vmpp_mpi._files._datarep import representation
from vmpp_mpi._files._view import View

NATIVE = representation("native")


@st.composite
def filetypes(draw):
    """Draw a filetype of bytes, and the offsets of its data and its extent."""
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    places, offsets, place = [], [], 0
    for length in lengths:
        place += draw(st.integers(0, 4))
        places.append(place)
        offsets += range(place, place + length)
        place += length
    extent = place + draw(st.integers(0, 4))
    made = BYTE.Create_indexed(lengths, places).Create_resized(0, extent).Commit()
    return made, offsets, extent


def plain(offsets, extent, disp, count):
    """Return the offset in the file of each of the first bytes that a view shows."""
    tile, shown = len(offsets), []
    for place in range(count):
        shown.append(disp + place // tile * extent + offsets[place % tile])
    return shown


class TestOneView:
    @given(filetypes(), st.integers(0, 9), st.integers(0, 40), st.integers(0, 40))
    def test_stretches_are_where_the_model_has_them(self, drawn, disp, position, nbytes):
        filetype, offsets, extent = drawn
        view = View(disp, BYTE, filetype, NATIVE)
        assert view.problem(True) == ""
        assert view.ascending
        runs = view.runs(position, nbytes)
        found = [
            place
            for offset, length in zip(runs.offsets.tolist(), runs.lengths.tolist(), strict=True)
            for place in range(offset, offset + length)
        ]
        assert found == plain(offsets, extent, disp, position + nbytes)[position:]

    @given(filetypes(), st.integers(0, 9), st.integers(0, 100))
    def test_positions_and_offsets_correspond(self, drawn, disp, number):
        filetype, offsets, extent = drawn
        view = View(disp, BYTE, filetype, NATIVE)
        shown = plain(offsets, extent, disp, 300)
        assert view.byte_offset(number) == shown[number]
        assert view.bytes_before(number) == sum(place < number for place in shown)


MODEL = """
import json, sys
spec = json.loads(sys.argv[1])
mine = spec["ranks"][rank]
INFO = MPI.Info.Create(spec["hints"])
file = new(info=INFO)
filetype = MPI.INT.Create_indexed(mine["lengths"], mine["places"])
filetype = filetype.Create_resized(0, 4 * mine["extent"]).Commit()
file.Set_view(4 * mine["disp"], MPI.INT, filetype)
for part in range(2):
    data = np.arange(mine["count"], dtype="i") + 1000 * (rank + 1) + 100 * part
    getattr(file, spec["write"])(mine["count"] * part, data)
file.Sync()
comm.Barrier()
got = np.full(2 * mine["count"] + 3, -1, "i")
status = MPI.Status()
getattr(file, spec["read"])(0, got[: 2 * mine["count"]], status)
assert status.Get_count(MPI.INT) == 2 * mine["count"]
same(got[: mine["count"]], np.arange(mine["count"]) + 1000 * (rank + 1))
same(got[mine["count"] : -3], np.arange(mine["count"]) + 1000 * (rank + 1) + 100)
same(got[-3:], -1)
# To the end of the file and beyond.
file.Seek(0, MPI.SEEK_END)
end = file.Get_position()
got = np.full(end + 5, -1, "i")
getattr(file, spec["read"])(0, got, status)
assert status.Get_count(MPI.INT) == end
same(got[end:], -1)
file.Close()
"""


def disjoint(draw, nprocs):
    """Draw what each of the ranks sees, so that no two see the same."""
    width = draw.randint(1, 6)
    owners = [draw.randrange(nprocs + 1) for _ in range(width * nprocs)]
    ranks = []
    for rank in range(nprocs):
        places = [place for place, owner in enumerate(owners) if owner == rank]
        extent = len(owners)
        ranks.append(
            {
                "lengths": [1] * len(places) or [1],
                "places": places or [0],
                "extent": extent,
                "disp": 0,
                "count": draw.randint(0, 9) if places else 0,
            }
        )
    return ranks


@pytest.mark.parametrize("fresh", ["", "striped"], indirect=True)
@pytest.mark.parametrize("write", ["Write_at", "Write_at_all"])
@pytest.mark.parametrize("read", ["Read_at", "Read_at_all"])
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_ranks_write_and_read_what_they_see(fresh, write, read, seed):
    draw = random.Random(seed)
    nprocs = draw.randint(1, 5)
    ranks = disjoint(draw, nprocs)
    hints = {
        "cb_nodes": str(draw.randint(1, 4)),
        "cb_buffer_size": str(draw.choice([5, 16, 64, 1 << 20])),
        "striping_unit": str(draw.choice([8, 32, 1 << 16])),
        "romio_cb_read": draw.choice(["enable", "automatic", "disable"]),
        "romio_cb_write": draw.choice(["enable", "automatic", "disable"]),
        "romio_ds_read": draw.choice(["enable", "automatic", "disable"]),
        "ind_rd_buffer_size": str(draw.choice([7, 32, 1 << 20])),
    }
    content = fresh(
        MODEL, nprocs, json.dumps({"ranks": ranks, "hints": hints, "write": write, "read": read})
    )
    expected = {}
    for rank, mine in enumerate(ranks):
        shown = plain(mine["places"], mine["extent"], mine["disp"], 2 * mine["count"])
        for number, place in enumerate(shown):
            part, index = divmod(number, mine["count"])
            expected[place] = index + 1000 * (rank + 1) + 100 * part
    found = memoryview(content).cast("i").tolist()
    assert len(found) == max(expected, default=-1) + 1
    for place, value in enumerate(found):
        assert value == expected.get(place, 0)


def test_a_view_is_told_as_it_was_set(run):
    run("""
        file = new()
        disp, etype, filetype, datarep = file.Get_view()
        assert (disp, etype, filetype, datarep) == (0, MPI.BYTE, MPI.BYTE, "native")
        pairs = MPI.INT.Create_vector(2, 1, 3).Commit()
        file.Set_view(12, MPI.INT, pairs, "internal")
        pairs.Free()
        disp, etype, filetype, datarep = file.Get_view()
        assert (disp, etype, datarep) == (12, MPI.INT, "internal")
        assert (filetype.size, filetype.extent) == (8, 16)
        filetype.Free()
        assert [file.Get_byte_offset(n) for n in range(5)] == [12, 24, 28, 40, 44]
        refused(MPI.ERR_ARG, file.Get_byte_offset, -1)
        file.Set_view(0, MPI.INT.Create_contiguous(2).Commit())
        file.Write(np.arange(4, dtype="i"))
        assert file.Get_position() == 2
        file.Close()
    """)


def test_setting_a_view_resets_the_pointers(run):
    run("""
        file = new()
        file.Write_ordered(b"abc")
        file.Write(b"de")
        file.Set_view(1, MPI.BYTE)
        assert file.Get_position() == file.Get_position_shared() == 0
        comm.Barrier()
        file.Close()
    """)


def test_views_that_cannot_be_are_refused(run):
    run("""
        file = new()
        backwards = MPI.INT.Create_indexed([1, 1], [1, 0]).Commit()
        twice = MPI.INT.Create_indexed([2, 2], [0, 1]).Commit()
        before = MPI.INT.Create_indexed([1], [-1]).Commit()
        three = MPI.BYTE.Create_contiguous(3).Commit()
        none = MPI.INT.Create_contiguous(0).Commit()
        for filetype in (backwards, twice, before, three, none):
            refused(MPI.ERR_ARG, file.Set_view, 0, MPI.INT, filetype)
        refused(MPI.ERR_ARG, file.Set_view, -1)
        refused(MPI.ERR_ARG, file.Set_view, MPI.DISPLACEMENT_CURRENT)
        refused(MPI.ERR_TYPE, file.Set_view, 0, MPI.DATATYPE_NULL)
        refused(MPI.ERR_TYPE, file.Set_view, 0, MPI.INT, MPI.INT.Create_contiguous(2))
        refused(MPI.ERR_UNSUPPORTED_DATAREP, file.Set_view, 0, MPI.INT, None, "unheard of")
        refused(MPI.ERR_NOT_SAME, file.Set_view, 0, (MPI.INT, MPI.SHORT)[rank % 2])
        assert file.Get_view()[1] == MPI.BYTE
        file.Close()
    """)


def test_a_reader_may_see_data_more_than_once(run, tmp_path):
    (tmp_path / "file").write_bytes(bytes(range(20)))
    run("""
        file = new(MPI.MODE_RDONLY)
        twice = MPI.BYTE.Create_indexed([2, 2], [0, 1]).Commit()
        file.Set_view(0, MPI.BYTE, twice)
        for call in (file.Read_at, file.Read_at_all):
            got = bytearray(9)
            call(0, got)
            assert list(got) == [0, 1, 1, 2, 3, 4, 4, 5, 6]
        file.Close()
    """)


def test_filetypes_may_interleave(run, tmp_path):
    run("""
        # A matrix of 3 rows and 4 columns, written and read column by column.
        file = new()
        column = MPI.BYTE.Create_vector(3, 1, 4).Create_resized(0, 1).Commit()
        file.Set_view(0, MPI.BYTE, column)
        if rank == 0:
            file.Write(bytes(range(12)))
        file.Sync()
        comm.Barrier()
        for call in (file.Read_at, file.Read_at_all):
            got = bytearray(12)
            call(0, got)
            assert list(got) == list(range(12))
        file.Close()
    """)
    assert list((tmp_path / "file").read_bytes()) == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]


def test_types_of_arrays_divide_a_file(run, tmp_path):
    run(
        """
        file = new()
        sub = MPI.INT.Create_subarray([6, 4], [6, 2], [0, 2 * rank]).Commit()
        file.Set_view(0, MPI.INT, sub)
        file.Write_all(np.full(12, rank, "i"))
        dims = MPI.Compute_dims(size, 2)
        distribution = [MPI.DISTRIBUTE_BLOCK, MPI.DISTRIBUTE_CYCLIC]
        dargs = [MPI.DISTRIBUTE_DFLT_DARG] * 2
        darray = MPI.INT.Create_darray(size, rank, [6, 4], distribution, dargs, dims).Commit()
        file.Set_view(0, MPI.INT, darray)
        got = np.full(darray.size // 4, -1, "i")
        file.Read_all(got)
        row, column = divmod(rank, dims[1])
        whole = np.repeat([[0, 0, 1, 1]], 6, 0)
        rows = 6 // dims[0]
        same(got, whole[row * rows : (row + 1) * rows, column :: dims[1]].ravel())
        file.Close()
    """,
        2,
    )
    assert (tmp_path / "file").stat().st_size == 96
