"""Options that are quantities with units, as machine files write them."""

from __future__ import annotations

from typing import Final

from vmpp.machine.quantities import DURATION, SIZE
from vmpp_shell.types import ReadType

SIZE_TYPE: Final = ReadType("size", int, SIZE.read)
DURATION_TYPE: Final = ReadType("duration", int, DURATION.read)
