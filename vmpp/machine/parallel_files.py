"""``/pfs``: names and metadata of the parallel file system of a machine.

On a machine with a state it is part of its file tree, and kept. On one that shows the host's files
it is among them, and goes with the machine; it is made when somebody first wants something there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmpp.machine.description import MachineDescription
from vmpp.service.filesystem.joined_space import JoinedSpace
from vmpp.service.filesystem.stripe_pool import StripeFolders, StripePool
from vmpp.service.identity import host_user
from vmpp.service.server import ServiceProcess

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine
    from vmpp.service.filesystem.pfs_tree import PfsTree
    from vmpp.service.filesystem.tree import Tree


def pool_of(description: MachineDescription) -> StripePool:
    """Return the I/O nodes of a machine, and how files are striped over them."""
    return StripePool(
        description.service.io_nodes,
        description.io.stripe_unit,
        description.io.stripe_factor,
        description.disk.capacity,
    )


def host_space(machine: Machine) -> JoinedSpace | None:
    """Return the host's files with ``/pfs`` among them; None: the machine has no I/O nodes."""
    if not machine.description.service.io_nodes:
        return None

    def make() -> PfsTree:
        from vmpp.service.filesystem.pfs_tree import PfsTree  # noqa: PLC0415 - seldom needed

        tree = PfsTree(machine.stripe_pool, StripeFolders(), host_user())
        connect(machine, tree)
        return tree

    return JoinedSpace(make)


def connect(machine: Machine, tree: Tree) -> None:
    """Have the bytes of what is in ``/pfs`` of a tree moved by the machine's I/O nodes."""
    from vmpp.service.stripe_mover import StripeMover  # noqa: PLC0415 - seldom needed

    volume = tree.striped
    if volume is None:
        return
    process = _file_server(machine)
    machine.stripe_pool = volume.pool
    volume.folders.find = lambda: machine.io.files.folder
    volume.mover = StripeMover(process, machine.services.addresses, machine.io.seal, tree.begin)


def lose(machine: Machine, node: int) -> None:
    """Have new files be striped over other I/O nodes than *node*, which is known to have crashed.

    The file server learns of it in its turn.
    """
    server = machine.io.server_on(node)
    if server is not None:
        number, lost = server.number, machine.stripe_pool.lost
        _file_server(machine).in_turn(lambda _: lost.add(number))


def _file_server(machine: Machine) -> ServiceProcess:
    process = machine.services.server(machine.files.name)
    assert isinstance(process, ServiceProcess)
    return process
