"""The words of the little language of handlers."""

from __future__ import annotations

from typing import Final

from vmpp.portals.instructions import FIELDS, Op, Verdict

VERDICTS: Final = {verdict.name: int(verdict) for verdict in Verdict}
_WIDTHS: Final = {"": 8, "8": 1, "16": 2, "32": 4}

LOADS: Final = {f"load{name}": width for name, width in _WIDTHS.items()}
STORES: Final = {f"store{name}": width for name, width in _WIDTHS.items()}
BODIES: Final = {f"body{name}": width for name, width in _WIDTHS.items()}
"""Calls that read and write, and how many bytes each does."""
TWO: Final = {"min": Op.MIN, "max": Op.MAX}
"""Calls that make one value of two."""
VALUES: Final = (*LOADS, *BODIES, *TWO)
"""Calls that return something."""
ACTS: Final = (*STORES, "copy", "reply", "send", "forward", "wake")
"""Calls that do something."""
CALLS: Final = (*VALUES, *ACTS)
RESERVED: Final = frozenset((*FIELDS, *VERDICTS, *CALLS, "range"))
"""Names that a handler cannot set."""
