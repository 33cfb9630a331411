"""Choices: what plugins offer, named with parameters, as ``rr:2ms`` or ``priority:ageing=10ms``.

A choice is ``NAME[:ARGUMENT[:ARGUMENT...]]``. An argument is a value, for the parameters in their
order, or ``parameter=value``.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin

from vmpp.errors import VmppError, broken, raised, suggestion
from vmpp.machine.offer_kinds import made_of
from vmpp.machine.offers import lacking
from vmpp.parameters import Is, Nested


class ChoiceError(VmppError):
    """A text names nothing that a plugin offers, or sets what cannot be set so."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter of what a plugin offers, that a choice may set.

    Attributes:
        name: of the parameter.
        what: what it is.
        default: its value if it is not set, as it is kept.
    """

    name: str
    what: Is | Nested
    default: Any

    def __str__(self) -> str:
        """Return the parameter with its default, as a person would write it."""
        if isinstance(self.what, Nested):
            return self.name.upper()
        return f"{self.name}={self.what.write(self.default)}"


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that a plugin offers, with its parameters set: a factory itself.

    Attributes:
        kind: what it is.
        text: as it was chosen.
        name: what the plugin calls it.
        factory: what the plugin offers.
        values: of the parameters that are set.
    """

    kind: str
    text: str
    name: str
    factory: Callable[..., Any]
    values: Mapping[str, Any]

    def __call__(self, *arguments: Any) -> Any:
        """Make one.

        Raises:
            ChoiceError: there is none like that, the factory says.
            PluginError: the factory raises another error, or what it makes lacks an operation.
        """
        try:
            made = self.factory(*arguments, **self.values)
        except VmppError:
            raise
        except ValueError as error:
            raise ChoiceError(f"{self.kind} {self.text!r}: {error}") from error
        except Exception as error:
            raise raised(self.factory, "", error) from error
        for name in made_of(self.kind):
            if not hasattr(made, name):
                rule = f"each {self.kind} has {', '.join(made_of(self.kind))}"
                raise broken(made, name, "is missing", rule)
        return made

    def related(self, method: str) -> Callable[..., Any] | None:
        """Return the factory's static method of that name, with those parameters set that it has.

        Returns:
            None if it has no such method.
        """
        found: Callable[..., Any] | None = getattr(self.factory, method, None)
        if found is None:
            return None
        taken = inspect.signature(found).parameters
        values = {name: value for name, value in self.values.items() if name in taken}
        return lambda *arguments: found(*arguments, **values)

    def grown(self, nodes: int) -> tuple[int, ...] | None:
        """Return dimensions that a topology has for *nodes* nodes; None if it does not grow.

        Raises:
            PluginError: they are none, or too small.
        """
        grow = self.related("grown")
        if grow is None:
            return None
        dims = grow(nodes)
        if not (isinstance(dims, tuple | list) and all(isinstance(each, int) for each in dims)):
            rule = "it returns dimensions, whole numbers"
            raise broken(self.factory, "grown", f"returned {dims!r:.80} for {nodes} nodes", rule)
        size = self(tuple(dims)).size
        if size < nodes:
            what = f"returned {dims!r:.80} for {nodes} nodes, which is {size}"
            raise broken(self.factory, "grown", what, "it returns dimensions with room for them")
        return tuple(dims)


def settings(factory: Callable[..., Any]) -> tuple[Setting, ...]:
    """Return the parameters of *factory* that a choice may set, in order."""
    try:
        return _known(factory)
    except TypeError:
        # It cannot be remembered.
        return tuple(_settings(factory))


@lru_cache(maxsize=1 << 10)
def _known(factory: Callable[..., Any]) -> tuple[Setting, ...]:
    # Every node of a machine makes its policy, and a look at a signature takes a node's memory.
    return tuple(_settings(factory))


def bound(kind: str, text: str, offers: Mapping[str, Any]) -> Choice:
    """Return what *text* chooses of *offers*.

    Args:
        kind: what is chosen, for messages.
        offers: factories by name.

    Raises:
        ChoiceError: nothing of that name is offered, or it has no such parameters.
    """
    if not isinstance(text, str):
        raise ChoiceError(f"a text chooses the {kind}, such as {min(offers)!r}, not {text!r}")
    if not text.isprintable():
        raise ChoiceError(f"{kind} {text!r} has characters that nobody can see")
    name, *arguments = text.split(":")
    if name not in offers:
        raise ChoiceError(f"no plugin offers the {kind} {name!r}{lacking(name, offers)}")
    factory = offers[name]
    try:
        values = _values(kind, settings(factory), arguments, offers)
    except ValueError as error:
        raise ChoiceError(f"{kind} {text!r}: {error}") from None
    return Choice(kind, text, name, factory, values)


def _values(
    kind: str, known: tuple[Setting, ...], arguments: list[str], offers: Mapping[str, Any]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    in_order = iter(known)
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if equals:
            setting = next((each for each in known if each.name == name), None)
        else:
            setting, value = next(in_order, None), argument
        if setting is None:
            raise ValueError(_no_parameter(name if equals else "", argument, known))
        if setting.name in values:
            raise ValueError(f"{setting.name} is set twice")
        if isinstance(setting.what, Nested):
            rest = ":".join((value, *arguments[place + 1 :]))
            values[setting.name] = bound(kind, rest, offers)
            return values
        try:
            values[setting.name] = setting.what.read(value.strip())
        except ValueError as error:
            raise ValueError(f"{setting.name}: {error}") from None
    return values


def _no_parameter(name: str, argument: str, known: tuple[Setting, ...]) -> str:
    names = [each.name for each in known]
    has = f"it has: {', '.join(names)}" if names else "it has none"
    if name:
        return f"there is no parameter {name!r}{suggestion(name, names)} ({has})"
    return f"{argument!r} is one parameter too many ({has})"


def _settings(factory: Callable[..., Any]) -> Iterator[Setting]:
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return
    for name, parameter in parameters.items():
        annotation = _evaluated(factory, parameter.annotation)
        if get_origin(annotation) is Annotated:
            for what in get_args(annotation)[1:]:
                if isinstance(what, Is | Nested):
                    yield Setting(name, what, parameter.default)


def _evaluated(factory: Callable[..., Any], annotation: Any) -> Any:
    """Return an annotation of *factory*, which may be a text; None if its names are not there."""
    if not isinstance(annotation, str):
        return annotation
    # A class may inherit how it is made, from one of another module.
    maker = factory.__init__ if isinstance(factory, type) else factory  # type: ignore[misc]
    module = sys.modules.get(getattr(maker, "__module__", ""), None)
    names = getattr(maker, "__globals__", vars(module) if module else {})
    try:
        return eval(annotation, dict(names))
    except NameError:
        # What is imported for type checkers alone is no parameter that a text could set.
        return None
