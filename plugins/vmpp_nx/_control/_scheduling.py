"""Priorities, giving up the CPU, and which nodes the application has."""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vmpp_nx._calls import IPSC, call
from vmpp_nx._control._starting import set_priority
from vmpp_nx._errors import Refused
from vmpp_nx._out import fill
from vmpp_nx._rectangle import rectangle

if TYPE_CHECKING:
    from vmpp_nx._state import State

OWN: int = 0
"""In place of a process group: the own one."""


@call(dialect=IPSC)
def flick(state: State) -> None:
    """Give the CPU up for a moment, for other processes of the node, and for handlers."""
    state.poll()
    if not state.process.in_handler:
        state.process.sleep(state.parameters.receive + 1)


@call(dialect=IPSC)
def handler(state: State, type: int, proc: Callable[[int], Any]) -> None:
    """Have the program's own function called on an exception, which is a signal here.

    Args:
        type: number of the signal, as those of `signal`.
        proc: called with that number, where the program blocks next.
    """
    if not callable(proc):
        raise Refused("EQHND", f"{proc!r:.60} cannot be called")
    try:
        signal.signal(type, lambda number, _: proc(number))
    except (TypeError, ValueError, OSError) as error:
        raise Refused("EQPARAM", f"{type!r:.60}: {error}") from None


@call()
def nx_pri(state: State, pgroup: int, priority: int) -> None:
    """Say how urgent processes are on nodes that they share with others.

    Args:
        pgroup: number of their job; 0: that of this process, and those that it has loaded.
        priority: from 0 to 10; 5 is usual, more is more urgent. No more than the partition lets.
    """
    own = state.process.job.id
    set_priority(state, own if pgroup == OWN else pgroup, priority)
    for job in state.relations.jobs if pgroup == OWN else ():
        try:
            if job != own:
                set_priority(state, job, priority)
        except Refused as error:
            # It may have ended.
            if error.code != errno.ESRCH:
                raise


@call()
def nx_app_nodes(state: State, pgroup: int, node_list: Any, list_size: Any) -> int:
    """Tell the numbers that the application's nodes have in the machine.

    Args:
        pgroup: 0, which is the own application.
        node_list: a list, which gets them all; or an array, whose first places do.
        list_size: gets how many there are at its first place; None if nobody wants to know.

    Returns:
        0, as for all calls that tell by what they fill.
    """
    if pgroup not in (OWN, state.process.job.id):
        raise Refused("EQPARAM", f"{pgroup!r:.60} is not the own process group")
    nodes = state.relations.nodes
    if isinstance(node_list, list):
        node_list[:] = nodes
    else:
        for place, node in enumerate(nodes):
            fill(node_list, place, node)
    fill(list_size, 0, len(nodes))
    return 0


@call()
def nx_app_rect(state: State, rows: Any, cols: Any) -> int:
    """Tell the height and the width of the rectangle that the application's nodes form.

    Nodes that form none, in the order of their numbers, count as one row.

    Returns:
        0, as for all calls that tell by what they fill.
    """
    height, width = rectangle(state)
    fill(rows, 0, height)
    fill(cols, 0, width)
    return 0
