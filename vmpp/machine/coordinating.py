"""What a machine has to do with coordinated scheduling: its coordinators, and what strobes cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmpp.errors import raised
from vmpp.machine.policies import policy as policy_of
from vmpp.pct import POLICY_FAULT, StrobeCosts
from vmpp.service import JobRecord
from vmpp.service.coordination import Coordination, Coordinator

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine


def coordination(machine: Machine) -> Coordination:
    """Return what coordinates the jobs of *machine*, where their policies want that."""

    def coordinator(text: str) -> Coordinator | None:
        choice = policy_of("pct", text, machine.plugins)
        make = choice.related("coordinator")
        try:
            return None if make is None else make()
        except Exception as error:
            raise raised(choice.factory, "coordinator", error) from error

    def keeps_waiting() -> bool:
        return any(thread.keeps_waiting for thread in machine.threads.values())

    def failed(record: JobRecord, fault: str) -> None:
        machine.launcher.end(record, POLICY_FAULT, fault)

    return Coordination(machine.services, coordinator, keeps_waiting, failed)


def strobe_costs(machine: Machine, nid: int) -> StrobeCosts:
    """Return what strobes cost node *nid*."""
    pct = machine.description.pct
    if not pct.strobe_jitter:
        return StrobeCosts(pct.strobe, pct.strobe_wakeup)
    draw = machine.streams.stream(f"node {nid}/strobes").random
    return StrobeCosts(pct.strobe, pct.strobe_wakeup, pct.strobe_jitter, draw)
