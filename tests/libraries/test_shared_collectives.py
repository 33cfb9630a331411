"""Collective operations belong to no library: whoever has messages can build a channel on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vmpp
from vmpp.hooks import hookimpl
from vmpp.machine.plugins import Plugins
from vmpp.portals import DynamicBlock, Header, Heap, MemoryOperation, PortalEntry
from vmpp_collectives import Channel, elementwise, machine_choices

PORTAL = 50
EAGER = 1 << 20


@dataclass
class Done:
    """A message that has gone, or come."""

    nbytes: int = 0
    source: int = -1
    error: int = 0
    expected: tuple[int, int, memoryview] | None = None


class Post:
    """A process's end of a message library of one portal and a heap, which knows no waiting."""

    def __init__(self, process: Any) -> None:
        self.process = process
        self.heap = Heap(EAGER)
        self.block = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self.heap)
        process.table.install(PORTAL, PortalEntry(self.block))

    def send(self, context: int, rank: int, dest: Any, tag: int, data: Any) -> None:
        process = self.process
        process.kernel.send(process, dest, PORTAL, rank << 32 | tag, bytes(data), len(data))

    def isend(self, context: int, rank: int, dest: Any, tag: int, data: Any) -> Done:
        self.send(context, rank, dest, tag, data)
        return Done()

    def ireceive(self, context: int, source: int, tag: int, into: memoryview) -> Done:
        return Done(expected=(source, tag, into))

    def wait(self, transfer: Done) -> None:
        if transfer.expected is not None:
            source, tag, into = transfer.expected
            header = self.take(0, source, tag, into)
            transfer.error = header is None
            transfer.nbytes = 0 if header is None else header.length

    def take(self, context: int, source: int, tag: int, into: memoryview) -> Header | None:
        header = self._next(source, tag)
        if header.length > len(into):
            return None
        into[: header.length] = header.body or b""
        return header

    def receive_object(self, context: int, source: int, tag: int) -> tuple[Any, Done]:
        header = self._next(source, tag)
        return header.body or b"", Done(header.length, header.bits >> 32)

    def refuse(self, context: int, transfer: Done) -> None:
        """Nothing but a message that is too long goes wrong."""

    def _next(self, source: int, tag: int) -> Header:
        messages = self.heap.messages
        while True:
            for header in messages:
                if header.bits & 0xFFFFFFFF == tag and source in (-1, header.bits >> 32):
                    messages.remove(header)
                    self.heap.free(header)
                    return header
            self.process.wait(self.block)


class PostLibrary:
    """The library, as the machine knows it."""

    modules: Mapping[str, str] = {}

    def check(self, description: Any) -> None:
        pass

    def memory(self, description: Any) -> int:
        return EAGER

    def attach(self, process: Any, description: Any) -> None:
        choices = machine_choices(description.mpi.collectives)
        process.libraries["post"] = Channel(
            Post(process), 0, process.rank, process.job.addresses, EAGER, choices, ValueError
        )

    def finish(self, process: Any) -> None:
        pass

    def detach(self, process: Any) -> None:
        pass

    def report(self, job: Any) -> None:
        return None


@pytest.fixture(scope="module")
def post() -> Plugins:
    """Return the plugins of vmpp and the library."""

    @hookimpl
    def vmpp_libraries() -> Mapping[str, Any]:
        return {"post": PostLibrary()}

    stranger = SimpleNamespace(__name__="stranger", vmpp_libraries=vmpp_libraries)
    return Plugins.with_modules(stranger)


@pytest.fixture
def run(post: Plugins, tmp_path: Path) -> Callable[..., vmpp.Result]:
    """Return what runs a program that has a *channel* of the library and MPI."""

    def start(text: str, nprocs: int, **options: Any) -> vmpp.Result:
        path = tmp_path / "program.py"
        path.write_text(PREAMBLE + dedent(text))
        return vmpp.run(path, nprocs=nprocs, plugins=post, **options)

    return start


PREAMBLE = """\
import numpy as np
from mpi4py import MPI
from vmpp.engine import current_process
from vmpp_collectives import *
channel = current_process().libraries["post"]
rank, size = channel.rank, channel.size
"""


@pytest.mark.parametrize("coll", [{}, {"allreduce": "ring"}, {"allreduce": "reduce-bcast"}])
@pytest.mark.parametrize("nprocs", [2, 5, 8, 13])
def test_sums_have_the_bits_that_they_have_in_mpi(run: Any, nprocs: int, coll: Any) -> None:
    result = run(
        """
        for length in (1, 3, 700):
            mine = np.random.default_rng(rank).standard_normal(length)
            total = np.empty(length)
            MPI.COMM_WORLD.Allreduce(mine, total)
            allreduce(
                channel.begin(Kind.ALLREDUCE),
                memoryview(mine).cast("B"),
                Reduction(elementwise("add", "f8"), 8, True),
            )
            assert mine.tobytes() == total.tobytes()
        """,
        nprocs,
        coll=coll,
    )
    assert (result.status, result.stderr) == (0, b"")


def test_all_that_there_is_goes_by_any_library(run: Any) -> None:
    result = run(
        """
        barrier(channel.begin(Kind.BARRIER))
        word = bytearray(b"hello" if rank == 2 else 5)
        broadcast(channel.begin(Kind.BCAST), memoryview(word), 2)
        assert word == b"hello"
        row = memoryview(bytearray(size))
        row[rank] = rank + 1
        allgather(channel.begin(Kind.ALLGATHER), row, range(size + 1))
        assert list(row) == list(range(1, size + 1))
        came = memoryview(bytearray(size))
        alltoall(channel.begin(Kind.ALLTOALL), memoryview(bytes(range(size))), came, 1)
        assert list(came) == [rank] * size
        total = memoryview(bytearray([1]))
        scan(channel.begin(Kind.SCAN), total, Reduction(elementwise("add", "u1"), 1, True))
        assert total[0] == rank + 1
        part = {(rank + 1) % size: b"right"}
        assert sparse_exchange(channel.begin(KINDS - 1), part) == [((rank - 1) % size, b"right")]
        """,
        6,
    )
    assert (result.status, result.stderr) == (0, b"")


def test_counts_that_differ_are_the_librarys_own_error(run: Any) -> None:
    result = run(
        """
        data = memoryview(bytearray(8 if rank else 4))
        broadcast(channel.begin(Kind.BCAST), data, 0)
        """,
        2,
    )
    assert result.status == 1
    assert (
        "ValueError: Bcast: 4 bytes from rank 0 where 8 were expected; "
        "all ranks must call it with counts that agree" in str(result.failure)
    )


@pytest.mark.parametrize("kind", ["i1", "u2", "i4", "i8", "f4", "f8"])
@pytest.mark.parametrize("ufunc", ["add", "multiply", "maximum", "minimum"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_short_vectors_are_combined_as_numpy_combines_them(
    kind: str, ufunc: str, data: st.DataObject
) -> None:
    """Python's own arithmetic takes the short ones; integers wrap, what is no number prevails."""
    dtype = np.dtype(kind)
    bits = st.binary(min_size=4 * dtype.itemsize, max_size=4 * dtype.itemsize)
    low, high = data.draw(bits), bytearray(data.draw(bits))
    x, y = np.frombuffer(low, dtype), np.frombuffer(bytes(high), dtype)
    elementwise(ufunc, kind)(memoryview(low), memoryview(high))
    with np.errstate(all="ignore"):
        expected = getattr(np, ufunc)(x, y)
    np.testing.assert_array_equal(np.frombuffer(high, dtype), expected)
