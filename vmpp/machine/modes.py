"""CPU modes of a machine: what a mode makes of the CPUs that its nodes have."""

from __future__ import annotations

from vmpp.errors import VmppError, broken, raised
from vmpp.kernel import CpuMode, Roles
from vmpp.machine.choices import Choice, bound
from vmpp.machine.description import MachineDescription
from vmpp.machine.plugins import Plugins


class ModeError(VmppError):
    """The nodes of a machine cannot run in this CPU mode."""


def roles_of(description: MachineDescription, plugins: Plugins, text: str = "") -> Roles:
    """Return what the CPUs of a machine's nodes are for in a CPU mode.

    Args:
        text: chooses the mode; the machine's own if left out.

    Raises:
        ChoiceError: no plugin offers that, or not with such parameters.
        ModeError: the nodes have too few CPUs.
        PluginError: the mode breaks a rule.
    """
    text = text or description.node.mode
    mode = _made(bound("mode", text, plugins.cpu_modes))
    cpus = description.node.cpus
    if cpus < mode.cpus:
        raise ModeError(
            f"the mode {text!r} needs {mode.cpus} CPUs on a node, and those of the machine "
            f"{description.name!r} have {cpus}: say 'cpus = {mode.cpus}' in [node] of its file, or "
            "take another mode"
        )
    try:
        roles = mode.roles(cpus)
    except Exception as error:
        raise raised(mode, "roles", error) from error
    if not isinstance(roles, Roles):
        raise broken(mode, "roles", f"returned {roles!r}", "it returns Roles")
    problem = roles.problem(cpus)
    if problem is not None:
        what = f"returned {roles}, but {problem}"
        raise broken(mode, "roles", what, "each CPU has one process, or co-routines, at the most")
    return roles


def _made(factory: Choice) -> CpuMode:
    try:
        mode: CpuMode = factory()
    except VmppError:
        raise
    except Exception as error:
        raise raised(factory.factory, "", error) from error
    if not isinstance(mode.cpus, int):
        raise broken(mode, "cpus", f"is {mode.cpus!r}", "it is how many CPUs a node must have")
    return mode
