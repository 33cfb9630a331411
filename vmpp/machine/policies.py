"""The policies of a machine: what they decide, which are chosen, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from vmpp.errors import VmppError, suggestion
from vmpp.machine.description import MachineDescription
from vmpp.machine.plugins import Plugins


class PolicyError(VmppError):
    """There is no such policy, or nothing that it could decide."""


@dataclass(frozen=True, slots=True)
class PolicyKind:
    """What a policy decides.

    Attributes:
        text: that, in words.
        table, key: where a machine file names the policy.
        offered: the policies that plugins offer, by name.
    """

    text: str
    table: str
    key: str
    offered: Callable[[Plugins], Mapping[str, object]]

    def of(self, description: MachineDescription) -> str:
        """Return the name of the policy that a machine has."""
        return str(getattr(getattr(description, self.table), self.key))


KINDS: Final[Mapping[str, PolicyKind]] = {
    "scheduling": PolicyKind(
        "which process of a node runs next", "pct", "policy", lambda plugins: plugins.policies
    ),
    "allocation": PolicyKind(
        "which free nodes a job gets", "service", "allocator", lambda plugins: plugins.allocators
    ),
    "queueing": PolicyKind(
        "which waiting job gets nodes next", "service", "queue", lambda plugins: plugins.queueing
    ),
    "timing": PolicyKind(
        "how long messages take each other's way", "network", "timing",
        lambda plugins: plugins.networks,
    ),
}  # fmt: skip
"""What policies decide, by the name that ``policy`` uses."""


def with_policies(
    description: MachineDescription, chosen: Mapping[str, str], plugins: Plugins
) -> MachineDescription:
    """Return a machine with other policies.

    Args:
        chosen: names of policies, by what they decide.

    Raises:
        PolicyError: there is no such policy, or it decides nothing.
    """
    for kind_name, name in chosen.items():
        checked(kind_name, name, plugins)
        kind = KINDS[kind_name]
        table = msgspec.structs.replace(getattr(description, kind.table), **{kind.key: name})
        description = msgspec.structs.replace(description, **{kind.table: table})
    return description


def checked(kind_name: str, name: str, plugins: Plugins) -> str:
    """Return *name*, which a plugin offers as a policy of that kind. Raises PolicyError."""
    kind = KINDS.get(kind_name)
    if kind is None:
        raise PolicyError(
            f"no policy decides {kind_name!r}{suggestion(kind_name, KINDS)} "
            f"(there is: {', '.join(KINDS)})"
        )
    offered = kind.offered(plugins)
    if name not in offered:
        raise PolicyError(
            f"no plugin offers the policy {kind_name}={name}{suggestion(name, offered)} "
            f"(there is: {', '.join(offered)})"
        )
    return name


def chosen(description: MachineDescription) -> dict[str, str]:
    """Return the names of a machine's policies, by what they decide."""
    return {name: kind.of(description) for name, kind in KINDS.items()}
