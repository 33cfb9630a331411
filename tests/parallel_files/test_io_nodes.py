"""The I/O partition of a machine: its servers by name, faults, and what is left after it."""

from __future__ import annotations

import os
from typing import Any

import pytest

import vmpp
from vmpp.machine.description import MachineFileError, load
from vmpp.machine.faults import FaultError
from vmpp.machine.plugins import Plugins
from vmpp.service.status import NodeState


async def test_every_io_node_has_a_server_that_is_found_by_name() -> None:
    async with vmpp.boot("paragon", nodes=4) as machine:
        names = [f"pfs{number}" for number in range(16)]
        assert [each.name for each in machine.io.status()] == names
        listed = {each.name: each.node for each in machine.services.status()}
        assert [listed[name] for name in names] == [1872 + number for number in range(16)]
        nodes = machine.nodes()
        assert [nodes[1872 + number].servers for number in (0, 15)] == [("pfs0",), ("pfs15",)]
        first = machine.io.status()[0]
        assert first.capacity == 4_800_000_000 // 8192 * 8192
        assert (first.used, first.dirty, first.requests, first.busy) == (0, 0, 0, 0)


async def test_a_machine_without_io_nodes_has_no_server(tmp_path: Any) -> None:
    path = tmp_path / "small.toml"
    path.write_text("[topology]\ndims = [2, 2]\n[service]\nio_nodes = 0\n")
    async with vmpp.boot(path) as machine:
        assert machine.io.status() == []
        assert not [name for name in machine.services.servers if name.startswith("pfs")]
        with pytest.raises(FaultError, match=r"has the compute nodes 0 to 2$"):
            machine.crash(3)


def test_a_disk_whose_short_seeks_are_the_long_ones_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "odd.toml"
    path.write_text('[disk]\nseek_min = "20 ms"\n')
    with pytest.raises(MachineFileError, match=r"odd.toml: \[disk\] seek_max: 10 ms is less than"):
        load(path, Plugins.installed())


async def test_an_io_node_crashes_and_stays_so() -> None:
    async with vmpp.boot(nodes=4) as machine:
        machine.crash(5)
        machine.inject("server pfs0 start in 1 us")
        client = machine.services.client()
        with client:
            await client.sleep(1_000_000_000)
            assert machine.io.status()[0].crashed
            assert not machine.io.status()[0].running
            assert machine.nodes()[5].state is NodeState.DOWN
            assert machine.nodes()[4].state is NodeState.BUSY


@pytest.mark.parametrize("node", [4, 10_000])
async def test_other_nodes_do_not_crash(node: int) -> None:
    async with vmpp.boot(nodes=4) as machine:
        with pytest.raises(FaultError, match=f"node {node}: .* 0 to 3, and the I/O node 5"):
            machine.crash(node)


async def test_a_server_is_stopped_and_started_by_name() -> None:
    async with vmpp.boot(nodes=4) as machine:
        machine.stop_server("pfs0")
        assert not machine.io.status()[0].running
        machine.start_server("pfs0")
        assert machine.io.status()[0].running


async def test_the_folder_of_a_machine_without_a_state_goes_with_it() -> None:
    async with vmpp.boot(nodes=2) as machine:
        folder = machine.io.files.folder
        machine.io.files.write(0, 1, [(0, b"text")])
        assert machine.io.files.read(0, 1, 0, 4) == b"text"
    assert not os.path.exists(folder)
