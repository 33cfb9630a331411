"""NX: the module that programs get by ``from nx import *``.

Every call is there in both forms; `vmpp_nx._calls` says how they come about.
"""

from __future__ import annotations

from vmpp_nx import _modules
from vmpp_nx._calls import CALLS, functions
from vmpp_nx._constants import CONSTANTS

_modules.load()
globals().update(CONSTANTS)
globals().update(functions(CALLS))

__all__ = [*CONSTANTS, *(form for name in CALLS for form in (name, f"_{name}"))]  # noqa: PLE0604
