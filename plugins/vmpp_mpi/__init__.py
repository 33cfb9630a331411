"""MPI for programs on a virtual machine: what ``from mpi4py import MPI`` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp.machine.description import MachineDescription
    from vmpp.process.library import Library


class MpiLibrary:
    """The MPI library, linked to every process of a machine."""

    __slots__ = ()

    modules: Mapping[str, str] = {"mpi4py.MPI": "vmpp_mpi.MPI"}

    def memory(self, description: MachineDescription) -> int:
        """Return the bytes set aside for unexpected messages."""
        return description.mpi.heap

    def attach(self, process: Process, description: MachineDescription) -> None:
        """Set up the portals of *process* and its communicators."""
        from vmpp_mpi import _state  # noqa: PLC0415 - `vmpp plugins` need not load MPI
        from vmpp_mpi._protocol import Protocol, ProtocolParameters  # noqa: PLC0415

        table = description.mpi
        protocol = Protocol(
            process,
            ProtocolParameters(
                short_message=table.short_message,
                heap=table.heap,
                match_list=table.match_list,
                send=table.send,
                receive=table.receive,
                copy_rate=description.node.copy_rate,
            ),
        )
        process.libraries["mpi"] = _state.attach(process, protocol)

    def detach(self, process: Process) -> None:
        """Let go of the communicators of *process*."""
        process.libraries.pop("mpi", None)


@hookimpl
def vmpp_libraries() -> Mapping[str, Library]:
    """Offer the library."""
    return {"mpi": MpiLibrary()}
