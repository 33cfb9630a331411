"""The kinds of policies: what each decides, and where a machine's is chosen.

Every command line imports this, so it imports next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vmpp.errors import VmppError, suggestion

if TYPE_CHECKING:
    from vmpp.machine.description import MachineDescription
    from vmpp.machine.plugins import Plugins


class PolicyError(VmppError):
    """No policy decides such a thing, or not now, or not on such a machine."""


@dataclass(frozen=True, slots=True)
class PolicyKind:
    """What a policy decides.

    Attributes:
        text: that, in words.
        table, key: where a machine file chooses the policy.
        offered: what plugins offer, by name: factories.
    """

    text: str
    table: str
    key: str
    offered: Callable[[Plugins], Mapping[str, object]]

    def of(self, description: MachineDescription) -> str:
        """Return the text by which a machine's policy is chosen."""
        return str(getattr(getattr(description, self.table), self.key))


KINDS: Final[Mapping[str, PolicyKind]] = {
    "pct": PolicyKind(
        "which process of a node runs next", "pct", "policy", lambda plugins: plugins.policies
    ),
    "mode": PolicyKind(
        "which CPU of a node does what", "node", "mode", lambda plugins: plugins.cpu_modes
    ),
    "noise": PolicyKind(
        "what a node does besides the application", "node", "noise", lambda plugins: plugins.noise
    ),
    "topology": PolicyKind(
        "which nodes are neighbours", "topology", "kind", lambda plugins: plugins.topologies
    ),
    "timing": PolicyKind(
        "how long messages take each other's way", "network", "timing",
        lambda plugins: plugins.networks,
    ),
    "allocator": PolicyKind(
        "which free nodes a job gets", "service", "allocator", lambda plugins: plugins.allocators
    ),
    "queue": PolicyKind(
        "which waiting job gets nodes next", "service", "queue", lambda plugins: plugins.queueing
    ),
}  # fmt: skip
"""What policies decide, by the name that options, ``policy`` and scenarios use."""


def check_kind(name: str) -> None:
    """Raise PolicyError unless there is a kind of policies of that name."""
    if name not in KINDS:
        raise PolicyError(
            f"no policy decides {name!r}{suggestion(name, KINDS)} (there is: {', '.join(KINDS)})"
        )
