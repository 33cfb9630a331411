"""Ranks without a machine: fibers that run by turns, and the message protocol as a few queues."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from greenlet import getcurrent

from vmpp.engine import Fiber
from vmpp.portals import Address
from vmpp_collectives import FAMILIES, Choices, read_rules
from vmpp_mpi import _state
from vmpp_mpi._protocol import ANY, BUFFERED, ERR_TRUNCATE, STANDARD, SYNCHRONOUS, Transfer
from vmpp_mpi._state import Tuning

MESSAGE = object()
"""What a fiber waits for that waits for any message."""
EAGER = 1000
"""Longest message of the loop-back that needs no receiver."""


class Deadlock(Exception):
    """Nothing can move; *waiting* has what each rank waits for."""

    def __init__(self, waiting: dict[int, str]) -> None:
        super().__init__(str(waiting))
        self.waiting = waiting


class Aborted(Exception):
    """A rank aborted the job with a *status*."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(eq=False)
class Letter:
    """A message that was sent."""

    context: int
    source: int
    tag: int
    data: bytes
    sent: Transfer

    @property
    def length(self) -> int:
        return len(self.data)

    nbytes = length

    def matches(self, context: int, source: int, tag: int) -> bool:
        return self.context == context and source in (ANY, self.source) and tag in (ANY, self.tag)


@dataclass(eq=False)
class Posted:
    """A receive that was posted."""

    wanted: tuple[int, int, int]
    buffer: Any
    transfer: Transfer


@dataclass(eq=False)
class LoopBack:
    """One process's end of the protocol."""

    world: World
    process: Any
    unexpected: list[Letter] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)
    buffered: list[Transfer] = field(default_factory=list)

    def send(self, context, rank, dest, tag, data, mode=STANDARD):
        transfer = self.isend(context, rank, dest, tag, data, mode)
        if mode != BUFFERED:
            self.wait(transfer)

    def isend(self, context, rank, dest, tag, data, mode=STANDARD):
        assert 0 <= tag < 2**32
        assert 0 <= context < 2**13
        self.world.sent += 1
        transfer = Transfer()
        letter = Letter(context, rank, tag, bytes(data), transfer)
        transfer.done = len(data) <= EAGER and mode != SYNCHRONOUS
        if mode == BUFFERED:
            self.buffered.append(transfer)
        transfer._record = self
        peer = self.world.ends[dest.rank]
        for posted in peer.posted:
            if letter.matches(*posted.wanted):
                peer.posted.remove(posted)
                peer.deliver(letter, posted.buffer, posted.transfer)
                return transfer
        peer.unexpected.append(letter)
        self.world.wake(peer)
        return transfer

    def deliver(self, letter, buffer, transfer):
        if letter.length > len(buffer):
            transfer.error = ERR_TRUNCATE
        else:
            buffer[: letter.length] = letter.data
        transfer.source, transfer.tag, transfer.nbytes = letter.source, letter.tag, letter.length
        transfer.done = letter.sent.done = True
        self.world.wake(self)
        self.world.wake(letter.sent._record)

    def refuse(self, context, transfer):
        """Raise nothing: nobody fails here."""

    def find(self, context, source, tag, take=True):
        for letter in self.unexpected:
            if letter.matches(context, source, tag):
                if take:
                    self.unexpected.remove(letter)
                return letter
        return None

    def ireceive(self, context, source, tag, buffer):
        transfer = Transfer()
        transfer.done = False
        letter = self.find(context, source, tag)
        if letter is not None:
            self.deliver(letter, buffer, transfer)
        else:
            self.posted.append(Posted((context, source, tag), buffer, transfer))
        return transfer

    def receive(self, context, source, tag, buffer):
        transfer = self.ireceive(context, source, tag, buffer)
        self.wait(transfer, (context, source, tag))
        return transfer

    def take(self, context, source, tag, buffer):
        transfer = self.receive(context, source, tag, buffer)
        return None if transfer.error else SimpleNamespace(length=transfer.nbytes)

    def receive_object(self, context, source, tag):
        letter = self.match(context, source, tag, True)
        transfer = Transfer()
        transfer.source, transfer.tag, transfer.nbytes = letter.source, letter.tag, letter.length
        return self.take_matched(letter), transfer

    def probe(self, context, source, tag, blocking):
        return self._probe(context, source, tag, blocking, False)

    def match(self, context, source, tag, blocking):
        return self._probe(context, source, tag, blocking, True)

    def _probe(self, context, source, tag, blocking, take):
        if not blocking:
            self.world.yield_()
        while (letter := self.find(context, source, tag, take)) is None and blocking:
            self.world.park(self, (context, source, tag))
        return letter

    def receive_matched(self, letter, buffer):
        transfer = Transfer()
        self.deliver(letter, buffer, transfer)
        return transfer

    def take_matched(self, letter):
        data = bytearray(letter.length)
        self.deliver(letter, data, Transfer())
        return data

    def wait(self, transfer, what=None):
        while not transfer.done:
            self.world.park(self, what)

    def wait_any(self, transfers: Sequence[Transfer]) -> int:
        while not any(transfer.done for transfer in transfers):
            self.world.park(self, None)
        return [transfer.done for transfer in transfers].index(True)

    def wait_all(self, transfers):
        for transfer in transfers:
            self.wait(transfer)

    def test(self, transfer):
        if not transfer.done:
            self.poll()
        return transfer.done

    def look(self, transfer):
        return transfer.done

    def poll(self):
        self.world.yield_()

    def cancel(self, transfer):
        for posted in self.posted:
            if posted.transfer is transfer:
                self.posted.remove(posted)
                transfer.done = transfer.cancelled = True
                break

    def finish(self):
        self.wait_all(self.buffered)


class World:
    """The ranks of a job; their fibers that can run take turns in an order drawn from *seed*."""

    def __init__(
        self, size: int, tuning: Tuning, seed: int = 0, nodes: Sequence[int] | None = None
    ) -> None:
        self.hub = getcurrent()
        self.ready: deque[Fiber] = deque()
        # What parked fibers wait for: a message, or None if only another fiber can wake them.
        self.parked: dict[Fiber, Any] = {}
        self.random = random.Random(seed)
        self.sent = 0
        addresses = [Address((nodes or range(size))[rank], 1, rank, 1) for rank in range(size)]
        job = SimpleNamespace(
            id=1,
            addresses=addresses,
            machine=SimpleNamespace(node_map=None, universe=size),
            node_name=lambda rank: f"node{rank}",
            part=lambda rank: 0,
        )
        self.ends = [LoopBack(self, self._process(job, address)) for address in addresses]
        for end in self.ends:
            _state.attach(end.process, end, tuning)

    def _process(self, job: Any, address: Address) -> Any:
        process = SimpleNamespace(
            rank=address.rank,
            size=len(job.addresses),
            nid=address.nid,
            pid=address.pid,
            address=address,
            job=job,
            clock=0,
            libraries={},
            admitted=frozenset(),
            abort=self._abort,
            fiber=None,
            start_fiber=lambda body: self.start(process, body),
            park=lambda: self.sleep(None),
            wait=lambda watch: self.sleep(MESSAGE),
            unpark=self.rouse,
            yield_cpu=self.yield_,
        )
        process.charge = lambda ps: setattr(process, "clock", process.clock + ps)
        return process

    def _abort(self, status: int) -> None:
        raise Aborted(status)

    def run(self, program: Callable[[], Any]) -> list[Any]:
        """Run *program* on all ranks, and return what it returns on each."""
        results: list[Any] = [None] * len(self.ends)

        def body(end: LoopBack) -> None:
            results[end.process.rank] = program()

        for end in self.ends:
            self.ready.append(Fiber(lambda end=end: body(end), self.hub, end.process))
        while self.ready:
            self.ready.rotate(self.random.randrange(len(self.ready)))
            self.go(self.ready.popleft())
        if self.parked:
            waiting: dict[int, str] = {}
            for fiber, what in self.parked.items():
                process = fiber.process
                text = process.libraries["mpi"].describe(*what) if type(what) is tuple else ""
                waiting[process.rank] = waiting.get(process.rank, "") + text
            raise Deadlock(dict(sorted(waiting.items())))
        return results

    def go(self, fiber: Fiber) -> None:
        fiber.process.fiber = fiber
        fiber.switch()

    def start(self, process: Any, body: Callable[[], Any]) -> Fiber:
        """Start a further fiber of *process*, which runs at once."""
        fiber = Fiber(body, self.hub, process)
        self.ready.append(getcurrent())
        self.go(fiber)
        return fiber

    def sleep(self, what: Any) -> None:
        """Park the running fiber."""
        self.parked[getcurrent()] = what
        self.hub.switch()

    def park(self, end: LoopBack, what: Any) -> None:
        self.sleep(what or MESSAGE)

    def rouse(self, fiber: Fiber) -> None:
        """Let a parked fiber go on."""
        if self.parked.pop(fiber, ...) is not ...:
            self.ready.append(fiber)

    def wake(self, end: LoopBack) -> None:
        """Let the fibers of *end* look that wait for messages."""
        for fiber, what in list(self.parked.items()):
            if fiber.process is end.process and what is not None:
                self.rouse(fiber)

    def yield_(self) -> None:
        self.ready.append(getcurrent())
        self.hub.switch()


@pytest.fixture
def ranks():
    """Run a function on so many ranks, and return what it returns on each."""

    def run(
        size: int,
        program: Callable[[], Any],
        *,
        eager: int = EAGER,
        seed: int = 0,
        nodes: Sequence[int] | None = None,
        reduce_rate: int = 0,
        copy_rate: int = 0,
        coll: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        tuning = Tuning(
            eager, reduce_rate, copy_rate, Choices(FAMILIES, read_rules(FAMILIES, coll or {}))
        )
        world = World(size, tuning, seed, nodes)
        results = world.run(program)
        run.world = world
        for end in world.ends:
            assert not end.posted, "a receive was left behind"
            if not getattr(program, "leaves_messages", False):
                assert not end.unexpected, "a message was left behind"
        return results

    run.Deadlock, run.Aborted = Deadlock, Aborted
    return run
