"""The kit's check of network timings finds what breaks its rules, and passes what ships."""

from __future__ import annotations

from typing import Any

import pytest

from vmpp.testing import RuleBroken, check_network
from vmpp.testing.subjects import installed
from vmpp_topology import ContentionFree


@pytest.mark.parametrize("name", sorted(installed().networks))
@pytest.mark.parametrize("topology", ["mesh2d", "fully-connected"])
def test_what_ships_keeps_the_rules(name: str, topology: str) -> None:
    check_network(name, topology=topology, examples=30)


class Network:
    """A network as simple as can be, to be broken."""

    def __init__(self, engine: Any, topology: Any, parameters: Any) -> None:
        self.engine = engine
        self.interfaces: list[Any] = []

    def attach(self, interface: Any) -> None:
        self.interfaces.append(interface)

    def transmit(self, source: int, message: Any, ready: int) -> Any:
        sender = self.interfaces[source]
        sender.out_free = max(sender.out_free, ready)
        self.carry(message, sender.out_free)
        return sender.out_free

    def carry(self, message: Any, when: int) -> None:
        self.engine.at(when, self.interfaces[message.nid].arrive, message)


class Overtaking(Network):
    def transmit(self, source: int, message: Any, ready: int) -> Any:
        self.carry(message, ready)
        return ready


class Losing(Network):
    def carry(self, message: Any, when: int) -> None:
        if message.length != 8:
            super().carry(message, when)


class Doubling(Network):
    def carry(self, message: Any, when: int) -> None:
        super().carry(message, when)
        super().carry(message, when)


class Foreseeing(Network):
    def transmit(self, source: int, message: Any, ready: int) -> Any:
        return super().transmit(source, message, ready) + 1_000_000


class Hasty(Network):
    def transmit(self, source: int, message: Any, ready: int) -> Any:
        return super().transmit(source, message, ready) and 0


class Vague(Network):
    def transmit(self, source: int, message: Any, ready: int) -> Any:
        super().transmit(source, message, ready)


class Failing(Network):
    def transmit(self, source: int, message: Any, ready: int) -> Any:
        raise ZeroDivisionError("no rate")


class Lost(ContentionFree):
    def attach(self, interface: Any) -> None:
        raise OSError("no cable")


class Half:
    def __init__(self, *arguments: Any) -> None:
        pass

    def attach(self, interface: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("network", "rule"),
    [
        (Overtaking, "messages between the same two nodes arrive in the order in which they were"),
        (Losing, "every message arrives; but message"),
        (Doubling, "a message arrives once"),
        (Foreseeing, "a message arrives after it has left its sender's memory"),
        (Hasty, "transmit returns the time at which the message has been read, not before it is"),
        (Vague, "it returned None"),
        (Failing, "transmit raises no error; but transmit(0, message 0 of 0 bytes from 0 to 0"),
        (Lost, "attach raises no error"),
        (Half, "Half.transmit is missing; each timing has attach, transmit"),
    ],
)
def test_what_breaks_a_rule_is_named_with_the_rule(network: Any, rule: str) -> None:
    with pytest.raises(RuleBroken) as broken:
        check_network(network)
    first, *story = str(broken.value).splitlines()
    assert first.startswith(f"the timing {network.__name__} breaks a rule: ")
    assert rule in first
    assert len(story) <= 6


def test_a_network_that_ships_is_found_by_its_name_and_its_plugin_is_named() -> None:
    with pytest.raises(Exception, match="no plugin offers the timing 'contention-fre'; did you"):
        check_network("contention-fre")


def test_what_is_right_passes() -> None:
    check_network(Network)
