"""Letting virtual time pass: sleep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vmpp_shell.arguments.quantities import DURATION_TYPE
from vmpp_shell.registry import command

if TYPE_CHECKING:
    from vmpp_shell.context import Context


@command("sleep", section="shell")
@click.argument("duration", type=DURATION_TYPE)
async def sleep(context: Context, duration: int) -> None:
    """Wait until DURATION of virtual time has passed.

    \b
    Example:
      sleep 5ms
    """
    await context.session.sleep(duration)
