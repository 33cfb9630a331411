"""Runs mpi4py's test suite in each rank of a job, and writes down what becomes of every test.

Usage: recorder.py FOLDER SUITE TEST...

FOLDER gets a file of JSON lines a rank, SUITE is the folder with the suite's ``main.py``, each TEST
a name that it takes. A line is written when a test starts and when it ends, so that of a test that
never ends there is the first one alone.
"""

import json
import sys
import unittest
from pathlib import Path

SEVERITY = ("pass", "skip", "fail", "error")
"""What can become of a test that ends, best first."""


def _reason(error):
    """Return one line on the exception of *error*, what ``sys.exc_info`` returned."""
    text = " ".join(str(error[1]).split())
    return f"{error[0].__name__}: {text}" if text else error[0].__name__


class Recorder(unittest.TestResult):
    """Writes what becomes of each test as soon as it is known."""

    lines = None

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.outcome = ("pass", "")
        self.running = False

    def write(self, event, name, outcome="", reason=""):
        line = {"event": event, "name": name, "outcome": outcome, "reason": reason}
        print(json.dumps(line), file=self.lines, flush=True)

    def note(self, test, outcome, reason):
        """Take *outcome* as that of *test*, unless a part of it had a worse one."""
        if not self.running:
            self.write("fixture", test.id(), outcome, reason)
        elif SEVERITY.index(outcome) > SEVERITY.index(self.outcome[0]):
            self.outcome = (outcome, reason)

    def startTest(self, test):
        super().startTest(test)
        self.outcome = ("pass", "")
        self.running = True
        self.write("start", test.id())

    def stopTest(self, test):
        self.running = False
        self.write("end", test.id(), *self.outcome)
        super().stopTest(test)

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "error", _reason(err))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "fail", _reason(err))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            self.note(test, "fail" if failed else "error", _reason(err))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skip", reason)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note(test, "fail", "unexpected success")


class Runner:
    """What the suite's main program runs its tests with."""

    def __init__(self, **options):
        del options

    def run(self, tests):
        from mpi4py import MPI  # noqa: PLC0415 - not before the suite has set it up

        rank = MPI.COMM_WORLD.Get_rank()
        result = Recorder()
        with Path(FOLDER, f"rank-{rank}.jsonl").open("w", encoding="utf-8") as Recorder.lines:
            tests.run(result)
        return result


if __name__ == "__main__":
    FOLDER, SUITE = sys.argv[1:3]
    sys.argv[1:] = ["--quiet", *sys.argv[3:]]
    sys.path.insert(0, SUITE)
    sys.dont_write_bytecode = True
    from main import main

    main(module=None, testRunner=Runner)
