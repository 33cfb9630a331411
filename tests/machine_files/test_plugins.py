"""Plugins are found in a fixed order, and what is wrong with one is said with its name."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from vmpp.hooks import hookimpl
from vmpp.machine.description import load
from vmpp.machine.plugins import PluginError, Plugins, Source


def source(name: str) -> Source:
    """Return where a plugin of this name might have come from."""
    return Source(name, f"vmpp_{name}", f"dist-{name}", "1.2")


class Networks:
    """Offers networks of the given names."""

    def __init__(self, *names: str) -> None:
        self.names = names

    @hookimpl
    def vmpp_networks(self) -> dict[str, Any]:
        return dict.fromkeys(self.names, self)


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


def of(**modules: object) -> Plugins:
    """Return these plugins, checked."""
    plugins = Plugins()
    for name, module in modules.items():
        plugins.register(module, source(name))
    plugins.check()
    return plugins


def test_what_plugins_offer_comes_together_by_name() -> None:
    first, second = Networks("b", "d"), Networks("a", "c")
    plugins = of(second=second, first=first)
    assert list(plugins.networks.items()) == [
        ("a", second),
        ("b", first),
        ("c", second),
        ("d", first),
    ]


def test_the_listing_says_where_each_thing_comes_from() -> None:
    listing = of(second=Networks("a"), first=Networks("b")).listing()
    assert [(each.kind, each.name, each.source) for each in listing] == [
        ("timing", "a", source("second")),
        ("timing", "b", source("first")),
    ]


def test_two_plugins_that_offer_one_name_are_both_named() -> None:
    with pytest.raises(PluginError) as caught:
        of(zeta=Networks("a"), alpha=Networks("a", "b"))
    assert str(caught.value) == (
        "two plugins offer the timing 'a': 'alpha' of dist-alpha 1.2 and 'zeta' of dist-zeta 1.2"
        "; uninstall one"
    )


def test_two_plugins_of_one_name_are_both_named() -> None:
    plugins = of(one=Networks("a"))
    other = Source("one", "elsewhere", "dist-other", "3")
    with pytest.raises(
        PluginError, match=r"one name: 'one' of dist-one 1\.2 and 'one' of dist-other 3"
    ):
        plugins.register(Networks("b"), other)


def test_a_misspelt_hook_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        PluginError, match="vmpp_alocators, which is no hook; did you mean 'vmpp_all"
    ):
        of(bad=Misspelt())


def test_a_hook_with_wrong_parameters_is_refused() -> None:
    with pytest.raises(PluginError, match=r"plugin 'bad' of dist-bad 1\.2: .*jobs"):
        of(bad=WrongParameters())


def test_a_hook_that_fails_is_told_in_one_line() -> None:
    with pytest.raises(PluginError) as caught:
        of(bad=Broken())
    assert str(caught.value) == (
        "plugin 'bad' of dist-bad 1.2: vmpp_images failed: RuntimeError: out of order"
    )


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


def test_entry_points_are_loaded_in_order_of_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        EntryPoint("zeta", "vmpp_images", "vmpp"),
        EntryPoint("alpha", "vmpp_topology", "vmpp"),
    ]
    monkeypatch.setattr("vmpp.machine.plugins.entry_points", lambda group: entries)
    plugins = Plugins.installed()
    assert [name for name, _ in plugins.manager.list_name_plugin()] == ["alpha", "zeta"]


def test_a_plugin_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [EntryPoint("gone", "vmpp_no_such_module", "vmpp")]
    monkeypatch.setattr("vmpp.machine.plugins.entry_points", lambda group: entries)
    with pytest.raises(PluginError, match="plugin 'gone' of unknown cannot be imported: ModuleNot"):
        Plugins.installed()


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
