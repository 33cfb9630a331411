"""The policies that the machine is run by: policy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from vmpp.errors import VmppError
from vmpp.machine.policies import KINDS
from vmpp.machine.policies import policy as policy_of
from vmpp_shell.arguments.types import POLICY
from vmpp_shell.registry import command
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from vmpp_shell.context import Context


class NotRootError(VmppError):
    """Only root may do this."""


@command("policy", section="machine", json=True)
@click.option("--boot", "at_boot", is_flag=True, help="From the next boot on.")
@click.argument("kind", required=False, type=click.Choice(list(KINDS)), metavar="[KIND]")
@click.argument("name", required=False, type=POLICY, metavar="[NAME]")
async def policy(context: Context, kind: str | None, name: str | None, at_boot: bool) -> None:
    """Show the policies that the machine is run by, or as root choose another one.

    Another allocator or queue decides at once, another pct on the nodes of jobs that are launched
    from then on, and what else there is at the next boot.

    \b
    Example:
      policy
      policy timing wormhole --boot
    """
    if kind is None or name is None:
        _show(context, kind)
        return
    if not context.session.user.is_root:
        raise NotRootError("only root chooses policies; 'login root' first")
    if not at_boot:
        context.machine.set_policy(kind, name)
        return
    console = context.console
    policy_of(kind, name, console.plugins)
    console.asked = replace(console.asked, policies={**console.asked.policies, kind: name})


def _show(context: Context, wanted: str | None) -> None:
    coming = context.console.asked.policies
    plugins = context.console.plugins
    data = [
        {
            "kind": name,
            "decides": kind.text,
            "policy": context.machine.policies[name],
            "next_boot": coming.get(name, kind.of(context.machine.description)),
            "offered": list(kind.offered(plugins)),
        }
        for name, kind in KINDS.items()
        if wanted in {None, name}
    ]
    rows = [
        (
            each["kind"],
            each["policy"],
            each["next_boot"],
            " ".join(each["offered"]),
            each["decides"],
        )
        for each in data
    ]
    context.show(data, table(("KIND", "POLICY", "NEXT BOOT", "OFFERED", "DECIDES"), rows))
