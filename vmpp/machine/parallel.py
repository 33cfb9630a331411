"""The I/O partition as a machine's description has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vmpp.hardware import DiskParameters
from vmpp.kernel import QuintessentialKernel
from vmpp.process.striping import Seal
from vmpp.service.parallel import IoCosts, IOPartition

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine


def io_partition(machine: Machine, kernels: Sequence[QuintessentialKernel]) -> IOPartition:
    """Return the parallel file servers on the I/O nodes of *machine*, whose *kernels* these are.

    What they keep is in the machine's state, if it has one that is kept.
    """
    io, disk = machine.description.io, machine.description.disk
    installation = machine.installation
    return IOPartition(
        kernels,
        machine.services,
        IoCosts(
            request=io.request,
            buffers=io.buffers,
            cache=io.cache,
            write_behind=io.write_behind,
            read_ahead=io.read_ahead,
        ),
        DiskParameters(
            capacity=disk.capacity,
            block=disk.block,
            transfer_rate=disk.transfer_rate,
            seek_min=disk.seek_min,
            seek_max=disk.seek_max,
            rotation=disk.rotation,
        ),
        Seal(machine.streams.stream("parallel files: capabilities").randbytes(32)),
        None if installation is None else installation.state.striped,
    )
