"""Communicators: making, comparing and freeing them; attributes, error handlers, mismatches."""

from __future__ import annotations

import pickle
import sys

import mpi4py
import numpy as np
import pytest

from vmpp_mpi import MPI
from vmpp_mpi._communicators._comm import comm_lock, comm_lock_table, commctx_intra

WORLD, SELF, NULL = MPI.COMM_WORLD, MPI.COMM_SELF, MPI.COMM_NULL


def error_class(call):
    """Return the class of the error that *call* raises."""
    with pytest.raises(MPI.Exception) as error:
        call()
    return error.value.Get_error_class()


def test_the_predefined_communicators_are_each_ranks_own(ranks):
    def program():
        assert (WORLD.size, WORLD.Get_size(), SELF.size, SELF.rank) == (3, 3, 1, 0)
        assert (WORLD.name, SELF.Get_name(), NULL.name) == (
            "MPI_COMM_WORLD",
            "MPI_COMM_SELF",
            "MPI_COMM_NULL",
        )
        WORLD.name = f"of rank {WORLD.rank}"
        WORLD.Barrier()
        return WORLD.Get_rank(), WORLD.name

    assert ranks(3, program) == [(rank, f"of rank {rank}") for rank in range(3)]


def test_without_a_machine_there_are_no_ranks():
    assert error_class(lambda: WORLD.rank) == MPI.ERR_OTHER


def test_handles(ranks, monkeypatch):
    # Where programs have it, and pickles look for it.
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", MPI)

    def program():
        assert MPI.Comm() == MPI.Intracomm() == NULL
        assert not NULL
        assert MPI.Intracomm(WORLD) == MPI.Comm(WORLD) == WORLD != SELF
        assert WORLD != 3
        assert type(WORLD) is type(WORLD.Dup()) is type(WORLD.Split()) is MPI.Intracomm
        with pytest.raises(TypeError):
            hash(WORLD)
        with pytest.raises(TypeError):
            MPI.Intracomm(3)
        assert pickle.loads(pickle.dumps(WORLD)) == WORLD
        with pytest.raises(ValueError, match="pickle"):
            pickle.dumps(WORLD.Dup())
        assert MPI.Comm.fromhandle(WORLD.handle) == WORLD
        assert WORLD.is_intra
        assert not WORLD.is_inter
        assert not WORLD.is_topo
        assert WORLD.topology == MPI.UNDEFINED

    ranks(2, program)


def test_freeing_what_can_be_freed(ranks):
    def program():
        for comm in (WORLD.Dup(), MPI.Intracomm(WORLD), MPI.Comm(SELF), MPI.Comm()):
            comm.free()
            assert comm == NULL
            comm.free()
        WORLD.free()
        assert WORLD.size == 2

    ranks(2, program)


def test_a_program_may_have_a_class_of_its_own(ranks):
    class Mine(MPI.Intracomm):
        def __new__(cls, comm=None, mark=1):
            made = super().__new__(cls, comm)
            made.mark = mark
            return made

    def program():
        mine = Mine(WORLD, 5)
        assert (mine, mine.mark, mine.rank) == (WORLD, 5, WORLD.rank)
        again = mine.Dup()
        assert (type(again), again.mark) == (Mine, 1)
        assert type(mine.Split()) is MPI.Intracomm
        assert again.allreduce(1) == 3

    ranks(3, program)


def test_a_duplicate_has_the_same_group_and_its_own_messages(ranks):
    def program():
        for comm in (WORLD.Dup(), WORLD.Clone(), WORLD.Dup(MPI.Info.Create({"a": "b"}))):
            assert comm.Compare(WORLD) == MPI.CONGRUENT
            assert (comm.rank, comm.size, comm.name) == (WORLD.rank, 4, "")
            assert comm.allgather(comm.rank) == [0, 1, 2, 3]
        assert comm.info.Get("a") == "b"
        assert WORLD.Compare(WORLD) == MPI.IDENT
        assert SELF.Compare(WORLD) == MPI.UNEQUAL
        assert WORLD.Split(0, -WORLD.rank).Compare(WORLD) == MPI.SIMILAR
        assert error_class(lambda: WORLD.Compare(NULL)) == MPI.ERR_COMM

    ranks(4, program)


@pytest.mark.parametrize("size", [1, 2, 5, 16, 17])
def test_splitting_by_colour_and_key(ranks, size):
    def program():
        rank = WORLD.rank
        part = WORLD.Split(rank % 3, -rank)
        members = [peer for peer in reversed(range(size)) if peer % 3 == rank % 3]
        assert part.allgather(rank) == members
        assert part.rank == members.index(rank)
        assert part.group.Translate_ranks(None, WORLD.group) == members
        deeper = part.Split(part.rank, 0)
        assert (deeper.size, deeper.rank) == (1, 0)
        some = WORLD.Split(0 if rank else MPI.UNDEFINED)
        if rank:
            assert some.allgather(rank) == list(range(1, size))
        else:
            assert some == NULL
        equal = WORLD.Split(0, 7)
        assert equal.Compare(WORLD) == MPI.CONGRUENT

    ranks(size, program)


def test_a_negative_colour_is_an_error(ranks):
    def program():
        assert error_class(lambda: WORLD.Split(-5)) == MPI.ERR_ARG

    ranks(1, program)


def test_splitting_by_what_ranks_share(ranks):
    def program():
        near = WORLD.Split_type(MPI.COMM_TYPE_SHARED)
        nodes = [3, 3, 5, 5, 5]
        mine = nodes[WORLD.rank]
        assert near.allgather(WORLD.rank) == [r for r, node in enumerate(nodes) if node == mine]
        memory = MPI.Info.Create({"mpi_hw_resource_type": "mpi_shared_memory"})
        assert WORLD.Split_type(MPI.COMM_TYPE_HW_GUIDED, info=memory).size == near.size
        assert WORLD.Split_type(MPI.COMM_TYPE_RESOURCE_GUIDED) == NULL
        assert WORLD.Split_type(MPI.COMM_TYPE_HW_UNGUIDED) == NULL
        assert WORLD.Split_type(MPI.UNDEFINED) == NULL
        assert error_class(lambda: WORLD.Split_type(77)) == MPI.ERR_ARG

    ranks(5, program, nodes=[3, 3, 5, 5, 5])


def test_communicators_of_groups(ranks):
    def program():
        chosen = [4, 0, 2]
        group = WORLD.group.Incl(chosen)
        rank = WORLD.rank
        made = [WORLD.Create(group)]
        made += [WORLD.Create_group(group, 3), MPI.Intracomm.Create_from_group(group, "tag")]
        for comm in made:
            if rank in chosen:
                assert comm.allgather(rank) == chosen
                assert comm.Get_group().Compare(group) == MPI.IDENT
            else:
                assert comm == NULL
        assert WORLD.Create(MPI.GROUP_EMPTY) == NULL
        assert error_class(lambda: WORLD.Create(MPI.GROUP_NULL)) == MPI.ERR_GROUP

    ranks(5, program)


def test_only_the_members_of_a_group_need_to_call_create_group(ranks):
    def program():
        group = WORLD.group.Range_incl([(1, 3, 1)])
        if WORLD.rank in (1, 2, 3):
            comm = WORLD.Create_group(group)
            assert comm.allreduce(WORLD.rank) == 6
            comm.Free()
            assert comm == NULL

    ranks(5, program)


def test_contexts_are_used_again_and_differ_as_long_as_they_are_in_use(ranks):
    def program():
        seen = set()
        kept = [WORLD.Dup() for _ in range(3)]
        for _ in range(50):
            comm = WORLD.Split(WORLD.rank % 2)
            seen.add(comm._get().context)
            comm.Free()
        inside = {comm._get().context for comm in kept}
        assert len(inside) == 3
        assert len(seen) == 1
        assert not seen & inside

    ranks(4, program)


def test_when_all_contexts_are_in_use_there_can_be_no_more(ranks):
    def program():
        kept = []

        def make_more():
            while True:
                kept.append(SELF.Dup())

        assert error_class(make_more) == MPI.ERR_OTHER
        assert len(kept) > 4000
        kept.pop().Free()
        SELF.Dup()

    ranks(1, program)


def test_a_freed_communicator_is_null_and_its_other_handles_of_no_use(ranks):
    def program():
        comm = WORLD.Dup()
        other = MPI.Intracomm(comm)
        comm.Free()
        assert comm == NULL
        assert error_class(comm.Barrier) == MPI.ERR_COMM
        assert error_class(lambda: other.send(1, 0)) == MPI.ERR_COMM
        assert error_class(other.Barrier) == MPI.ERR_COMM
        for fixed in (WORLD, SELF, NULL):
            assert error_class(fixed.Free) == MPI.ERR_COMM
            fixed.free()
        comm = WORLD.Dup()
        comm.free()
        assert comm == NULL
        comm = WORLD.Dup()
        comm.Disconnect()
        assert comm == NULL
        assert WORLD.allreduce(1) == 2

    ranks(2, program)


class TestAttributes:
    def test_they_are_copied_and_deleted_as_their_functions_say(self, ranks):
        def program():
            log = []
            keyval = MPI.Comm.Create_keyval(
                lambda comm, key, value: (log.append(("copy", value)), value + 1)[1],
                lambda comm, key, value: log.append(("delete", value)),
            )
            comm = SELF.Dup()
            assert comm.Get_attr(keyval) is None
            comm.Set_attr(keyval, 5)
            other = comm.Dup()
            assert (comm.Get_attr(keyval), other.Get_attr(keyval)) == (5, 6)
            comm.Set_attr(keyval, 9)
            other.Free()
            comm.Delete_attr(keyval)
            assert comm.Get_attr(keyval) is None
            comm.Free()
            assert log == [("copy", 5), ("delete", 5), ("delete", 6), ("delete", 9)]
            assert MPI.Comm.Free_keyval(keyval) == MPI.KEYVAL_INVALID
            assert error_class(lambda: SELF.Get_attr(keyval)) == MPI.ERR_KEYVAL

        ranks(1, program)

    @pytest.mark.parametrize(
        ("copy", "found"),
        [(None, None), (False, None), (True, 5), (lambda *_: NotImplemented, None)],
    )
    def test_a_duplicate_gets_them_only_if_told_so(self, ranks, copy, found):
        def program():
            keyval = MPI.Comm.Create_keyval(copy)
            comm = SELF.Dup()
            comm.Set_attr(keyval, 5)
            assert comm.Dup().Get_attr(keyval) == found

        ranks(1, program)

    def test_predefined_ones_are_there_and_stay(self, ranks):
        def program():
            assert WORLD.Get_attr(MPI.TAG_UB) == 2**31 - 1
            assert WORLD.Get_attr(MPI.UNIVERSE_SIZE) == 2
            assert WORLD.Get_attr(MPI.WTIME_IS_GLOBAL)
            assert WORLD.Get_attr(MPI.LASTUSEDCODE) == MPI.ERR_LASTCODE
            for call in (
                lambda: WORLD.Set_attr(MPI.TAG_UB, 3),
                lambda: WORLD.Delete_attr(MPI.TAG_UB),
                lambda: WORLD.Get_attr(MPI.KEYVAL_INVALID),
                lambda: MPI.Comm.Free_keyval(12345),
            ):
                assert error_class(call) == MPI.ERR_KEYVAL

        ranks(2, program)


class TestErrorHandlers:
    def test_errors_are_exceptions_unless_the_program_wants_otherwise(self, ranks):
        def program():
            assert WORLD.Get_errhandler() == MPI.ERRORS_RETURN
            assert error_class(lambda: WORLD.send(1, 99)) == MPI.ERR_RANK
            WORLD.Call_errhandler(MPI.ERR_ARG)

        ranks(1, program)

    @pytest.mark.parametrize("handler", [MPI.ERRORS_ARE_FATAL, MPI.ERRORS_ABORT])
    def test_fatal_errors_end_the_job(self, ranks, handler, capsys):
        def program():
            comm = WORLD.Dup()
            comm.Set_errhandler(handler)
            assert comm.Get_errhandler() == comm.Dup().Get_errhandler() == handler
            comm.send(1, 99)

        with pytest.raises(ranks.Aborted) as aborted:
            ranks(1, program)
        assert aborted.value.status == MPI.ERR_RANK
        assert "Fatal error on rank 0" in capsys.readouterr().err

    @pytest.mark.parametrize("errors", ["fatal", "abort", "default"])
    def test_a_program_can_want_all_errors_to_be_fatal(self, ranks, errors, capsys, monkeypatch):
        def program():
            comm = WORLD.Dup()
            assert comm.Get_errhandler() != MPI.ERRORS_RETURN
            comm.Set_errhandler(MPI.ERRORS_RETURN)
            assert error_class(lambda: comm.send(1, 99)) == MPI.ERR_RANK
            WORLD.send(1, 99)

        monkeypatch.setattr(mpi4py.rc, "errors", errors)
        with pytest.raises(ranks.Aborted) as aborted:
            ranks(1, program)
        assert aborted.value.status == MPI.ERR_RANK
        assert "Fatal error on rank 0" in capsys.readouterr().err

    def test_a_programs_own_handler_is_called_before_the_exception(self, ranks):
        def program():
            log = []
            handler = MPI.Comm.Create_errhandler(
                lambda comm, code: log.append((comm == WORLD, MPI.Get_error_class(code)))
            )
            WORLD.Set_errhandler(handler)
            assert WORLD.Get_errhandler() == handler
            assert error_class(lambda: WORLD.Send(np.zeros(1), 99)) == MPI.ERR_RANK
            WORLD.Call_errhandler(MPI.ERR_ARG)
            WORLD.isend("x" * 9, 0)
            assert error_class(lambda: WORLD.irecv(1).wait()) == MPI.ERR_TRUNCATE
            assert log == [(True, MPI.ERR_RANK), (True, MPI.ERR_ARG), (True, MPI.ERR_TRUNCATE)]
            WORLD.Set_errhandler(MPI.ERRORS_RETURN)
            assert error_class(lambda: WORLD.send(1, 99)) == MPI.ERR_RANK
            assert len(log) == 3
            assert error_class(lambda: WORLD.Set_errhandler(MPI.ERRHANDLER_NULL)) == (
                MPI.ERR_ERRHANDLER
            )

        ranks(1, program)

    def test_abort_ends_the_job_with_its_status(self, ranks):
        def program():
            WORLD.Abort(7)

        with pytest.raises(ranks.Aborted) as aborted:
            ranks(2, program)
        assert aborted.value.status == 7


class TestMismatchedCollectives:
    @pytest.mark.parametrize(
        ("call", "name"),
        [
            (lambda n: WORLD.Bcast(np.zeros(n)), "Bcast"),
            (lambda n: WORLD.Allreduce(np.zeros(n), np.zeros(n)), "Allreduce"),
            (lambda n: WORLD.Reduce(np.zeros(n), np.zeros(n)), "Reduce"),
            (lambda n: WORLD.Gather(np.zeros(n), np.zeros(2 * n)), "Gather"),
            (lambda n: WORLD.Alltoall(np.zeros(2 * n), np.zeros(2 * n)), "Alltoall"),
            (lambda n: WORLD.Scan(np.zeros(n), np.zeros(n)), "Scan"),
        ],
    )
    def test_counts_that_differ_are_an_error_that_names_the_call(self, ranks, call, name):
        def program():
            call(1 + WORLD.rank)

        program.leaves_messages = True
        with pytest.raises(MPI.Exception, match=f"{name}: .* bytes from rank") as error:
            ranks(2, program)
        assert error.value.Get_error_class() == MPI.ERR_TRUNCATE

    def test_a_ranks_own_block_must_fit_as_well(self, ranks):
        def program():
            for call in (
                lambda: SELF.Gather(np.zeros(1), np.zeros(2)),
                lambda: SELF.Allgather(np.zeros(1), np.zeros(2)),
                lambda: SELF.Scatter(np.zeros(1), np.zeros(2)),
                lambda: SELF.Alltoallv(np.zeros(1), np.zeros(2)),
                lambda: SELF.Gatherv(np.zeros(1), np.zeros(2)),
            ):
                assert error_class(call) == MPI.ERR_TRUNCATE

        ranks(1, program)

    def test_different_calls_wait_for_each_other_and_say_so(self, ranks):
        def program():
            if WORLD.rank == 0:
                WORLD.Barrier()
            else:
                WORLD.allreduce(1)

        with pytest.raises(ranks.Deadlock) as deadlock:
            ranks(2, program)
        assert deadlock.value.waiting[0] == "Barrier (waits for rank 1) on COMM_WORLD"

    def test_a_rank_that_leaves_out_a_call_is_waited_for(self, ranks):
        def program():
            if WORLD.rank:
                WORLD.Barrier()
            WORLD.Barrier()

        with pytest.raises(ranks.Deadlock):
            ranks(3, program)

    def test_what_a_receive_waits_for_can_be_told(self, ranks):
        def program():
            if WORLD.rank == 0:
                WORLD.recv(source=1, tag=7)
            WORLD.Recv(np.zeros(1))

        with pytest.raises(ranks.Deadlock) as deadlock:
            ranks(2, program)
        assert deadlock.value.waiting == {
            0: "Recv(source=1, tag=7) on COMM_WORLD",
            1: "Recv(source=ANY_SOURCE, tag=ANY_TAG) on COMM_WORLD",
        }


class TestInPlace:
    def test_none_says_so_too(self, ranks):
        def program():
            data = np.ones(1)
            WORLD.Allreduce(None, data)
            assert data[0] == 3

        ranks(3, program)

    def test_all_that_can_work_in_place(self, ranks):
        def program():
            rank, size, here = WORLD.rank, WORLD.size, MPI.IN_PLACE
            for root in range(size):
                data = np.arange(size) * 10 if rank == root else np.full(1, rank * 10)
                if rank == root:
                    WORLD.Gather(here, data, root)
                    assert list(data) == [peer * 10 for peer in range(size)]
                    WORLD.Scatter(data, here, root)
                    WORLD.Gatherv(here, data, root)
                    assert list(data) == [peer * 10 for peer in range(size)]
                    WORLD.Scatterv(data, here, root)
                    one = np.ones(1)
                    WORLD.Reduce(here, one, root=root)
                    assert one[0] == size
                else:
                    WORLD.Gather(data, None, root)
                    WORLD.Scatter(None, data, root)
                    WORLD.Gatherv(data, None, root)
                    WORLD.Scatterv(None, data, root)
                    assert data[0] == rank * 10
                    WORLD.Reduce(np.ones(1), None, root=root)
            data = np.ones(1)
            WORLD.Allreduce(here, data)
            WORLD.Scan(here, data)
            assert data[0] == size * (rank + 1)
            WORLD.Exscan(here, data)
            assert data[0] == (size * rank * (rank + 1) / 2 if rank else size)
            data = np.arange(size)
            WORLD.Allgatherv(here, data)
            WORLD.Alltoallv(here, data)
            assert (data == rank).all()
            types = [MPI.INT64_T] * size
            WORLD.Alltoallw(here, [data, [1] * size, np.arange(size) * 8, types])
            assert (data == np.arange(size)).all()
            WORLD.Reduce_scatter(here, data)
            assert data[0] == size * rank

        ranks(4, program)

    def test_only_the_root_can(self, ranks):
        def program():
            if WORLD.rank == 0:
                return
            for call in (WORLD.Gather, WORLD.Gatherv, WORLD.Reduce):
                assert error_class(lambda call=call: call(MPI.IN_PLACE, None)) == MPI.ERR_BUFFER
            for call in (WORLD.Scatter, WORLD.Scatterv):
                assert error_class(lambda call=call: call(None, MPI.IN_PLACE)) == MPI.ERR_BUFFER

        ranks(2, program)


def test_a_reduction_takes_time(ranks):
    def program():
        WORLD.Allreduce(np.zeros(100), np.zeros(100))

    ranks(2, program, reduce_rate=1_000_000)
    assert [end.process.clock for end in ranks.world.ends] == [800_000, 800_000]


def test_the_number_of_messages_is_that_of_the_algorithm(ranks):
    """Of n ranks, p being the largest power of two up to n."""

    def count(size, program):
        ranks(size, program)
        return ranks.world.sent

    one = np.zeros(1)
    assert count(16, WORLD.Barrier) == 16 * 4
    assert count(13, lambda: WORLD.Bcast(one.copy())) == 12
    assert count(16, lambda: WORLD.Allreduce(one, one.copy())) == 16 * 4
    assert count(13, lambda: WORLD.Allreduce(one, one.copy())) == 5 + 8 * 3 + 5
    assert count(13, lambda: WORLD.Reduce(one, one.copy())) == 12
    assert count(13, lambda: WORLD.Gather(one, np.zeros(13))) == 12
    assert count(13, lambda: WORLD.bcast("short")) == 12
    assert count(13, lambda: WORLD.gather("short")) == 12
    assert count(16, lambda: WORLD.Allgather(one, np.zeros(16))) == 16 * 4


def test_messages_under_way_outlive_their_communicator(ranks):
    def program():
        comm = WORLD.Dup()
        requests = [comm.isend("x" * 5000, 0), comm.irecv(source=0)]
        comm.send("matched", 0, 5)
        message = comm.mprobe(0, 5)
        comm.Free()
        assert MPI.Request.waitall(requests) == [None, "x" * 5000]
        assert message.recv() == "matched"

    ranks(1, program)


def test_what_the_pure_python_part_of_mpi4py_keeps_with_a_communicator(ranks):
    def program():
        lock = comm_lock(WORLD, "key")
        assert lock is comm_lock(WORLD, "key")
        assert lock is not comm_lock(SELF, "key")
        assert list(comm_lock_table(WORLD)) == ["key"]
        comm = WORLD.Dup()
        (own, first), (same, second) = commctx_intra(comm), commctx_intra(comm)
        assert own == same != comm
        assert (first, second) == (0, 1)
        assert own.Compare(WORLD) == MPI.CONGRUENT
        comm.Free()
        assert error_class(own.Barrier) == MPI.ERR_COMM

    ranks(2, program)


def test_calls_that_move_objects_hold_a_lock_of_their_name(ranks):
    def program():
        comm = WORLD.Dup()
        table = MPI._comm_lock_table(comm)
        assert table == {}
        comm.bcast(None)
        comm.gather(1)
        assert sorted(table) == ["bcast", "gather"]
        assert MPI._comm_lock(comm, "bcast") is table["bcast"]
        assert not table["bcast"].locked()
        comm.Free()

    ranks(2, program)
