"""Loading, running and ending of jobs: process control threads and the launcher together."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.exit_status import TERMINATED
from vmpp.kernel import ANYTHING, Process, ProcessKilled
from vmpp.pct import (
    CONTROL_PORTAL,
    Control,
    ControlMessage,
    LoadError,
    children,
    parent,
    send_control,
)
from vmpp.portals import Address, Header, SendInfo
from vmpp.service import LaunchError

FANOUTS = st.integers(1, 8)
SIZES = st.integers(1, 300)


# -- the tree ------------------------------------------------------------------------------------


@given(FANOUTS, SIZES)
def test_every_rank_but_the_root_is_the_child_of_its_parent(fanout: int, size: int) -> None:
    below = {rank: list(children(rank, fanout, size)) for rank in range(size)}
    assert sorted(rank for ranks in below.values() for rank in ranks) == list(range(1, size))
    for rank, ranks in below.items():
        assert len(ranks) <= fanout
        assert all(parent(child, fanout) == rank < child for child in ranks)
    assert parent(0, fanout) < 0


@given(FANOUTS, SIZES)
def test_the_tree_is_as_flat_as_its_fanout_allows(fanout: int, size: int) -> None:
    def depth(rank: int) -> int:
        return 0 if rank == 0 else 1 + depth(parent(rank, fanout))

    deepest = depth(size - 1)
    assert deepest == max(map(depth, range(size)))
    assert sum(fanout**level for level in range(deepest)) < size


# -- a job that goes well ------------------------------------------------------------------------


@given(st.integers(1, 20), FANOUTS, st.integers(0, 40), st.integers(1, 20))
def test_a_job_runs_once_on_every_node_and_leaves_nothing(
    cluster: Any, size: int, fanout: int, image: int, chunk: int
) -> None:
    machine = cluster(size, fanout=fanout, chunk=chunk)
    ran: list[tuple[int, int]] = []
    record = machine.run(
        lambda process: ran.append((process.rank, process.nid)), size, image=b"x" * image
    )
    assert sorted(ran) == [(rank, rank) for rank in range(size)]
    assert record.statuses == [0] * size
    assert (record.status, record.failure) == (0, None)
    assert record.done.is_set()
    assert [phase.name for phase in record.phases] == ["allocation", "load", "run"]
    assert machine.ended == [record]
    machine.assert_clean()


def test_nobody_runs_before_everybody_is_loaded(cluster: Any) -> None:
    machine = cluster(13, fanout=3)
    machine.run(lambda process: None, 13)
    steps = [step for step, _ in machine.loader.events]
    assert steps.index("main") == 13
    assert steps[:13] == ["prepare"] * 13


def test_loading_takes_time_that_grows_with_the_program_and_the_depth_of_the_tree(
    cluster: Any,
) -> None:
    def load(size: int, fanout: int, image: int) -> int:
        record = cluster(size, fanout=fanout).run(lambda process: None, size, image=bytes(image))
        return int(record.phases[1].virtual_ps)

    assert load(1, 2, 10) > 1000
    assert load(1, 2, 10_000) >= load(1, 2, 10) + 9_990
    assert load(16, 1, 10) > load(16, 2, 10) > load(2, 2, 10)


def test_statuses_come_back_by_rank(cluster: Any) -> None:
    machine = cluster(5)

    def main(process: Process) -> int:
        process.sleep(1000 * (5 - process.rank))
        if process.rank == 3:
            process.exit(40)
        return process.rank

    record = machine.run(main, 5)
    assert record.statuses == [0, 1, 2, 40, 4]
    assert (record.status, record.failure) == (40, None)
    machine.assert_clean()


def test_jobs_follow_one_another_on_the_same_nodes(cluster: Any) -> None:
    machine = cluster(4)
    for number in range(1, 4):
        record = machine.run(lambda process: process.job.id, 4)
        assert record.statuses == [number] * 4
    machine.assert_clean()


# -- jobs that do not ----------------------------------------------------------------------------


def test_a_failing_rank_ends_the_job_and_is_reported(cluster: Any) -> None:
    machine = cluster(6)
    cleaned: list[int] = []

    def main(process: Process) -> None:
        if process.rank == 4:
            process.compute(500)
            raise LookupError("no such thing")
        try:
            process.wait(ANYTHING)
        finally:
            cleaned.append(process.rank)

    record = machine.run(main, 6)
    assert record.failure == "rank 4: LookupError('no such thing')"
    assert record.status == 1
    assert record.statuses == [TERMINATED] * 4 + [1, TERMINATED]
    assert sorted(cleaned) == [0, 1, 2, 3, 5]
    machine.assert_clean()


@pytest.mark.parametrize("size", [1, 2, 3, 9])
def test_an_abort_ends_everybody(cluster: Any, size: int) -> None:
    machine = cluster(size)

    def main(process: Process) -> None:
        if process.rank == size - 1:
            process.abort(7)
        process.wait(ANYTHING)

    record = machine.run(main, size)
    assert (record.status, record.failure) == (7, None)
    assert set(record.statuses) == {7}
    machine.assert_clean()


@given(st.integers(1, 9), st.lists(st.integers(0, 3000), min_size=9, max_size=9), FANOUTS)
def test_whatever_ends_first_every_process_is_accounted_for(
    cluster: Any, size: int, moments: list[int], fanout: int
) -> None:
    """Exits, failures and aborts at nearly the same time, on their way past each other."""
    machine = cluster(size, fanout=fanout)

    def main(process: Process) -> int:
        moment = moments[process.rank]
        process.sleep(moment)
        if moment % 4 == 1:
            process.abort(9)
        if moment % 4 == 2:
            raise LookupError
        if moment % 4 == 3:
            process.wait(ANYTHING)
        return 5

    record = machine.run(main, size)
    if not record.done.is_set():
        # Whoever is left waits for ever; the machine's watch for idleness would end it.
        assert all(moments[rank] % 4 in {0, 3} for rank in range(size))
        machine.launcher.end(record, 1, "deadlock")
        machine.engine.run()
    assert record.done.is_set()
    assert None not in record.statuses
    machine.assert_clean()


@given(st.integers(0, 8000), st.integers(1, 9), FANOUTS)
def test_a_job_can_be_ended_at_any_moment(
    cluster: Any, moment: int, size: int, fanout: int
) -> None:
    """While it is allocated, loaded, started, run, and when it is over."""
    machine = cluster(size, fanout=fanout)

    def main(process: Process) -> None:
        process.compute(1000)
        process.sleep(1000)

    record = machine.launch(main, size, image=bytes(500))
    machine.engine.at(moment, lambda _: machine.launcher.end(record, 99, "enough"))
    machine.engine.run()
    assert record.done.is_set()
    assert (record.status, record.failure) in [(99, "enough"), (0, None)]
    machine.assert_clean()


def test_a_job_of_processes_that_refuse_to_die_ends(cluster: Any) -> None:
    machine = cluster(3)

    def main(process: Process) -> None:
        while True:
            with suppress(ProcessKilled):
                process.wait(ANYTHING)

    record = machine.launch(main, 3)
    machine.engine.at(20_000, lambda _: machine.launcher.end(record, 1, "enough"))
    machine.engine.run()
    assert record.statuses == [TERMINATED] * 3
    machine.assert_clean()


def test_memory_that_is_short_refuses_the_job(cluster: Any) -> None:
    machine = cluster(3, memory=99)
    record = machine.run(lambda process: None, 3)
    assert record.status == 1
    assert record.failure is not None
    assert "cannot be loaded" in record.failure
    assert "needs 100 bytes, and 99 of 99 are free" in record.failure
    machine.assert_clean()


@pytest.mark.parametrize("rank", range(7))
def test_one_rank_that_cannot_be_loaded_ends_the_job_before_it_runs(
    cluster: Any, rank: int
) -> None:
    machine = cluster(7)
    machine.loader.failures[rank] = "its modules are not there"
    record = machine.run(lambda process: None, 7)
    assert record.failure == f"rank {rank} cannot be loaded: its modules are not there"
    assert record.status == 1
    assert ("main", 0) not in machine.loader.events
    machine.assert_clean()


def test_a_single_task_node_refuses_a_second_process(cluster: Any) -> None:
    machine = cluster(2)
    first = machine.launch(lambda process: process.sleep(100_000), 2)
    second = machine.launch(lambda process: None, 1)
    machine.engine.run()
    assert first.statuses == [0, 0]
    assert second.failure == (
        "rank 0 cannot be loaded: node 0 takes no more processes: "
        "the single-task policy runs one process at a time"
    )
    machine.assert_clean()


def test_a_refused_process_leaves_the_first_as_it_was(cluster: Any) -> None:
    machine = cluster(1)
    machine.launch(lambda process: process.sleep(100_000), 1)
    thread = machine.threads[0]
    while len(thread.processes) == 1:
        machine.engine.step(1)
    assert list(thread.processes) == [0, 1]
    job = machine.launcher.job(1)
    with pytest.raises(LoadError, match="takes no more processes"):
        thread.load(job, 0)
    assert list(thread.processes) == [0, 1]
    assert [memory.used for memory in thread.memory_map.values()] == [100]


def test_more_nodes_than_there_are_is_a_launch_error(cluster: Any) -> None:
    machine = cluster(2)
    with pytest.raises(LaunchError):
        machine.launch(lambda process: None, 3)


# -- protection ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*Control, 0, 99, 2**64 - 1])
@pytest.mark.parametrize(
    "info",
    [
        None,
        SendInfo(),
        SendInfo(user_data=b"not what it should be"),
        SendInfo(user_data=struct.pack("<IIi", 1, 0, 9)),
        SendInfo(read=True, reply_length=10),
    ],
    ids=["plain", "empty", "garbage", "forged", "read"],
)
@pytest.mark.parametrize("body", [b"", b"x" * 100])
def test_what_a_program_says_is_no_command_to_a_process_control_thread(
    cluster: Any, kind: int, info: SendInfo | None, body: bytes
) -> None:
    machine = cluster(3)
    ran: list[int] = []

    def intruder(process: Process) -> None:
        process.sleep(10_000)
        for thread in machine.threads:
            process.kernel.send(
                process, thread.address, CONTROL_PORTAL, kind, body, len(body), info
            )

    def main(process: Process) -> None:
        if process.rank == 2:
            intruder(process)
        process.sleep(50_000)
        ran.append(process.rank)

    record = machine.run(main, 3)
    assert record.statuses == [0, 0, 0]
    assert sorted(ran) == [0, 1, 2]
    for thread in machine.threads:
        thread.table.drops = 0
    machine.assert_clean()


# -- introductions -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 5, 13])
def test_all_processes_of_a_job_admit_those_of_another_when_both_are_introduced(
    cluster: Any, size: int
) -> None:
    machine = cluster(size)
    admitted: list[frozenset[int]] = []
    told: list[int] = []

    def main(process: Process) -> None:
        process.sleep(1_000_000)
        admitted.append(process.admitted)

    record = machine.launch(main, size)
    while not record.running:
        machine.engine.step(1)
    machine.launcher.introductions.introduce(
        {record: [7, 9]}, lambda: told.append(machine.engine.now)
    )
    machine.engine.run()
    assert admitted == [frozenset((7, 9))] * size
    assert len(told) == 1
    assert record.connected == {7, 9}
    machine.assert_clean()


def test_an_introduction_of_nobody_is_over_at_once(cluster: Any) -> None:
    machine = cluster(1)
    told: list[bool] = []
    machine.launcher.introductions.introduce({}, lambda: told.append(True))
    assert told == [True]


def test_an_introduction_does_not_wait_for_a_job_that_ends(cluster: Any) -> None:
    machine = cluster(3)
    told: list[bool] = []
    record = machine.launch(lambda process: process.sleep(1000), 3)
    while not record.running:
        machine.engine.step(1)
    # The word to go is on its way, and so is the end.
    while record.statuses.count(None) > 1:
        machine.engine.step(1)
    machine.launcher.introductions.introduce({record: [7]}, lambda: told.append(True))
    machine.engine.run()
    assert told == [True]
    machine.assert_clean()


# -- control messages ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Control)
def test_a_control_message_reads_back(cluster: Any, kind: Control) -> None:
    machine = cluster(2)
    arrived: list[Header] = []
    machine.threads[1].table.entries[CONTROL_PORTAL].handler = lambda header, _: arrived.append(
        header
    )
    target = machine.threads[1].address
    thread = machine.threads[0]
    send_control(thread.kernel, thread, target, kind, 2**32 - 1, 70_000, -1, b"text")
    machine.engine.run()
    (header,) = arrived
    message = ControlMessage.of(header)
    assert message == ControlMessage(kind, 2**32 - 1, 70_000, -1, b"text")


def test_what_is_no_control_message_is_refused() -> None:
    header = Header(Address(0, 0, 0, 0), 0, 0, 0, 1, 0, None, None)
    with pytest.raises(ValueError, match="not a control message"):
        ControlMessage.of(header)
