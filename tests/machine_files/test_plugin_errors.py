"""What is wrong with a plugin is said with its name, and with the rule that it breaks."""

from __future__ import annotations

import pytest

from vmpp.errors import PluginError, broken, note_plugin, one_line, plugin_of, raised


class Longest:
    """Something that a plugin made."""

    def choose(self) -> int:
        return 1


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this module be a plugin's."""
    monkeypatch.setattr("vmpp.errors._PLUGINS", {})
    note_plugin(__name__, "'mine' of campus 1.2")


@pytest.mark.usefixtures("ours")
def test_a_broken_rule_is_told_with_the_plugin_and_the_operation() -> None:
    error = broken(Longest(), "choose", "returned 5", "it returns the index of one, or None")
    assert isinstance(error, PluginError)
    assert str(error) == (
        "plugin 'mine' of campus 1.2: Longest.choose returned 5; "
        "it returns the index of one, or None"
    )


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize("thing", [Longest, Longest()])
def test_an_error_that_a_plugin_raises_is_told_in_one_line(thing: object) -> None:
    error = raised(thing, "choose", KeyError("a\nb"))
    assert str(error) == r"plugin 'mine' of campus 1.2: Longest.choose raised KeyError: 'a\nb'"


def test_an_error_that_names_a_plugin_already_stays() -> None:
    error = PluginError("it is said already")
    assert raised(Longest(), "choose", error) is error


def test_what_no_plugin_owns_is_named_by_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vmpp.errors._PLUGINS", {})
    assert str(broken(Longest(), "choose", "said no", "yes")).startswith(f"{__name__}.Longest.ch")


def test_a_module_belongs_to_the_plugin_nearest_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vmpp.errors._PLUGINS", {})
    note_plugin("campus.pct", "'one'")
    note_plugin("campus.alloc", "'two'")
    assert plugin_of("campus.alloc.deep") == "plugin 'two'"
    assert plugin_of("campus.other") == "plugin 'one'"
    assert plugin_of("elsewhere") == ""


def test_an_error_that_says_nothing_is_named() -> None:
    assert one_line(ValueError()) == "ValueError"
