"""The tracing policy: the same schedule, and where the time of every process went."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vmpp
from vmpp.machine.result import Profile

from .sharing import Run, Task

MS = 10**9
Share = Callable[..., Run]

POLICIES = ("single", "rr:700us", "gang:500us")

STEPS = {
    "computes": "compute(0.0007)",
    "sleeps": "time.sleep(0.0004)",
    "exchanges": "comm.sendrecv(rank, dest=(rank + 1) % comm.size)",
    "agrees": "comm.allreduce(rank)",
    "prints": "print(rank)",
    "sends much": "comm.sendrecv(bytes(30_000), dest=(rank + 1) % comm.size)",
}


def sums_up(profile: Profile) -> bool:
    parts = (profile.computing, profile.kernel, profile.blocked, profile.descheduled)
    return sum(parts) == profile.elapsed and min(parts) >= 0


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    policy=st.sampled_from(POLICIES),
    programs=st.lists(
        st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=6), min_size=1, max_size=2
    ),
)
def test_nothing_happens_at_another_time_because_it_is_traced(
    share: Share, policy: str, programs: list[list[str]]
) -> None:
    texts = ["\n".join(STEPS[step] for step in steps) + "\n" for steps in programs]
    tasks = [Task(text, 3) for text in texts]
    plain = share(tasks, policy, machine="")
    traced = share(tasks, f"tracing:{policy}", machine="")
    assert [(plain.starts, plain.ends)] == [(traced.starts, traced.ends)]
    assert plain.results[-1].digest == traced.results[-1].digest
    for result in traced.results:
        assert [profile.rank for profile in result.profiles] == [0, 1, 2]
        assert all(map(sums_up, result.profiles))
    assert not any(result.profiles for result in plain.results)


def test_what_a_process_does_is_booked_as_that(share: Share) -> None:
    program = "compute(0.003)\ntime.sleep(0.002)\n"
    run = share([Task(program, 1)], "tracing", nodes=1)
    (profile,) = run.results[0].profiles
    assert (profile.rank, profile.node) == (0, 0)
    assert profile.computing == pytest.approx(3 * MS, abs=50_000)
    assert profile.blocked == pytest.approx(2 * MS, abs=50_000)
    assert (profile.kernel, profile.descheduled) == (0, 0)


def test_who_shares_a_node_is_descheduled_half_of_the_time(share: Share) -> None:
    run = share([Task("compute(0.010)\n", 1)] * 2, "tracing:rr:1ms", nodes=1)
    for result in run.results:
        (profile,) = result.profiles
        assert profile.computing == pytest.approx(10 * MS, abs=50_000)
        assert profile.descheduled == pytest.approx(9.5 * MS, abs=0.6 * MS)
        assert profile.blocked == 0


def test_switches_and_messages_are_the_kernels_time(share: Share) -> None:
    costs = (
        '[kernel]\nsend = "3 us"\nreceive = "0 s"\ninterrupt = "0 s"\ncontext_switch = "10 us"\n'
    )
    sends = "if rank == 0:\n    comm.Send(bytearray(8), 1)\nelse:\n    comm.Recv(bytearray(8), 0)\n"
    run = share([Task(sends, 2)], "tracing", nodes=2, machine=costs)
    plain = share([Task("pass\n", 2)], "tracing", nodes=2, machine=costs)
    more = run.results[0].profiles[0].kernel - plain.results[0].profiles[0].kernel
    assert more == 3_000_000

    run = share([Task("compute(0.0055)\n", 1)] * 2, "tracing:rr:1ms", nodes=1, machine=costs)
    first, second = (result.profiles[0] for result in run.results)
    # Each is switched to six times, but for the first one's first slice.
    assert (first.kernel + second.kernel) / 10_000_000 == pytest.approx(11, abs=1.5)


def test_the_report_says_it_in_a_table(share: Share) -> None:
    run = share([Task("compute(0.002)\n", 2)], "tracing:gang", nodes=2)
    (report,) = run.results[0].reports
    lines = [line.strip("│┃ ").split() for line in report.text.splitlines()]
    assert report.text.startswith("vmpp: where the time of job 1 went, in seconds")
    assert report.findings == 0
    rows = {line[0]: line for line in lines if line}
    assert rows["0"][2:] == ["0", "│", "0.002000000"][:0] + rows["0"][2:]
    assert "0.002000" in " ".join(rows["all"]) or "0.004000" in " ".join(rows["all"])


def test_profiles_are_there_from_python_by_rank() -> None:
    def program() -> str:
        return "mpi4py.bench"

    result = vmpp.run(
        program(), ["helloworld"], module=True, nprocs=3, policies={"pct": "tracing:single"}
    )
    assert [profile.rank for profile in result.profiles] == [0, 1, 2]
    assert all(map(sums_up, result.profiles))
    assert len(result.reports) == 1
