"""What a policy that a plugin offers is, and what can be set of it, in words."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Final

from vmpp.machine.choices import Setting, settings
from vmpp.parameters import Nested


@dataclass(frozen=True, slots=True)
class Described:
    """One parameter.

    Attributes:
        name: of it.
        default: its value, if nobody sets it.
        bounds: what it can be, as ``1 us .. 10 s``, or its words; empty if that is not bounded.
        text: what it is.
    """

    name: str
    default: str
    bounds: str
    text: str

    def __str__(self) -> str:
        """Return all but what it is: ``quantum=10 ms (1 us .. 10 s)``."""
        default = f"={self.default}" if self.default else ""
        return f"{self.name}{default}" + (f" ({self.bounds})" if self.bounds else "")


def parameters(factory: Any) -> list[Described]:
    """Return the parameters of what a plugin offers that a choice may set, in order."""
    return [_described(setting) for setting in settings(factory)]


def _described(setting: Setting) -> Described:
    what = setting.what
    if isinstance(what, Nested):
        return Described(setting.name, "", "another choice", what.text)
    bounds = ", ".join(what.words) if what.words else ""
    if what.low is not None:
        bounds = f"{what.low} .. {what.high}"
    given = setting.default is not inspect.Parameter.empty and setting.default is not None
    return Described(setting.name, what.write(setting.default) if given else "", bounds, what.text)


_MARKUP: Final = str.maketrans("", "", "`*")
"""What docstrings mark words with, and a terminal does not."""


def summary(factory: Any) -> str:
    """Return the first sentence of the documentation of what a plugin offers, if it has any."""
    text = inspect.cleandoc(getattr(factory, "__doc__", None) or "")
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].removesuffix(".").translate(_MARKUP)
