"""Breaking things: fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vmpp.errors import VmppError
from vmpp.quantities import DURATION
from vmpp_shell.arguments.types import FAULT
from vmpp_shell.registry import command
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from vmpp_shell.context import Context


class NotAllowedError(VmppError):
    """Somebody would break what is not theirs."""


@command("fault", section="machine", json=True, context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=FAULT, metavar="[FAULT]...")
async def fault(context: Context, words: tuple[str, ...]) -> None:
    """Break something, or mend it; without words, list what has been broken.

    Root may, and whoever sits at the machine's own console.

    \b
    node 7 crash
    link 3-4 down             link 3 to 4 down: in one direction
    link 3-4 up
    drop 1% from 0..7 to all  of the messages between these nodes
    drop off
    server files stop
    server files start

    'at 3 ms' behind any of them says when, 'in 3 ms' how long from now; of drops
    'between 1 ms and 2 ms', too.

    \b
    Example:
      fault node 7 crash at 3ms
      fault drop 1% from compute to compute between 1ms and 2ms
    """
    machine = context.machine
    if words:
        if not _may(context):
            raise NotAllowedError("only root may break the machine")
        machine.inject(" ".join(words))
        return
    now = machine.engine.now
    data = [{"time": each.time, "fault": str(each)} for each in machine.faults]
    rows = [
        (DURATION.write(each.time or 0), str(each).partition(" at ")[0], _when(each.time, now))
        for each in machine.faults
    ]
    lost = machine.counters()["lost"]
    shown = [table(("TIME", "FAULT", ""), rows, right=(0,))] if rows else []
    lines = [f"{lost} {'message' if lost == 1 else 'messages'} lost"] if lost or not rows else []
    context.show({"faults": data, "lost": lost}, *shown, *lines)


def _when(time: int | None, now: int) -> str:
    return "to come" if time is not None and time > now else "happened"


def _may(context: Context) -> bool:
    """Return whether whoever asks may break the machine: root, or who may be root at will."""
    session = context.session
    return bool(session.user.is_root or session.may_become("root"))
