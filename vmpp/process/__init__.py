"""User space of a compute node: programs, address spaces, system calls.

A process runs an unmodified Python program. Its address space holds what it has for itself, and
while a machine is up (`Interposition`) the interpreter's modules serve whichever process calls.
"""

from vmpp.process.clocks import CLOCK_READ
from vmpp.process.interpose import Interposition
from vmpp.process.program import EPOCH, Program, ProgramError
from vmpp.process.space import AddressSpace, ProgramFailed, uninstall

__all__ = [
    "CLOCK_READ",
    "EPOCH",
    "AddressSpace",
    "Interposition",
    "Program",
    "ProgramError",
    "ProgramFailed",
    "uninstall",
]
