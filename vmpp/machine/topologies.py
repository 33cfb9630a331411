"""What networks of each topology amount to, for whoever chooses one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vmpp.hardware import Adaptive, Metrics, measure
from vmpp.machine.choices import ChoiceError, bound
from vmpp.machine.plugins import Plugins


@dataclass(frozen=True, slots=True)
class Network:
    """A topology of some size, and what it amounts to.

    Attributes:
        choice: the text that chooses it.
        dims: its dimensions.
        adaptive: whether its routers can choose ways by load.
        metrics: what it amounts to.
    """

    choice: str
    dims: tuple[int, ...]
    adaptive: bool
    metrics: Metrics


def networks(
    plugins: Plugins, choice: str | None, dims: tuple[int, ...] | None, nodes: int
) -> Iterator[Network]:
    """Yield the topology *choice*, or all that plugins offer.

    Args:
        dims: its dimensions; None: those that it has for *nodes* nodes.
        nodes: at the least.

    Raises:
        ChoiceError: there is no such topology, or it cannot have these dimensions.
    """
    for text in plugins.topologies if choice is None else [choice]:
        found = bound("topology", text, plugins.topologies)
        size = dims
        if size is None:
            size = found.grown(nodes)
            if size is None:
                if choice is None:
                    continue
                raise ChoiceError(f"topology {text!r} does not grow; give it dimensions")
        topology = found(size)
        yield Network(text, size, isinstance(topology, Adaptive), measure(topology))
