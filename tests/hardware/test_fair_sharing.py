"""Links that messages share fairly: rates are max-min fair, and change as messages come and go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import Engine
from vmpp.hardware import LinkParameters, NetworkInterface
from vmpp_topology import Bus, Fair, FatTree, FullyConnected, Mesh2D, Ring, Torus
from vmpp_topology.sharing import Sharing

PLAIN = LinkParameters(
    link_rate=1000,
    injection_rate=1000,
    ejection_rate=1000,
    hop_latency=0,
    wire_latency=0,
    header_bytes=0,
)
"""A picosecond a byte and nothing else, so that times and lengths compare at a glance."""


@dataclass(frozen=True)
class Message:
    nid: int
    length: int
    name: object = None


class Net:
    """A network that notes what comes in when."""

    def __init__(self, topology: Any, parameters: LinkParameters = PLAIN, **routing: str) -> None:
        self.engine = Engine()
        self.topology = topology
        self.network = Fair(self.engine, topology, parameters, **routing)
        self.arrived: dict[object, int] = {}
        for nid in range(topology.size):
            interface = NetworkInterface(self.engine, nid, parameters)
            interface.deliver = self.take
            self.network.attach(interface)

    def take(self, message: Message) -> None:
        self.arrived[message.name] = self.engine.now

    def send(self, source: int, destination: int, length: int, name: object, at: int = 0) -> None:
        self.engine.at(at, self._send, (source, Message(destination, length, name)))

    def _send(self, sent: tuple[int, Message]) -> None:
        self.network.transmit(*sent, self.engine.now)

    def times(self) -> dict[object, int]:
        self.engine.run()
        return self.arrived


def test_two_messages_over_one_link_have_half_of_it_each() -> None:
    net = Net(Mesh2D((4, 1)))
    net.send(0, 2, 1000, "a")
    net.send(1, 3, 1000, "b")
    assert net.times() == {"a": 2000, "b": 2000}


def test_what_comes_later_shares_what_is_left_of_what_came_before() -> None:
    net = Net(Mesh2D((4, 1)))
    net.send(0, 2, 1000, "a")
    net.send(1, 3, 1000, "b", at=400)
    # Of a there are 600 left at 400, which take 1200; then 400 of b go on alone.
    assert net.times() == {"a": 1600, "b": 2000}


def test_what_one_cannot_use_the_others_have() -> None:
    net = Net(Mesh2D((8, 1)))
    net.send(3, 5, 900, "a")
    net.send(2, 6, 900, "b")
    net.send(1, 4, 900, "long")
    net.send(0, 2, 900, "short")
    # Three go from 3 to 4, a third each; so two thirds of the link from 1 to 2 are left.
    assert net.times() == {"a": 2700, "b": 2700, "long": 2700, "short": 1350}


def test_a_node_sends_one_message_after_the_other() -> None:
    net = Net(Torus((4, 4)))
    net.send(0, 1, 500, "first")
    net.send(0, 4, 500, "second")
    assert net.times() == {"first": 500, "second": 1000}


def test_those_that_come_into_one_node_share_its_way_in() -> None:
    net = Net(FullyConnected((5,)))
    for source in range(1, 5):
        net.send(source, 0, 1000, source)
    assert set(net.times().values()) == {4000}


def test_a_node_that_takes_in_faster_than_links_bring_takes_several_at_once() -> None:
    net = Net(FullyConnected((5,)), replace(PLAIN, ejection_rate=250))
    for source in range(1, 5):
        net.send(source, 0, 1000, source)
    assert set(net.times().values()) == {1000}


def test_a_bus_is_shared_by_all() -> None:
    net = Net(Bus((8,)))
    for source in range(4):
        net.send(source, source + 4, 300, source)
    assert set(net.times().values()) == {1200}


def test_links_that_are_faster_than_nodes_bind_only_where_many_meet() -> None:
    fast = replace(PLAIN, link_rate=500)
    net = Net(Mesh2D((4, 1)), fast)
    net.send(0, 2, 1000, "a")
    net.send(1, 3, 1000, "b")
    assert net.times() == {"a": 1000, "b": 1000}


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 400), st.integers(0, 500)),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_nothing_is_carried_faster_than_links_and_nodes_allow(
    messages: list[tuple[int, int, int, int]],
) -> None:
    net = Net(Torus((3, 3)))
    for number, (source, destination, length, at) in enumerate(messages):
        net.send(source, destination, length, number, at)
    times = net.times()
    assert len(times) == len(messages)
    work: dict[object, list[tuple[int, int, int]]] = {}
    for number, (source, destination, length, at) in enumerate(messages):
        assert times[number] >= at + length
        uses: list[object] = [("out", source), ("in", destination)]
        for use in uses + list(net.topology.route(source, destination)):
            work.setdefault(use, []).append((at, times[number], length))
    for flows in work.values():
        begin, end = min(flow[0] for flow in flows), max(flow[1] for flow in flows)
        # A message ends in the picosecond in which its last byte goes.
        assert sum(flow[2] for flow in flows) <= end - begin + len(flows)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=12))
def test_the_busiest_link_is_never_idle(ends: list[tuple[int, int]]) -> None:
    """Messages of one length that begin together: the busiest of all ways sets the time of all."""
    net = Net(Ring((8,)))
    ends = list(dict(ends).items())
    load: dict[object, int] = {}
    for source, destination in ends:
        net.send(source, destination, 5040, source)
        for use in (("in", destination), *net.topology.route(source, destination)):
            load[use] = load.get(use, 0) + 1
    assert max(net.times().values()) == max(load.values()) * 5040


def reference(
    flows: dict[int, tuple[int, ...]], capacity: dict[int, int], most: int
) -> dict[int, int]:
    """Return max-min fair shares by the definition, one resource that fills up after the other."""
    rates: dict[int, int] = {}
    left = dict(capacity)
    while len(rates) < len(flows):
        growing = {
            resource: [flow for flow in flows if flow not in rates and resource in flows[flow]]
            for resource in left
        }
        full = min(
            ((left[each] // len(users), each) for each, users in growing.items() if users),
            default=(most, -1),
        )
        if full[0] >= most:
            return {flow: rates.get(flow, most) for flow in flows}
        for flow in growing[full[1]]:
            rates[flow] = full[0]
            for resource in set(flows[flow]) & set(left):
                left[resource] -= full[0]
    return rates


RESOURCES = st.sets(st.integers(0, 8), max_size=5).map(sorted).map(tuple)
CHANGES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 9), RESOURCES, st.booleans()), min_size=1, max_size=30
)


@given(
    st.lists(st.integers(10**9, 10**12), min_size=9, max_size=9),
    st.integers(10**9, 10**12),
    CHANGES,
)
def test_shares_stay_max_min_fair_while_flows_come_and_go(
    capacity: list[int], most: int, changes: list[tuple[bool, int, tuple[int, ...], bool]]
) -> None:
    sharing = Sharing(capacity.__getitem__, most)
    flows: dict[int, tuple[int, ...]] = {}
    known: dict[int, int] = {}
    for begins, flow, over, settles in changes:
        if flow in flows:
            del flows[flow]
            known.pop(flow, None)
            sharing.remove(flow)
        if begins:
            flows[flow] = over
            sharing.add(flow, over)
        if settles:
            known.update(sharing.settle())
            assert known == sharing.rates
            expected = reference(flows, dict(enumerate(capacity)), most)
            assert known == pytest.approx(expected, abs=1000)
            for resource, whole in enumerate(capacity):
                assert sum(known[each] for each in flows if resource in flows[each]) <= whole


class TestAdaptive:
    def test_messages_spread_over_the_ways_up_a_fat_tree(self) -> None:
        """All to nodes that end in the same digit, so that all would go up the same link."""
        times = []
        for routing in ("deterministic", "adaptive"):
            net = Net(FatTree((4, 4)), routing=routing)
            for source, destination in enumerate((4, 8, 12)):
                net.send(source, destination, 1000, source, at=source)
            times.append(max(net.times().values()))
        assert times[0] > 2900
        assert times[1] == 1002

    @pytest.mark.parametrize("routing", ["deterministic", "adaptive"])
    def test_runs_are_equal(self, routing: str) -> None:
        found = []
        for _ in range(2):
            net = Net(Torus((4, 4)), routing=routing)
            for number in range(60):
                net.send(number * 7 % 16, number * 5 % 16, 100 + number, number, at=number * 11)
            found.append(net.times())
        assert found[0] == found[1]

    def test_a_topology_without_a_choice_has_none(self) -> None:
        with pytest.raises(
            ValueError, match="a topology with adaptive routing, such as 'torus', or leave"
        ):
            Net(Mesh2D((2, 2)), routing="adaptive")
