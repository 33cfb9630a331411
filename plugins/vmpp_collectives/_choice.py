"""Choosing among the algorithms of an operation, by rules.

A rule names an algorithm and says up to how many ranks and bytes it holds. The rules of an
operation are asked in order, first those of the machine's description or of the run, then the
library's own. A rule whose algorithm does not suit the call - operands must not change places, say
- is passed over. The library's own end with one that suits every call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from vmpp.errors import suggestion
from vmpp_collectives._channel import Channel, Reduction

Run = Callable[..., None]
Suits = Callable[[int, Reduction], bool]
Chosen = tuple[tuple[int, Suits | None, Run], ...]
"""For one operation and number of ranks: up to how many bytes, for what calls, which algorithm."""

_ANY_LENGTH: Final = 1 << 62
_LIMITS: Final = ("ranks", "bytes")
_REST: Final = {False: "otherwise", True: "where that does not suit"}


@dataclass(frozen=True, slots=True)
class Condition:
    """What an algorithm needs of a call.

    Attributes:
        text: in words.
        ranks: of the number of ranks.
        call: of that, the reduction and the length in bytes.
    """

    text: str
    ranks: Callable[[int], bool] | None = None
    call: Callable[[int, int, Reduction], bool] | None = None


POWER_OF_TWO: Final = Condition("a power of two of ranks", ranks=lambda size: not size & (size - 1))
EVEN: Final = Condition("an even number of ranks", ranks=lambda size: not size & 1)
COMMUTATIVE: Final = Condition(
    "a commutative operator", call=lambda size, length, reduction: reduction.commutative
)
ENOUGH: Final = Condition(
    "as many elements as ranks take part",
    call=lambda size, length, reduction: length >= reduction.itemsize << (size.bit_length() - 1),
)


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One way to carry out an operation.

    Attributes:
        name: as rules use it.
        run: carries it out; its docstring says how.
        needs: conditions that a call must meet.
        options: numbers that a rule may give to *run*.
    """

    name: str
    run: Run
    needs: tuple[Condition, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What it does, in one line."""
        return (self.run.__doc__ or "").strip().partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Rule:
    """Which algorithm to take, and for what calls.

    Attributes:
        algorithm: its name.
        ranks: up to how many ranks; None for any number.
        bytes: up to how many bytes; None for any number.
        options: numbers for the algorithm.
    """

    algorithm: str
    ranks: int | None = None
    bytes: int | None = None
    options: Mapping[str, int] = field(default_factory=dict)


class Family:
    """An operation and its algorithms.

    Args:
        name: of the operation.
        measure: whose bytes rules are about; empty if ranks do not know the same lengths.
        algorithms: all there are.
        rules: the library's own, of which the last suits every call.
    """

    __slots__ = ("algorithms", "measure", "name", "rules")

    def __init__(
        self, name: str, measure: str, algorithms: Sequence[Algorithm], rules: Sequence[Rule]
    ) -> None:
        self.name = name
        self.measure = measure
        self.algorithms = {each.name: each for each in algorithms}
        self.rules = tuple(rules)

    def choose(self, channel: Channel, length: int, reduction: Any = None) -> Run:
        """Return the algorithm for a call of so many bytes."""
        for limit, suits, run in channel.chosen[self.name]:
            if length <= limit and (suits is None or suits(length, reduction)):
                return run
        raise AssertionError(f"no algorithm for {self.name}")

    def default_of(self, name: str) -> str:
        """Say in words when the library's own rules take an algorithm; empty for never."""
        said = []
        settled = False
        for rule in self.rules:
            if rule.algorithm == name:
                limits = [f"{rule.ranks} ranks"] if rule.ranks is not None else []
                limits += [] if rule.bytes is None else [_size(rule.bytes)]
                said.append(f"up to {' and '.join(limits)}" if limits else _REST[settled])
            settled = settled or (rule.ranks is None and rule.bytes is None)
        return ", ".join(said)

    def resolve(self, rules: Sequence[Rule], size: int) -> Chosen:
        """Return what is left of *rules* for *size* ranks, followed by the library's own."""
        return tuple(self._resolved((*rules, *self.rules), size))

    def _resolved(self, rules: Sequence[Rule], size: int) -> Iterator[tuple[int, Any, Run]]:
        for rule in rules:
            algorithm = self.algorithms[rule.algorithm]
            fits = all(each.ranks is None or each.ranks(size) for each in algorithm.needs)
            if fits and (rule.ranks is None or size <= rule.ranks):
                calls = [each.call for each in algorithm.needs if each.call is not None]
                run = partial(algorithm.run, **rule.options) if rule.options else algorithm.run
                limit = _ANY_LENGTH if rule.bytes is None else rule.bytes
                yield limit, _all_of(calls, size), run


def _size(length: int) -> str:
    return f"{length} B" if length % 1024 else f"{length // 1024} KiB"


def _all_of(calls: Sequence[Callable[[int, int, Reduction], bool]], size: int) -> Suits | None:
    if not calls:
        return None
    return lambda length, reduction: all(call(size, length, reduction) for call in calls)


class Choices:
    """The rules of a machine; one object for all of its processes.

    Args:
        families: by the operation's name.
        rules: by the operation's name, to be asked before the library's own.
    """

    __slots__ = ("_families", "_rules", "_sizes")

    def __init__(
        self, families: Mapping[str, Family], rules: Mapping[str, Sequence[Rule]] | None = None
    ) -> None:
        self._families = families
        self._rules = rules or {}
        self._sizes: dict[int, dict[str, Chosen]] = {}

    def of(self, size: int) -> dict[str, Chosen]:
        """Return what there is to choose from with *size* ranks, by the operation's name."""
        found = self._sizes.get(size)
        if found is None:
            found = self._sizes[size] = {
                name: family.resolve(self._rules.get(name, ()), size)
                for name, family in self._families.items()
            }
        return found


def read_rules(
    families: Mapping[str, Family], table: Mapping[str, Any]
) -> dict[str, tuple[Rule, ...]]:
    """Return the rules that a machine's description has, by the operation's name.

    Raises:
        ValueError: it names what there is not; the message is one line with the way out.
    """
    rules: dict[str, tuple[Rule, ...]] = {}
    for name, given in table.items():
        if name not in families:
            raise ValueError(f"no operation {name!r}{_known(name, families)}")
        listed = [{"algorithm": given}] if isinstance(given, str) else given
        rules[name] = tuple(_read_rule(families[name], each) for each in listed)
    return rules


def _read_rule(family: Family, given: Mapping[str, Any]) -> Rule:
    name = given["algorithm"]
    if name not in family.algorithms:
        raise ValueError(f"{family.name}: no algorithm {name!r}{_known(name, family.algorithms)}")
    known = ("algorithm", *_LIMITS, *family.algorithms[name].options)
    for key in given:
        if key not in known:
            raise ValueError(f"{family.name}: a rule for {name} has no {key!r}{_known(key, known)}")
    if "bytes" in given and not family.measure:
        raise ValueError(f"{family.name}: ranks know different lengths, so no rule goes by bytes")
    options = {key: given[key] for key in family.algorithms[name].options if key in given}
    for key, value in options.items():
        if value < 2:
            raise ValueError(f"{family.name}: {key} is {value}, and has to be 2 or more")
    return Rule(name, given.get("ranks"), given.get("bytes"), options)


def _known(name: str, known: Any) -> str:
    return f"{suggestion(name, known)} (there is: {', '.join(known)})"
