"""Data representations: native, portable, and those of a program's own functions."""

from __future__ import annotations

from struct import pack

import pytest


@pytest.mark.parametrize("datarep", ["native", "internal"])
def test_the_native_one_is_what_memory_has(run, tmp_path, datarep):
    run(f"""
        file = new()
        file.Set_view(0, MPI.DOUBLE, None, {datarep!r})
        assert file.Get_view()[3] == {datarep!r}
        file.Write_ordered(np.full(2, rank, "d"))
        assert file.Get_type_extent(MPI.DOUBLE) == 8
        file.Close()
    """)
    assert (tmp_path / "file").read_bytes() == pack("=6d", 0, 0, 1, 1, 2, 2)


def test_the_portable_one_is_big_endian_and_of_fixed_sizes(run, tmp_path):
    run("""
        file = new()
        file.Set_view(2, MPI.LONG, None, "external32")
        assert file.Get_type_extent(MPI.LONG) == 4
        assert file.Get_type_extent(MPI.INT.Create_vector(2, 1, 3)) == 16
        file.Write_at_all(rank, np.full(1, -rank, "l"))
        file.Sync()
        got, status = np.full(5, 7, "l"), MPI.Status()
        file.Read_at(0, got, status)
        assert status.Get_count(MPI.LONG) == 3
        same(got, [0, -1, -2, 7, 7])
        file.Close()
    """)
    assert (tmp_path / "file").read_bytes() == bytes(2) + pack(">3i", 0, -1, -2)


def test_what_is_too_large_for_it_is_a_conversion_error(run):
    run("""
        file = new()
        file.Set_view(0, MPI.LONG, None, "external32")
        refused(MPI.ERR_CONVERSION, file.Write, np.full(1, 1 << 40, "l"))
        assert file.Get_position() == 0
        file.Close()
    """)


def test_a_structure_keeps_its_form_in_the_portable_one(run, tmp_path):
    run("""
        file = new()
        pair = MPI.Datatype.Create_struct([1, 2], [0, 8], [MPI.SHORT, MPI.DOUBLE])
        pair = pair.Create_resized(0, 24).Commit()
        file.Set_view(0, MPI.BYTE, None, "external32")
        data = np.zeros(2, [("n", "i2"), ("pad", "V6"), ("x", "f8", 2)])
        data["n"], data["x"] = [1, 2], [[1.5, 2.5], [3.5, 4.5]]
        if rank == 0:
            file.Write([data, 2, pair])
            got, status = np.zeros_like(data), MPI.Status()
            file.Read_at(0, [got, 2, pair], status)
            assert status.Get_count(pair) == 2
            same(got["n"], data["n"])
            same(got["x"], data["x"])
        file.Sync()
        # Cut within the second element: what is whole of it is there.
        file.Set_size(18 + 2 + 8 + 3)
        got = np.zeros_like(data)
        file.Read_at(0, [got, 2, pair], status := MPI.Status())
        assert status.Get_count(pair) == MPI.UNDEFINED
        assert status.Get_elements(pair) == 5
        same(got["x"], [[1.5, 2.5], [3.5, 0]])
        file.Close()
    """)
    expected = pack(">h2dh2d", 1, 1.5, 2.5, 2, 3.5, 4.5)
    assert (tmp_path / "file").read_bytes() == expected[:31]


def test_filetypes_have_the_sizes_of_the_file(run, tmp_path):
    run("""
        file = new()
        every_third = MPI.LONG.Create_vector(2, 1, size).Create_resized(0, 2 * size * 8).Commit()
        every_third = MPI.LONG.Create_vector(2, 1, size).Commit()
        file.Set_view(4 * rank, MPI.LONG, every_third, "external32")
        file.Write_all(np.full(2, rank, "l"))
        file.Close()
    """)
    assert (tmp_path / "file").read_bytes() == pack(">6i", 0, 1, 2, 0, 1, 2)


REGISTERED = """
calls = []

def read(user, datatype, count, data, position):
    calls.append(("read", datatype.name, count, position))
    np.frombuffer(user, "i")[position : position + count] = [int(t) for t in bytes(data).split()]

def write(user, datatype, count, data, position):
    calls.append(("write", datatype.name, count, position))
    numbers = np.frombuffer(user, "i")[position : position + count]
    data[:] = b"".join(b"%7d\\n" % n for n in numbers)

MPI.Register_datarep("text", read, write, lambda datatype: 2 * datatype.extent)
"""


def test_a_program_registers_its_own(run, tmp_path):
    run(
        REGISTERED
        + """
file = new()
file.Set_view(0, MPI.INT, None, "text")
assert file.Get_type_extent(MPI.INT) == 8
file.Write_at_all(2 * rank, np.arange(2, dtype="i") - rank)
file.Sync()
comm.Barrier()
got, status = np.full(7, 99, "i"), MPI.Status()
file.Iread_at_all(1, got).Wait(status)
assert status.Get_count(MPI.INT) == 5
same(got, [1, -1, 0, -2, -1, 99, 99])
assert calls == [("write", "MPI_INT", 2, 0), ("read", "MPI_INT", 5, 0)]
file.Close()
"""
    )
    assert (tmp_path / "file").read_text().split() == ["0", "1", "-1", "0", "-2", "-1"]


def test_without_functions_data_stay_as_they_are(run, tmp_path):
    run("""
        MPI.Register_datarep("same", None, None, lambda datatype: datatype.extent)
        file = new()
        file.Set_view(0, MPI.INT, None, "same")
        file.Write_ordered(np.full(1, rank, "i"))
        got = np.empty(3, "i")
        file.Read_at_all(0, got)
        same(got, [0, 1, 2])
        file.Close()
    """)
    assert (tmp_path / "file").read_bytes() == pack("=3i", 0, 1, 2)


def test_names_are_taken_once_by_each_rank(run):
    run("""
        register = lambda name: MPI.Register_datarep(name, None, None, lambda datatype: 1)
        if rank:
            register("mine")
            refused(MPI.ERR_DUP_DATAREP, register, "mine")
        else:
            refused(MPI.ERR_UNSUPPORTED_DATAREP, MPI.File.Open(MPI.COMM_SELF, "own", NEW).Set_view,
                    0, MPI.INT, None, "mine")
        for name in ("native", "internal", "external32"):
            refused(MPI.ERR_DUP_DATAREP, register, name)
        for name in ("", "x" * (MPI.MAX_DATAREP_STRING + 1)):
            refused(MPI.ERR_ARG, register, name)
    """)


def test_a_function_that_fails_is_a_conversion_error(run):
    run("""
        def fail(*_):
            raise ZeroDivisionError

        MPI.Register_datarep("both", fail, fail, lambda datatype: datatype.extent)
        MPI.Register_datarep("extent", None, None, fail)
        file = new()
        refused(MPI.ERR_CONVERSION, file.Set_view, 0, MPI.INT, None, "extent")
        file.Set_view(0, MPI.INT, None, "both")
        refused(MPI.ERR_CONVERSION, file.Write, np.zeros(1, "i"))
        file.Set_size(4)
        refused(MPI.ERR_CONVERSION, file.Read_at, 0, np.zeros(1, "i"))
        request = file.Iread_at(0, np.zeros(1, "i"))
        refused(MPI.ERR_CONVERSION, request.Wait)
        file.Close()
    """)
