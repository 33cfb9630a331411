"""Ranks with MPI's protocol, on nodes wired by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vmpp.kernel import Process
from vmpp_mpi._protocol import STANDARD, Arrival, Protocol, ProtocolParameters, Transfer

CONTEXT = 5


class Rank:
    """One rank's end of the protocol, in one communicator, with bytes in and bytes out."""

    def __init__(self, process: Process, protocol: Protocol) -> None:
        self.process = process
        self.protocol = protocol

    @property
    def now(self) -> int:
        """The rank's clock."""
        return self.process.clock

    def _to(self, rank: int) -> Any:
        return self.process.job.addresses[rank]

    def send(self, dest: int, data: Any, tag: int = 0, mode: int = STANDARD) -> None:
        self.protocol.send(CONTEXT, self.process.rank, self._to(dest), tag, data, mode)

    def isend(self, dest: int, data: Any, tag: int = 0, mode: int = STANDARD) -> Transfer:
        return self.protocol.isend(CONTEXT, self.process.rank, self._to(dest), tag, data, mode)

    def receive(self, source: int = -1, tag: int = -1, size: int = 1 << 16) -> bytes:
        """Receive and return the bytes; fails if there was an error."""
        buffer = bytearray(size)
        transfer = self.protocol.receive(CONTEXT, source, tag, memoryview(buffer))
        assert not transfer.error
        return bytes(buffer[: transfer.nbytes])

    def ireceive(
        self, source: int = -1, tag: int = -1, size: int = 1 << 16
    ) -> tuple[Transfer, bytearray]:
        buffer = bytearray(size)
        return self.protocol.ireceive(CONTEXT, source, tag, memoryview(buffer)), buffer

    def probe(self, source: int = -1, tag: int = -1, blocking: bool = True) -> Transfer | None:
        return self.protocol.probe(CONTEXT, source, tag, blocking)

    def match(self, source: int = -1, tag: int = -1, blocking: bool = True) -> Arrival | None:
        return self.protocol.match(CONTEXT, source, tag, blocking)


class Ranks:
    """Some ranks of one job, each with a program of its own."""

    def __init__(self, machine: Any, parameters: ProtocolParameters) -> None:
        self.machine = machine
        self.ranks = [Rank(process, Protocol(process, parameters)) for process in machine.processes]

    def run(self, *programs: Callable[[Rank], Any]) -> list[Any]:
        """Run a program on each rank, to its end; return what they returned."""

        def wrapped(program: Callable[[Rank], Any], rank: Rank) -> Callable[[Process], Any]:
            def body(process: Process) -> Any:
                result = program(rank)
                # Others may still want something of it, as before MPI's end.
                rank.protocol.finish()
                process.sleep(10**9)
                return result

            return body

        results = self.machine.run(
            *(wrapped(program, rank) for program, rank in zip(programs, self.ranks, strict=True))
        )
        stuck = [number for number in range(len(programs)) if number not in results]
        assert not stuck, f"ranks {stuck} wait for ever"
        return [results[number] for number in range(len(programs))]


@pytest.fixture(scope="session")
def ranks(wired: Any) -> Callable[..., Ranks]:
    """Make a function that makes ranks: ``ranks(size, machine options..., parameters...)``."""

    def make(size: int = 2, machine: dict[str, Any] | None = None, **parameters: int) -> Ranks:
        parameters = {"short_message": 100, "heap": 10_000, "match_list": 50, **parameters}
        return Ranks(wired(size, **(machine or {})), ProtocolParameters(**parameters))

    return make
