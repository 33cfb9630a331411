"""Which version of vmpp this is.

Read when the library is loaded, which happens on the host's side: a process of a machine would have
to ask the file server.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from typing import Final


def installed() -> tuple[int, int, int]:
    """Return the three numbers of the version of vmpp that is installed, zeros if none is."""
    try:
        numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version("vmpp"))
    except PackageNotFoundError:  # run from a checkout that is not installed
        numbers = None
    return (int(numbers[1]), int(numbers[2]), int(numbers[3])) if numbers else (0, 0, 0)


VENDOR: Final = "vmpp"
VENDOR_VERSION: Final = installed()
