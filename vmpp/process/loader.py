"""The program loader: makes a process of a program, runs it, and clears up after it."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vmpp.engine.watchdog import Overrun
from vmpp.errors import PluginError
from vmpp.kernel import ProcessExit, ProcessKilled
from vmpp.pct import Outcome
from vmpp.process import signals, traces
from vmpp.process.files import Files
from vmpp.process.link import ServerLink, unlinked
from vmpp.process.space import AddressSpace, ProgramFailed

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp.portals import Address
    from vmpp.process.linking import LinkedLibraries

STACK_BYTES = 1 << 20
"""Memory that a process has for its stack."""
LOST_OUTPUT = 120
"""Exit status of a program whose output could not all be written, as python has it."""


class ProgramLoader:
    """Builds the user space of compute nodes; one for a machine.

    It is the `vmpp.pct.Loader` that process control threads use.
    """

    __slots__ = ("_description", "_libraries", "_servers")

    def __init__(
        self, servers: Mapping[str, Address], libraries: LinkedLibraries, description: Any
    ) -> None:
        traces.look_around()
        self._servers = servers
        self._libraries = libraries
        self._description = description

    def memory(self, process: Process) -> int:
        """Return the bytes of the program, its stack and its libraries."""
        description = self._description_of(process)
        own = len(process.job.program(process.rank).image) + STACK_BYTES
        return own + self._libraries.memory(description)

    def prepare(self, process: Process) -> None:
        """Give *process* its address space, files and libraries."""
        ServerLink(process, self._servers)
        process.files = Files(process, self._servers)
        process.space = AddressSpace(process.job.program(process.rank), process)
        process.install = process.space.install
        description = self._description_of(process)
        self._libraries.attach(process, description)

    def _description_of(self, process: Process) -> Any:
        """Return what libraries are set up by in *process*: its job's own, or the machine's."""
        own = process.job.description
        return self._description if own is None else own

    def main(self, process: Process) -> Outcome:
        """Run the program in the fiber that calls, and say how it ended."""
        try:
            status = process.space.run()
            self._libraries.finish(process)
            if not process.files.exit(status) and not status:
                status = LOST_OUTPUT
            return Outcome(status & 0xFF)
        except (ProcessExit, ProcessKilled) as end:
            self._let_go(process)
            traceback.clear_frames(end.__traceback__)
            if isinstance(end, ProcessKilled):
                raise
            return Outcome(end.status & 0xFF)
        except ProgramFailed as failure:
            process.files.exit(failure.status)
            where = f"{self._where(process)} raised an exception"
            return Outcome(failure.status, where if failure.shown else f"{where}\n{failure}")
        except Overrun as overrun:
            return Outcome(1, self._overrun(process, overrun))
        except PluginError as error:
            return Outcome(1, f"{self._where(process)}: {error}")
        finally:
            self._let_go(process)

    def discard(self, process: Process) -> None:
        """Let go of the address space and libraries of *process*."""
        self._libraries.detach(process)
        process.libraries.clear()

    def signal(self, process: Process, number: int) -> bool:
        """Let the program deal with a signal; return whether it does."""
        return signals.deliver(process, number)

    @staticmethod
    def _let_go(process: Process) -> None:
        """Drop the program's objects that are left; what their ``__del__`` does is lost."""
        process.dying = True
        process.rpc = unlinked
        process.files.close_sockets()
        process.space.drop_objects()

    def _where(self, process: Process) -> str:
        return f"rank {process.rank} on node {process.job.node_name(process.rank)}"

    def _overrun(self, process: Process, overrun: Overrun) -> str:
        """Say where a process was when the watchdog ended it."""
        stack = traces.stack(process.space.program, overrun)
        return f"{self._where(process)} computes without end; the watchdog stopped it\n{stack}"
