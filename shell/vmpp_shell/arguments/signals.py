"""Signals as people name them."""

from __future__ import annotations

import signal
from typing import Final

from vmpp.errors import suggestion
from vmpp_shell.arguments.types import ReadType

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


SIGNAL: Final = ReadType("signal", int, signal_number)
