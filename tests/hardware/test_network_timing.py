"""What messages take: rates, latencies, queues at both ends, and links that are shared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import Engine
from vmpp.hardware import LinkParameters, NetworkInterface, Topology
from vmpp_topology import ContentionFree, Fair, FullyConnected, Mesh2D, Wormhole

PLAIN = LinkParameters(
    link_rate=1000,
    injection_rate=1000,
    ejection_rate=1000,
    hop_latency=10,
    wire_latency=100,
    header_bytes=0,
)
"""A picosecond a byte, so that times and lengths compare at a glance."""


@dataclass(frozen=True)
class Message:
    """As much of a message as the network sees, with a name for the tests."""

    nid: int
    length: int
    name: object = None


class Net:
    """A network whose interfaces note what arrives when."""

    def __init__(
        self,
        kind: type[ContentionFree | Fair | Wormhole] = ContentionFree,
        topology: Topology | None = None,
        parameters: LinkParameters = PLAIN,
    ) -> None:
        self.engine = Engine()
        topology = Mesh2D((4, 4)) if topology is None else topology
        self.network = kind(self.engine, topology, parameters)
        self.arrived: list[tuple[int, Message]] = []
        for nid in range(topology.size):
            interface = NetworkInterface(self.engine, nid, parameters)
            interface.deliver = lambda message: self.arrived.append((self.engine.now, message))
            self.network.attach(interface)

    def send(self, source: int, message: Message, ready: int = 0) -> int:
        return self.network.transmit(source, message, ready)

    def times(self) -> dict[object, int]:
        self.engine.run()
        return {message.name: when for when, message in self.arrived}


KINDS = pytest.mark.parametrize("kind", [ContentionFree, Fair, Wormhole])


@KINDS
def test_a_message_takes_wire_hops_and_its_length(
    kind: type[ContentionFree | Fair | Wormhole],
) -> None:
    net = Net(kind, parameters=replace(PLAIN, header_bytes=64))
    gone = net.send(0, Message(15, 500, "a"), ready=7)
    assert gone == 7 + 564
    assert net.times() == {"a": gone + 100 + 6 * 10}


@KINDS
@pytest.mark.parametrize("slowest", ["link_rate", "injection_rate", "ejection_rate"])
def test_the_slowest_part_of_the_way_sets_the_rate(
    kind: type[ContentionFree | Fair | Wormhole], slowest: str
) -> None:
    net = Net(kind, parameters=replace(PLAIN, **{slowest: 3000}))
    net.send(0, Message(1, 100, "a"))
    assert net.times() == {"a": 300 + 100 + 10}


@KINDS
def test_one_sender_sends_one_message_after_the_other(
    kind: type[ContentionFree | Fair | Wormhole],
) -> None:
    net = Net(kind)
    assert net.send(0, Message(1, 100, "to the east")) == 100
    assert net.send(0, Message(4, 50, "to the north")) == 150
    assert net.times() == {"to the east": 210, "to the north": 260}


@KINDS
def test_a_node_reaches_itself_through_its_interface(
    kind: type[ContentionFree | Fair | Wormhole],
) -> None:
    net = Net(kind)
    net.send(5, Message(5, 100, "a"))
    assert net.times() == {"a": 200}


@KINDS
@given(
    lengths=st.lists(st.integers(0, 200), min_size=1, max_size=6),
    source=st.integers(0, 15),
    destination=st.integers(0, 15),
)
def test_alone_on_the_machine_all_timings_agree(
    kind: type[ContentionFree | Fair | Wormhole], lengths: list[int], source: int, destination: int
) -> None:
    expected, net = Net(ContentionFree), Net(kind)
    ready = 0
    for number, length in enumerate(lengths):
        message = Message(destination, length, number)
        assert net.send(source, message, ready) == expected.send(source, message, ready)
        ready += 1000
    assert net.times() == expected.times()


def test_two_senders_share_the_rate_of_one_receiver() -> None:
    net = Net(topology=FullyConnected((3,)))
    net.send(0, Message(2, 100, "a"))
    net.send(1, Message(2, 100, "b"))
    assert net.times() == {"a": 210, "b": 310}


def test_a_receiver_may_take_faster_than_a_link_brings() -> None:
    net = Net(
        topology=FullyConnected((3,)), parameters=replace(PLAIN, link_rate=4000, ejection_rate=1000)
    )
    net.send(0, Message(2, 100, "a"))
    net.send(1, Message(2, 100, "b"))
    assert net.times() == {"a": 510, "b": 610}


def test_many_senders_fill_the_receivers_rate_and_no_more() -> None:
    senders, length = 15, 1000
    net = Net()
    for source in range(1, senders + 1):
        net.send(source, Message(0, length, source))
    times = sorted(net.times().values())
    assert times[0] == length + 100 + 10
    # One picosecond a message keeps what follows it in line.
    assert times[-1] - times[0] == pytest.approx((senders - 1) * length, abs=2 * senders)


def test_an_empty_message_does_not_overtake_one_that_queues() -> None:
    net = Net(topology=FullyConnected((4,)))
    net.send(0, Message(3, 100, "a"))
    net.send(1, Message(3, 100, "b"))
    net.send(2, Message(3, 0, "early"), ready=0)
    net.send(2, Message(3, 0, "empty"), ready=200)
    net.engine.run()
    names = [message.name for _, message in net.arrived]
    assert names == ["early", "a", "b", "empty"]


MESSAGES = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 300), st.integers(0, 400)),
    max_size=25,
)


@KINDS
@given(messages=MESSAGES)
def test_messages_between_two_nodes_stay_in_order(
    kind: type[ContentionFree | Fair | Wormhole], messages: list[tuple[int, int, int, int]]
) -> None:
    net = Net(kind, Mesh2D((3, 3)))

    def hand_over(sent: tuple[int, Message]) -> None:
        source, message = sent
        net.send(source, message, net.engine.now)

    for number, (source, destination, length, when) in enumerate(
        sorted(messages, key=lambda m: m[3])
    ):
        message = Message(destination, length, (source, destination, number))
        net.engine.at(when, hand_over, (source, message))
    net.engine.run()
    assert len(net.arrived) == len(messages)
    latest: dict[tuple[int, int], int] = {}
    for _, message in net.arrived:
        source, destination, number = message.name  # type: ignore[misc]
        assert latest.get((source, destination), -1) < number
        latest[source, destination] = number


@pytest.mark.parametrize("kind", [ContentionFree, Wormhole])
@given(messages=MESSAGES)
def test_nobody_takes_in_faster_than_the_ejection_rate(
    kind: type[ContentionFree | Fair | Wormhole], messages: list[tuple[int, int, int, int]]
) -> None:
    net = Net(kind, Mesh2D((3, 3)), replace(PLAIN, link_rate=700, injection_rate=900))
    for number, (source, destination, length, ready) in enumerate(messages):
        net.send(source, Message(destination, length, number), ready)
    net.engine.run()
    by_node: dict[int, list[tuple[int, Message]]] = {}
    for when, message in net.arrived:
        by_node.setdefault(message.nid, []).append((when, message))
    for arrivals in by_node.values():
        for (before, _), (after, message) in pairwise(arrivals):
            assert after - before >= message.length


def test_two_messages_over_one_link_go_one_after_the_other() -> None:
    net = Net(Wormhole, Mesh2D((4, 2)))
    # Both need the link from node 1 to node 2; their destinations differ.
    net.send(0, Message(2, 1000, "a"))
    net.send(1, Message(3, 1000, "b"))
    assert net.times() == {"a": 1120, "b": 1020 + 20 + 1000 + 100}


def test_messages_over_different_links_do_not_meet() -> None:
    net = Net(Wormhole, Mesh2D((4, 2)))
    net.send(0, Message(3, 1000, "row 0"))
    net.send(4, Message(7, 1000, "row 1"))
    net.send(3, Message(0, 1000, "the other way"))
    assert net.times() == {"row 0": 1130, "row 1": 1130, "the other way": 1130}


def test_a_message_that_stalls_holds_the_links_behind_it() -> None:
    net = Net(Wormhole, Mesh2D((5, 1)))
    net.send(2, Message(4, 1000, "first"))
    net.send(1, Message(3, 1000, "stalls before node 2"), ready=1)
    net.send(0, Message(2, 1000, "stalls behind that"), ready=2)
    times = net.times()
    assert times["first"] == 1120
    assert times["stalls before node 2"] > 2000
    assert times["stalls behind that"] > 3000


def test_an_interface_without_a_kernel_is_a_defect() -> None:
    engine = Engine()
    interface = NetworkInterface(engine, 0, PLAIN)
    with pytest.raises(RuntimeError, match="without a kernel"):
        interface.arrive(Message(0, 0))
