"""The policies of a machine: what they decide, which are chosen, and which there are.

A policy is chosen by a text, its name with its parameters: see `vmpp.machine.choices`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from vmpp.machine.choices import Choice, ChoiceError, bound
from vmpp.machine.description import MachineDescription
from vmpp.machine.kinds import KINDS, PolicyError, check_kind
from vmpp.machine.plugins import Plugins
from vmpp.machine.tables import MOST_LEVELS

__all__ = ["KINDS", "PolicyError", "chosen", "policy", "with_policies"]


def with_policies(
    description: MachineDescription,
    chosen: Mapping[str, str],
    plugins: Plugins,
    level: int | None = None,
) -> MachineDescription:
    """Return a machine with other policies.

    Args:
        chosen: texts that choose policies, by what they decide.
        level: multiprogramming level; that of the machine if left out.

    Raises:
        PolicyError: no policy decides such a thing, or the machine cannot have this one.
        ChoiceError: there is no such policy.
    """
    for kind_name, text in chosen.items():
        policy(kind_name, text, plugins)
        kind = KINDS[kind_name]
        description = _with(description, kind.table, kind.key, text)
    if level is not None:
        if not 1 <= level <= MOST_LEVELS:
            raise PolicyError(f"the level is between 1 and {MOST_LEVELS}, not {level}")
        description = _with(description, "pct", "level", level)
    if "topology" in chosen:
        _check_dimensions(description, plugins)
    return description


def _with(description: MachineDescription, table: str, key: str, value: Any) -> MachineDescription:
    changed = msgspec.structs.replace(getattr(description, table), **{key: value})
    return msgspec.structs.replace(description, **{table: changed})


def _check_dimensions(description: MachineDescription, plugins: Plugins) -> None:
    """Refuse a topology that cannot have the machine's dimensions. Raises PolicyError."""
    topology = description.topology
    if description.grows:
        return
    try:
        policy("topology", topology.kind, plugins)(topology.dims)
    except ChoiceError as error:
        raise PolicyError(
            f"the machine {description.name!r} cannot be a {topology.kind}: {error.__cause__}; "
            "take one that grows, or write a machine file"
        ) from None


def policy(kind_name: str, text: str, plugins: Plugins) -> Choice:
    """Return the policy of a kind that *text* chooses.

    Raises:
        PolicyError: there is no such kind.
        ChoiceError: no plugin offers that, or not with such parameters.
    """
    check_kind(kind_name)
    return bound(kind_name, text, KINDS[kind_name].offered(plugins))


def chosen(description: MachineDescription) -> dict[str, str]:
    """Return the texts that choose a machine's policies, by what they decide."""
    return {name: kind.of(description) for name, kind in KINDS.items()}
