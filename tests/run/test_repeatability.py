"""The same program, machine and seed give the same run, whatever the host is like and does."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

import vmpp

PROGRAM = """
import os, random, sys, time, uuid
import numpy as np

things = {str(n): n for n in range(20)}
order = list(set(things))  # in the order of hashes, so programs sort it
total = comm.allreduce(rank, op=MPI.SUM)
data = np.full(5000, random.random() + np.random.rand())
everything = np.empty(5000 * comm.size) if rank == 0 else None
comm.Gather(data, everything, root=0)
time.sleep(random.random() * 1e-3)
for _ in range(4):
    if rank:
        comm.send(sorted(order), 0, tag=rank)
        continue
    for _ in range(comm.size - 1):
        status = MPI.Status()
        comm.recv(source=MPI.ANY_SOURCE, status=status)
        print("from", status.source, flush=True)
with open(f"result{rank}", "w") as file:
    print(uuid.uuid4(), random.random(), os.urandom(4).hex(), file=file)
    print(time.time(), time.perf_counter(), os.getpid(), np.random.default_rng().random(),
          file=file)
print(open(f"result{rank}").read(), time.time())
comm.barrier()
os.remove(f"result{rank}")
comm.barrier()
print(os.listdir("."))
"""


@pytest.fixture
def again(program, tmp_path):
    """Return what runs the program once more."""
    path = program(PROGRAM)
    (tmp_path / "work").mkdir()

    def run(**options):
        result = vmpp.run(path, nprocs=7, cwd=tmp_path / "work", **options)
        assert result.failure is None
        return result

    return run


def facts(result):
    return result.digest, result.virtual_time, result.stdout, dict(result.counters)


def test_a_run_is_the_same_twice(again):
    first = again()
    assert facts(again()) == facts(first)
    assert [phase.virtual_ps for phase in again().phases] == [
        phase.virtual_ps for phase in first.phases
    ]


def test_another_seed_is_another_run_and_repeatable_too(again):
    first, other = again(seed=1), again(seed=2)
    assert first.digest != other.digest
    assert first.stdout != other.stdout
    assert facts(again(seed=1)) == facts(first)
    assert facts(again(seed=2)) == facts(other)


def test_the_digest_tells_different_programs_and_machines_apart(again, program):
    digests = [again().digest, again(machine="paragon").digest]
    digests += [vmpp.run(program(f"print({n})"), nprocs=3).digest for n in range(2)]
    digests += [vmpp.run(program(f"raise SystemExit({n})"), nprocs=3).digest for n in range(2)]
    assert len(set(digests)) == len(digests)


def test_neither_the_hash_seed_nor_a_busy_host_shows(program, shell, tmp_path):
    program(PROGRAM)
    loop = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(loop) for _ in range(os.cpu_count() or 1)]
    try:
        runs = [
            shell("run", "-n", 7, "--digest", "program.py", env={**os.environ, "PYTHONHASHSEED": n})
            for n in ("0", "1", "random")
        ]
    finally:
        for each in busy:
            each.kill()
            each.wait()
    runs.append(shell("run", "-n", 7, "--digest", "program.py"))
    assert {done.returncode for done in runs} == {0}
    assert all(re.fullmatch(r"digest: [0-9a-f]{32}\n", done.stderr) for done in runs)
    assert len({done.stderr for done in runs}) == 1
    assert len({done.stdout for done in runs}) == 1


def test_where_the_files_are_does_not_show_in_the_time(program, tmp_path):
    path = program("print(open('file').read(), flush=True)")
    times = set()
    for name in ("a", "a_folder_with_a_much_longer_name"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "file").write_text("text")
        times.add(vmpp.run(path, nprocs=3, cwd=folder).virtual_time)
    assert len(times) == 1


def test_the_speed_of_the_one_who_types_does_not_show(program, spawn, tmp_path):
    program("""
        import time
        if rank == 0:
            print(input())
        comm.barrier()
        print(time.perf_counter())
    """)
    outputs = []
    for pieces in (["word\n"], ["w", "or", "d\n"]):
        job = spawn("run", "-n", 3, "--digest", "program.py")
        for piece in pieces:
            job.stdin.write(piece)
            job.stdin.flush()
        outputs.append(job.communicate())
    assert outputs[0] == outputs[1]
    assert outputs[0][0].startswith("word\n")


def test_output_to_a_terminal_a_file_and_a_pipe_is_of_one_run(program, shell, tmp_path):
    program("for n in range(3):\n    print(rank, n)")
    captured = vmpp.run(tmp_path / "program.py", nprocs=3)
    with (tmp_path / "out").open("wb") as file:
        written = vmpp.run(tmp_path / "program.py", nprocs=3, stdout=file)
    assert written.digest == captured.digest
    assert (tmp_path / "out").read_bytes() == captured.stdout
