"""The policies that the machine is run by: policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from vmpp.errors import VmppError
from vmpp.machine.describing import parameters, summary
from vmpp.machine.kinds import KINDS
from vmpp.machine.policies import policy as policy_of
from vmpp.service.log import Kind
from vmpp_shell.arguments.types import POLICY
from vmpp_shell.registry import command
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from vmpp_shell.context import Context


class NotRootError(VmppError):
    """Only root may do this."""


@command("policy", section="machine", json=True)
@click.option("--boot", "at_boot", is_flag=True, help="From the next boot on.")
@click.option("--reset", is_flag=True,
              help="From the next boot on, what the machine's file says.")  # fmt: skip
@click.argument("kind", required=False, type=click.Choice(list(KINDS)), metavar="[KIND]")
@click.argument("choice", required=False, type=POLICY, metavar="[NAME[:ARG]...]")
async def policy(
    context: Context, kind: str | None, choice: str | None, at_boot: bool, reset: bool
) -> None:
    """Show the policies that the machine is run by, or as root choose another one.

    Another allocator or queue decides at once, another pct or mode for jobs that are launched from
    then on, and anything else from the next boot on. What is chosen with --boot stays chosen: the
    machine keeps it with its accounts and files.

    A policy is chosen by its name, with its parameters in their order or by their names: rr:2ms,
    priority:2ms:ageing=10ms. With a KIND alone, all that there is of it is listed.

    \b
    Example:
      policy
      policy pct rr:2ms
      policy timing wormhole --boot
      policy timing --reset
    """
    if reset and kind is not None and choice is None:
        _check_root(context)
        _keep(context, kind, None)
    elif reset:
        raise click.UsageError("--reset takes a KIND alone")
    elif kind is None or choice is None:
        _show(context, kind)
    else:
        _check_root(context)
        if at_boot:
            policy_of(kind, choice, context.console.plugins)
            _keep(context, kind, choice)
        else:
            context.machine.set_policy(kind, choice)


def _check_root(context: Context) -> None:
    if not context.session.user.is_root:
        raise NotRootError("only root chooses policies; 'login root' first")


def _keep(context: Context, kind: str, choice: str | None) -> None:
    """Have a policy chosen from the next boot on; None: what the machine's file says."""
    console, machine = context.console, context.machine
    others = {name: text for name, text in console.asked.policies.items() if name != kind}
    installation = machine.installation
    if installation is not None and installation.state.keeps:
        installation.policies.keep(kind, choice)
    elif choice is not None:
        # It lasts as long as whoever sits here.
        others[kind] = choice
    console.asked = replace(console.asked, policies=others)
    text = "as the machine's file says" if choice is None else choice
    machine.note(Kind.POLICY, context.session.user.name, f"{kind}: {text} from the next boot on")


def _next_boot(context: Context) -> Mapping[str, str]:
    """Return what the policies will be from the next boot on."""
    machine = context.machine
    kept = {} if machine.installation is None else machine.installation.policies.chosen
    return {**machine.usual, **kept, **context.console.asked.policies}


def _show(context: Context, wanted: str | None) -> None:
    coming = _next_boot(context)
    plugins = context.console.plugins
    data: list[dict[str, Any]] = [
        {
            "kind": name,
            "decides": kind.text,
            "policy": context.machine.policies[name],
            "next_boot": coming[name],
            "offered": [_offer(each, made) for each, made in kind.offered(plugins).items()],
        }
        for name, kind in KINDS.items()
        if wanted in {None, name}
    ]
    rows = [(each["kind"], each["policy"], each["next_boot"], each["decides"]) for each in data]
    shown: list[RenderableType] = [table(("KIND", "POLICY", "NEXT BOOT", "DECIDES"), rows)]
    if wanted is not None:
        offers = table(("OFFERED", "DEFAULT", "BOUNDS", "WHAT IT IS"), _offers(data[0]["offered"]))
        shown += ["", offers]
    context.show(data, *shown)


def _offer(name: str, factory: object) -> dict[str, Any]:
    found = [asdict(each) for each in parameters(factory)]
    return {"name": name, "text": summary(factory), "parameters": found}


def _offers(offered: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each policy that is offered, and one below it for each of its parameters."""
    for offer in offered:
        yield offer["name"], "", "", offer["text"]
        for each in offer["parameters"]:
            yield f"  :{each['name']}", each["default"], each["bounds"], each["text"]
