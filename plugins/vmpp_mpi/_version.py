"""Which version of vmpp this is.

Read when the library is loaded, which happens on the host's side: a process of a machine would have
to ask the file server.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _installed() -> tuple[int, int, int]:
    try:
        numbers = version("vmpp").split(".")[:3]
    except PackageNotFoundError:  # run from a checkout that is not installed
        return 0, 0, 0
    major, minor, micro = (int(number) for number in numbers)
    return major, minor, micro


VENDOR: Final = "vmpp"
VENDOR_VERSION: Final = _installed()
