"""The noise of a node, and which of its CPUs has what of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from vmpp.hardware.cpu import Cpu
from vmpp.hardware.noise import Interruptions, NoiseSource
from vmpp.hardware.periodic import together


class NodeNoise:
    """What one node does besides the application.

    What falls to a CPU depends on what the CPUs are for, which a CPU mode may change.
    """

    __slots__ = ("_if_all_work", "_if_one_idles")

    def __init__(
        self,
        nid: int,
        sources: Mapping[str, NoiseSource],
        stream: Callable[[str], Random],
        *,
        cpus: int,
    ) -> None:
        """Take the noise of node *nid*, which has so many *cpus*, together.

        Args:
            sources: by what they are called.
            stream: begins the machine's random stream of a name.

        Raises:
            ValueError: it would leave no time to a CPU that runs applications.
        """
        fixed: list[list[Interruptions]] = [[] for _ in range(cpus)]
        moving: list[list[Interruptions]] = [[] for _ in range(cpus)]
        for name, source in sources.items():
            for number in range(cpus):
                draw = stream(f"noise: {name} of node {nid}")
                events: Interruptions | None = None
                if source.cpu == "any":
                    events = source.interruptions(nid, draw, number, cpus)
                elif source.cpu == "application" or source.cpu == ("first", "second")[number]:
                    events = source.interruptions(nid, draw)
                if events is not None:
                    (moving if source.cpu == "any" else fixed)[number].append(events)
        self._if_one_idles = [together(each) for each in fixed]
        self._if_all_work = [
            together(each + more) for each, more in zip(fixed, moving, strict=True)
        ]

    def bind(self, cpus: Sequence[Cpu], applications: Sequence[Cpu]) -> None:
        """Give each of the node's *cpus* its share.

        Args:
            applications: those that run applications, or parts of them.
        """
        # What may run anywhere runs where nobody minds, if there is such a CPU.
        all_work = len(applications) == len(cpus)
        shares = self._if_all_work if all_work else self._if_one_idles
        for cpu, noise in zip(cpus, shares, strict=True):
            cpu.noise = noise
