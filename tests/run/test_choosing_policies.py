"""A run chooses its policies, and says which decided; copies of a job run at once."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vmpp
from vmpp import VmppError
from vmpp.machine.kinds import KINDS
from vmpp.machine.plugins import Plugins


def test_a_run_says_which_policies_decided(program: Callable[..., Path]) -> None:
    result = vmpp.run(program("print(rank)"), policies={"timing": "wormhole"})
    assert list(result.policies) == list(KINDS)
    assert result.policies["timing"] == "wormhole"
    assert vmpp.run(program("print(rank)")).policies["timing"] == "contention-free"


def test_a_machine_is_booted_with_what_is_chosen(
    program: Callable[..., Path], plugins: Callable[..., Plugins]
) -> None:
    path = program("print(rank, MPI.Get_processor_name())")

    class Last:
        def __init__(self, places: object) -> None:
            pass

        def choose(self, free: Any, wanted: int) -> Any:
            return free[-wanted:]

    found = plugins(vmpp_allocators={"last": Last})
    result = vmpp.run(
        path, machine="paragon", policies={"allocator": "last"}, level=3, plugins=found
    )
    assert result.stdout == b"0 paragon-n01839\n"
    assert result.policies["allocator"] == "last"


@pytest.mark.parametrize(
    ("policies", "level", "said"),
    [
        (
            {"allocatr": "first-free"},
            None,
            "no policy decides 'allocatr'; did you mean 'allocator'",
        ),
        ({"timing": "wormhol"}, None, "no plugin offers the timing 'wormhol'; did you mean"),
        ({"mode": 3}, None, "a text chooses the mode, such as 'compute-coprocessor', not 3"),
        ({"pct": None}, None, "a text chooses the pct, such as 'gang', not None"),
        ({"timing": "contention-free:2"}, None, "'2' is one parameter too many (it has none)"),
        ({}, 0, "the level is between 1 and 64, not 0"),
        ({}, 65, "the level is between 1 and 64, not 65"),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    policies: dict[str, Any], level: int | None, said: str, program: Callable[..., Path]
) -> None:
    with pytest.raises(VmppError) as error:
        vmpp.run(program("print(rank)"), policies=policies, level=level)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_copies_beyond_the_highest_level_wait_for_others(program: Callable[..., Path]) -> None:
    path = program("import vmpp\nvmpp.compute(1.0)")
    result = vmpp.run(path, copies=66, policies={"pct": "rr"})
    assert [each.status for each in result.copies] == [0] * 66
    assert [each.virtual_time < 2.1 for each in result.copies] == [False] * 64 + [True] * 2


@pytest.mark.parametrize("copies", [0, -1])
def test_a_program_is_launched_at_least_once(copies: int, program: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match=f"at least once, not {copies} times"):
        vmpp.run(program("print(rank)"), copies=copies)


def test_copies_that_cannot_share_nodes_run_one_after_the_other(
    program: Callable[..., Path],
) -> None:
    path = program("import vmpp\nvmpp.compute(1.0)\nprint(MPI.Get_processor_name())")
    result = vmpp.run(path, nprocs=2, machine="paragon", copies=3)
    assert [each.status for each in result.copies] == [0, 0, 0]
    assert result.statuses == [0] * 6
    # All of them on the same nodes, though there are others.
    assert {each.stdout for each in result.copies} == {b"paragon-n00000\nparagon-n00001\n"}
    lines = result.stdout.splitlines()
    assert lines[0] == b"[1] paragon-n00000"
    assert sorted(line[:3] for line in lines) == [b"[1]"] * 2 + [b"[2]"] * 2 + [b"[3]"] * 2
    assert result.virtual_time > 3.0
    assert all(each.virtual_time < 1.1 for each in result.copies)
    assert vmpp.run(path, nprocs=2, machine="paragon", copies=3).digest == result.digest


def test_the_status_is_the_highest_and_failures_say_which_copy(
    program: Callable[..., Path],
) -> None:
    path = program(
        """
        import os
        name = f"{rank}.txt"
        if os.path.exists(name):
            raise SystemExit(3)
        open(name, "w").close()
        """
    )
    out = io.BytesIO()
    result = vmpp.run(path, cwd=path.parent, copies=2, stdout=out)
    assert (result.status, result.statuses) == (3, [0, 3])
    assert [phase.name for phase in result.phases][:2] == ["[1] allocation", "[1] load"]
    result = vmpp.run(program("raise ValueError('no')"), copies=2)
    assert result.failure is not None
    assert result.failure.startswith("[1] rank 0 on node")
    assert "\n[2] rank 0 on node" in result.failure


def test_only_the_first_copy_reads_a_file(program: Callable[..., Path]) -> None:
    path = program("import sys\nprint(repr(sys.stdin.read()))")
    result = vmpp.run(path, copies=2, stdin=io.BytesIO(b"hello"))
    assert result.stdout == b"[1] 'hello'\n[2] ''\n"
    assert vmpp.run(path, copies=2, stdin=b"hi").stdout == b"[1] 'hi'\n[2] 'hi'\n"


def test_the_command_chooses_by_an_option_for_each_kind(
    program: Callable[..., Path], shell: Callable[..., Any]
) -> None:
    path = program("print(rank)")
    chosen = ("--topology", "fully-connected", "--network-timing", "wormhole", "--level", "3")
    done = shell("run", *chosen, "--policies", "--copies", "2", path)
    assert (done.returncode, done.stdout) == (0, "[1] 0\n[2] 0\n")
    rows = {line.split()[0]: line.split()[1] for line in done.stderr.splitlines()[1:]}
    assert list(rows) == list(KINDS)
    assert (rows["topology"], rows["timing"]) == ("fully-connected", "wormhole")
    done = shell("run", "--queue", "fcsf", path)
    assert done.returncode == 2
    assert done.stderr == (
        "vmpp: error: no plugin offers the queue 'fcsf'; did you mean 'fcfs'? (there is: fcfs)\n"
    )


def test_a_machine_of_fixed_places_refuses_a_topology_that_cannot_have_them(
    program: Callable[..., Path], plugins: Callable[..., Plugins]
) -> None:
    class Cube:
        def __init__(self, dims: tuple[int, ...]) -> None:
            raise ValueError("dims are powers of two")

    found = plugins(vmpp_topologies={"cube": Cube})
    with pytest.raises(VmppError) as error:
        vmpp.run(program(""), machine="paragon", policies={"topology": "cube"}, plugins=found)
    assert "the machine 'paragon' cannot be a cube: dims are powers of two" in str(error.value)


def test_the_shell_and_the_server_boot_what_their_options_choose(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    chosen = ("--network-timing", "wormhole", "--level", "3")
    done = shell("--ephemeral", *chosen, "-c", "policy --json timing; machine --json")
    assert done.returncode == 0
    assert '"policy": "wormhole"' in done.stdout
    assert '"level": 3' in done.stdout
    for arguments in (
        ("--state", "state", "-c", "machine"),
        ("serve", "--state", "state", "--port", "0"),
    ):
        done = shell(*arguments, "--pct", "singel")
        assert done.returncode == 2
        assert done.stderr.startswith("vmpp: error: no plugin offers the pct 'singel'; did you")
        assert done.stderr.count("\n") == 1
        assert not (tmp_path / "state").exists()


def test_copies_share_their_nodes_under_a_policy_that_lets_them(
    program: Callable[..., Path],
) -> None:
    path = program("import vmpp\nvmpp.compute(1.0)\nprint(MPI.Get_processor_name())")

    def times(policy: str, **options: Any) -> list[float]:
        chosen = {"pct": policy}
        result = vmpp.run(path, nprocs=2, copies=2, policies=chosen, **options)
        assert result.status == 0
        assert result.policies["pct"] == policy
        return [each.virtual_time for each in result.copies]

    # Each takes about as long as both together, as they take turns ...
    assert all(time == pytest.approx(2.0, rel=0.01) for time in times("rr:1ms"))
    assert all(time == pytest.approx(2.0, rel=0.01) for time in times("gang:1ms"))
    # ... or as long as it would alone, if one has to wait for the other.
    assert all(time == pytest.approx(1.0, rel=0.01) for time in times("rr:1ms", level=1))
    assert all(time == pytest.approx(1.0, rel=0.01) for time in times("single"))
