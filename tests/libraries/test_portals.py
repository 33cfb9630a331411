"""Which portals and descriptors each library uses is what docs/libraries.md says."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import vmpp
from vmpp.kernel import qk
from vmpp.kernel.interpreter import HandlerRun
from vmpp.portals import Header, MemoryOperation

PAGE = Path(__file__).parents[2] / "docs" / "libraries.md"
ROW = re.compile(r"^\| (\d+)(?:(, | to )(\d+))? \| ([^|]+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|", re.M)

Used = dict[int, set[str]]
"""Operations of the descriptors that messages met, by portal."""


def documented() -> Used:
    """Return the operations in the page's table, by portal."""
    found: Used = {}
    for first, to, last, _, _, operations in ROW.findall(PAGE.read_text()):
        names = set(re.findall(r"`(\w+)`", operations))
        numbers = [int(first), int(last or first)]
        for portal in range(numbers[0], numbers[1] + 1) if to == " to " else numbers:
            found[portal] = names
    return found


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> Used:
    """Have the kernel note which descriptors messages meet."""
    found: Used = {}

    def note(header: Header, operation: int) -> None:
        found.setdefault(header.portal, set()).add(MemoryOperation(operation).name)

    def noting(operation: int, deposit: Any) -> Any:
        def noted(descriptor: Any, header: Header) -> Any:
            note(header, operation)
            return deposit(descriptor, header)

        return noted

    class Noting(HandlerRun):
        def run(self, descriptor: Any) -> int:
            note(self._header, descriptor.operation)
            return super().run(descriptor)

    monkeypatch.setattr(qk, "HandlerRun", Noting)

    for table in ("WRITERS", "READERS"):
        entries = enumerate(getattr(qk, table))
        monkeypatch.setattr(qk, table, tuple(noting(place, each) for place, each in entries))
    return found


def run(folder: Path, text: str, nprocs: int) -> None:
    """Run a program in *folder*, on a machine whose libraries have little memory."""
    program, machine = folder / "program.py", folder / "small.toml"
    program.write_text(dedent(text))
    machine.write_text('[vertex]\nbuffer = "8 KiB"\n[am]\nheap = "1 KiB"\n')
    result = vmpp.run(program, nprocs=nprocs, cwd=folder, machine=machine)
    assert (result.status, result.failure, result.stderr) == (0, None, b"")


MPI = """\
    import numpy as np
    from mpi4py import MPI
    comm = MPI.COMM_WORLD
    rank, peer = comm.rank, 1 - comm.rank
    short, long = np.zeros(1), np.zeros(10_000)
"""

NX = """\
    import numpy as np
    from nx import *
    node, peer = mynode(), 1 - mynode()
    short, long = np.zeros(1), np.zeros(10_000)
"""

PROGRAMS = {
    "mpi": (
        MPI
        + """
    posted = comm.Irecv(long, peer, 1)
    comm.Barrier()
    requests = [comm.Isend(np.ones(10_000), peer, 1), comm.Isend(np.ones(10_000), peer, 2)]
    comm.Send(short, peer, 3)
    requests.append(comm.Issend(short, peer, 4))
    comm.Barrier()
    early = np.empty(10_000)
    comm.Recv(early, peer, 2)
    comm.Recv(short, peer, 3)
    comm.Recv(short, peer, 4)
    MPI.Request.Waitall([posted, *requests])
    """,
        {14, 24, 34},
    ),
    "windows": (
        MPI
        + """
    window = MPI.Win.Allocate(80_000, 8, comm=comm)
    window.Fence()
    window.Put(long, peer)
    window.Get(long, peer)
    window.Accumulate(short, peer)
    window.Fence()
    group = comm.group.Incl([peer])
    window.Post(group)
    window.Start(group)
    window.Complete()
    window.Wait()
    window.Free()
    """,
        {40, 41, 42, 43},
    ),
    "faults": (
        MPI
        + """
    comm.Set_errhandler(MPI.ERRORS_RETURN)
    comm.Agree(1)
    """,
        {54},
    ),
    "nx": (
        NX
        + """
    posted = irecv(1, long, long.nbytes)
    gsync()
    csend(1, np.ones(10_000), long.nbytes, peer, myptype())
    msgwait(posted)
    csend(2, short, 8, peer, myptype())
    # More than a receiver has memory for: it is asked, and fetches what was early.
    large = np.zeros(300_000)
    sent = isend(3, large, large.nbytes, peer, myptype())
    gsync()
    crecv(2, short, 8)
    crecv(3, np.empty(300_000), large.nbytes)
    msgwait(sent)
    """,
        {15, 25, 35},
    ),
    "vertex": (
        """
    import numpy as np
    from vertex import *
    node, _, _, _ = whoami()
    nwrite(bytes(100), 100, 1 - node, 1)
    nread(bytearray(100), 100, -1, -1)
    dsum(1.0, -1, 1, -1)
    if node == 0:
        for _ in range(40):
            nwrite(bytes(1000), 1000, 1, 2)
    dsum(1.0, -1, 1, -1)
    """,
        {16, 26},
    ),
    "files": (
        """
    import os
    with open(f"file{os.getpid()}", "w") as file:
        file.write("text")
    """,
        {2},
    ),
    "parallel files": (
        """
    import os
    with open(f"/pfs/file{os.getpid()}", "wb") as file:
        file.write(bytes(200_000))
    with open(f"/pfs/file{os.getpid()}", "rb") as file:
        assert len(file.read()) == 200_000
    """,
        {1, 2, 4, 5},
    ),
    "sockets": (
        """
    import socket
    from mpi4py import MPI
    comm = MPI.COMM_WORLD
    if comm.rank == 0:
        listener = socket.create_server(("", 7000))
        comm.send(MPI.Get_processor_name(), 1)
        stream, _ = listener.accept()
        assert stream.recv(5) == b"hello"
    else:
        with socket.create_connection((comm.recv(), 7000)) as stream:
            stream.sendall(b"hello")
    """,
        {1, 2, 3},
    ),
    "active messages": (
        """
    import am
    import vmpp
    heard = []
    @am.handler
    def hear(token, value):
        heard.append(value)
        am.result(token, value)
    am.barrier()
    if am.rank() == 0:
        # More come than there is room for while no handler runs.
        am.hold_interrupts()
        vmpp.compute(1e-3)
        am.resume_interrupts()
        am.block_until(lambda: len(heard) == 7 * 20)
    else:
        am.wait_all([am.request(0, hear, number) for number in range(20)])
    am.barrier()
    """,
        {17},
    ),
    "one-sided": (
        """
    import am
    peer = 1 - am.rank()
    segment = am.expose(64)
    am.put(peer, segment, 0, bytes(8))
    assert am.get(peer, segment, 0, bytearray(8)) == bytes(8)
    assert am.fetch_add(peer, segment, 8, 5) == 0
    am.barrier()
    """,
        {27, 37},
    ),
    "handlers in the kernel": (
        """
    import am
    for number in range(8):
        am.kernel_handler(number, "reply(body(0) + 1)", bytearray(8))
    am.barrier()
    for number in range(8):
        assert am.kernel_call(1 - am.rank(), number, 5) == (6,)
    am.barrier()
    """,
        set(range(44, 52)),
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_table_says_what_takes_messages(name: str, tmp_path: Path, used: Used) -> None:
    text, portals = PROGRAMS[name]
    run(tmp_path, text, 8 if name == "active messages" else 2)
    table = documented()
    assert {portal: used.get(portal) for portal in portals} == {
        portal: table[portal] for portal in portals
    }
    assert [portal for portal, names in used.items() if not names <= table[portal]] == []


def test_every_portal_of_the_table_is_tried() -> None:
    tried = set().union(*(portals for _, portals in PROGRAMS.values()))
    assert set(documented()) - tried == {0, 63}  # the system's own, and what a crash is told by
