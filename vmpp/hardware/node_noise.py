"""The noise of a node, and which of its CPUs has what of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from vmpp.hardware.cpu import Cpu
from vmpp.hardware.noise import Interruptions, Noise, NoiseSource


class NodeNoise:
    """What one node does besides the application.

    What falls to a CPU depends on what the CPUs are for, which a CPU mode may change.
    """

    __slots__ = ("_nid", "_sources", "_stream")

    def __init__(
        self, nid: int, sources: Mapping[str, NoiseSource], stream: Callable[[str], Random]
    ) -> None:
        """Take the noise of node *nid* together.

        Args:
            sources: by what they are called.
            stream: begins the machine's random stream of a name.

        Raises:
            ValueError: it would leave no time to a CPU, whatever the CPUs are for.
        """
        self._nid = nid
        self._sources = sources
        self._stream = stream

    def bind(self, cpus: Sequence[Cpu], applications: Sequence[Cpu]) -> None:
        """Give each of the node's *cpus* its share.

        Args:
            applications: those that run applications, or parts of them.
        """
        for cpu in cpus:
            turn = applications.index(cpu) if cpu in applications else None
            # What may run anywhere runs where nobody minds.
            turns = len(applications) if len(applications) == len(cpus) else 0
            cpu.noise = self._share(cpus.index(cpu), turn, turns)

    def _share(self, number: int, turn: int | None, turns: int) -> Noise | None:
        """Return the noise of CPU *number*, which takes that *turn* at what may run anywhere."""
        found = []
        for name, source in self._sources.items():
            events: Interruptions | None = None
            if source.cpu == "any":
                if turn is not None and turns:
                    events = source.interruptions(self._nid, self._draw(name), turn, turns)
            elif source.cpu == "application" or source.cpu == ("first", "second")[number]:
                events = source.interruptions(self._nid, self._draw(name))
            if events is not None:
                found.append(events)
        return Noise(found) if found else None

    def _draw(self, name: str) -> Random:
        return self._stream(f"noise: {name} of node {self._nid}")
