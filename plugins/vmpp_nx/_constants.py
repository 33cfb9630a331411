"""What programs get besides the calls."""

from __future__ import annotations

from typing import Any, Final

from vmpp_nx._bits import FORCE_TYPE
from vmpp_nx._clock import HWHZ
from vmpp_nx._complaints import errno
from vmpp_nx._errors import CODES
from vmpp_nx._information import msginfo
from vmpp_nx._messages import INVALID_PTYPE

CONSTANTS: Final[dict[str, Any]] = {
    "INVALID_PTYPE": INVALID_PTYPE,
    "FORCE_TYPE": FORCE_TYPE,
    "HWHZ": HWHZ,
    "msginfo": msginfo,
    "errno": errno,
    **CODES,
}
"""By name; other modules of the package add theirs."""
