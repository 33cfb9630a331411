"""An I/O node that dies takes its own files with it for the time being, and nothing else."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import vmpp
from vmpp.machine.state import State

MACHINE = """
[topology]
dims = [4, 2]
[service]
io_nodes = 3
crash_detection = "2 ms"
[io]
stripe_factor = 1
"""

WRITES = """
    import os, time
    from mpi4py import MPI
    comm = MPI.COMM_WORLD
    fds = [os.open(f"/pfs/f{place}", os.O_RDWR | os.O_CREAT) for place in range(3)]
    comm.Barrier()
    time.sleep(0.001 - MPI.Wtime())
    for place in range(3):
        began = time.time()
        try:
            said = os.pwrite(fds[place], b"x" * 1_000_000, comm.rank * 1_000_000)
        except OSError as error:
            said = os.strerror(error.errno)
        print(comm.rank, place, said, f"{(time.time() - began) * 1e3:.1f} ms")
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(MACHINE)
    return path


def program(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "program.py"
    path.write_text(dedent(text))
    return path


def outcomes(result: Any) -> dict[tuple[int, int], tuple[str, float]]:
    """Return, by rank and file, what a write returned and how many milliseconds it took."""
    assert result.status == 0, result.failure
    found = {}
    for line in result.stdout.decode().splitlines():
        rank, place, *said, took, _ = line.split()
        found[int(rank), int(place)] = " ".join(said), float(took)
    return found


def ran(machine: Path, path: Path, *faults: str) -> Any:
    return vmpp.run(path, nprocs=2, machine=machine, faults=faults)


def test_who_waits_hears_when_it_is_detected_and_others_at_once(
    machine: Path, tmp_path: Path
) -> None:
    path = program(tmp_path, WRITES)
    whole = outcomes(ran(machine, path))
    assert {said for said, _ in whole.values()} == {"1000000"}
    # One of the three files is there, whichever; the first write to it is under way.
    for node in (5, 6, 7):
        found = outcomes(ran(machine, path, f"node {node} crash at 1.01 ms"))
        failed = [key for key, (said, _) in found.items() if said == "Input/output error"]
        assert len(failed) == 2
        assert len({place for _, place in failed}) == 1
        assert all(found[key][0] == "1000000" for key in found if key not in failed)
        for rank, place in failed:
            took = found[rank, place][1]
            assert took <= 2.1
            if place == 0:
                assert took >= 1.9


def test_a_run_with_a_crash_is_repeatable(machine: Path, tmp_path: Path) -> None:
    path = program(tmp_path, WRITES)
    digests = {ran(machine, path, "node 6 crash at 1.3 ms").digest for _ in range(2)}
    assert len(digests) == 1


def test_jobs_may_be_launched_at_any_time_round_a_crash(machine: Path, tmp_path: Path) -> None:
    path = program(tmp_path, WRITES)
    for when in ("10 us", "80 us", "300 us", "900 us"):
        found = outcomes(ran(machine, path, f"node 7 crash at {when}"))
        assert len([said for said, _ in found.values() if said == "Input/output error"]) == 2


async def test_sessions_have_an_error_and_the_files_at_the_next_boot(
    machine: Path, tmp_path: Path
) -> None:
    state = State.at(tmp_path / "state", user="alice")
    async with vmpp.boot(machine, state=state) as booted:
        session = await booted.console()
        for place in range(3):
            await session.files.write(f"/pfs/f{place}", b"%d" % place * 100_000)
        booted.crash(6)
        errors = []
        for place in range(3):
            try:
                data = await session.files.read(f"/pfs/f{place}")
                assert data == b"%d" % place * 100_000
            except OSError as error:
                errors.append(error.strerror)
        assert errors == ["Input/output error"]
    async with vmpp.boot(machine, state=State.at(tmp_path / "state")) as booted:
        session = await booted.console()
        for place in range(3):
            assert await session.files.read(f"/pfs/f{place}") == b"%d" % place * 100_000


READS = """
    import os, time
    from mpi4py import MPI
    data = bytes(range(256)) * 4096
    with open("/pfs/f", "wb") as file:
        file.write(data)
    file = open("/pfs/f", "rb", buffering=0)
    time.sleep(0.02 - MPI.Wtime())
    try:
        print(file.read(len(data)) == data)
    except OSError as error:
        print(error.strerror)
"""


def test_what_the_network_loses_is_never_taken_for_data(machine: Path, tmp_path: Path) -> None:
    path = program(tmp_path, READS)
    said = set()
    for seed in range(3):
        fault = "drop 10% from io to compute at 20 ms"
        result = vmpp.run(path, nprocs=1, machine=machine, faults=[fault], seed=seed)
        said.add(result.stdout)
        if not result.stdout:
            # It was the report that got lost.
            assert "messages were lost in the network" in (result.failure or "")
    assert b"Input/output error\n" in said
    assert b"False\n" not in said
