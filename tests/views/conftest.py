"""A machine of records, and what draws views of it as text."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from rich.console import Console

from vmpp.service.status import Activity, JobState, JobStatus, NodeState, NodeStatus

MS = 10**9


@pytest.fixture(scope="session")
def draw() -> Callable[..., str]:
    """Return what draws something at a width, and maybe a height, as text."""

    def drawn(what: Any, width: int = 80, height: int | None = None, **settings: Any) -> str:
        file = io.StringIO()
        settings.setdefault("color_system", None)
        console = Console(file=file, width=width, highlight=False, force_terminal=True, **settings)
        console.print(what, height=height)
        return file.getvalue()

    return drawn


class Fake:
    """Records of a machine: so many compute nodes in a mesh, then two service nodes and one I/O."""

    def __init__(self, compute: int, columns: int, places: str = "mesh") -> None:
        self.columns = columns
        self.nodes = [self._node(number, compute, places) for number in range(compute + 3)]
        self.jobs: list[JobStatus] = []

    def _node(self, number: int, compute: int, places: str) -> NodeStatus:
        row, column = divmod(number, self.columns)
        place = {
            "mesh": (column, row),
            "line": (number,),
            "cube": (column, row % 4, row // 4),
        }[places]
        partition = "compute"
        servers: tuple[str, ...] = ()
        if number >= compute:
            partition = "io" if number == compute + 2 else "service"
            servers = ("files", "yod") if number == compute else ()
        return NodeStatus(
            number=number,
            name=f"test-n{number:05d}",
            partition=partition,
            place=place,
            state=NodeState.FREE,
            memory=1 << 30,
            servers=servers,
        )

    def run(self, nodes: Sequence[int], **settings: Any) -> JobStatus:
        """Have a job on *nodes*."""
        number = len(self.jobs) + 1
        fields: dict[str, Any] = {
            "user": "alice",
            "uid": 1000,
            "name": "ring.py",
            "command": f"ring.py {number}",
            "state": JobState.RUNNING,
            "start": 10 * number * MS,
            "submit": 5 * number * MS,
        }
        fields.update(settings)
        job = JobStatus(id=number, size=len(nodes) or 4, nodes=tuple(nodes), **fields)
        self.jobs.append(job)
        if not job.state.ended:
            for rank, node in enumerate(nodes):
                self.change(
                    node,
                    state=NodeState.BUSY,
                    job=number,
                    jobs=(*self.nodes[node].jobs, number),
                    rank=rank,
                    activity=Activity.WAITING,
                )
        return job

    def change(self, number: int, **settings: Any) -> None:
        """Change a node."""
        node = self.nodes[number]
        fields = {name: getattr(node, name) for name in node.__struct_fields__}
        self.nodes[number] = NodeStatus(**{**fields, **settings})

    def name(self, number: int) -> str:
        """Return the name of a node."""
        return self.nodes[number].name


@pytest.fixture(scope="session")
def fake() -> type[Fake]:
    """The class of such machines."""
    return Fake
