"""The four modes of Puma's nodes."""

from __future__ import annotations

from vmpp.kernel import Roles


class Heater:
    """Kernel and application share the first CPU; a second one idles, and heats the room.

    An arriving message interrupts what the application computes.
    """

    __slots__ = ()

    cpus = 1

    def roles(self, cpus: int) -> Roles:
        """Return what the CPUs of a node are for."""
        return Roles(kernel=0, applications=(0,))


class MessageCoprocessor:
    """The kernel has the first CPU, the application the second.

    Messages do not interrupt what it computes; but each is handed over from CPU to CPU.
    """

    __slots__ = ()

    cpus = 2

    def roles(self, cpus: int) -> Roles:
        """Return what the CPUs of a node are for."""
        return Roles(kernel=0, applications=(1,))


class ComputeCoprocessor:
    """Kernel and application share the first CPU, and the second runs co-routines for it.

    The application starts them through the library ``coprocessor``.
    """

    __slots__ = ()

    cpus = 2

    def roles(self, cpus: int) -> Roles:
        """Return what the CPUs of a node are for."""
        return Roles(kernel=0, applications=(0,), helper=1)


class VirtualNode:
    """Each CPU runs a rank, with half of the node's memory.

    The kernel is on the first, and what it does for either rank interrupts the one there.
    """

    __slots__ = ()

    cpus = 2

    def roles(self, cpus: int) -> Roles:
        """Return what the CPUs of a node are for."""
        return Roles(kernel=0, applications=(0, 1))
