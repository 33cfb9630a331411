"""Recording a session as a scenario: record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vmpp.errors import VmppError
from vmpp_shell.arguments.types import PATH
from vmpp_shell.recording import Recording
from vmpp_shell.registry import command

if TYPE_CHECKING:
    from vmpp_shell.context import Context


class RecordingError(VmppError):
    """There is nothing to be recorded, or it is recorded already."""


@command("record", section="shell")
@click.option("--stop", is_flag=True, help="End the recording.")
@click.argument("file", required=False, type=PATH, metavar="[FILE]")
async def record(context: Context, stop: bool, file: str | None) -> None:
    """Record what follows in FILE, as a scenario that 'vmpp test' replays.

    While one records, virtual time stands still between commands, so that they begin at the same
    instants whenever they are replayed. A scenario begins on a machine that has just booted, as
    'vmpp --ephemeral' boots it: so begin with that, and record from its first command on. The end
    of the shell ends the recording as well.

    \b
    Example:
      record /host/ring.vmpp
      yod -n 4 /host/ring.py
      record --stop
    """
    recording = context.interpreter.recording
    if stop:
        if recording is None:
            raise RecordingError("nothing is being recorded")
        recording.stop()
        context.interpreter.recording = None
    elif file is None:
        raise click.UsageError("say in which FILE, or --stop")
    elif recording is not None:
        raise RecordingError("a recording is under way; 'record --stop' ends it")
    else:
        _start(context, file)


def _start(context: Context, file: str) -> None:
    if not context.console.is_fresh:
        context.err.print(
            "record: this machine has been used before: in a replay, times and numbers of jobs "
            "will differ; 'vmpp --ephemeral' boots a fresh one"
        )
    opened = context.session.appending(file, fresh=True)
    context.interpreter.recording = Recording(context.interpreter, opened)
