"""The server `accounting`: one row a job, whatever becomes of the machine."""

from __future__ import annotations

import errno
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.process.calls import Done, Failed, encode
from vmpp.ranges import write_ranges
from vmpp.service.accounting import (
    PAGE,
    WENT_DOWN,
    Accounting,
    AccountingServer,
    Query,
    Record,
    decode_reply,
    read_nodes,
)
from vmpp.service.identity import Credentials
from vmpp.service.server import Caller
from vmpp.service.status import JobState, JobStatus

ROOT = Credentials("root", 0, 0)
ALICE = Credentials("alice", 1000, 1000)
BOB = Credentials("bob", 1001, 1001)
SESSIONS = {50: ROOT, 51: ALICE, 52: BOB}


def job(number: int, owner: Credentials = ALICE, **more: Any) -> JobStatus:
    """Return a job that has ended, unless more is said."""
    told = {
        "command": "ring.py 3",
        "name": "ring.py",
        "size": 2,
        "nodes": (4, 5),
        "state": JobState.COMPLETED,
        "submit": number * 100,
        "start": number * 100 + 10,
        "end": number * 100 + 50,
        "exit": 0,
        "messages": 12,
        "bytes": 96,
        "system_calls": 3,
        "mode": "heater",
        "policy": "single",
    }
    return JobStatus(id=number, user=owner.name, uid=owner.uid, **(told | more))


def ask(server: AccountingServer, number: int, query: Query) -> Any:
    """Ask the server as the session *number*."""
    return decode_reply(server.serve(Caller(number, -1, 0), encode(query)))


def serving(*jobs: JobStatus) -> AccountingServer:
    """Return a server that has been told of these jobs."""
    server = AccountingServer(Accounting(), SESSIONS.get, 1000)
    for each in jobs:
        assert decode_reply(server.serve(Caller(0, -1, 0), encode(Record(each)))) == Done()
    return server


def test_what_is_recorded_is_told_as_it_was() -> None:
    jobs = [
        job(1),
        job(2, state=JobState.FAILED, exit=3, reason="rank 1 raised", nodes=(0, 1, 2, 9)),
        job(3, state=JobState.PENDING, nodes=(), start=None, end=None, exit=None),
        job(4, state=JobState.CANCELLED, exit=130, signal=2),
    ]
    assert ask(serving(*jobs), 51, Query()).jobs == jobs


def test_the_last_word_on_a_job_counts() -> None:
    running = job(1, state=JobState.RUNNING, end=None, exit=None)
    assert ask(serving(running, job(1)), 51, Query()).jobs == [job(1)]


def test_one_sees_ones_own_jobs_and_root_sees_all() -> None:
    server = serving(job(1), job(2, BOB), job(3))
    assert [each.id for each in ask(server, 51, Query()).jobs] == [1, 3]
    assert [each.id for each in ask(server, 52, Query()).jobs] == [2]
    assert ask(server, 52, Query(user="alice")).jobs == []
    assert ask(server, 52, Query(ids=(1, 3))).jobs == []
    assert [each.id for each in ask(server, 50, Query()).jobs] == [1, 2, 3]
    assert [each.id for each in ask(server, 50, Query(user="bob")).jobs] == [2]


def test_a_name_that_has_passed_to_somebody_else_opens_no_old_accounts() -> None:
    server = serving(job(1, BOB))
    server._user = {53: Credentials("bob", 1002, 1002)}.get
    assert ask(server, 53, Query()).jobs == []


def test_jobs_are_found_by_number_state_and_time() -> None:
    pending = job(4, state=JobState.PENDING, start=None, end=None, exit=None)
    server = serving(job(1), job(2, state=JobState.FAILED, exit=1), job(3), pending)

    def found(**wanted: Any) -> list[int]:
        return [each.id for each in ask(server, 51, Query(**wanted)).jobs]

    assert found(ids=(3, 1, 77)) == [1, 3]
    assert found(states=(JobState.FAILED, JobState.PENDING)) == [2, 4]
    assert found(since=250) == [2, 3, 4]
    assert found(since=251) == [3, 4]
    assert found(until=300) == [1, 2]
    assert found(after=2) == [3, 4]
    assert found(since=251, until=400) == [3]


def test_many_jobs_come_in_pages() -> None:
    server = serving(*(job(number) for number in range(1, PAGE + 3)))
    first = ask(server, 51, Query())
    assert (len(first.jobs), first.more) == (PAGE, True)
    rest = ask(server, 51, Query(after=first.jobs[-1].id))
    assert ([each.id for each in rest.jobs], rest.more) == ([PAGE + 1, PAGE + 2], False)


def test_nobody_but_the_system_keeps_accounts() -> None:
    server = serving()
    for number in (50, 51, 7):
        reply = decode_reply(server.serve(Caller(number, -1, 0), encode(Record(job(1)))))
        assert isinstance(reply, Failed)
        assert reply.errno == errno.EPERM
    assert ask(server, 50, Query()).jobs == []


def test_a_program_sees_no_accounts() -> None:
    assert ask(serving(job(1)), 7, Query()).errno == errno.EPERM


@given(st.binary(max_size=100))
def test_garbage_is_no_request(request: bytes) -> None:
    reply = decode_reply(serving().serve(Caller(7, -1, 0), request))
    assert isinstance(reply, Failed)


@given(st.lists(st.integers(0, 70000), max_size=60))
def test_node_numbers_are_written_in_their_order(nodes: list[int]) -> None:
    assert read_nodes(write_ranges(nodes)) == tuple(nodes)


def test_runs_of_nodes_are_short() -> None:
    assert write_ranges([*range(16), 20, 3]) == "0-15,20,3"


def test_a_machine_without_a_state_makes_no_database_unless_it_is_asked() -> None:
    accounting = Accounting()
    accounting.record(job(1))
    assert accounting._database is None
    assert accounting.highest() == 1
    assert accounting.find(Query()).jobs == [job(1)]


def test_accounts_go_on_from_boot_to_boot(tmp_path: Path) -> None:
    path = str(tmp_path / "accounting.sqlite")
    first = Accounting(path)
    first.record(job(1))
    first.record(job(2, state=JobState.RUNNING, end=None, exit=None))
    first.close()
    second = Accounting(path)
    assert (second.highest(), second.latest()) == (2, 210)
    second.end_all(205)
    left = second.find(Query(ids=(2,))).jobs[0]
    assert (left.state, left.reason, left.end) == (JobState.NODE_FAIL, WENT_DOWN, 210)
    assert second.find(Query(ids=(1,))).jobs == [job(1)]
    second.close()


def test_a_database_without_a_column_that_is_kept_by_now_gets_it(tmp_path: Path) -> None:
    path = str(tmp_path / "accounting.sqlite")
    first = Accounting(path)
    first.record(job(1))
    first.close()
    old = sqlite3.connect(path)
    old.execute("ALTER TABLE jobs DROP COLUMN system_calls")
    old.commit()
    old.close()
    second = Accounting(path)
    assert second.find(Query()).jobs == [job(1, system_calls=0)]
    second.close()


RECORDS_FOR_EVER = """
import sys
from vmpp.service.accounting import Accounting
from vmpp.service.status import JobState, JobStatus
accounting = Accounting(sys.argv[1])
number = accounting.highest()
while True:
    number += 1
    accounting.record(JobStatus(id=number, user="alice", uid=1000, name="ring.py", size=1,
                                command="ring.py", state=JobState.COMPLETED, end=number, exit=0))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def test_a_host_process_that_is_killed_leaves_every_job_it_has_told_of(tmp_path: Path) -> None:
    path = tmp_path / "accounting.sqlite"
    told: set[int] = set()
    for jobs_before_the_end in (1, 7, 2, 40, 3):
        process = subprocess.Popen(
            [sys.executable, "-c", RECORDS_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(jobs_before_the_end):
            told.add(int(process.stdout.readline()))
        process.kill()
        told |= {int(line) for line in process.stdout if line.endswith("\n")}
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
        accounting = Accounting(str(path))
        assert accounting._opened.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = accounting._opened.execute("SELECT id FROM jobs").fetchall()
        assert told <= {number for (number,) in rows}
        accounting.close()


@pytest.mark.parametrize("ids", [(), tuple(range(1, 1001))])
def test_so_many_jobs_can_be_asked_for_by_number(ids: tuple[int, ...]) -> None:
    server = serving(job(1))
    assert len(ask(server, 51, Query(ids=ids)).jobs) == 1
    assert ask(server, 51, Query(ids=tuple(range(1001)))).errno == errno.EINVAL
