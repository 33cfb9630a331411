"""Signals as people name them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Final

import click

from vmpp.errors import suggestion

if TYPE_CHECKING:
    _Type = click.ParamType[Any]
else:
    # Click's older versions know no type parameters.
    _Type = click.ParamType

NAMES: Final = {each.name.removeprefix("SIG"): int(each) for each in signal.Signals}
"""Numbers of signals by their names, without ``SIG``."""


def signal_number(text: str) -> int:
    """Return the number of a signal: of ``TERM``, ``SIGTERM``, ``sigterm`` or ``15``.

    Raises:
        ValueError: there is no such signal.
    """
    name = text.upper().removeprefix("SIG")
    if name in NAMES:
        return NAMES[name]
    if name.isdecimal() and int(name) in signal.valid_signals():
        return int(name)
    raise ValueError(f"no such signal: {text!r}{suggestion(name, NAMES)}")


class SignalType(_Type):
    """A signal by name or number, which becomes its number."""

    name = "signal"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; fails unless there is such a signal."""
        if isinstance(value, int):
            return value
        try:
            return signal_number(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


SIGNAL: Final = SignalType()
