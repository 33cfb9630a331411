"""The quintessential kernel (QK) of a node, and the processes it runs.

The QK is mechanism only: it sends, receives, runs a process and protects memory. It is small,
static and never blocks; everything with a policy in it is the process control thread's.
"""

from vmpp.kernel.costs import KernelCosts
from vmpp.kernel.modes import SHARED_CPU, CpuMode, Roles
from vmpp.kernel.process import CoprocessorError, Job, Process, Surroundings, SystemProcess
from vmpp.kernel.qk import QuintessentialKernel
from vmpp.kernel.trace import Trace
from vmpp.kernel.verifier import HandlerRefusedError
from vmpp.kernel.waiting import ANYTHING, ProcessExit, ProcessKilled

__all__ = [
    "ANYTHING",
    "SHARED_CPU",
    "CoprocessorError",
    "CpuMode",
    "HandlerRefusedError",
    "Job",
    "KernelCosts",
    "Process",
    "ProcessExit",
    "ProcessKilled",
    "QuintessentialKernel",
    "Roles",
    "Surroundings",
    "SystemProcess",
    "Trace",
]
