"""The way between the kernel and processes on other CPUs of its node: through shared memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmpp.kernel.costs import KernelCosts
from vmpp.kernel.process import NO_CALLS, CoprocessorError

if TYPE_CHECKING:
    from vmpp.kernel.process import SystemProcess
    from vmpp.kernel.qk import QuintessentialKernel
    from vmpp.portals import Header


class Crossing:
    """Passes requests to a kernel, and events to processes, where they are not on one CPU.

    A hand-over takes the CPU that passes something on as long as the one that takes it, one after
    the other: what a process hands over takes its own CPU `KernelCosts.hand_over`, and the kernel's
    own work is done as soon as its CPU is free from then on. What the kernel tells a process takes
    the kernel's CPU, at the end of its work. If that CPU runs a process as well, a request
    interrupts it, as an arrival does.

    Messages from process to process of one node are copied in memory by the kernel, and take
    nothing of the network.

    A process may be ahead of virtual time by the library work of one call. What its requests take
    of the kernel's CPU is put down from its own time on, so an arrival meanwhile may wait for work
    that is a little later: no longer than the kernel's *lookahead*.
    """

    __slots__ = ("_copy_rate", "_entry", "_hand_over", "_interrupt", "_kernel", "_send")

    def __init__(self, kernel: QuintessentialKernel, costs: KernelCosts, *, polls: bool) -> None:
        """Set it up; *polls*: the kernel's CPU does nothing else, and is not interrupted."""
        self._kernel = kernel
        self._send = costs.send
        self._hand_over = costs.hand_over
        self._interrupt = 0 if polls else costs.interrupt
        self._entry = self._interrupt + costs.send
        self._copy_rate = costs.copy_rate

    def send(self, process: SystemProcess, header: Header) -> int:
        """Send a message of *process* at its clock; return when it has been read out of memory.

        Raises:
            CoprocessorError: a co-routine does that, in the name of its process.
        """
        kernel = self._kernel
        if getattr(process, "guest", None) is not None:
            raise CoprocessorError(NO_CALLS)
        if process.away:
            process.clock = handed = process.clock + self._hand_over
            begin = max(handed, kernel.free)
            kernel.free = ready = begin + self._entry
            kernel.node.kernel_cpu.interrupt(self._entry)
        else:
            process.clock = ready = max(process.clock, kernel.free) + self._send
        return self.transmit(header, ready)

    def call(self, process: SystemProcess, duration: int) -> None:
        """Have the kernel work on a request of *process* for so long, and tell it of the end.

        Raises:
            CoprocessorError: a co-routine asks, in the name of its process.
        """
        kernel = self._kernel
        if getattr(process, "guest", None) is not None:
            raise CoprocessorError(NO_CALLS)
        if process.away:
            taken = self._interrupt + duration + self._hand_over
            kernel.free = max(process.clock + self._hand_over, kernel.free) + taken
            kernel.node.kernel_cpu.interrupt(taken)
            process.clock = kernel.free
        else:
            process.clock = max(process.clock, kernel.free) + duration

    def transmit(self, header: Header, ready: int) -> int:
        """Have a message on its way at *ready*; return when it has been read out of memory."""
        kernel = self._kernel
        if header.nid != kernel.nid:
            return kernel.transmit(kernel.nid, header, ready)
        kernel.engine.at(ready, self._copy, header)
        return ready + header.length * self._copy_rate // 1000

    def surcharge(self, process: SystemProcess, header: Header) -> int:
        """Return what an arrival takes of the kernel's CPU, besides what all of them do."""
        told = self._hand_over if process.away else 0
        # The kernel has copied what comes from its own node, and is not interrupted by that.
        return told - self._interrupt if header.source.nid == self._kernel.nid else told

    def _copy(self, header: Header) -> None:
        """Copy a message to a process of this node, as soon as the kernel's CPU is free."""
        kernel = self._kernel
        duration = header.length * self._copy_rate // 1000
        kernel.free = copied = max(kernel.engine.now, kernel.free) + duration
        kernel.node.kernel_cpu.interrupt(duration)
        kernel.engine.at(copied, self._deliver, header)

    def _deliver(self, header: Header) -> None:
        self._kernel.node.interface.deliver(header)
