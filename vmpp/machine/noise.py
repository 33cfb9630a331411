"""What the nodes of a machine do besides the application."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from vmpp.errors import VmppError, broken, raised
from vmpp.hardware import CPUS, Node, NodeNoise, NoiseSource
from vmpp.machine.choices import bound
from vmpp.machine.description import MachineDescription
from vmpp.machine.plugins import Plugins


class NoiseError(VmppError):
    """A machine cannot have noise such as was asked for."""


class MachineNoise:
    """The noise of all compute nodes: that of a profile, and that of the machine's own sources."""

    def __init__(
        self, description: MachineDescription, plugins: Plugins, stream: Callable[[str], Random]
    ) -> None:
        """Take it together.

        Args:
            stream: begins the machine's random stream of a name.

        Raises:
            NoiseError: the profile cannot be made with such parameters.
        """
        self._stream = stream
        self._sources = _sources(description, plugins)

    def give(self, node: Node) -> None:
        """Give a compute node its noise.

        Raises:
            NoiseError: it would leave no time for anything else.
        """
        if not self._sources:
            return
        try:
            cpus = len(node.cpus)
            node.bear(NodeNoise(node.nid, self._sources, self._stream, cpus=cpus))
        except ValueError as error:
            names = ", ".join(self._sources)
            raise NoiseError(f"node {node.nid}: {error} ({names})") from error


def _sources(description: MachineDescription, plugins: Plugins) -> Mapping[str, NoiseSource]:
    """Return the sources by names; what is random depends on these, and not on other sources."""
    text = description.node.noise
    profile = bound("noise", text, plugins.noise)
    try:
        made = tuple(profile())
    except VmppError:
        raise
    except ValueError as error:
        raise NoiseError(f"noise {text!r}: {error}") from error
    except Exception as error:
        raise raised(profile.factory, "", error) from error
    for source in made:
        if getattr(source, "cpu", None) not in CPUS or not hasattr(source, "interruptions"):
            raise broken(
                profile.factory, "", f"returned {source!r} for a source",
                f"it has interruptions, and cpu is one of {', '.join(CPUS)}",
            )  # fmt: skip
    found: dict[str, NoiseSource] = {
        f"{profile.name} {number}": source for number, source in enumerate(made, 1)
    }
    for number, table in enumerate(description.noise, 1):
        name = f"[[noise]] {table.name or number}"
        found[name if name not in found else f"{name} {number}"] = table.source
    return found
