"""Waiting for the ends of processes, and bringing them about."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from vmpp.process import jobs
from vmpp_nx._application import Application, Crew, unpacked
from vmpp_nx._bits import ANY
from vmpp_nx._calls import IPSC, call
from vmpp_nx._control._system import ask
from vmpp_nx._errors import Refused
from vmpp_nx._out import fill

if TYPE_CHECKING:
    from vmpp_nx._state import State


@call()
def nx_waitall(state: State) -> None:
    """Wait until all processes of the application have ended that its job has loaded or forked."""
    _wait_for(state, every=True)


def _wait_for(
    state: State, job: int = 0, rank: int = ANY, *, every: bool = False
) -> jobs.Ended | None:
    """Wait for ends of processes of the application that this process's job has started.

    Returns:
        What is told; None if there are none to wait for.
    """
    try:
        return ask(state, jobs.AwaitEnd(job, rank, every, state.relations.home))
    except Refused as error:
        if error.code != errno.ECHILD:
            raise
        return None


@call(dialect=IPSC)
def waitall(state: State, node: int = ANY, pid: int = ANY) -> None:
    """Wait until processes of the application have ended that its job has loaded.

    Args:
        node: of the processes; -1: any.
        pid: process type of the processes; -1: any.
    """
    for crew in _loaded(state, pid):
        for rank, place in enumerate(crew.places):
            if node in (ANY, place):
                _wait_for(state, crew.job, rank)


@call(dialect=IPSC)
def waitone(
    state: State, node: int, pid: int, cnode: Any = None, cpid: Any = None, ccode: Any = None
) -> int:
    """Wait until one process of the application has ended that its job has loaded; tell of it.

    Args:
        node: of the process; -1: any.
        pid: process type of the process; -1: any.
        cnode: gets its node at the first place; None if nobody wants to know.
        cpid: gets its process type likewise.
        ccode: gets its exit status likewise.

    Returns:
        The exit status.
    """
    if node == pid == ANY:
        ended = _wait_for(state)
    else:
        ended = None
        for crew in _loaded(state, pid):
            rank = ANY if node == ANY else crew.places.index(node) if node in crew.places else None
            if rank is not None and ended is None:
                ended = _wait_for(state, crew.job, rank)
    if ended is None:
        raise Refused("EQNOACT", f"node {node}, ptype {pid}")
    told = unpacked(ended.parcel)
    fill(cnode, 0, told.places[ended.rank])
    fill(cpid, 0, told.ptype)
    fill(ccode, 0, ended.status)
    return ended.status


@call(dialect=IPSC)
def killproc(state: State, node: int, pid: int) -> None:
    """End processes of the application, which does not count as a failure of it.

    Args:
        node: of the processes; -1: all nodes.
        pid: process type of the processes; -1: all.
    """
    found = False
    own = state.process.job.id
    application = _known(state)
    # Its own job last: the process itself may be one of them.
    for crew in sorted(application.crews, key=lambda crew: crew.job == own):
        for rank, place in enumerate(crew.places):
            if node in (ANY, place) and pid in (ANY, crew.ptype) and place < application.size:
                found = True
                try:
                    ask(state, jobs.EndProcess(crew.job, rank))
                except Refused as error:
                    # It has ended meanwhile.
                    if error.code == errno.EPERM:
                        raise
    if not found:
        raise Refused("EQNOACT", f"node {node}, ptype {pid}")


@call(dialect=IPSC)
def killcube(state: State, node: int, pid: int) -> None:
    """End processes of the application, as `killproc`, and be content if there are none."""
    try:
        killproc(state, node, pid)
    except Refused as error:
        if error.code != Refused("EQNOACT").code:
            raise


def _known(state: State) -> Application:
    application = state.relations
    application.refresh()
    return application


def _loaded(state: State, ptype: int) -> list[Crew]:
    """Return the processes of a type that have been loaded, by job."""
    own = state.process.job.id
    return [
        crew for crew in state.relations.crews if crew.job != own and ptype in (ANY, crew.ptype)
    ]
