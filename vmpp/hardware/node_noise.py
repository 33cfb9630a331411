"""The noise of a node, and which of its CPUs has what of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from random import Random

from vmpp.errors import broken, raised
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
            PluginError: a source is none.
        """
        fixed: list[list[Interruptions]] = [[] for _ in range(cpus)]
        moving: list[list[Interruptions]] = [[] for _ in range(cpus)]
        for name, source in sources.items():
            for number in range(cpus):
                draw = stream(f"noise: {name} of node {nid}")
                events: Interruptions | None = None
                if source.cpu == "any":
                    events = _events(source, nid, draw, number, cpus)
                elif source.cpu == "application" or source.cpu == ("first", "second")[number]:
                    events = _events(source, nid, draw)
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


def _events(source: NoiseSource, nid: int, draw: Random, *turn: int) -> Interruptions | None:
    """Return what a source has for a CPU. Raises PluginError: it has not what it should."""
    try:
        found = source.interruptions(nid, draw, *turn)
    except Exception as error:
        raise raised(source, "interruptions", error) from error
    if found is None:
        return None
    load, burst = getattr(found, "load", None), getattr(found, "burst", None)
    if not isinstance(load, Fraction) or type(burst) is not int or load < 0 or burst < 0:
        raise broken(
            source, "interruptions", f"returned {found!r}",
            "it returns None, or what has a Fraction load and an int burst, before and next",
        )  # fmt: skip
    return found
