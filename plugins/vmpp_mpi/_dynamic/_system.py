"""What the library asks of the machine's servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from vmpp.process import jobs
from vmpp.process.calls import Call, Reply
from vmpp_mpi._errors import ERR_OTHER
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._state import mpi_state

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp.portals import Address

R = TypeVar("R", bound=Reply)


def ask(server: str, request: Call[R], code: int) -> R:
    """Ask a *server* of the machine.

    Raises:
        MPIError: of class *code*: it refuses; the text says why.
    """
    try:
        return jobs.ask(mpi_state().process, server, request)
    except OSError as error:
        raise MPIError(code, error.strerror or "") from None


def jobs_of(addresses: Sequence[Address]) -> list[int]:
    """Return the numbers of the jobs that processes belong to, sorted."""
    return sorted({address.group for address in addresses})


def acquaint(process: Process, own: Sequence[Address], others: Sequence[Address]) -> None:
    """See to it that all processes of the own group and of another one may send to each other.

    Those of one job always may, and those of jobs that the system has connected.

    Raises:
        MPIError: `ERR_OTHER`: the system does not connect them.
    """
    here, there = set(jobs_of(own)), set(jobs_of(others))
    mine = {process.job.id}
    if here == mine and there <= process.admitted | mine:
        return
    ask(jobs.LAUNCHER, jobs.Connect(sorted(here | there)), ERR_OTHER)
