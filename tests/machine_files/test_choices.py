"""Choices: the names of what plugins offer, with parameters."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.machine.choices import ChoiceError, bound, settings
from vmpp.parameters import Nested, count, share, size, time, word
from vmpp.quantities import duration
from vmpp_pct import RoundRobin


class Plain:
    """A policy without parameters."""


class Sliced:
    """A policy with some, besides what the mechanism passes."""

    def __init__(
        self,
        machine: object,
        quantum: Annotated[int, time("a slice", "1 us", "10 s")] = duration("10 ms"),
        level: Annotated[int, count("jobs", 1, 8)] = 2,
        order: Annotated[str, word("whose turn", "lifo", "fifo")] = "fifo",
        room: Annotated[int, size("memory")] = 0,
        part: Annotated[int, share("of the time")] = 0,
    ) -> None:
        self.made = (machine, quantum, level, order, room, part)

    @staticmethod
    def grown(nodes: int, level: int = 2) -> tuple[int, int]:
        return nodes, level


class Wrapping:
    def __init__(self, inner: Annotated[Any, Nested("what is wrapped")] = Plain) -> None:
        self.inner = inner()


def sliced(order: Annotated[str, word("whose turn", "lifo", "fifo")] = "fifo") -> str:
    return order


OFFERS = {"plain": Plain, "sliced": Sliced, "wrap": Wrapping, "function": sliced}


def made(text: str) -> Any:
    return bound("thing", text, OFFERS)("machine").made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sliced", (10**10, 2, "fifo", 0, 0)),
        ("sliced:2ms", (2 * 10**9, 2, "fifo", 0, 0)),
        ("sliced:2 ms:4", (2 * 10**9, 4, "fifo", 0, 0)),
        ("sliced:level=4:quantum=2ms", (2 * 10**9, 4, "fifo", 0, 0)),
        ("sliced:order=lifo:2ms", (2 * 10**9, 2, "lifo", 0, 0)),
        ("sliced:room=4MiB:part=2.5%", (10**10, 2, "fifo", 4 << 20, 25_000)),
    ],
)
def test_a_text_sets_parameters_in_order_or_by_name(text: str, expected: tuple[Any, ...]) -> None:
    assert made(text) == ("machine", *expected)


@given(st.integers(1, 10**7), st.integers(1, 8))
def test_what_is_set_arrives(microseconds: int, level: int) -> None:
    found = made(f"sliced:{microseconds}us:level={level}")
    assert found[1:3] == (microseconds * 10**6, level)


def test_parameters_are_inherited_from_classes_of_other_modules() -> None:
    class Mine(RoundRobin):
        pass

    (quantum,) = settings(Mine)
    assert (quantum.name, quantum.default) == ("quantum", duration("10 ms"))


def test_functions_are_factories_too() -> None:
    assert bound("thing", "function:lifo", OFFERS)() == "lifo"


def test_a_nested_choice_takes_the_rest_of_the_text() -> None:
    assert isinstance(bound("thing", "wrap", OFFERS)().inner, Plain)
    outer = bound("thing", "wrap:wrap:plain", OFFERS)()
    assert isinstance(outer.inner.inner, Plain)
    assert bound("thing", "wrap:inner=function:lifo", OFFERS)().inner == "lifo"


def test_static_methods_of_a_factory_get_the_parameters_that_they_have() -> None:
    choice = bound("topology", "sliced:2ms:5", OFFERS)
    grown = choice.related("grown")
    assert grown is not None
    assert grown(7) == (7, 5)
    assert choice.related("extended") is None


def test_parameters_are_listed_with_their_defaults() -> None:
    assert [str(each) for each in settings(Sliced)] == [
        "quantum=10 ms", "level=2", "order=fifo", "room=0 B", "part=0 %",
    ]  # fmt: skip
    assert [str(each) for each in settings(Wrapping)] == ["INNER"]
    assert settings(Plain) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slice", "no plugin offers the thing 'slice'; did you mean 'sliced'? (there is: plain,"),
        ("", "no plugin offers the thing ''"),
        ("sliced:2", "thing 'sliced:2': quantum: \"2\" has no unit; write a duration such as"),
        ("sliced:", "thing 'sliced:': quantum: \"\" is not a duration"),
        ("sliced:20s", 'quantum: "20s" is not between 1 us and 10 s'),
        ("sliced:level=many", 'level: "many" is no whole number'),
        ("sliced:level=9", "level: 9 is not between 1 and 8"),
        ("sliced:order=random", 'order: "random" is none of lifo, fifo'),
        ("sliced:quantun=2ms", "there is no parameter 'quantun'; did you mean 'quantum'? (it has"),
        ("sliced:2ms:quantum=3ms", "quantum is set twice"),
        ("plain:2ms", "'2ms' is one parameter too many (it has none)"),
        ("wrap:plian", "no plugin offers the thing 'plian'; did you mean 'plain'?"),
    ],
)
def test_what_cannot_be_is_named_with_the_way_out(text: str, message: str) -> None:
    with pytest.raises(ChoiceError) as error:
        bound("thing", text, OFFERS)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@given(st.text(max_size=40))
def test_any_text_is_a_choice_or_refused_in_one_line(text: str) -> None:
    def answer(chosen: str) -> str:
        try:
            return bound("thing", chosen, OFFERS).name
        except ChoiceError as error:
            return str(error)

    for prefix in ("", "sliced:", "wrap:"):
        assert len(answer(prefix + text).splitlines()) == 1


def test_a_factory_is_looked_at_once_however_many_nodes_use_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = []
    look = inspect.signature

    def counted(factory: Any) -> inspect.Signature:
        looks.append(factory)
        return look(factory)

    monkeypatch.setattr(inspect, "signature", counted)

    class Fresh(RoundRobin):
        """A policy that nobody has looked at."""

    for _ in range(10):
        bound("pct", "fresh:3ms", {"fresh": Fresh})()
    assert looks == [Fresh]
