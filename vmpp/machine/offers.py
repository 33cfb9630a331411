"""What plugins offer by name, and what is wrong with those whose offers are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from vmpp.errors import PluginError, suggestion
from vmpp.hooks import PROJECT

T = TypeVar("T")

UNKNOWN: Final = "unknown"
"""In place of the name of a distribution that nobody knows."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a plugin came from."""

    plugin: str
    module: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.plugin!r} of {self.distribution} {self.version}".rstrip()

    @property
    def ships(self) -> bool:
        """Whether it came with vmpp itself."""
        return self.distribution == PROJECT

    @property
    def riddance(self) -> str:
        """How to get rid of it, in words."""
        known = self.distribution != UNKNOWN
        return f"'pip uninstall {self.distribution}'" if known else "uninstall it"


@dataclass(frozen=True, slots=True)
class Offer:
    """One row of ``vmpp plugins``: a thing of some *kind* called *name*, and who offers it."""

    kind: str
    name: str
    source: Source


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with plugins, for which a machine boots without what they offer.

    Attributes:
        what: what is left out, in words.
        why: what is wrong.
        way_out: what the user can do.
        source: of the plugin; of the first one if several are concerned.
        kinds: of what it offers, or would; None if nobody knows, as of one that is not imported.
        name: of the one thing that is left out; empty if it is the whole plugin.
    """

    what: str
    why: str
    way_out: str
    source: Source
    kinds: frozenset[str] | None = None
    name: str = ""

    def __str__(self) -> str:
        return f"{self.what} is left out: {self.why}; {self.way_out}"

    def concerns(self, kind: str, name: str) -> bool:
        """Return whether something of this *kind* and *name* may be missing because of it."""
        return (self.kinds is None or kind in self.kinds) and self.name in {"", name}

    def is_of(self, kind: str, name: str) -> bool:
        """Return whether it is about the one thing of this *kind* and *name*."""
        return bool(self.name) and self.concerns(kind, name)

    def error(self) -> PluginError:
        """Return it as an error, for whoever cannot do without."""
        return PluginError(f"{self.what}: {self.why}; {self.way_out}")


class Offers(dict[str, T]):
    """What plugins offer of one kind, by name.

    Attributes:
        kind: what it is.
        problems: those that may be why something is missing here.
    """

    __slots__ = ("kind", "problems")

    def __init__(
        self, kind: str, offered: Mapping[str, T] | None = None, problems: Iterable[Problem] = ()
    ) -> None:
        super().__init__(offered or {})
        self.kind = kind
        self.problems = tuple(problems)

    def absence(self, name: str) -> str:
        """Return why there may be nothing called *name*, in words; nothing if nothing is known."""
        concerned = [each for each in self.problems if each.concerns(self.kind, name)]
        named = [each for each in concerned if each.name]
        return "".join(f"; {each}" for each in named or concerned)


def lacking(name: str, offers: Mapping[str, object]) -> str:
    """Return what to say after "no such thing": the nearest, those there are, those left out."""
    known = ", ".join(offers) or "nothing"
    absence = offers.absence(name) if isinstance(offers, Offers) else ""
    return f"{suggestion(name, offers)} (there is: {known}){absence}"
