"""What Vertex takes from a machine's description; one object for all of its processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmpp.machine.description import MachineDescription
    from vmpp_collectives import Choices


class Setup:
    """Sizes and times of the library.

    Attributes:
        buffer: bytes of the node buffer.
        send: library time of a send, ps.
        receive: library time of a receive, ps.
        copy_rate: of a copy between a program's memory and the node buffer, fs a byte.
        reduce_rate: at which a reduction combines operands, fs a byte.
        segment: bytes of a message of a pipeline; MPI's, so that all libraries of a machine take
            the same steps.
    """

    __slots__ = (
        "_choices", "_table", "buffer", "copy_rate", "receive", "reduce_rate", "segment", "send",
    )  # fmt: skip

    def __init__(self, description: MachineDescription) -> None:
        table = description.vertex
        self.buffer = table.buffer
        self.send = table.send
        self.receive = table.receive
        self.copy_rate = description.node.copy_rate
        self.reduce_rate = table.reduce_rate
        self.segment = description.mpi.short_message
        self._table = description.mpi.collectives
        self._choices: Choices | None = None

    @property
    def choices(self) -> Choices:
        """Which algorithm a reduction takes: as it is for MPI on the same machine."""
        if self._choices is None:
            from vmpp_collectives import machine_choices  # noqa: PLC0415 - few programs reduce

            self._choices = machine_choices(self._table)
        return self._choices
