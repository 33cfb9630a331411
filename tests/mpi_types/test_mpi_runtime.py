"""Functions of no object, each for the rank that calls; and the module as a whole."""

from __future__ import annotations

import pickle
import subprocess
import sys

import mpi4py
import numpy as np
import pytest

from vmpp_mpi import MPI, _version
from vmpp_mpi._runtime import abort_status


def test_classes_say_that_they_are_mpi4pys():
    assert MPI.Exception.__module__ == MPI.Wtime.__module__ == "mpi4py.MPI"
    assert repr(MPI.Datatype) == "<class 'mpi4py.MPI.Datatype'>"
    assert MPI.memory is MPI.buffer
    with pytest.raises(AttributeError, match="Colour"):
        MPI.Colour  # noqa: B018


@pytest.mark.parametrize(
    "name", ["INT", "DATATYPE_NULL", "SUM", "GROUP_EMPTY", "INFO_NULL", "INFO_ENV", "ERRORS_RETURN"]
)
def test_constants_survive_pickling(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", MPI)
    constant = getattr(MPI, name)
    assert pickle.loads(pickle.dumps(constant)) is constant
    copy = type(constant)(constant)
    assert pickle.loads(pickle.dumps(copy)) == constant


def test_made_things_survive_pickling(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", MPI)
    error = MPI.Exception(MPI.ERR_RANK, "rank 7 of 3")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    for thing in (MPI.Exception(MPI.ERR_RANK), MPI.BOTTOM, MPI.IN_PLACE, MPI.Status()):
        assert pickle.loads(pickle.dumps(thing)) == thing
    assert pickle.loads(pickle.dumps(MPI.Info.Create({"a": "b"}))).items() == [("a", "b")]
    assert pickle.loads(pickle.dumps(MPI.INT.Dup())).decode() == (MPI.INT, "DUP", {})
    operation = pickle.loads(pickle.dumps(MPI.Op.Create(np.add, True)))
    assert operation.Is_commutative()


@pytest.mark.parametrize("name", ["INT", "SUM", "GROUP_EMPTY", "INFO_ENV", "ERRORS_RETURN"])
def test_freeing_spares_constants_and_not_their_copies(name):
    constant = getattr(MPI, name)
    copy = type(constant)(constant)
    for _ in range(2):
        constant.free()
        assert constant
        copy.free()
        assert not copy


def test_numpy_is_loaded_by_those_who_use_it():
    program = "from vmpp_mpi import MPI; import sys; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_time_is_the_ranks_own(ranks):
    before = ranks[0].run(MPI.Wtime)
    ranks[0].charge(10**12)
    assert ranks[0].run(MPI.Wtime) - before == pytest.approx(1, abs=1e-6)
    assert ranks[1].run(MPI.Wtime) == pytest.approx(5, abs=1e-6)
    assert MPI.Wtick() == 1e-12
    with pytest.raises(MPI.Exception):
        MPI.Wtime()


def test_names_and_versions(ranks):
    assert ranks[2].run(MPI.Get_processor_name) == "node-2"
    assert MPI.Get_version() == (MPI.VERSION, MPI.SUBVERSION) == (4, 1)
    name, version = MPI.get_vendor()
    assert name == "vmpp"
    assert MPI.Get_library_version() == "vmpp " + ".".join(map(str, version))
    assert MPI.Get_abi_version() == (-1, -1)
    assert MPI.Pcontrol(1) is None


def test_sizes_and_hardware_are_told():
    assert MPI.Get_abi_info().items() == [
        ("mpi_aint_size", "8"), ("mpi_count_size", "8"), ("mpi_offset_size", "8"),
    ]  # fmt: skip
    fortran = MPI.Get_abi_fortran_info()
    assert fortran["mpi_double_precision_size"] == str(MPI.DOUBLE_PRECISION.size)
    assert fortran["mpi_complex16_supported"] == "true"
    assert fortran["mpi_complex4_supported"] == str(bool(MPI.COMPLEX4)).lower()
    assert MPI.Get_hw_resource_info()["vmpp://node"] == "true"


def test_starting_and_ending(ranks):
    rank, other = ranks[:2]
    assert rank.run(MPI.Is_initialized)
    assert not rank.run(MPI.Is_finalized)
    for call in (MPI.Init, MPI.Init_thread):
        with pytest.raises(MPI.Exception) as error:
            rank.run(call)
        assert error.value == MPI.ERR_OTHER
    rank.run(MPI.Finalize)
    assert rank.run(MPI.Is_finalized)
    assert rank.libraries["mpi"].protocol.finished
    assert not other.run(MPI.Is_finalized)
    with pytest.raises(MPI.Exception):
        rank.run(MPI.Finalize)


def test_a_rank_may_start_by_itself(ranks, monkeypatch):
    monkeypatch.setattr(mpi4py.rc, "initialize", False)
    rank, other = ranks[:2]
    assert not rank.run(MPI.Is_initialized)
    with pytest.raises(MPI.Exception):
        rank.run(MPI.Finalize)
    assert rank.run(MPI.Init_thread, MPI.THREAD_MULTIPLE) == MPI.THREAD_MULTIPLE
    assert rank.run(MPI.Is_initialized)
    assert not other.run(MPI.Is_initialized)
    assert rank.run(MPI.Query_thread) == MPI.THREAD_MULTIPLE
    assert rank.run(MPI.Is_thread_main)


def test_memory_is_allocated_and_addressed():
    memory = MPI.Alloc_mem(16)
    assert len(memory) == 16
    start = MPI.Get_address(memory)
    assert MPI.Aint_diff(MPI.Get_address(memory[4:]), start) == 4
    assert MPI.Aint_add(start, 4) == start + 4
    assert MPI.Get_address(MPI.BOTTOM) == MPI.Get_address(None) == 0
    MPI.Free_mem(memory)
    assert len(memory) == 0
    with pytest.raises(MPI.Exception) as error:
        MPI.Alloc_mem(-1)
    assert error.value == MPI.ERR_ARG
    with pytest.raises(TypeError):
        MPI.Get_address(3)


def test_memory_for_buffered_sends(ranks, transfer):
    rank, other = ranks[:2]
    memory = bytearray(100)
    rank.run(MPI.Attach_buffer, memory)
    with pytest.raises(MPI.Exception) as error:
        rank.run(MPI.Attach_buffer, bytearray(1))
    assert error.value == MPI.ERR_BUFFER
    assert other.run(MPI.Detach_buffer) is None
    rank.libraries["mpi"].buffer.hold(transfer, 10)
    assert rank.run(MPI.Detach_buffer) is memory
    assert transfer.done
    assert rank.run(MPI.Detach_buffer) is None
    with pytest.raises(BufferError):
        rank.run(MPI.Attach_buffer, b"abc")


@pytest.mark.parametrize("automatic", [None, MPI.BUFFER_AUTOMATIC])
def test_memory_for_buffered_sends_that_grows(ranks, transfer, automatic):
    rank = ranks[0]
    rank.run(MPI.Flush_buffer)
    rank.run(MPI.Attach_buffer, automatic)
    rank.libraries["mpi"].buffer.hold(transfer, 10)
    rank.run(MPI.Flush_buffer)
    assert transfer.done
    assert rank.run(MPI.Detach_buffer) is automatic


def test_sizes_and_numbers_of_handles():
    assert MPI._sizeof(MPI.INT) == MPI._sizeof(MPI.Op) == 8
    assert MPI._sizeof(MPI.Status) == 24
    assert MPI._handleof(MPI.INT) == MPI.INT.handle
    status = MPI.Status()
    assert MPI._addressof(status) == MPI._handleof(status) > 0
    assert MPI._addressof(MPI.INT) != MPI._addressof(MPI.Datatype(MPI.INT))
    for call in (MPI._sizeof, MPI._handleof, MPI._addressof):
        with pytest.raises(TypeError):
            call(3)


def test_what_a_rank_says_about_ending_its_job(ranks):
    ranks[0].run(MPI._set_abort_status, 7)
    assert [rank.run(abort_status) for rank in ranks] == [7, 0, 0]


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("0.1.0", (0, 1, 0)), ("1.20.3rc1", (1, 20, 3)), ("2.0.1.dev4+g1234", (2, 0, 1))],
)
def test_the_numbers_of_the_librarys_version(monkeypatch, version, numbers):
    monkeypatch.setattr(_version, "version", lambda name: version)
    assert _version.installed() == numbers


@pytest.mark.parametrize("constant", [MPI.BOTTOM, MPI.IN_PLACE, MPI.BUFFER_AUTOMATIC])
def test_what_stands_for_a_buffer_exports_no_bytes(constant):
    view = memoryview(constant)
    assert view.nbytes == 0
    assert view.obj is None
    assert MPI.Get_address(constant) == constant == int(constant)
    with pytest.raises((BufferError, KeyError, ValueError)):
        MPI.SUM.Reduce_local([constant, 1, MPI.INT], bytearray(4))
