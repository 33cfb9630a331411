"""CPU modes: which CPU of a node runs the kernel, and which the application.

They are those of Puma on nodes of two CPUs, chosen by whoever loads a job: Wheat et al., "PUMA: An
Operating System for Massively Parallel Systems" (1994); numbered as for ``yod -proc`` on ASCI Red.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl
from vmpp_cpumode._library import CoprocessorLibrary
from vmpp_cpumode._modes import ComputeCoprocessor, Heater, MessageCoprocessor, VirtualNode

if TYPE_CHECKING:
    from vmpp.hooks import CpuModeFactory
    from vmpp.process.library import Library


@hookimpl
def vmpp_cpu_modes() -> Mapping[str, CpuModeFactory]:
    """Offer the modes by the names that machine files use."""
    return {
        "heater": Heater,
        "message-coprocessor": MessageCoprocessor,
        "compute-coprocessor": ComputeCoprocessor,
        "virtual-node": VirtualNode,
    }


@hookimpl
def vmpp_libraries() -> Mapping[str, Library]:
    """Offer the library by which programs run co-routines on a compute co-processor."""
    return {"coprocessor": CoprocessorLibrary()}
