"""MPI for programs on a virtual machine: what ``from mpi4py import MPI`` gives them."""

# ruff: noqa: PLC0415 - `vmpp plugins` need not load MPI

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from vmpp.errors import VmppError, suggestion
from vmpp.hooks import hookimpl

if TYPE_CHECKING:
    from vmpp.kernel import Job, Process
    from vmpp.machine.description import MachineDescription
    from vmpp.process.library import Algorithm, Library, Report
    from vmpp_mpi._protocol import Protocol, ProtocolParameters
    from vmpp_mpi._state import Tuning
    from vmpp_mpi._tools import JobTools

TOOLS = ("check", "profile")
"""What ``tools`` of a machine's description may name."""


class MpiLibrary:
    """The MPI library, linked to every process of a machine."""

    __slots__ = ("_made", "_tools")

    modules: Mapping[str, str] = {"mpi4py.MPI": "vmpp_mpi.MPI"}
    private: Sequence[str] = ("mpi4py.bench", "mpi4py.futures", "mpi4py.run", "mpi4py.util")

    def __init__(self) -> None:
        self._made: tuple[MachineDescription, ProtocolParameters, Tuning] | None = None
        self._tools: dict[Job, JobTools] = {}

    def check(self, description: MachineDescription) -> None:
        """Refuse names of algorithms and of tools that there are not.

        Raises:
            VmppError: there is such a name.
        """
        for name in description.tools:
            if name not in TOOLS:
                raise VmppError(
                    f"machine {description.name!r}: there is no tool {name!r}"
                    f"{suggestion(name, TOOLS)} (there is: {', '.join(TOOLS)})"
                )
        from vmpp_collectives import FAMILIES, read_rules

        try:
            read_rules(FAMILIES, description.mpi.collectives)
        except ValueError as error:
            raise VmppError(f"algorithms of collectives: {error}") from None

    def memory(self, description: MachineDescription) -> int:
        """Return the bytes set aside for unexpected messages."""
        return description.mpi.heap

    def attach(self, process: Process, description: MachineDescription) -> None:
        """Set up the portals of *process* and its communicators.

        Raises:
            LoadError: the job has more ranks than match bits can tell apart.
        """
        from vmpp.pct import LoadError
        from vmpp_mpi import _protocol, _state

        if process.size > _protocol.MAX_RANKS:
            raise LoadError(f"MPI serves up to {_protocol.MAX_RANKS} ranks, not {process.size}")
        if self._made is None or self._made[0] is not description:
            self._made = (description, *_parameters(description))
        _, parameters, tuning = self._made
        if description.tools:
            protocol = self._watched(process, parameters, description.tools)
        else:
            protocol = _protocol.Protocol(process, parameters)
        state = _state.attach(process, protocol, tuning)
        state.faults.listen()
        if process.job.parcel and not process.job.library:
            from vmpp_mpi._dynamic import _joining as _dynamic

            _dynamic.adopt(state)

    def _watched(
        self, process: Process, parameters: ProtocolParameters, names: tuple[str, ...]
    ) -> Protocol:
        """Let the tools of a job watch *process*, and return the protocol that lets them."""
        from vmpp_mpi._protocol import Protocol
        from vmpp_mpi._tools import CheckedProtocol, JobTools

        job = self._tools.get(process.job)
        if job is None:
            job = self._tools[process.job] = JobTools(names)
        tools = job.attach(process)
        if job.checks:
            return CheckedProtocol(process, parameters, tools)
        return Protocol(process, parameters)

    def finish(self, process: Process) -> None:
        """Finalize MPI, if the program has not: what it sent by buffered sends is on its way.

        What ``mpi4py.run`` has run and seen fail ends the whole job instead.
        """
        state = process.libraries["mpi"]
        tools = process.libraries.get("mpi.tools")
        if tools is not None:
            tools.finish()
        if state.finalized:
            return
        start = process.libraries.get("mpi.start")
        if start is not None and start.abort_status:
            process.abort(start.abort_status)
        state.finalize()

    def detach(self, process: Process) -> None:
        """Let go of the communicators of *process*."""
        state = process.libraries.get("mpi")
        if state is not None:
            state.detach()

    def report(self, job: Job) -> Report | None:
        """Return what the tools that watched a job have to say, None if there were none."""
        from vmpp.process.library import Report

        tools = self._tools.pop(job, None)
        return None if tools is None else Report(*tools.finish())


def _parameters(description: MachineDescription) -> tuple[ProtocolParameters, Tuning]:
    """Return what the library takes from a machine's description; one for all of its processes."""
    from vmpp_collectives import machine_choices
    from vmpp_mpi._protocol import ProtocolParameters
    from vmpp_mpi._state import Tuning

    table = description.mpi
    parameters = ProtocolParameters(
        short_message=table.short_message,
        heap=table.heap,
        match_list=table.match_list,
        send=table.send,
        receive=table.receive,
        copy_rate=description.node.copy_rate,
    )
    tuning = Tuning(
        eager=table.short_message,
        reduce_rate=table.reduce_rate,
        copy_rate=description.node.copy_rate,
        choices=machine_choices(table.collectives),
    )
    return parameters, tuning


@hookimpl
def vmpp_libraries() -> Mapping[str, Library]:
    """Offer the library."""
    return {"mpi": MpiLibrary()}


@hookimpl
def vmpp_algorithms() -> Iterable[Algorithm]:
    """Tell of the algorithms of collective operations."""
    from vmpp.process.library import Algorithm
    from vmpp_collectives import FAMILIES

    for family in FAMILIES.values():
        for each in family.algorithms.values():
            yield Algorithm(
                operation=family.name,
                name=each.name,
                text=each.text.rstrip("."),
                needs=", ".join(condition.text for condition in each.needs),
                default=family.default_of(each.name),
            )
