"""What somebody is told who comes to a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmpp.quantities import DURATION

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine
    from vmpp.machine.session import Session
    from vmpp_shell.terminal import Stream


def introduce(machine: Machine, out: Stream) -> None:
    """Tell what machine is up."""
    up = machine.description
    out.print(f"{up.name}: {up.compute_nodes:,} compute nodes are up. 'help' lists the commands.")


def warn(session: Session, out: Stream) -> None:
    """Tell somebody who has logged in who else has tried to meanwhile."""
    if session.failures:
        last = DURATION.write(session.last_failure or 0)
        logins = "login has" if session.failures == 1 else "logins have"
        out.print(f"{session.failures} {logins} failed, the last one at {last}")
