"""The conformance kit for plugins: what a plugin of each kind must do, checked.

A check tries what it is given on the real mechanism, with many examples that hypothesis finds,
always the same ones. If a rule is broken it raises `RuleBroken`, whose text has the rule and the
shortest example of it that was found.

    from vmpp.testing import check_scheduling_policy

    def test_my_policy_keeps_the_rules():
        check_scheduling_policy("my-policy:2ms")

This takes ``pip install 'vmpp[testing]'``.
"""

from vmpp.errors import VmppError

try:
    import hypothesis  # noqa: F401
except ImportError as error:
    raise VmppError(
        "vmpp.testing looks for examples with hypothesis, which is not installed; "
        "pip install 'vmpp[testing]'"
    ) from error

from vmpp.testing.allocation import check_allocation_policy
from vmpp.testing.cpu_mode import check_cpu_mode
from vmpp.testing.network import check_network
from vmpp.testing.noise import check_noise
from vmpp.testing.plugin import (
    check_command,
    check_image,
    check_library,
    check_machine_file,
    check_plugin,
    shell,
)
from vmpp.testing.queueing import check_queueing_policy
from vmpp.testing.rules import RuleBroken
from vmpp.testing.scheduling import check_scheduling_policy
from vmpp.testing.topology import check_topology

__all__ = [
    "RuleBroken",
    "check_allocation_policy",
    "check_command",
    "check_cpu_mode",
    "check_image",
    "check_library",
    "check_machine_file",
    "check_network",
    "check_noise",
    "check_plugin",
    "check_queueing_policy",
    "check_scheduling_policy",
    "check_topology",
    "shell",
]
