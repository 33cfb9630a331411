"""A plugin that fails while a machine is up is named, and so is what it has done."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio

import vmpp
from vmpp.errors import PluginError
from vmpp.hooks import hookimpl
from vmpp.machine.choices import ChoiceError, bound
from vmpp.machine.plugins import Plugins, Source

SOURCE = Source("stranger", __name__, "campus", "1.2")


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody else take this package for the stranger's."""
    monkeypatch.setattr("vmpp.errors._PLUGINS", {})


class Ring:
    """A topology that can be made to fail."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        if dims[0] > 99:
            raise ValueError("a ring has 99 nodes at most")
        self.dims = dims
        self.size = dims[0]
        self.links = 2 * self.size

    @staticmethod
    def grown(nodes: int) -> tuple[int, ...]:
        return (nodes,)

    def coordinates(self, node: int) -> tuple[int, ...]:
        return (node,)

    def hops(self, source: int, destination: int) -> int:
        raise IndexError("no such\nplace")

    def route(self, source: int, destination: int) -> list[int]:
        return []


class Late(Ring):
    """One that fails when it has been asked for a while."""

    asked = 0

    def hops(self, source: int, destination: int) -> int:
        self.asked += 1
        return abs(source - destination) if self.asked < 7 else 1 // 0

    def route(self, source: int, destination: int) -> list[int]:
        return [*range(abs(source - destination))]


class Vague(Late):
    def hops(self, source: int, destination: int) -> Any:
        return None


class Endless(Late):
    def route(self, source: int, destination: int) -> list[int]:
        return [self.links] * abs(source - destination)


class Void:
    """A network that takes messages for ever."""

    def __init__(self, engine: Any, topology: Any, parameters: Any) -> None:
        self.interfaces: list[Any] = []

    def attach(self, interface: Any) -> None:
        self.interfaces.append(interface)

    def transmit(self, source: int, message: Any, ready: int) -> Any:
        return ready


class Timeless(Void):
    def transmit(self, source: int, message: Any, ready: int) -> Any:
        return None


class Half:
    """Half a topology."""

    dims = (4,)

    def __init__(self, dims: tuple[int, ...]) -> None:
        del dims


def never(dims: tuple[int, ...]) -> Any:
    raise KeyError("never")


class Stranger:
    """A plugin of these topologies, with a listener and two libraries."""

    def __init__(self, listen: Callable[[], None] | None = None) -> None:
        self.listen = listen

    @hookimpl
    def vmpp_topologies(self) -> dict[str, Any]:
        return {
            "circle": Ring, "late": Late, "vague": Vague, "endless": Endless, "half": Half,
            "never": never,
        }  # fmt: skip

    @hookimpl
    def vmpp_networks(self) -> dict[str, Any]:
        return {"void": Void, "timeless": Timeless}

    @hookimpl
    def vmpp_job_started(self) -> None:
        if self.listen is not None:
            self.listen()


def with_stranger(plugin: object, **more: object) -> Plugins:
    plugins = Plugins.installed()
    plugins.register(plugin, SOURCE)
    for name, other in more.items():
        plugins.register(other, Source(name, f"its_{name}", f"dist-{name}", "3"))
    return plugins


def run_on(kind: str, tmp_path: Path, plugins: Plugins) -> None:
    (tmp_path / "program.py").write_text("print('hello')")
    (tmp_path / "m.toml").write_text(f'[topology]\nkind = "{kind}"\ndims = [8]\n')
    vmpp.run(tmp_path / "program.py", nprocs=2, machine=tmp_path / "m.toml", plugins=plugins)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            "circle",
            r"plugin 'stranger' of campus 1\.2: Ring\.hops raised IndexError: no such place$",
        ),
        (
            "late",
            r"plugin 'stranger' of campus 1\.2: Late\.hops raised ZeroDivisionError: .* "
            r"\(test_failing_plugins\.py, line [0-9]+\)$",
        ),
        (
            "vague",
            r"campus 1\.2: Vague\.hops returned None for the nodes 0 and 0; it returns the nu",
        ),
        (
            "endless",
            r"campus 1\.2: Endless\.route returned \[16.* for the nodes 0 and 7; it returns",
        ),
        ("half", r"'stranger' of campus 1\.2: Half\.coordinates is missing; each topology has coo"),
        ("never", r"plugin 'stranger' of campus 1\.2: never raised KeyError: 'never'"),
    ],
)
def test_an_operation_that_fails_or_lacks_is_named(kind: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=said) as error:
        run_on(kind, tmp_path, with_stranger(Stranger()))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("timing", "said"),
    [
        (
            "void",
            r"campus 1\.2: Void\.transmit had a message arrive 0 times; it schedules arrive of",
        ),
        ("timeless", r"campus 1\.2: Timeless\.transmit returned None for a message that was ready"),
    ],
)
def test_a_network_that_makes_no_sense_is_named(timing: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").touch()
    with pytest.raises(PluginError, match=said):
        vmpp.run(
            tmp_path / "program.py",
            policies={"timing": timing},
            plugins=with_stranger(Stranger()),
        )


class Outlandish:
    """A scheduling policy that chooses somebody who is not there."""

    multitasking = True

    def admit(self, loaded: int) -> None:
        return None

    def choose(self, ready: Any, now: int) -> int:
        return 99

    def until(self, process: Any, now: int) -> None:
        return None

    def preempts(self, arrived: Any, running: Any, now: int) -> bool:
        return False


class Scheduling:
    @hookimpl
    def vmpp_policies(self) -> dict[str, Any]:
        return {"outlandish": Outlandish}


def test_a_scheduling_policy_that_makes_no_sense_ends_its_jobs_with_a_report(
    tmp_path: Path,
) -> None:
    program = tmp_path / "program.py"
    program.write_text("import vmpp\nvmpp.compute(0.001)\n")
    result = vmpp.run(
        program, copies=2, policies={"pct": "outlandish"}, plugins=with_stranger(Scheduling())
    )
    assert result.status != 0
    assert (
        "plugin 'stranger' of campus 1.2: scheduling policy outlandish of node 0: "
        "choose() returned 99, and must return an index from 0 to 0, or None"
    ) in (result.failure or "")


ELSEWHERE = """
async def main():
    async with vmpp.boot(nodes=1, plugins=plugins):
        Ring((8,)).hops(0, 1)
"""


def test_whoever_calls_a_plugin_without_a_machine_gets_its_own_error() -> None:
    plugins = with_stranger(Stranger())
    names = {"__name__": "elsewhere", "vmpp": vmpp, "plugins": plugins, "Ring": Ring}
    exec(ELSEWHERE, names)
    with pytest.raises(IndexError):
        trio.run(names["main"])


def test_what_a_factory_refuses_is_the_users_choice(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text('[topology]\nkind = "circle"\ndims = [100]\n')
    (tmp_path / "program.py").touch()
    with pytest.raises(vmpp.VmppError, match="dims: a ring has 99 nodes at most"):
        vmpp.run(
            tmp_path / "program.py",
            machine=tmp_path / "m.toml",
            plugins=with_stranger(Stranger()),
        )
    plugins = with_stranger(Stranger())
    with pytest.raises(ChoiceError, match="topology 'circle': a ring has 99 nodes at most"):
        bound("topology", "circle", plugins.topologies)((100,))


@pytest.mark.parametrize(
    ("dims", "rule"),
    [
        (7, "grown returned 7 for 4 nodes; it returns dimensions, whole numbers"),
        ((2,), r"grown returned \(2,\) for 4 nodes, which is 2; it returns dimensions with room"),
    ],
)
def test_a_topology_that_grows_to_nothing_is_named(tmp_path: Path, dims: Any, rule: str) -> None:
    class Line:
        def __init__(self, dims: tuple[int, ...]) -> None:
            self.dims = dims
            self.size, self.links = dims[0], 0
            self.coordinates = self.hops = self.route = lambda *nodes: 0

        @staticmethod
        def grown(nodes: int) -> Any:
            return dims

    class Plugin:
        @hookimpl
        def vmpp_topologies(self) -> dict[str, Any]:
            return {"line": Line}

    (tmp_path / "program.py").touch()
    chosen = {"topology": "line"}
    with pytest.raises(PluginError, match=rule):
        vmpp.run(
            tmp_path / "program.py", nprocs=2, policies=chosen, plugins=with_stranger(Plugin())
        )


def test_a_listener_that_fails_is_named(tmp_path: Path) -> None:
    def fail() -> None:
        raise RuntimeError("deaf")

    (tmp_path / "program.py").touch()
    with pytest.raises(PluginError, match=r"campus 1\.2: vmpp_job_started raised RuntimeError: d"):
        vmpp.run(tmp_path / "program.py", plugins=with_stranger(Stranger(fail)))


def library(module: str, name: str = "notes") -> object:
    """Return a plugin with a library that offers *module* as one called *name*."""
    offered = SimpleNamespace(
        modules={name: module},
        check=lambda description: None,
        memory=lambda description: 0,
        attach=lambda process, description: None,
        finish=lambda process: None,
        detach=lambda process: None,
        report=lambda job: None,
    )

    class Plugin:
        @hookimpl
        def vmpp_libraries(self) -> dict[str, Any]:
            return {f"for_{module}": offered}

    return Plugin()


def test_a_library_may_be_the_module_that_programs_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "itself.py").write_text("WORD = 'linked'\n")
    (site / "unfit.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(site))
    plugins = with_stranger(library("itself", "itself"), other=library("unfit", "unfit"))
    program = tmp_path / "program.py"
    program.write_text("import itself\nprint(itself.WORD)\n")
    result = vmpp.run(program, plugins=plugins)
    assert (result.stdout, result.failure) == (b"linked\n", None)
    program.write_text("import unfit\n")
    failure = vmpp.run(program, plugins=plugins).failure or ""
    assert "ImportError: plugin 'other" in failure
    assert "ZeroDivisionError: division by zero" in failure


def test_a_module_that_two_libraries_offer_fails_whoever_imports_it(tmp_path: Path) -> None:
    plugins = with_stranger(library("string"), other=library("textwrap"))
    program = tmp_path / "program.py"
    program.write_text("print('nobody asks')")
    assert vmpp.run(program, plugins=plugins).status == 0
    program.write_text("import notes")
    result = vmpp.run(program, plugins=plugins)
    assert result.status == 1
    assert (
        "ImportError: both plugin 'stranger' of campus 1.2 and plugin 'other' of dist-other 3 "
        "offer the module 'notes'; uninstall one"
    ) in (result.failure or "")


def test_no_library_takes_the_place_of_a_module_that_ships(tmp_path: Path) -> None:
    plugins = with_stranger(library("colorsys", "mpi4py.MPI"))
    assert [str(each) for each in plugins.problems] == [
        "the module 'mpi4py.MPI' of plugin 'stranger' of campus 1.2 is left out: two plugins offer "
        f"it: 'mpi' of vmpp {vmpp.__version__} and 'stranger' of campus 1.2; rename one, "
        "or 'pip uninstall campus'"
    ]
    program = tmp_path / "program.py"
    program.write_text("from mpi4py import MPI; print(MPI.COMM_WORLD.size)")
    assert vmpp.run(program, nprocs=3, plugins=plugins).stdout == b"3\n" * 3


def test_a_machine_boots_without_a_plugin_that_cannot_be_imported(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shell: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    information = tmp_path / "campus-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Name: campus\nVersion: 1.2\n")
    (information / "entry_points.txt").write_text("[vmpp]\nlost = is_nowhere\n")
    (tmp_path / "program.py").write_text("print('hello')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = shell("run", "-n", 4, "program.py")
    assert (done.returncode, done.stdout) == (0, "hello\n" * 4)
    assert done.stderr == (
        "vmpp: warning: plugin 'lost' of campus 1.2 is left out: it cannot be imported: "
        "ModuleNotFoundError: No module named 'is_nowhere'; mend it, or 'pip uninstall campus'\n"
    )
    listed = shell("plugins")
    assert listed.returncode == 0
    assert "plugin 'lost' of campus 1.2" in listed.stdout
    typed = shell("--ephemeral", "-c", "policy pct gone")
    assert typed.stderr.count("vmpp: warning:") == 1
    assert "policy: no plugin offers the pct 'gone'" in typed.stderr
