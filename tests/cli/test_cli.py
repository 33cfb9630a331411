"""The command line hands a program and its arguments on, and says in one line what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmpp_images
import vmpp_topology
from vmpp import VmppError
from vmpp.hooks import hookimpl
from vmpp.machine.plugins import Plugins, Source
from vmpp.process.library import Algorithm
from vmpp_shell.app import main


class Policies:
    @hookimpl
    def vmpp_policies(self) -> dict[str, Any]:
        return {"single": object}

    @hookimpl
    def vmpp_allocators(self) -> dict[str, Any]:
        return {"first-free": object}

    @hookimpl
    def vmpp_queueing(self) -> dict[str, Any]:
        return {"fcfs": object}

    @hookimpl
    def vmpp_cpu_modes(self) -> dict[str, Any]:
        return {"heater": object}

    @hookimpl
    def vmpp_noise(self) -> dict[str, Any]:
        return {"silent": object}


class FakeRun(ModuleType):
    """Stands for `vmpp.machine.run`, and remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__("vmpp.machine.run")
        self.asked: dict[str, Any] = {}
        self.status = 0
        self.failure: str | None = None
        self.error: BaseException | None = None

    def run(self, program: str, args: tuple[str, ...] = (), **options: Any) -> object:
        self.asked = {"program": program, "args": args, **options}
        if self.error is not None:
            raise self.error
        return SimpleNamespace(
            status=self.status,
            digest="c0ffee",
            failure=self.failure,
            reports=(),
            phases=[SimpleNamespace(name="load", virtual_ps=2_500_000, host_s=0.25)],
        )


@pytest.fixture(name="fake")
def _fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeRun:
    plugins = Plugins()
    for name, module in (
        ("images", vmpp_images), ("topology", vmpp_topology), ("policies", Policies()),
    ):  # fmt: skip
        plugins.register(module, Source(name, f"vmpp_{name}", "vmpp", "0.1.0"))
    monkeypatch.setattr(Plugins, "installed", lambda: plugins)
    fake = FakeRun()
    monkeypatch.setitem(sys.modules, "vmpp.machine.run", fake)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "program.py").touch()
    return fake


def status_of(*arguments: str) -> int:
    """Return the exit status of the command with these arguments."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_run_takes_its_own_options_and_leaves_the_rest_to_the_program(fake: FakeRun) -> None:
    assert status_of("run", "-n", "64", "--seed", "3", "program.py", "-n", "9", "--help", "--") == 0
    assert fake.asked["program"] == "program.py"
    assert fake.asked["args"] == ("-n", "9", "--help", "--")
    assert (fake.asked["nprocs"], fake.asked["seed"]) == (64, 3)
    assert not fake.asked["module"]


@pytest.mark.usefixtures("fake")
def test_run_needs_only_a_program(fake: FakeRun) -> None:
    assert status_of("run", "program.py") == 0
    asked = fake.asked
    assert (asked["nprocs"], asked["machine"], asked["seed"]) == (1, "default", 0)
    assert asked["watchdog"] is None


def test_algorithms_of_collectives_can_be_chosen(fake: FakeRun) -> None:
    chosen = ("--coll", "allreduce=ring", "--coll", "bcast=binomial")
    assert status_of("run", *chosen, "program.py", "--coll", "x") == 0
    assert fake.asked["coll"] == {"allreduce": "ring", "bcast": "binomial"}
    assert fake.asked["args"] == ("--coll", "x")


def test_a_module_gets_all_that_follows(fake: FakeRun) -> None:
    assert status_of("run", "-np", "2", "-m", "mpi4py.bench", "--timing", "pingpong") == 0
    assert (fake.asked["program"], fake.asked["module"]) == ("mpi4py.bench", True)
    assert fake.asked["args"] == ("--timing", "pingpong")


@given(arguments=st.lists(st.text()))
def test_arguments_reach_the_program_as_they_are(arguments: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fake = FakeRun()
        patch.setitem(sys.modules, "vmpp.machine.run", fake)
        status_of("run", "-m", "module", *arguments)
    assert fake.asked["args"] == tuple(arguments)


def test_an_image_is_found_by_its_name(fake: FakeRun) -> None:
    assert status_of("run", "heat", "--steps", "5") == 0
    assert fake.asked["program"] == str(Path(vmpp_images.__file__).parent / "heat.py")
    assert fake.asked["args"] == ("--steps", "5")


def test_a_file_hides_an_image_of_its_name(fake: FakeRun, tmp_path: Path) -> None:
    (tmp_path / "heat").touch()
    assert status_of("run", "heat") == 0
    assert fake.asked["program"] == "heat"


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize(
    ("program", "meant"),
    [("haet", "heat"), ("programm.py", "program.py"), ("sub/progam.py", "sub/program.py")],
)
def test_a_program_that_is_not_there_is_answered_with_the_nearest(
    program: str, meant: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "program.py").touch()
    assert status_of("run", program) == 2
    said = capsys.readouterr().err
    assert said == (
        f"vmpp: error: no such program: {program!r}; did you mean {meant!r}? "
        f"(a file, or one of the images: {', '.join(Plugins.installed().images)})\n"
    )


def test_the_exit_status_is_the_jobs(fake: FakeRun) -> None:
    fake.status = 7
    assert status_of("run", "program.py") == 7


def test_a_failure_is_reported_on_standard_error(
    fake: FakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.status, fake.failure = 1, "rank 3 on node 5: ValueError\n"
    assert status_of("run", "program.py") == 1
    assert capsys.readouterr() == ("", "rank 3 on node 5: ValueError\n")


def test_timing_and_digest_stay_out_of_standard_output(
    fake: FakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of("run", "--timing", "--digest", "program.py") == 0
    out, err = capsys.readouterr()
    assert out == ""
    table, digest = err.splitlines()[:-1], err.splitlines()[-1]
    assert [line.split() for line in table] == [
        ["Phase", "Virtual", "time", "Host", "time"],
        ["load", "2.5", "us", "0.250", "s"],
    ]
    assert digest == "digest: c0ffee"
    assert fake.asked


def test_an_error_of_the_user_is_one_line_and_status_2(
    fake: FakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.error = VmppError("no machine is called 'paragn'; did you mean 'paragon'?")
    assert status_of("run", "--machine", "paragn", "program.py") == 2
    assert capsys.readouterr().err == (
        "vmpp: error: no machine is called 'paragn'; did you mean 'paragon'?\n"
    )


def test_an_interrupt_is_status_130_and_no_traceback(
    fake: FakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.error = KeyboardInterrupt()
    assert status_of("run", "program.py") == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_defect_is_not_hidden(fake: FakeRun) -> None:
    fake.error = AssertionError("invariant")
    with pytest.raises(AssertionError, match="invariant"):
        main(["run", "program.py"])


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rn"], "no such command 'rn'"),
        (["run"], "missing argument 'PROGRAM' (try 'vmpp run --help')"),
        (["run", "--sed", "3", "program.py"], "no such option '--sed'"),
        (["run", "-n", "0", "program.py"], "invalid value for '-n'"),
        (["run", "-n", "many", "program.py"], "invalid value for '-n'"),
        (["run", "--watchdog", "0", "program.py"], "invalid value for '--watchdog'"),
        (["run", "--coll", "ring", "program.py"], "invalid value for '--coll': 'ring' chooses"),
        (["machines", "paragon"], "got unexpected extra argument"),
    ],
)
def test_usage_is_refused_with_the_way_out(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(*arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"vmpp: error: {said}")
    assert "--help')" in err
    assert err.count("\n") == 1


def test_machines_lists_what_ships(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("machines") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[:2] for row in rows[1:]] == [
        ["asci-red", "4,536"], ["crescendo", "31"], ["default", "grows"], ["ncube2", "1,024"],
        ["paragon", "1,840"],
    ]  # fmt: skip


def test_algorithms_lists_what_plugins_tell_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Telling:
        @hookimpl
        def vmpp_algorithms(self) -> list[Algorithm]:
            return [
                Algorithm("bcast", "tree", "Down a tree", default="otherwise"),
                Algorithm("bcast", "cube", "Along edges", needs="a power of two"),
            ]

    plugins = Plugins()
    plugins.register(Telling(), Source("telling", "telling", "vmpp", "0.1.0"))
    monkeypatch.setattr(Plugins, "installed", lambda: plugins)
    assert status_of("algorithms") == 0
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "Operation  Algorithm  Default    What it does  Needs",
        "bcast      tree       otherwise  Down a tree",
        "bcast      cube                  Along edges   a power of two",
    ]


@pytest.mark.usefixtures("fake")
def test_machines_documents_the_keys_of_a_machine_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("machines", "--keys") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["[network]", "hop_latency", "50", "ns"] in [row[:4] for row in rows]


@pytest.mark.usefixtures("fake")
def test_plugins_lists_distribution_and_module(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("plugins") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["image", "heat", "images", "vmpp", "0.1.0", "vmpp_images"] in rows
    assert ["topology", "mesh2d", "topology", "vmpp", "0.1.0", "vmpp_topology"] in rows


@pytest.mark.parametrize("command", [[], ["run"], ["machines"], ["plugins"]])
def test_help_has_an_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(*command, "--help") == 0
    assert "Example" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("--version") == 0
    assert capsys.readouterr().out.startswith("vmpp ")


def test_a_closed_pipe_ends_quietly() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "vmpp", "--version"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.close()
        assert command.stderr.read() == b""
        assert command.wait() != 0
