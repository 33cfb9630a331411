"""What every model of network timing must do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from vmpp.engine import Engine
from vmpp.engine.queue import NEVER
from vmpp.hardware import LinkParameters, Network, NetworkInterface
from vmpp.testing.rules import EXAMPLES, Rules, explore
from vmpp.testing.subjects import subject, topology_of

_LINKS: Final = LinkParameters(
    link_rate=1500,
    injection_rate=1000,
    ejection_rate=2000,
    hop_latency=7_000,
    wire_latency=100_000,
    header_bytes=64,
)

_LENGTHS: Final = (0, 1, 8, 1000, 100_000)
_DELAYS: Final = st.integers(0, 1_000_000)


@dataclass(frozen=True, slots=True, repr=False)
class _Message:
    """As much of a message as a network sees, and which it is of those between its two nodes."""

    source: int
    nid: int
    length: int
    ready: int
    turn: int

    def __repr__(self) -> str:
        return f"message {self.turn} of {self.length} bytes from {self.source} to {self.nid}"


def check_network(
    timing: str | Callable[..., Network], *, topology: str = "mesh2d", examples: int = EXAMPLES
) -> None:
    """Check a model of network timing, with messages of all lengths that meet on their ways.

    Args:
        timing: what chooses it, as in a machine file, or the factory that a plugin offers.
        topology: the topology that it is tried on.
        examples: how many sequences of messages are tried.

    Raises:
        RuleBroken: it breaks a rule, which the message says, with the shortest example found.
    """
    checked = subject("timing", timing)
    explore(str(checked), lambda: _NetworkRules(str(checked), checked.choice, topology), examples)


class _NetworkRules(Rules):
    """Messages are sent between the nodes of a network, while time goes on."""

    def __init__(self, subject: str, factory: Callable[..., Network], topology: str) -> None:
        super().__init__(subject)
        self._factory = factory
        self._topology = topology
        self._sent: list[_Message] = []
        self._gone: dict[_Message, int] = {}
        self._arrived: list[_Message] = []

    @initialize(nodes=st.integers(1, 12))
    def build(self, nodes: int) -> None:
        """Build a network between some nodes."""
        self.engine = Engine()
        topology = topology_of(self._topology, nodes)
        self.nodes = topology.size
        self.network = self.story.ask("the factory", self._factory, self.engine, topology, _LINKS)
        for nid in range(topology.size):
            interface = NetworkInterface(self.engine, nid, _LINKS)
            interface.deliver = self._deliver
            self.story.ask("attach", self.network.attach, interface)

    @rule(
        ends=st.tuples(st.integers(0, 15), st.integers(0, 15)),
        messages=st.lists(st.tuples(st.sampled_from(_LENGTHS), _DELAYS), min_size=1, max_size=4),
    )
    def send(self, ends: tuple[int, int], messages: Sequence[tuple[int, int]]) -> None:
        """Hand messages over, one after the other."""
        source, nid = (end % self.nodes for end in ends)
        for length, delay in messages:
            self._send(source, nid, length, delay)

    def _send(self, source: int, nid: int, length: int, delay: int) -> None:
        turn = sum(each.source == source and each.nid == nid for each in self._sent)
        message = _Message(source, nid, length, self.engine.now + delay, turn)
        self.story.tell(f"at {self.engine.now} ps: {message}, ready at {message.ready} ps")
        self._sent.append(message)
        self._gone[message] = gone = self.story.ask(
            "transmit", self.network.transmit, source, message, message.ready
        )
        self.story.require(
            isinstance(gone, int) and gone >= message.ready,
            "transmit returns the time at which the message has been read, not before it is ready",
            f"it returned {gone!r}",
        )

    @rule(duration=st.integers(1, 10_000_000))
    def wait(self, duration: int) -> None:
        """Let virtual time pass."""
        until = self.engine.now + duration
        self.engine.at(until, _nothing)
        self.engine.horizon = until + 1
        self.story.ask("the network", self.engine.run)

    @rule()
    def settle(self) -> None:
        """Let all messages arrive."""
        self.engine.horizon = NEVER
        self.story.ask("the network", self.engine.run)
        for message in self._sent:
            self.story.require(
                message in self._arrived, "every message arrives", f"{message} did not"
            )

    def _deliver(self, message: Any) -> None:
        now = self.engine.now
        self.story.tell(f"at {now} ps: {message} arrives")
        self.story.require(
            message not in self._arrived, "a message arrives once", "it did so twice"
        )
        self.story.require(
            now >= self._gone.get(message, message.ready),
            "a message arrives after it has left its sender's memory",
            f"it left at {self._gone.get(message)} ps",
        )
        before = sum(
            each.source == message.source and each.nid == message.nid for each in self._arrived
        )
        self.story.require(
            before == message.turn,
            "messages between the same two nodes arrive in the order in which they were sent",
            f"message {message.turn} came as number {before}",
        )
        self._arrived.append(message)


def _nothing(argument: object) -> None:
    """Happen, so that time goes on."""
