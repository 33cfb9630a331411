"""The policies of a machine: what they decide, which are chosen, and which there are.

A policy is chosen by a text, its name with its parameters: see `vmpp.machine.choices`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from vmpp.errors import VmppError, suggestion
from vmpp.machine.choices import Choice, bound
from vmpp.machine.description import MachineDescription
from vmpp.machine.plugins import Plugins


class PolicyError(VmppError):
    """No policy decides such a thing, or not now."""


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


def with_policies(
    description: MachineDescription, chosen: Mapping[str, str], plugins: Plugins
) -> MachineDescription:
    """Return a machine with other policies.

    Args:
        chosen: texts that choose policies, by what they decide.

    Raises:
        PolicyError: no policy decides such a thing.
        ChoiceError: there is no such policy.
    """
    for kind_name, text in chosen.items():
        policy(kind_name, text, plugins)
        kind = KINDS[kind_name]
        table = msgspec.structs.replace(getattr(description, kind.table), **{kind.key: text})
        description = msgspec.structs.replace(description, **{kind.table: table})
    return description


def policy(kind_name: str, text: str, plugins: Plugins) -> Choice:
    """Return the policy of a kind that *text* chooses.

    Raises:
        PolicyError: there is no such kind.
        ChoiceError: no plugin offers that, or not with such parameters.
    """
    kind = KINDS.get(kind_name)
    if kind is None:
        raise PolicyError(
            f"no policy decides {kind_name!r}{suggestion(kind_name, KINDS)} "
            f"(there is: {', '.join(KINDS)})"
        )
    return bound(kind_name, text, kind.offered(plugins))


def chosen(description: MachineDescription) -> dict[str, str]:
    """Return the texts that choose a machine's policies, by what they decide."""
    return {name: kind.of(description) for name, kind in KINDS.items()}
