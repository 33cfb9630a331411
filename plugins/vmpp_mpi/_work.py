"""The time that the library's own work on data takes the process."""

from __future__ import annotations

from typing import Any

from vmpp.engine import current_process


def charge_copy(nbytes: int) -> None:
    """Let the running process spend the time of a copy in memory, if it is one of a machine."""
    process: Any = current_process()
    if process is not None:
        rate = process.libraries["mpi"].tuning.copy_rate
        if rate:
            process.charge(nbytes * rate // 1000)
