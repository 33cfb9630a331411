"""The kernel stays small and static, whatever the CPUs are for."""

from __future__ import annotations

import pytest

from tests.conftest import COSTS, PS_PER_BYTE
from tests.kernel.test_quintessential_kernel import objects_of
from vmpp.engine import Engine
from vmpp.hardware import NetworkInterface, Node, Partition
from vmpp.kernel import SHARED_CPU, QuintessentialKernel, Roles, Trace
from vmpp_cpumode import vmpp_cpu_modes

ROLES = {name: factory().roles(2) for name, factory in vmpp_cpu_modes().items()}


@pytest.fixture
def kernel() -> QuintessentialKernel:
    engine = Engine()
    interface = NetworkInterface(engine, 0, PS_PER_BYTE)
    node = Node(engine, 0, Partition.COMPUTE, interface, cpus=2, memory=1 << 20)
    return QuintessentialKernel(engine, node, lambda *_: 0, COSTS, Trace(), 1000)


@pytest.mark.parametrize("mode", ROLES)
def test_it_holds_no_more_for_having_changed_its_mode_a_thousand_times(kernel, mode) -> None:
    kernel.assign(ROLES[mode])
    before = objects_of(kernel)
    for _ in range(1000):
        kernel.assign(SHARED_CPU)
        kernel.assign(ROLES[mode])
    assert objects_of(kernel) == before


@pytest.mark.parametrize("mode", ROLES)
def test_the_cpus_have_the_roles_that_the_mode_gives_them(kernel, mode) -> None:
    roles, node = ROLES[mode], kernel.node
    kernel.assign(roles)
    assert node.kernel_cpu is node.cpus[roles.kernel]
    assert node.application_cpus == tuple(node.cpus[number] for number in roles.applications)
    assert (node.helper_cpu is None) == (roles.helper is None)
    assert (kernel.crossing is None) == (mode == "heater")


@pytest.mark.parametrize(
    ("ranks", "nodes"), [(1, 1), (2, 1), (3, 2), (4, 2), (4095, 2048), (4096, 2048)]
)
def test_two_ranks_take_a_node(ranks, nodes) -> None:
    assert ROLES["virtual-node"].nodes(ranks) == nodes
    assert Roles().nodes(ranks) == ranks
