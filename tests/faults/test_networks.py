"""Networks that lose messages, and that are watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import Engine
from vmpp.hardware import Fabric, LinkParameters, NetworkInterface
from vmpp_topology import ContentionFree, Fair, FullyConnected, Mesh2D, Wormhole

PLAIN = LinkParameters(
    link_rate=1000,
    injection_rate=1000,
    ejection_rate=1000,
    hop_latency=10,
    wire_latency=100,
    header_bytes=8,
)
NEVER_LOST = Random(0).random


@dataclass
class Message:
    nid: int
    length: int
    name: str = ""


class Sender:
    """As much of a kernel as a fabric sees."""

    def __init__(self, transmit: Callable[[int, Any, int], int]) -> None:
        self.transmit = transmit


class Wires:
    """A fabric with a sender at each node, and what arrives at which time."""

    def __init__(self, topology: Any = None, kind: Any = ContentionFree) -> None:
        self.topology = topology or Mesh2D((4, 2))
        self.engine = Engine()
        self.network = kind(self.engine, self.topology, PLAIN)
        self.fabric = Fabric(self.network, self.topology, PLAIN.header_bytes)
        self.arrived: dict[str, int] = {}
        self.senders = []
        self.interfaces = []
        for nid in range(self.topology.size):
            interface = NetworkInterface(self.engine, nid, PLAIN)
            interface.deliver = self.take
            self.fabric.attach(interface)
            self.interfaces.append(interface)
            sender = Sender(self.fabric.transmit)
            self.fabric.serve(sender)
            self.senders.append(sender)

    def take(self, message: Message) -> None:
        self.arrived[message.name] = self.engine.now

    def send(self, source: int, target: int, name: str, ready: int = 0, length: int = 0) -> int:
        return self.senders[source].transmit(source, Message(target, length, name), ready)

    def link(self, one: int, other: int) -> int:
        (link,) = self.topology.route(one, other)
        return link


KINDS = pytest.mark.parametrize("kind", [ContentionFree, Fair, Wormhole])


class TestLinks:
    @KINDS
    def test_what_would_take_a_link_that_is_down_is_lost_and_nothing_else(self, kind: Any) -> None:
        wires = Wires(kind=kind)
        faults = wires.fabric.broken(NEVER_LOST)
        faults.change([wires.link(1, 2)], 50, up=False)
        faults.change([wires.link(1, 2)], 80, up=True)
        for time in (20, 49, 58, 79, 80):
            wires.send(0, 3, f"through at {time}", time)
            wires.send(3, 0, f"back at {time}", time)
            wires.send(4, 7, f"beside at {time}", time)
        wires.engine.run()
        # The one that was ready at 80 leaves at 87: eight bytes of header were before it.
        lost = {"through at 58", "through at 79"}
        everything = {
            f"{way} at {time}"
            for way in ("through", "back", "beside")
            for time in (20, 49, 58, 79, 80)
        }
        assert set(wires.arrived) == everything - lost
        assert wires.fabric.lost == 2

    def test_when_it_leaves_decides_not_when_it_is_ready(self) -> None:
        wires = Wires()
        wires.fabric.broken(NEVER_LOST).change([wires.link(0, 1)], 50, up=False)
        wires.send(0, 1, "early", 0, length=92)
        wires.send(0, 1, "behind it", 0)
        wires.engine.run()
        assert set(wires.arrived) == {"early"}

    @KINDS
    def test_a_lost_message_holds_what_it_holds(self, kind: Any) -> None:
        whole, broken = Wires(kind=kind), Wires(kind=kind)
        broken.fabric.broken(NEVER_LOST).change([broken.link(3, 2)], 0, up=False)
        gone = [
            (wires.send(3, 0, "lost", 0, 500), wires.send(3, 7, "late", 0, 10))
            for wires in (whole, broken)
        ]
        assert gone[0] == gone[1]
        for wires in (whole, broken):
            wires.engine.run()
        assert whole.arrived["late"] == broken.arrived["late"] > 508
        assert set(broken.arrived) == {"late"}
        assert [one.in_free for one in whole.interfaces] == [
            one.in_free for one in broken.interfaces
        ]

    def test_what_a_node_sends_to_itself_is_never_lost(self) -> None:
        wires = Wires()
        everywhere = frozenset(range(8))
        wires.fabric.broken(lambda: 0.0).drop(1.0, everywhere, everywhere, 0)
        wires.send(2, 2, "mine")
        wires.send(2, 3, "thine")
        wires.engine.run()
        assert set(wires.arrived) == {"mine"}

    def test_a_fully_connected_network_has_one_link_for_each_pair(self) -> None:
        wires = Wires(FullyConnected((4,)))
        wires.fabric.broken(NEVER_LOST).change([wires.link(0, 3)], 0, up=False)
        for one in range(4):
            for other in range(4):
                wires.send(one, other, f"{one} to {other}")
        wires.engine.run()
        assert len(wires.arrived) == 15
        assert "0 to 3" not in wires.arrived


class TestChance:
    @given(st.integers(0, 2**32), st.floats(0.05, 0.95))
    def test_as_many_are_lost_as_the_draws_say_and_only_between_the_nodes_named(
        self, seed: int, share: float
    ) -> None:
        wires = Wires()
        faults = wires.fabric.broken(Random(seed).random)
        faults.drop(share, frozenset({0, 1}), frozenset({7}), 0)
        draws = Random(seed)
        expected = set()
        for number in range(40):
            source, target = number % 4, 7 - number % 3
            name = f"{number}"
            wires.send(source, target, name, number)
            if not (source in (0, 1) and target == 7 and draws.random() < share):
                expected.add(name)
        wires.engine.run()
        assert set(wires.arrived) == expected
        assert wires.fabric.lost == 40 - len(expected)

    def test_it_begins_and_ends(self) -> None:
        wires = Wires()
        faults = wires.fabric.broken(lambda: 0.0)
        everywhere = frozenset(range(8))
        faults.drop(1.0, everywhere, everywhere, 100, 200)
        faults.drop(1.0, everywhere, everywhere, 300)
        faults.drop_no_more(400)
        for time in range(50, 500, 100):
            wires.send(time // 100, 7, f"{time}", time)
        wires.engine.run()
        assert set(wires.arrived) == {"50", "250", "450"}


class TestWhatItCosts:
    def test_nothing_stands_before_a_network_that_nobody_breaks_or_watches(self) -> None:
        wires = Wires()
        assert all(sender.transmit == wires.network.transmit for sender in wires.senders)
        watches = [wires.fabric.watch(), wires.fabric.watch()]
        assert all(sender.transmit != wires.network.transmit for sender in wires.senders)
        for load in watches:
            wires.fabric.unwatch(load)
        assert all(sender.transmit == wires.network.transmit for sender in wires.senders)

    def test_a_sender_that_sends_no_more_is_left_alone(self) -> None:
        wires = Wires()

        def halted(source: int, message: Any, ready: int) -> int:
            return ready

        wires.senders[3].transmit = halted
        wires.fabric.broken(NEVER_LOST)
        wires.fabric.watch()
        assert wires.senders[3].transmit is halted


class TestLoad:
    def test_bytes_are_counted_on_every_link_of_the_way(self) -> None:
        wires = Wires()
        load = wires.fabric.watch()
        wires.send(0, 2, "a", length=92)
        wires.send(1, 6, "b", length=12)
        wires.send(5, 5, "c", length=1000)
        assert load.messages == 3
        assert load.take() == {
            wires.link(0, 1): 100,
            wires.link(1, 2): 120,
            wires.link(2, 6): 20,
        }
        assert (load.take(), load.messages) == ({}, 0)

    def test_everybody_who_watches_has_counts_of_their_own(self) -> None:
        wires = Wires()
        first = wires.fabric.watch()
        wires.send(0, 1, "a", length=92)
        second = wires.fabric.watch()
        wires.send(0, 1, "b", length=92)
        wires.fabric.unwatch(first)
        wires.send(0, 1, "c", length=92)
        assert first.take() == second.take() == {wires.link(0, 1): 200}

    def test_it_counts_what_is_lost_and_changes_nothing(self) -> None:
        alone, watched = Wires(), Wires()
        for wires in (alone, watched):
            wires.fabric.broken(NEVER_LOST).change([wires.link(0, 1)], 0, up=False)
        load = watched.fabric.watch()
        for wires in (alone, watched):
            for number in range(20):
                wires.send(number % 3, 7, f"{number}", number, number)
            wires.engine.run()
        assert alone.arrived == watched.arrived
        assert alone.fabric.lost == watched.fabric.lost == 7
        assert sum(load.bytes.values()) > 0
