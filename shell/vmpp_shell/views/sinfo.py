"""Partitions and their nodes, as Slurm's ``sinfo`` shows them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from vmpp.service.status import Activity, NodeState, NodeStatus
from vmpp_shell.views.fields import by_letters
from vmpp_shell.views.hostlist import compress
from vmpp_shell.views.jobs import PARTITION
from vmpp_shell.views.listing import Column, Listing

BY_STATE: Final = "%P %a %l %D %t %N"
BY_STATE_LONG: Final = "%P %a %l %D %T %m %N"
BY_NODE: Final = "%N %D %P %t"
BY_NODE_LONG: Final = "%N %D %P %T %c %m"
SUMMARY: Final = "%P %a %l %F %N"
RESERVED: Final = ("resv", "reserved")
"""The state of nodes that no job can have, as they are for servers: short and long."""
STATES: Final = {
    NodeState.FREE: ("idle", "idle"),
    NodeState.ALLOCATED: ("alloc", "allocated"),
    NodeState.BUSY: ("alloc", "allocated"),
    NodeState.DOWN: ("down", "down"),
}
_STYLES: Final = {"idle": "green", "alloc": "cyan", "allocated": "cyan", "down": "red"}
_ORDER: Final = {"compute": 0, "service": 1, "io": 2}


@dataclass(frozen=True, slots=True)
class _Row:
    """Nodes of one partition that are shown together."""

    partition: str
    nodes: tuple[NodeStatus, ...]

    @property
    def first(self) -> NodeStatus:
        return self.nodes[0]


def state(node: NodeStatus, *, long: bool = False) -> str:
    """Return the state of a node in Slurm's words; a star says that it does not respond."""
    names = STATES[node.state]
    if node.state is not NodeState.DOWN and node.partition != PARTITION:
        names = RESERVED
    stale = node.activity is Activity.NONE and node.state is not NodeState.DOWN
    return names[long] + ("*" if stale else "")


def state_style(text: str) -> str:
    """Return the style of a state's name."""
    return "red" if text.endswith("*") else _STYLES.get(text, "dim")


def _counts(row: _Row) -> str:
    """Return how many nodes are allocated, idle, anything else, and all, as ``%F`` does."""
    found = [state(node) for node in row.nodes]
    idle, allocated = found.count("idle"), found.count("alloc")
    return f"{allocated}/{idle}/{len(found) - idle - allocated}/{len(found)}"


_COLUMNS: Final[dict[str, Column[_Row]]] = {
    "P": Column(
        "PARTITION", lambda row: row.partition + ("*" if row.partition == PARTITION else "")
    ),
    "R": Column("PARTITION", lambda row: row.partition),
    "a": Column("AVAIL", lambda row: "up"),
    "l": Column("TIMELIMIT", lambda row: "infinite", right=True),
    "D": Column("NODES", lambda row: str(len(row.nodes)), right=True),
    "F": Column("NODES(A/I/O/T)", _counts, right=True),
    "t": Column("STATE", lambda row: state(row.first), style=state_style),
    "T": Column("STATE", lambda row: state(row.first, long=True), style=state_style),
    "c": Column("CPUS", lambda row: "1", right=True),
    "m": Column("MEMORY", lambda row: str(row.first.memory >> 20), right=True),
    "N": Column("NODELIST", lambda row: compress(node.name for node in row.nodes)),
}
_OF_ALL_NODES: Final = frozenset("DFN")
"""Columns that tell of all nodes of a row; nodes stand together that are alike in the others."""


def select(
    nodes: Iterable[NodeStatus],
    *,
    partitions: Collection[str] = (),
    states: Collection[str] = (),
) -> list[NodeStatus]:
    """Return the nodes that are asked for, by names of states, short or long."""
    wanted = {name.lower() for name in states}
    return [
        node
        for node in nodes
        if (not partitions or node.partition in partitions)
        and (not wanted or wanted & {state(node).strip("*"), state(node, long=True).strip("*")})
    ]


def sinfo(
    nodes: Sequence[NodeStatus],
    *,
    layout: str = BY_STATE,
    each: bool = False,
    header: bool = True,
) -> Listing[_Row]:
    """Return the table.

    Args:
        layout: Slurm's ``--format``.
        each: whether every node has a line of its own.

    Raises:
        FormatError: *layout* names a column that there is not.
    """
    columns = by_letters(layout, _COLUMNS)
    names = {column.title for letter, column in _COLUMNS.items() if letter in _OF_ALL_NODES}
    alike = [column.value for column in columns if column.title not in names]
    return Listing(columns, _rows(nodes, alike, each=each), header=header)


def _rows(
    nodes: Sequence[NodeStatus], alike: Sequence[Callable[[_Row], str]], *, each: bool
) -> list[_Row]:
    groups: dict[tuple[object, ...], list[NodeStatus]] = {}
    for node in sorted(nodes, key=lambda node: (_ORDER.get(node.partition, 3), node.number)):
        alone = _Row(node.partition, (node,))
        key = (node.partition, *(value(alone) for value in alike))
        groups.setdefault((node.number,) if each else key, []).append(node)
    return [_Row(group[0].partition, tuple(group)) for group in groups.values()]
