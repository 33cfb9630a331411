"""Noise of plugins that break the rules: the error names the plugin and the rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import vmpp
from vmpp.errors import PluginError
from vmpp.hooks import hookimpl
from vmpp.machine.plugins import Plugins, Source


class Events:
    """Events of a tenth of the time, as they should be, apart from what a test says."""

    load = Fraction(1, 10)
    burst = 10**8

    def __init__(self, **wrong: Any) -> None:
        vars(self).update(wrong)

    def before(self, when: int) -> int:
        return -(-when // 10**9) * 10**8

    def next(self, when: int) -> int:
        return -(-when // 10**9) * 10**9


class Broken:
    """A source of such events."""

    cpu = "application"

    def __init__(self, events: Any = None, **wrong: Any) -> None:
        self.events = events
        vars(self).update(wrong)

    def interruptions(self, nid: int, draw: Any, turn: int = 0, turns: int = 1) -> Any:
        if isinstance(self.events, Exception):
            raise self.events
        return self.events


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], Iterable[Any]]], vmpp.Result]:
    """Return what runs a program that computes, with a noise profile."""
    # All tests are modules of one package, which would count as this plugin's from now on.
    monkeypatch.setattr("vmpp.errors._PLUGINS", {})

    def with_profile(profile: Callable[[], Iterable[Any]]) -> vmpp.Result:
        plugins = Plugins.installed()
        offer = hookimpl(specname="vmpp_noise")(lambda: {"mine": profile})
        source = Source("mine", module=__name__, distribution="theirs", version="1")
        plugins.register(SimpleNamespace(vmpp_noise=offer), source)
        plugins.check()
        program = tmp_path / "program.py"
        program.write_text("import vmpp; vmpp.compute(1)")
        return vmpp.run(program, policies={"noise": "mine"}, plugins=plugins)

    return with_profile


def test_the_events_of_these_tests_are_noise_if_nothing_is_wrong(run: Any) -> None:
    assert run(lambda: [Broken(Events())]).virtual_time == pytest.approx(1 / 0.9, rel=1e-3)
    assert run(lambda: [Broken(None)]).virtual_time < 1.1


def raises() -> Any:
    raise TypeError("what now?")


@pytest.mark.parametrize(
    ("profile", "complaint"),
    [
        (raises, "raises raised TypeError: what now"),
        (lambda: None, "raised TypeError: 'NoneType' object is not iterable"),
        (lambda: [5], "returned 5 for a source; it has interruptions, and cpu is one of applica"),
        (lambda: [Broken(cpu="third")], "cpu is one of application, first, second, any"),
        (lambda: [Broken(KeyError(3))], "Broken.interruptions raised KeyError: 3"),
        (lambda: [Broken(5)], "Broken.interruptions returned 5; it returns None, or what has a"),
        (lambda: [Broken(Events(load=0.1))], "it returns None, or what has a Fraction load"),
    ],
)
def test_a_machine_does_not_boot_with_what_is_no_noise(
    run: Any, profile: Callable[[], Any], complaint: str
) -> None:
    with pytest.raises(PluginError) as raised:
        run(profile)
    assert str(raised.value).startswith("plugin 'mine' of theirs 1: ")
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"before": lambda when: 1 / 0}, "Events.before raised ZeroDivisionError"),
        (
            {"before": lambda when: 2 * when},
            "ps; that differs from load times the length by burst at",
        ),
        ({"before": lambda when: -when}, "Events.before counts -"),
        ({"before": lambda when: when * 0.1}, "Events.before counts "),
        ({"next": lambda when: when - 1}, "Events.next returned "),
        ({"next": lambda when: None}, "Events.next returned None for "),
        ({"next": lambda when: {}[when]}, "Events.next raised KeyError"),
    ],
)
def test_events_that_cannot_be_end_the_program_that_meets_them(
    run: Any, wrong: dict[str, Any], complaint: str
) -> None:
    try:
        said = run(lambda: [Broken(Events(**wrong))]).failure
    except PluginError as error:
        said = str(error)
    assert "plugin 'mine' of theirs 1: " in said
    assert complaint in said
