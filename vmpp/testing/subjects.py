"""What is checked: a factory that a plugin offers, given as such or by the text that chooses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any, Final

from vmpp.errors import plugin_of
from vmpp.hardware import Topology
from vmpp.hooks import hookimpl
from vmpp.machine.choices import Choice, bound
from vmpp.machine.kinds import KINDS
from vmpp.machine.offer_kinds import KINDS as OFFERED
from vmpp.machine.plugins import Plugins, Source

_BY_HAND: Final = "checked"
"""What a factory is chosen by that is given as such."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that is checked.

    Attributes:
        kind: what it is.
        text: what chooses it.
        plugins: those that there are, its own among them.
    """

    kind: str
    text: str
    plugins: Plugins

    @property
    def choice(self) -> Choice:
        """The factory, with its parameters set. Raises ChoiceError if there is none."""
        return bound(self.kind, self.text, KINDS[self.kind].offered(self.plugins))

    @property
    def policies(self) -> Mapping[str, str]:
        """What chooses it for a machine."""
        return {self.kind: self.text}

    def __str__(self) -> str:
        """Return what messages call it."""
        factory = self.choice.factory
        made_by = getattr(factory, "func", factory)
        name = getattr(made_by, "__qualname__", type(made_by).__qualname__)
        owner = plugin_of(getattr(made_by, "__module__", "") or "")
        shown = name if self.text == _BY_HAND else repr(self.text)
        return f"the {self.kind} {shown}{owner and f' of {owner}'}"


@cache
def installed() -> Plugins:
    """Return the plugins that are installed; found once."""
    return Plugins.installed()


def subject(kind: str, thing: str | Callable[..., Any]) -> Subject:
    """Return what is to be checked.

    Args:
        kind: what *thing* is, as ``policy`` calls it.
        thing: a text that chooses it, as ``rr:2ms``, or the factory itself.

    Raises:
        ChoiceError: no installed plugin offers that.
    """
    if isinstance(thing, str):
        found = Subject(kind, thing, installed())
        bound(kind, thing, KINDS[kind].offered(installed()))
        return found
    return Subject(kind, _BY_HAND, offering(kind, {_BY_HAND: thing}))


def offering(kind: str, offers: Any) -> Plugins:
    """Return the plugins that are installed, and one that offers *offers* of a kind."""

    def offer() -> Any:
        return offers

    hook = next(each.hook for each in OFFERED if each.name == kind)
    offer.__name__ = hook
    plugins = Plugins.installed()
    plugins.register(
        SimpleNamespace(**{"__name__": _BY_HAND, hook: hookimpl(offer)}),
        Source(_BY_HAND, _BY_HAND, "no distribution", ""),
    )
    plugins.check()
    return plugins


def topology_of(text: str, nodes: int) -> Topology:
    """Return the topology that *text* chooses, with room for so many *nodes*."""
    choice = bound("topology", text, installed().topologies)
    grown = choice.related("grown")
    dims = (nodes,) if grown is None else grown(nodes)
    topology: Topology = choice(tuple(dims))
    return topology
