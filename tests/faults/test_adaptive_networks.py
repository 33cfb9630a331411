"""Networks whose messages choose their way: order is kept, loads are told, broken links avoided."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import Engine
from vmpp.hardware import Fabric, LinkParameters, NetworkInterface
from vmpp_topology import Dragonfly, Fair, FatTree, Torus, Wormhole

PLAIN = LinkParameters(
    link_rate=1000,
    injection_rate=1000,
    ejection_rate=1000,
    hop_latency=10,
    wire_latency=100,
    header_bytes=0,
)


@dataclass
class Message:
    nid: int
    length: int
    name: object = None


class Wires:
    """A fabric with adaptive routing, and what arrives in which order."""

    def __init__(self, kind: Any, topology: Any) -> None:
        self.engine = Engine()
        self.topology = topology
        self.fabric = Fabric(kind(self.engine, topology, PLAIN, routing="adaptive"), topology, 0)
        self.arrived: dict[object, int] = {}
        for nid in range(topology.size):
            interface = NetworkInterface(self.engine, nid, PLAIN)
            interface.deliver = self.take
            self.fabric.attach(interface)

    def take(self, message: Message) -> None:
        self.arrived[message.name] = self.engine.now

    def send(self, source: int, target: int, length: int, name: object, ready: int = 0) -> None:
        self.fabric.transmit(source, Message(target, length, name), ready)


KINDS = pytest.mark.parametrize("kind", [Fair, Wormhole])
MESSAGES = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 300), st.integers(0, 400)),
    max_size=25,
)


@KINDS
@pytest.mark.parametrize(
    "topology",
    [Torus((3, 3)), FatTree((3, 3)), Dragonfly((1, 3, 4))],
    ids=lambda it: type(it).__name__,
)
@given(messages=MESSAGES)
def test_messages_between_two_nodes_stay_in_order(
    kind: Any, topology: Any, messages: list[tuple[int, int, int, int]]
) -> None:
    wires = Wires(kind, topology)
    for number, (source, target, length, when) in enumerate(sorted(messages, key=lambda m: m[3])):
        send = partial(wires.send, source, target, length, (source, target, number), when)
        wires.engine.at(when, lambda _, send=send: send())
    wires.engine.run()
    assert len(wires.arrived) == len(messages)
    latest: dict[tuple[int, int], int] = {}
    for source, target, number in wires.arrived:  # type: ignore[misc]
        assert latest.get((source, target), -1) < number
        latest[source, target] = number


@KINDS
def test_a_message_takes_a_free_way_where_the_usual_one_is_taken(kind: Any) -> None:
    wires = Wires(kind, Torus((4, 4)))
    wires.send(1, 2, 1000, "in the way of")
    wires.send(0, 1, 1000, "this")
    wires.engine.run()
    wires = Wires(kind, Torus((5, 5)))
    wires.engine.at(0, lambda _: wires.send(1, 2, 1000, "a"))
    wires.engine.at(1, lambda _: wires.send(0, 7, 1000, "b", 1))
    wires.engine.run()
    # From 0 to 7 it is 2 + 1 links; the usual way goes by 1 and 2, and a is between those.
    assert wires.arrived == {"a": 1000 + 10 + 100, "b": 1 + 1000 + 3 * 10 + 100}


@KINDS
def test_the_load_is_that_of_the_links_taken(kind: Any) -> None:
    wires = Wires(kind, FatTree((4, 4)))
    load = wires.fabric.watch()
    for source, target in enumerate((4, 8, 12)):
        send = partial(wires.send, source, target, 100, source, source)
        wires.engine.at(source, lambda _, send=send: send())
    wires.engine.run()
    up = {link: count for link, count in load.bytes.items() if 16 <= link < 32}
    assert up == {16: 100, 17: 100, 18: 100}


@KINDS
def test_messages_go_round_a_link_that_is_down(kind: Any) -> None:
    wires = Wires(kind, Torus((4, 4)))
    faults = wires.fabric.broken(Random(0).random)
    faults.change(wires.topology.route(0, 1), 0, up=False)
    wires.send(0, 5, 10, "round")
    wires.send(0, 1, 10, "by no other way")
    wires.engine.run()
    assert set(wires.arrived) == {"round"}
    assert wires.fabric.lost == 1
