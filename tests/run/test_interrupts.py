"""^C once ends a job cleanly, whatever it is doing, and the status is 130."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import MappingProxyType

import pytest

import vmpp
from vmpp_topology import ContentionFree

PROGRAMS = {
    "communicating": "while True:\n    comm.barrier()",
    "computing": "if rank == 1:\n    while True:\n        pass\ncomm.barrier()",
    "reading": "if rank == 0:\n    input()\ncomm.barrier()",
    "printing": "while True:\n    print('again', rank, flush=True)",
    "sleeping": "import time\nwhile True:\n    time.sleep(1e6)",
    "writing": "with open('file', 'w') as file:\n    while True:\n        print(rank, file=file)",
    "catching": "while True:\n    try:\n        comm.barrier()\n    except Exception:\n        0",
}


@pytest.mark.parametrize("doing", list(PROGRAMS))
def test_a_job_that_is(program, spawn, doing):
    program("print('up', flush=True)\n" + PROGRAMS[doing])
    job = spawn("run", "-n", 3, "program.py")
    assert job.stdout.readline() == "up\n"
    job.send_signal(signal.SIGINT)
    # Everything that comes out is read, so that nobody waits for a reader.
    output, errors = job.communicate(timeout=60)
    assert job.returncode == 130
    assert errors == ""
    assert not output.splitlines() or output.splitlines()[-1] in {"up", "again 0"} | {
        f"again {rank}" for rank in range(3)
    }


class TestFromPython:
    def test_it_ends_the_job_and_the_handler_is_as_before(self, program):
        before = signal.getsignal(signal.SIGINT)

        class Striking:
            """A standard output at whose first line the user strikes ^C."""

            def write(self, data):
                os.kill(os.getpid(), signal.SIGINT)

            def flush(self):
                pass

        talking = program("print('up', flush=True)\nwhile True:\n    comm.barrier()", "talking.py")
        result = vmpp.run(talking, nprocs=3, stdout=Striking())
        assert result.status == 130
        assert result.failure is None
        assert signal.getsignal(signal.SIGINT) is before
        assert vmpp.run(program("print(rank)", "next.py")).stdout == b"0\n"

    def test_while_the_machine_is_still_being_booted(self, program, plugins):
        def networks(*arguments):
            os.kill(os.getpid(), signal.SIGINT)
            return ContentionFree(*arguments)

        (program("print(rank)").parent / "mine.toml").write_text('[network]\ntiming = "slow"\n')
        path = program("while True:\n    comm.barrier()")
        result = vmpp.run(
            path,
            nprocs=3,
            machine=path.parent / "mine.toml",
            plugins=plugins(vmpp_networks={"slow": networks}),
        )
        assert (result.status, result.failure) == (130, None)

    def test_where_it_is_ignored_it_stays_so(self, program):
        path = program("import os, signal\ncomm.barrier()\nprint(rank)")
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            assert vmpp.run(path, nprocs=3).status == 0
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        finally:
            signal.signal(signal.SIGINT, before)

    def test_while_the_job_is_still_being_loaded(self, program, plugins):
        class Striking:
            """A library at whose linking to rank 5 the user strikes ^C."""

            modules = MappingProxyType({})

            def check(self, description):
                pass

            def memory(self, description):
                return 0

            def attach(self, process, description):
                if process.rank == 5:
                    os.kill(os.getpid(), signal.SIGINT)

            def finish(self, process):
                pass

            def detach(self, process):
                pass

            def report(self, job):
                pass

        result = vmpp.run(
            program("print(rank)"), nprocs=40, plugins=plugins(vmpp_libraries={"s": Striking()})
        )
        assert (result.status, result.failure) == (130, None)
        assert 143 in result.statuses

    def test_a_run_in_another_thread_leaves_signals_alone(self, program):
        path, results = program("print(rank)"), []
        before = signal.getsignal(signal.SIGINT)
        thread = threading.Thread(target=lambda: results.append(vmpp.run(path, nprocs=3)))
        thread.start()
        thread.join()
        assert sorted(results[0].stdout.split()) == [b"0", b"1", b"2"]
        assert signal.getsignal(signal.SIGINT) is before
        assert sys.stdout is not None
