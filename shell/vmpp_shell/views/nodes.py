"""Nodes, one a line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vmpp.ranges import write_ranges
from vmpp.service.status import Activity, NodeState, NodeStatus
from vmpp_shell.views.activity import LOOKS, WORDS
from vmpp_shell.views.listing import Column, Listing

_STATE_STYLES: Final = {
    NodeState.FREE.value: "green",
    NodeState.ALLOCATED.value: "yellow",
    NodeState.BUSY.value: "cyan",
    NodeState.DOWN.value: "red",
}
_ACTIVITY_STYLES: Final = {word: LOOKS[activity].style for activity, word in WORDS.items()}


def _state(node: NodeStatus) -> str:
    """Return the state; what is not known to be down yet is ``stale``."""
    if node.activity is Activity.NONE and node.state is not NodeState.DOWN:
        return "stale"
    return node.state.value


def _ranks(node: NodeStatus) -> list[int]:
    """Return the ranks that the node has of its job."""
    found = [process.rank for process in node.processes if process.job == node.job]
    return found or ([node.rank] if node.rank >= 0 else [])


def _memory(node: NodeStatus) -> str:
    return f"{_binary(node.memory_used)}/{_binary(node.memory)}" if node.memory else ""


def _binary(size: int) -> str:
    """Return a size as memories come in: ``1.5GiB``."""
    for power, prefix in ((3, "Gi"), (2, "Mi"), (1, "Ki")):
        if size >= 1024**power:
            return f"{size / 1024**power:.3g}{prefix}B"
    return f"{size}B"


_COLUMNS: Final[tuple[Column[NodeStatus], ...]] = (
    Column("NODE", lambda node: str(node.number), right=True),
    Column("NAME", lambda node: node.name),
    Column("PARTITION", lambda node: node.partition),
    Column("PLACE", lambda node: ",".join(map(str, node.place)), right=True),
    Column("STATE", _state, style=lambda text: _STATE_STYLES.get(text, "red")),
    Column("JOB", lambda node: ",".join(map(str, node.jobs)), right=True),
    Column("RANK", lambda node: write_ranges(_ranks(node)), right=True),
    Column(
        "ACTIVITY",
        lambda node: WORDS[node.activity],
        style=lambda text: _ACTIVITY_STYLES.get(text, ""),
    ),
    Column("MEMORY", _memory, right=True),
)
_SERVERS: Final[Column[NodeStatus]] = Column("SERVERS", lambda node: ",".join(node.servers))


def listing(nodes: Iterable[NodeStatus], *, header: bool = True) -> Listing[NodeStatus]:
    """Return the table; servers have a column if there are any."""
    shown = list(nodes)
    columns = [*_COLUMNS, _SERVERS] if any(node.servers for node in shown) else _COLUMNS
    return Listing(columns, shown, header=header)
