"""Plugins are found in a fixed order, and for what is wrong with one the others are there still."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias

import pytest

from vmpp.errors import one_line
from vmpp.hooks import INTERFACE, hookimpl
from vmpp.machine.choices import ChoiceError, bound
from vmpp.machine.description import UnknownMachineError, load
from vmpp.machine.images import NoProgramError, locate
from vmpp.machine.plugins import PluginError, Plugins, PluginWarning, Source


def source(name: str) -> Source:
    """Return where a plugin of this name might have come from."""
    return Source(name, f"vmpp_{name}", f"dist-{name}", "1.2")


def made(*arguments: Any) -> Any:
    """Make nothing: a factory as good as any."""


class Networks:
    """Offers networks of the given names."""

    def __init__(self, *names: str, offer: Any = made) -> None:
        self.names = names
        self.offer = offer

    @hookimpl
    def vmpp_networks(self) -> dict[str, Any]:
        return dict.fromkeys(self.names, self.offer)


class Misspelt:
    @hookimpl
    def vmpp_alocators(self) -> dict[str, Any]:
        return {}


class Broken:
    @hookimpl
    def vmpp_images(self) -> dict[str, Any]:
        raise RuntimeError("out of\norder")


class WrongParameters:
    @hookimpl
    def vmpp_job_started(self, jobs: object) -> None:
        """Take what the hook does not give."""


class Folders:
    def __init__(self, *folders: Path) -> None:
        self.folders = folders

    @hookimpl
    def vmpp_machine_files(self) -> tuple[Path, ...]:
        return self.folders


class Declaring(NamedTuple):
    """A distribution that declares plugins."""

    name: str
    version: str


class Declared:
    """An entry point that loads what it is given, and the distribution that declares it."""

    def __init__(self, name: str, distribution: str, module: object) -> None:
        self.name = name
        self.value = f"vmpp_{name}"
        self.dist = Declaring(distribution, "1.2")
        self.module = module

    def load(self) -> object:
        if isinstance(self.module, BaseException):
            raise self.module
        return self.module


Declare: TypeAlias = Callable[..., Plugins]


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Return what declares plugins, (name, distribution, module) or name=module, and loads them."""

    def install(*declared: tuple[str, str, object], **modules: object) -> Plugins:
        rest = [(name, f"dist-{name}", module) for name, module in modules.items()]
        entries = [Declared(*each) for each in (*declared, *rest)]
        monkeypatch.setattr("vmpp.machine.plugins.entry_points", lambda group: entries)
        return Plugins.installed()

    return install


def of(**modules: object) -> Plugins:
    """Return these plugins, checked."""
    plugins = Plugins()
    for name, module in modules.items():
        plugins.register(module, source(name))
    plugins.check()
    return plugins


def test_what_plugins_offer_comes_together_by_name() -> None:
    first, second = Networks("b", "d", offer=list), Networks("a", "c", offer=dict)
    plugins = of(second=second, first=first)
    assert list(plugins.networks.items()) == [("a", dict), ("b", list), ("c", dict), ("d", list)]


def test_the_listing_says_where_each_thing_comes_from() -> None:
    listing = of(second=Networks("a"), first=Networks("b")).listing()
    assert [(each.kind, each.name, each.source) for each in listing] == [
        ("timing", "a", source("second")),
        ("timing", "b", source("first")),
    ]


def test_whoever_registers_a_plugin_by_hand_is_told_of_what_is_wrong_with_it() -> None:
    with pytest.raises(PluginError, match=r"plugin 'bad' of dist-bad 1\.2: .*'pip uninstall dist-"):
        of(bad=Broken())


def test_a_second_plugin_of_one_name_is_refused_by_hand() -> None:
    plugins = of(one=Networks("a"))
    other = Source("one", "elsewhere", "dist-other", "3")
    with pytest.raises(
        PluginError, match=r"one name: 'one' of dist-one 1\.2 and 'one' of dist-other 3"
    ):
        plugins.register(Networks("b"), other)


class OtherInterface:
    VMPP_INTERFACE = INTERFACE + 1

    @hookimpl
    def vmpp_networks(self) -> dict[str, Any]:
        raise AssertionError("this plugin must not be asked")


class SameInterface(Networks):
    VMPP_INTERFACE = INTERFACE


class Nonsense:
    @hookimpl
    def vmpp_networks(self) -> Any:
        return ["fast"]


class NoName:
    @hookimpl
    def vmpp_networks(self) -> Any:
        return {"a name": made}


class NoLibrary:
    @hookimpl
    def vmpp_libraries(self) -> Any:
        return {"half": Networks()}


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        (Misspelt(), "it implements vmpp_alocators, which is no hook; did you mean 'vmpp_all"),
        (WrongParameters(), "jobs"),
        (Broken(), "vmpp_images failed: RuntimeError: out of order"),
        (Nonsense(), "vmpp_networks failed: TypeError: it returned ['fast'], not a mapping"),
        (NoName(), "vmpp_networks failed: ValueError: 'a name' is no name"),
        (OtherInterface(), f"version {INTERFACE + 1} of the interface of plugins, and this vmpp"),
        (NoLibrary(), "the library 'half' of plugin 'bad' of dist-bad 1.2 is left out: it lacks a"),
        (Networks("dud", offer="x"), "it is 'x', which makes nothing: no factory; mend 'bad'"),
    ],
)
def test_what_is_wrong_with_a_plugin_is_reported_and_all_others_are_there(
    plugin: object, said: str, declare: Declare
) -> None:
    plugins = declare(good=Networks("fast"), bad=plugin)
    assert set(plugins.networks) == {"fast"}
    (problem,) = plugins.problems
    assert said in str(problem)
    assert "'bad' of dist-bad 1.2" in str(problem)
    assert "\n" not in str(problem)
    assert problem.source == source("bad")


def test_a_plugin_for_this_interface_is_loaded(declare: Declare) -> None:
    assert set(declare(good=SameInterface("fast")).networks) == {"fast"}


@pytest.mark.parametrize("error", [ImportError("gone"), SystemExit(3)])
def test_a_plugin_that_cannot_be_imported_is_reported(
    error: BaseException, declare: Declare
) -> None:
    plugins = declare(good=Networks("fast"), gone=error)
    assert plugins.names == ("good",)
    assert [str(each) for each in plugins.problems] == [
        f"plugin 'gone' of dist-gone 1.2 is left out: it cannot be imported: {one_line(error)}; "
        "mend it, or 'pip uninstall dist-gone'"
    ]


def test_of_two_plugins_of_one_name_neither_is_loaded(declare: Declare) -> None:
    plugins = declare(("one", "campus", Networks("a")), ("one", "other", Networks("b")))
    assert plugins.names == ()
    both = "two plugins have one name: 'one' of campus 1.2 and 'one' of other 1.2"
    assert [str(each) for each in plugins.problems] == [
        f"plugin 'one' of campus 1.2 is left out: {both}; rename one, or 'pip uninstall campus'",
        f"plugin 'one' of other 1.2 is left out: {both}; rename one, or 'pip uninstall other'",
    ]


def test_nothing_that_is_installed_takes_the_place_of_what_ships(declare: Declare) -> None:
    plugins = declare(
        ("one", "campus", Networks("a")),
        ("one", "vmpp", Networks("b", offer=list)),
        ("two", "other", Networks("b", offer=dict)),
    )
    assert plugins.names == ("one", "two")
    assert dict(plugins.networks) == {"b": list}
    assert [each.what for each in plugins.problems] == [
        "plugin 'one' of campus 1.2",
        "the timing 'b' of plugin 'two' of other 1.2",
    ]


def test_what_two_plugins_offer_under_one_name_is_left_out(declare: Declare) -> None:
    plugins = declare(zeta=Networks("a"), alpha=Networks("a", "b"))
    assert set(plugins.networks) == {"b"}
    assert [str(each) for each in plugins.problems] == [
        f"the timing 'a' of plugin {mine} is left out: two plugins offer it: "
        "'alpha' of dist-alpha 1.2 and 'zeta' of dist-zeta 1.2; "
        f"rename one, or 'pip uninstall dist-{mine[1:].partition(chr(39))[0]}'"
        for mine in ("'alpha' of dist-alpha 1.2", "'zeta' of dist-zeta 1.2")
    ]


def test_whoever_asks_for_what_is_left_out_is_told_why(declare: Declare) -> None:
    plugins = declare(alpha=Networks("a"), zeta=Networks("a", "b"), gone=ImportError("no scipy"))
    with pytest.raises(ChoiceError) as twice:
        bound("timing", "a", plugins.networks)
    assert "two plugins offer it: 'alpha' of dist-alpha 1.2 and 'zeta'" in str(twice.value)
    assert "no scipy" not in str(twice.value)
    with pytest.raises(ChoiceError, match=r"'c'.*; plugin 'gone' of dist-gone 1\.2 is left out:"):
        bound("timing", "c", plugins.networks)
    with pytest.raises(UnknownMachineError, match="'gone' of dist-gone"):
        load("mars", plugins)
    with pytest.raises(NoProgramError, match="'gone' of dist-gone"):
        locate("mars", plugins, Path())


def test_a_plugin_is_not_blamed_for_what_it_would_not_offer(declare: Declare) -> None:
    plugins = declare(bad=Nonsense())
    with pytest.raises(ChoiceError) as error:
        bound("pct", "rr", plugins.policies)
    assert "bad" not in str(error.value)


def test_a_module_that_is_not_installed_can_be_tried() -> None:
    module = ModuleType("trial")
    module.vmpp_networks = hookimpl(lambda: {"fast": made})
    module.vmpp_networks.__name__ = "vmpp_networks"
    plugins = Plugins.with_modules(module)
    assert plugins.networks["fast"] is made
    assert str(plugins.source("timing", "fast")) == "'trial' of no distribution"
    assert set(plugins.names) > {"trial"}


def test_what_its_user_cannot_use_is_left_out(declare: Declare) -> None:
    plugins = declare(one=Networks("a", "b"))
    plugins.refuse("timing", "a", "it is too slow", "make it fast")
    assert list(plugins.networks) == ["b"]
    assert [row.name for row in plugins.listing()] == ["b"]
    assert plugins.networks.absence("a") == (
        "; the timing 'a' of plugin 'one' of dist-one 1.2 is left out: it is too slow; make it fast"
    )


class Listener:
    """Is told of jobs, and raises an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    @hookimpl
    def vmpp_job_started(self) -> None:
        raise self.error


def test_an_error_of_a_listener_is_told_with_its_name(declare: Declare) -> None:
    plugins = declare(deaf=Listener(KeyError("x")), fine=Networks())
    with pytest.raises(PluginError, match=r"'deaf' of dist-deaf 1\.2: vmpp_job_started raised Key"):
        plugins.tell("vmpp_job_started", job=None)
    with pytest.raises(UnknownMachineError):
        declare(deaf=Listener(UnknownMachineError("x"))).tell("vmpp_job_started", job=None)


def test_from_python_each_problem_is_a_warning(declare: Declare) -> None:
    declare(bad=Broken())
    with pytest.warns(PluginWarning, match="plugin 'bad' of dist-bad 1.2 is left out"):
        Plugins.given(None)
    hers = Plugins()
    assert Plugins.given(hers) is hers


def test_machines_are_the_toml_files_of_the_folders(tmp_path: Path) -> None:
    for name in ("b.toml", "a.toml", "readme.txt"):
        (tmp_path / name).touch()
    assert of(files=Folders(tmp_path)).machines == {
        "a": tmp_path / "a.toml",
        "b": tmp_path / "b.toml",
    }


def test_a_machine_that_two_files_describe_is_refused(tmp_path: Path) -> None:
    folders = [tmp_path / "x", tmp_path / "y"]
    for folder in folders:
        folder.mkdir()
        (folder / "same.toml").touch()
    with pytest.raises(PluginError, match="describe one machine"):
        of(files=Folders(*folders))


def test_entry_points_are_loaded_in_order_of_their_names(declare: Declare) -> None:
    plugins = declare(zeta=Networks("a"), alpha=Networks("b"))
    assert [name for name, _ in plugins.manager.list_name_plugin()] == ["alpha", "zeta"]


def test_what_ships_loads_and_every_machine_that_ships_is_right() -> None:
    plugins = Plugins.installed()
    assert {"mesh2d", "fully-connected"} <= set(plugins.topologies)
    assert {"contention-free", "wormhole"} <= set(plugins.networks)
    assert {"single"} <= set(plugins.policies)
    assert {"first-free"} <= set(plugins.allocators)
    assert {"mpi"} <= set(plugins.libraries)
    assert plugins.images["heat"].is_file()
    for name in ("asci-red", "default", "paragon"):
        assert load(name, plugins).name == name
