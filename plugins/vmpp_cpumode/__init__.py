"""CPU modes: which CPU of a node runs the kernel, and which the application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl

if TYPE_CHECKING:
    from vmpp.hooks import CpuModeFactory


class Heater:
    """Kernel and application share the first CPU; a second one idles, and heats the room."""

    __slots__ = ()


@hookimpl
def vmpp_cpu_modes() -> Mapping[str, CpuModeFactory]:
    """Offer the modes by the names that machine files use."""
    return {"heater": Heater}
