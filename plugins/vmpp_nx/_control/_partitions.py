"""Partitions of the machine's compute nodes: made, changed and told of by programs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from vmpp.quantities import DURATION
from vmpp.service import partition_calls, requests
from vmpp_nx._calls import call
from vmpp_nx._control._attributes import nodes_of, read_attributes
from vmpp_nx._control._starting import USUAL_PRIORITY
from vmpp_nx._control._system import ask_allocation
from vmpp_nx._errors import Refused
from vmpp_nx._out import fill

if TYPE_CHECKING:
    from vmpp.service.node_partitions import NodePartition
    from vmpp_nx._state import State

NX_STD, NX_GANG, NX_SPS = range(3)

_POLICIES: Final = {NX_STD: "rr", NX_SPS: "single", NX_GANG: "gang"}
"""What schedules the nodes of a partition of each type."""

_MILLISECOND: Final = 10**9


class nx_part_info_t(SimpleNamespace):  # noqa: N801 - it is NX's name
    """What there is to tell of a partition.

    Attributes:
        uid, gid: numbers of its owner and group.
        access: its permissions, as of a file.
        sched: ``NX_STD``, ``NX_SPS`` or ``NX_GANG``; -1 if its scheduling is none of these.
        rq: rollin quantum, ms; 0 if it has none.
        epl: the highest priority of applications in it, from 0 to 10.
        nodes: how many it has.
        mesh_x, mesh_y: its columns and rows, if it is a rectangle; 0 otherwise.
        enclose_mesh_x, enclose_mesh_y: the same.
        free_nodes: how many of its nodes nobody has.
    """


class nx_pspart_t(SimpleNamespace):  # noqa: N801 - it is NX's name
    """One application in a partition.

    Attributes:
        object_type: 0, an application.
        object_id: number of its job.
        uid: number of its user.
        size: how many processes it has.
        priority: how urgent it is, from 0 to 10.
        start_time: virtual time at which it began, in seconds; 0 before.
    """


# -- making and removing ---------------------------------------------------------------------------


def _policy(kind: int) -> str:
    found = _POLICIES.get(kind)
    if found is None:
        raise Refused("EQPARAM", f"{kind!r:.60} is none of NX_STD, NX_SPS and NX_GANG")
    return found


def _make(state: State, partition: Any, kind: int, **wanted: Any) -> int:
    request = partition_calls.MakePartition(os.fsdecode(partition), policy=_policy(kind), **wanted)
    return len(ask_allocation(state, request).status.partition.nodes)


@call()
def nx_mkpart(state: State, partition: Any, size: int, type: int) -> int:
    """Make a partition of *size* nodes, and return how many it has.

    Args:
        partition: its name: whole, as ``.compute.weather``, or within ``.compute``.
        size: how many nodes; -1: all that the outer partition has.
        type: how its nodes are scheduled: ``NX_STD``, each for itself; ``NX_SPS``, one application
            has them at a time; ``NX_GANG``, applications take turns on all of theirs.
    """
    if not (hasattr(size, "__index__") and (size > 0 or size == -1)):
        raise Refused("EQPARAM", f"{size!r:.60} nodes")
    return _make(state, partition, type, size=max(0, int(size)))


@call()
def nx_mkpart_rect(state: State, partition: Any, rows: int, cols: int, type: int) -> int:
    """Make a partition of a rectangle of nodes; otherwise as `nx_mkpart`."""
    if rows < 1 or cols < 1:
        raise Refused("EQPARAM", f"{rows} x {cols} nodes")
    return _make(state, partition, type, shape=(int(rows), int(cols)))


@call()
def nx_mkpart_map(
    state: State, partition: Any, numnodes: int, node_list: Sequence[int], type: int
) -> int:
    """Make a partition of certain nodes; otherwise as `nx_mkpart`.

    Args:
        partition: as for `nx_mkpart`.
        numnodes: how many.
        node_list: their places in the outer partition, counted from 0.
        type: as for `nx_mkpart`.
    """
    if not 0 < numnodes <= len(node_list):
        raise Refused("EQPARAM", f"{numnodes} of {len(node_list)} nodes")
    nodes = tuple(int(node) for node in node_list[:numnodes])
    return _make(state, partition, type, nodes=nodes)


@call()
def nx_mkpart_attr(state: State, partition: Any, *attributes: Any) -> int:
    """Make a partition as *attributes* say, and return how many nodes it has.

    Args:
        partition: as for `nx_mkpart`.
        attributes: each with its value behind it, ``NX_ATTR_END`` last: ``NX_ATTR_SZ`` a number of
            nodes, ``NX_ATTR_RECT`` rows and columns, ``NX_ATTR_MAP`` how many nodes and their
            places in the outer partition, ``NX_ATTR_SCHED`` as the type of `nx_mkpart`,
            ``NX_ATTR_RQ`` a rollin quantum in ms, ``NX_ATTR_EPL`` the highest priority,
            ``NX_ATTR_MOD`` permissions. Or a mapping. ``NX_ATTR_RELAXED`` and ``NX_ATTR_SEL`` are
            of no matter.
    """
    wanted: dict[str, Any] = {}
    told = read_attributes(attributes)
    if "SZ" in told:
        wanted["size"] = int(told["SZ"])
    if "RECT" in told:
        rows, columns = told["RECT"]
        wanted["shape"] = int(rows), int(columns)
    if "MAP" in told:
        wanted["nodes"] = nodes_of(told["MAP"])
    if "EPL" in told:
        wanted["most_urgent"] = int(told["EPL"]) - USUAL_PRIORITY
    if "MOD" in told:
        wanted["mode"] = int(told["MOD"])
    if "RQ" in told:
        wanted["policy"] = _gang(told["RQ"])
    elif "SCHED" in told:
        wanted["policy"] = _policy(told["SCHED"])
    request = partition_calls.MakePartition(os.fsdecode(partition), **wanted)
    return len(ask_allocation(state, request).status.partition.nodes)


def _gang(quantum: int) -> str:
    """Return the policy of turns of so many ms. Raises Refused: EQPARAM."""
    if not (hasattr(quantum, "__index__") and quantum >= 1):
        raise Refused("EQPARAM", f"{quantum!r:.60} ms")
    return f"{_POLICIES[NX_GANG]}:{DURATION.write(int(quantum) * _MILLISECOND)}"


@call()
def nx_rmpart(state: State, partition: Any, force: int, recursive: int) -> None:
    """Remove a partition.

    Args:
        partition: its name.
        force: 1: end the applications in it; 0: refuse if there are any.
        recursive: 1: remove the partitions in it as well; 0: refuse if there are any.
    """
    name = os.fsdecode(partition)
    ask_allocation(state, partition_calls.RemovePartition(name, bool(force), bool(recursive)))


# -- changing --------------------------------------------------------------------------------------


def _change(state: State, partition: Any, **changes: Any) -> None:
    ask_allocation(state, partition_calls.ChangePartition(os.fsdecode(partition), **changes))


@call()
def nx_chpart_epl(state: State, partition: Any, priority: int) -> None:
    """Set the highest priority that applications in a partition can have, from 0 to 10."""
    if not 0 <= priority <= 2 * USUAL_PRIORITY:
        raise Refused("EQPARAM", f"{priority!r:.60} is no priority: they are 0 to 10")
    _change(state, partition, most_urgent=int(priority) - USUAL_PRIORITY)


@call()
def nx_chpart_mod(state: State, partition: Any, mode: int) -> None:
    """Set the permissions of a partition, as of a file."""
    _change(state, partition, mode=int(mode))


@call()
def nx_chpart_name(state: State, partition: Any, name: Any) -> None:
    """Give a partition another name, which is one word."""
    _change(state, partition, new_name=os.fsdecode(name))


@call()
def nx_chpart_owner(state: State, partition: Any, owner: int, group: int) -> None:
    """Give a partition to another user or group, by their numbers; -1 leaves one as it is."""
    _change(state, partition, uid=int(owner), gid=int(group))


@call()
def nx_chpart_rq(state: State, partition: Any, rollin_quantum: int) -> None:
    """Have applications of a partition take turns on all of their nodes, for so many ms each."""
    _change(state, partition, policy=_gang(rollin_quantum))


@call()
def nx_chpart_sched(state: State, partition: Any, sched_type: int) -> None:
    """Set how the nodes of a partition are scheduled, as for `nx_mkpart`."""
    _change(state, partition, policy=_policy(sched_type))


# -- looking ---------------------------------------------------------------------------------------


@call()
def nx_part_attr(state: State, partition: Any, attributes: Any = None) -> nx_part_info_t:
    """Tell of a partition: by returning, and in *attributes* if that is a record."""
    request = partition_calls.DescribePartition(os.fsdecode(partition))
    found = ask_allocation(state, request).status.partition
    told = _told(found)
    nodes = ask_allocation(state, requests.ListNodes()).nodes
    free = {node.number for node in nodes if node.state == "free"}
    told.free_nodes = len(free.intersection(found.nodes))
    if attributes is not None:
        vars(attributes).update(vars(told))
    return told


def _told(partition: NodePartition) -> nx_part_info_t:
    name, _, quantum = partition.policy.partition(":")
    kinds = [kind for kind, policy in _POLICIES.items() if policy == name]
    rows, columns = partition.shape or (0, 0)
    return nx_part_info_t(
        uid=partition.uid,
        gid=partition.gid,
        access=partition.mode,
        sched=kinds[0] if kinds else -1,
        rq=DURATION.read(quantum) // _MILLISECOND if quantum and kinds == [NX_GANG] else 0,
        epl=max(0, min(partition.most_urgent + USUAL_PRIORITY, 2 * USUAL_PRIORITY)),
        nodes=len(partition.nodes),
        mesh_x=columns,
        mesh_y=rows,
        enclose_mesh_x=columns,
        enclose_mesh_y=rows,
    )


@call()
def nx_pspart(state: State, partition: Any, pspart_list: Any, count: Any) -> int:
    """Tell of the applications in a partition.

    Args:
        partition: its name.
        pspart_list: a list, which gets a record for each.
        count: gets how many there are at its first place; None if nobody wants to know.

    Returns:
        0, as for all calls that tell by what they fill.
    """
    request = partition_calls.DescribePartition(os.fsdecode(partition))
    numbers = ask_allocation(state, request).status.jobs
    jobs = [job for job in ask_allocation(state, requests.ListJobs()).jobs if job.id in numbers]
    found = [
        nx_pspart_t(
            object_type=0,
            object_id=job.id,
            uid=job.uid,
            size=job.size,
            priority=max(0, min(job.priority + USUAL_PRIORITY, 2 * USUAL_PRIORITY)),
            start_time=(job.start or 0) / 10**12,
        )
        for job in jobs
    ]
    if pspart_list is not None:
        pspart_list[:] = found
    fill(count, 0, len(found))
    return 0


CONSTANTS: Final = {
    "NX_STD": NX_STD,
    "NX_SPS": NX_SPS,
    "NX_GANG": NX_GANG,
    "nx_part_info_t": nx_part_info_t,
    "nx_pspart_t": nx_pspart_t,
}
