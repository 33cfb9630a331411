"""The network interface of a node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vmpp.engine import Engine
from vmpp.hardware.network import LinkParameters


class NetworkInterface:
    """Where a node meets the network: one way in, one way out, each with a rate of its own.

    Attributes:
        out_free: the time at which the last message handed over has left the node's memory.
        in_free: the time from which the way in is free again.
        deliver: the kernel's entry point for a message that is in.
    """

    __slots__ = ("_ejection", "_engine", "deliver", "in_free", "nid", "out_free")

    def __init__(self, engine: Engine, nid: int, parameters: LinkParameters) -> None:
        self._engine = engine
        self._ejection = parameters.ejection_rate
        self.nid = nid
        self.out_free = 0
        self.in_free = 0
        self.deliver: Callable[[Any], object] = _nobody_listens

    def arrive(self, message: Any) -> None:
        """Take *message* in; the event at the end of its way through the network.

        Messages share the way in: one that finds it taken queues behind those before it.
        """
        now = self._engine.now
        drain = message.length * self._ejection // 1000
        free = self.in_free
        if free <= now - drain:
            self.in_free = now
            self.deliver(message)
            return
        when = free + drain
        # One picosecond more, so that an empty message arriving at `when` stays behind this one.
        self.in_free = when + 1
        self._engine.at(when, self.deliver, message)

    def take(self, message: Any) -> None:
        """Take *message* in, whose last byte is in: the network has shared the way in itself."""
        self.deliver(message)


def _nobody_listens(message: Any) -> None:
    raise RuntimeError(f"a message arrived at an interface without a kernel: {message!r}")
