"""The harness for mpi4py's suite: what it makes of records, and of a small suite of its own."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from conformance.outcomes import Outcome, RankRecord, agreed, merge, read
from conformance.report import as_csv, as_page, summary
from conformance.runs import Run, settle, trouble_in
from conformance.suite import SuiteTest, expected


def record(*tests: tuple[str, str] | tuple[str, str, str]) -> RankRecord:
    """Return a rank's record of *tests*, each with what became of it; ``""`` is not ended."""
    lines = []
    for name, kind, *reason in tests:
        lines.append({"event": "start", "name": name, "outcome": "", "reason": ""})
        if kind:
            lines.append({"event": "end", "name": name, "outcome": kind, "reason": "".join(reason)})
    return read(map(json.dumps, lines))


class TestRecords:
    def test_a_test_that_did_not_end_hangs(self):
        ranks = [record(("m.C.a", "")), record(("m.C.a", "pass"))]
        assert merge("m.C.a", ranks, "deadlock: rank 0 in Comm.Recv") == Outcome(
            "hang", "deadlock: rank 0 in Comm.Recv"
        )

    def test_it_hangs_because_another_rank_failed(self):
        ranks = [record(("m.C.a", "")), record(("m.C.a", "error", "KeyError: 1"))]
        assert merge("m.C.a", ranks, "") == Outcome("hang", "KeyError: 1")

    @pytest.mark.parametrize(
        ("kinds", "outcome"),
        [
            (("pass", "pass"), Outcome("pass")),
            (("pass", "skip"), Outcome("skip", "why (rank 1)")),
            (("fail", "skip"), Outcome("fail", "why (rank 0)")),
            (("fail", "fail"), Outcome("fail", "why")),
            (("fail", "error"), Outcome("error", "why (rank 1)")),
        ],
    )
    def test_a_test_is_as_good_as_at_the_rank_where_it_is_worst(self, kinds, outcome):
        ranks = [record(("m.C.a", kind, "" if kind == "pass" else "why")) for kind in kinds]
        assert merge("m.C.a", ranks, "") == outcome

    def test_a_test_that_was_not_started_everywhere_is_missing(self):
        assert merge("m.C.a", [record(("m.C.a", "pass")), record()], "").kind == "missing"

    @pytest.mark.parametrize("what", ["setUpClass (m.C)", "setUpModule (m)", "x._FailedTest.m"])
    def test_what_could_not_be_set_up_is_an_error_of_all_its_tests(self, what):
        line = {"event": "fixture", "name": what, "outcome": "error", "reason": "no"}
        assert merge("m.C.a", [read([json.dumps(line)])], "") == Outcome("error", "no")

    def test_a_line_that_was_cut_off_is_not_there(self):
        lines = [json.dumps({"event": "start", "name": "m.C.a", "outcome": "", "reason": ""})]
        lines.append('{"event": "end", "na')
        assert merge("m.C.a", [read(lines)], "").kind == "hang"

    def test_ranks_agree_when_none_was_left_waiting(self):
        assert agreed("a", [record(("a", "fail", "x")), record(("a", "fail", "y"))])
        assert not agreed("a", [record(("a", "fail")), record(("a", "pass"))])
        assert not agreed("a", [record(("a", "")), record(("a", ""))])


class TestSettling:
    NAMES = ("a", "b", "c", "d")

    def test_all_counts_when_the_ranks_agree(self):
        rank = record(("a", "pass"), ("b", "fail"), ("c", "skip"))
        settled = settle(self.NAMES, [rank, rank], "", last=False)
        assert {name: outcome.kind for name, outcome in settled.items()} == {
            "a": "pass",
            "b": "fail",
            "c": "skip",
            "d": "missing",
        }

    def test_what_is_bad_after_a_disagreement_does_not_count(self):
        first = record(("a", "fail"), ("b", "fail"), ("c", "fail"), ("d", "pass"))
        second = record(("a", "fail"), ("b", "pass"), ("c", "fail"), ("d", "pass"))
        settled = settle(self.NAMES, [first, second], "", last=False)
        assert list(settled) == ["a", "b", "d"]

    def test_what_a_hang_kept_from_running_does_not_count(self):
        ranks = [record(("a", "pass"), ("b", "")), record(("a", "pass"), ("b", "error"))]
        assert list(settle(self.NAMES, ranks, "", last=False)) == ["a", "b"]
        assert list(settle(self.NAMES, ranks, "", last=True)) == ["a", "b", "c", "d"]


class TestTrouble:
    def test_a_run_that_ends_by_itself_has_none(self):
        assert trouble_in("..F..\n", 0) == trouble_in("..F..\n", 1) == ""

    def test_a_deadlock_says_where_ranks_wait(self):
        output = (
            "deadlock after 6 us: nothing can move any more, and 2 of 3 ranks still wait:\n"
            "  rank 0 in Intracomm.recv(buf=None, source=1)\n"
            '      File "/x.py", line 3\n'
            "        if c.rank == 0: c.recv(source=1)\n"
            "  ranks 1-2 in Intracomm.barrier()\n"
        )
        assert trouble_in(output, 1) == (
            "deadlock: rank 0 in Intracomm.recv, ranks 1-2 in Intracomm.barrier"
        )

    def test_an_exception_is_named(self):
        output = (
            "rank 0 on node default-n00000 raised an exception\n"
            "Traceback (most recent call last):\n"
            '  File "main.py", line 1, in <module>\n'
            "ImportError: no such thing\n"
        )
        assert trouble_in(output, 1) == "ImportError: no such thing"

    def test_any_other_status_is_told(self):
        assert trouble_in("", 3) == "the run ended with status 3"


TESTS = [
    SuiteTest("m.C.testA", "sending", frozenset({1, 2, 5}), False),
    SuiteTest("m.C.testB", "sending", frozenset({2, 5}), False),
    SuiteTest("m.C.testC", "receiving", frozenset({1, 2, 5}), True),
]
MATRIX = {
    1: {
        "m.C.testA": Outcome("pass"),
        "m.C.testB": Outcome("skip", "too few"),
        "m.C.testC": Outcome("error", "no /home/me/lib/libmpi.so of <it at 0x7f01>"),
    },
    8: {
        "m.C.testA": Outcome("pass"),
        "m.C.testB": Outcome("fail", "a | b"),
        "m.C.testC": Outcome("pass"),
    },
}


class TestReports:
    def test_beyond_the_sizes_that_real_mpis_ran_the_largest_counts(self):
        assert [test.to_reach(8) for test in TESTS] == [True, True, False]

    def test_the_table_for_machines_has_every_outcome(self):
        assert list(csv.reader(io.StringIO(as_csv(TESTS, MATRIX)))) == [
            ["test", "area", "n1", "n8"],
            ["m.C.testA", "sending", "pass", "pass"],
            ["m.C.testB", "sending", "skip", "fail"],
            ["m.C.testC", "receiving", "error", "pass"],
        ]

    def test_the_page_counts_by_area_and_gives_reasons(self):
        page = as_page(TESTS, MATRIX)
        assert "| sending | 2 | 1 / 1 | 1 / 2 (**1**) |" in page
        assert "| **all** | 3 | 1 / 1 | 1 / 2 (**1**) |" in page
        unreached, others = page.split("## ")[1:]
        assert "| `m.C`: B |  | fail | a \\| b |" in unreached
        assert "| `m.C`: B | skip |  | too few |" in others
        assert "| `m.C`: C | error |  | no libmpi.so of &lt;it> |" in others

    def test_the_summary_counts_what_has_to_pass_and_does_not(self):
        lines = [line.split() for line in summary(TESTS, MATRIX).splitlines()]
        assert ["sending", "1", "/", "2", "1"] in lines

    def test_the_suite_has_as_many_tests_as_real_mpis_were_seen_to_pass(self):
        tests = expected().values()
        assert len(tests) == 2127
        assert sum(2 in test.passes_at for test in tests) == 2055
        assert sum(test.exempt for test in tests) == 20


MAIN = """
import sys, unittest
main = unittest.TestProgram
"""

SUITE = """
import unittest
from mpi4py import MPI

comm = MPI.COMM_WORLD

class TestIt(unittest.TestCase):
    def testA(self):
        self.assertEqual(comm.allreduce(1), comm.size)
    def testB(self):
        self.assertEqual(comm.rank, 0)  # and so the others do not get to the barrier
        comm.barrier()
    def testC(self):
        self.assertEqual(comm.bcast(comm.rank), 0)
    def testD(self):
        for rank in range(comm.size):
            with self.subTest(rank=rank):
                self.assertNotEqual(rank, 1, "rank 1")
    def testE(self):
        raise unittest.SkipTest("not here")
"""


def test_a_suite_is_run_until_every_test_has_an_outcome(tmp_path: Path):
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "main.py").write_text(MAIN)
    (suite / "test_it.py").write_text(SUITE)
    run = Run(suite, tmp_path / "runs", limit=60)
    tests = [f"test_it.TestIt.test{letter}" for letter in "ABCDE"]
    found = run.module("test_it", tests, 2)
    assert {name[-1]: outcome.kind for name, outcome in found.items()} == {
        "A": "pass",
        "B": "hang",
        "C": "pass",
        "D": "fail",
        "E": "skip",
    }
    assert found[tests[1]].reason == (
        "AssertionError: 1 != 0; deadlock: rank 0 in Intracomm.barrier, rank 1 in Intracomm.bcast"
    )
    assert found[tests[3]].reason == "AssertionError: 1 == 1 : rank 1"
    assert found[tests[4]].reason == "not here"
    (suite / "test_it.py").unlink()
    assert Run(suite, tmp_path / "runs", limit=60, resume=True).module("test_it", tests, 2) == found


def test_a_run_that_takes_too_long_is_ended(tmp_path: Path):
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "main.py").write_text(MAIN)
    (suite / "test_it.py").write_text(SUITE)
    found = Run(suite, tmp_path / "runs", limit=0.01).module("test_it", ["test_it.TestIt.testA"], 2)
    assert found == {"test_it.TestIt.testA": Outcome("missing", "ended after 0.01 s of the host")}
