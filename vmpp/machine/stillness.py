"""What to do when nothing can move any more: deadlocks, and what the network has lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vmpp.kernel import Process
from vmpp.machine.report import deadlock, silence
from vmpp.service import JobRecord

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine


class Stillness:
    """Resolves the stillness of a machine on which no event is left and no request open."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def resolve(self) -> bool:
        """End the jobs that wait for ever, saying for what; return whether there were any."""
        machine = self._machine
        waiting: dict[JobRecord, list[Process]] = {}
        silent: list[JobRecord] = []
        for record in machine.launcher.records.values():
            processes = machine.processes(record)
            if record.running and not record.ending and (processes or not machine.fabric.lost):
                waiting.setdefault(record.origin, []).extend(processes)
            elif machine.fabric.lost and record.placed:
                silent.append(record)
        if not machine.fabric.lost and self._is_stuck(waiting):
            return True
        ends = False
        for origin, processes in waiting.items():
            if not self._may_be_met(origin):
                ends = True
                elapsed = origin.elapsed(machine.engine.now)
                # The report says where all stand, and need not say it twice.
                origin.traced = ""
                remarks = [machine.libraries.remark(process) for process in processes]
                report = deadlock(processes, elapsed, machine.fabric.lost, remarks)
                machine.launcher.end(origin, 1, report)
        for record in silent:
            # No process of it waits, but a node or the launcher for what was lost.
            machine.engine.at(machine.engine.now, self._forsake, record)
        if ends or silent:
            return True
        unserved = self._unserved()
        for record in unserved:
            queue = machine.policies["queue"]
            machine.launcher.end(record, 1, f"the queue {queue!r} lets nobody have the free nodes")
        if unserved:
            return True
        return bool(machine.fabric.lost) and machine.services.give_up()

    def _unserved(self) -> list[JobRecord]:
        """Return the jobs that wait for nodes, if none has any and nobody may change the queue."""
        machine = self._machine
        records = list(machine.launcher.records.values())
        if machine.attended or machine.fabric.lost or any(record.placed for record in records):
            return []
        return [record for record in records if record.reason and not record.ending]

    @staticmethod
    def _is_stuck(waiting: Mapping[JobRecord, Sequence[Process]]) -> bool:
        """Have policies be reported that let processes wait which could run; are there any?"""
        found = [process.sharing for processes in waiting.values() for process in processes]
        # Each of those that share CPUs out reports itself, once.
        stuck = [each for each in dict.fromkeys(found) if each is not None and each.is_stuck()]
        return bool(stuck)

    def _may_be_met(self, origin: JobRecord) -> bool:
        """Return whether a job may wait for somebody outside, for input or at a port of its own."""
        machine = self._machine
        if machine.host.is_read(origin):
            return True
        return machine.attended > 0 and any(
            machine.names.has_port(each.id) for each in origin.family
        )

    def _forsake(self, record: JobRecord) -> None:
        machine = self._machine
        machine.launcher.forsake(record, silence(record.running, machine.fabric.lost))
