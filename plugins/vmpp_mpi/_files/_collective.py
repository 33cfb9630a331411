"""Collective accesses in two phases: some of the ranks access the file on behalf of all.

Each of these *aggregators* has a part of the file, its domain. In one phase data go between the
ranks and the aggregators by messages; in the other each aggregator moves the data of its domain by
a few large requests, a buffer at a time (del Rosario, Bordawekar, Choudhary: Improved Parallel I/O
via a Two-phase Run-time Access Strategy, 1993; Thakur, Gropp, Lusk: Data Sieving and Collective I/O
in ROMIO, 1999). Stretches that nobody writes are left out of a request, and not read before. Of a
striped file domains and buffers are whole stripe units, and one buffer is on its way to or from the
I/O nodes while the next is exchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vmpp_collectives import allgather
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._files._copy import gather, scatter
from vmpp_mpi._files._hints import DISABLE, ENABLE
from vmpp_mpi._files._runs import Runs
from vmpp_mpi._files._together import largest
from vmpp_mpi._files._trouble import error_class

if TYPE_CHECKING:
    from vmpp.process.transfers import Transfer
    from vmpp_collectives import Channel
    from vmpp_mpi._files._hints import Hints
    from vmpp_mpi._files._store import Store

_MOST_TURNS: Final = 4096
"""In more turns than this ranks do not access a file together: most of it would be gaps."""

_SWITCHES: Final = {ENABLE: 1, DISABLE: 2}
_BEGIN, _END, _APART, _SWITCH, _NODES, _BUFFER, _UNIT = range(7)
"""What each rank tells the others of its access."""


@dataclass(frozen=True, slots=True)
class Part:
    """A rank's part of a collective access.

    Attributes:
        channel: to the other ranks.
        candidates: the ranks that may be aggregators, the same on all.
        store: the file.
        hints: of the rank; of those that steer the collective access, rank 0's count.
        runs: what the rank accesses.
        data: to be written, or to be read into; as long as they.
        ascending: whether the runs ascend and do not overlap.
    """

    channel: Channel
    candidates: Sequence[int]
    store: Store
    hints: Hints
    runs: Runs
    data: memoryview
    ascending: bool


def read(part: Part) -> int:
    """Read together; return how many bytes there were for this rank.

    Raises:
        MPIError: on all ranks, if reading failed on one.
        OSError: as a system call does, where ranks read on their own.
    """
    exchange = _exchange(part, part.hints.romio_cb_read)
    if exchange is None:
        return part.store.read(part.runs, part.data, part.hints, part.ascending)
    return exchange.read()


def write(part: Part) -> None:
    """Write together; where data overlap, those of the highest rank stay. Raises as `read`."""
    exchange = _exchange(part, part.hints.romio_cb_write)
    if exchange is None:
        part.store.write(part.runs, part.data)
    else:
        exchange.write()


def _exchange(part: Part, switch: str) -> _Exchange | None:
    """Return how the ranks exchange data, None if each is to access the file on its own."""
    size = part.channel.size
    if size == 1:
        return None
    table = np.zeros((size, 7), np.int64)
    runs, hints = part.runs, part.hints
    table[part.channel.rank] = (
        runs.begin, runs.end if part.ascending else runs.begin + runs.nbytes, not part.ascending,
        _SWITCHES.get(switch, 0), hints.cb_nodes, _buffer_size(part), hints.striping_unit,
    )  # fmt: skip
    rows = range(0, table.nbytes + 1, 8 * table.shape[1])
    memory: Any = table.reshape(-1).view(np.uint8)
    allgather(part.channel, memoryview(memory), rows)
    if not _worth_while(table):
        return None
    domains = _domains(table, part.candidates)
    buffer = int(table[0, _BUFFER])
    turns = max(-(-(domain.end - domain.begin) // buffer) for domain in domains)
    return _Exchange(part, table, domains, turns) if turns <= _MOST_TURNS else None


def _buffer_size(part: Part) -> int:
    """Return how much an aggregator handles at a time: of a striped file whole units."""
    size, unit = part.hints.cb_buffer_size, part.hints.striping_unit
    return size if part.store.layout is None else max(unit, size - size % unit)


def _worth_while(table: Any) -> bool:
    """Return whether ranks access the file together: all of them decide the same."""
    switch = int(table[0, _SWITCH])
    table = table[table[:, _END] > table[:, _BEGIN]]
    if table[:, _APART].any() or not len(table) or switch == _SWITCHES[DISABLE]:
        return False
    reach = np.maximum.accumulate(table[:, _END])
    interleaved = bool((table[1:, _BEGIN] < reach[:-1]).any())
    return interleaved or switch == _SWITCHES[ENABLE]


@dataclass(frozen=True, slots=True)
class _Domain:
    """The part of the file that one aggregator is responsible for."""

    aggregator: int
    begin: int
    end: int

    def window(self, turn: int, size: int) -> tuple[int, int]:
        """Return what of it is moved in a turn, of at most *size* bytes."""
        begin = self.begin + turn * size
        return begin, max(begin, min(begin + size, self.end))


def _domains(table: Any, candidates: Sequence[int]) -> list[_Domain]:
    """Divide what is accessed into equal domains of whole striping units."""
    filled = table[table[:, _END] > table[:, _BEGIN]]
    begin, end = int(filled[:, _BEGIN].min()), int(filled[:, _END].max())
    unit = int(table[0, _UNIT])
    begin -= begin % unit
    units = -(-(end - begin) // unit)
    wanted = min(int(table[0, _NODES]), len(candidates), units)
    each = -(-units // wanted) * unit
    places = range(begin, end, each)
    step = len(candidates) // len(places)
    return [
        _Domain(candidates[index * step], place, min(place + each, end))
        for index, place in enumerate(places)
    ]


@dataclass(slots=True)
class _Fetch:
    """What an aggregator reads in a turn.

    Attributes:
        wanted: what of it each rank wants.
        union: all of that.
        data: where it goes to.
        reading: while it is read; None: that could not be begun, or there is nothing to read.
        found: how many bytes of it there are in the file.
    """

    wanted: list[tuple[int, Runs]]
    union: Runs
    data: memoryview
    reading: Transfer | None = None
    found: int = 0

    def finish(self) -> None:
        """Wait until it has been read. Raises `OSError`."""
        if self.reading is not None:
            self.found = self.reading.wait()

    def divided(self) -> list[tuple[int, memoryview]]:
        """Return what each rank gets of it."""
        if not self.wanted:
            return []
        begin, there = self.union.begin, self.union.part(0, self.found)
        buffer = self.data
        if len(self.union) > 1:
            buffer = memoryview(bytearray(self.union.end - begin))
            scatter(self.data[: there.nbytes], buffer, there.offsets - begin, there.lengths)
        cut = [(rank, runs.between(begin, there.end)[1]) for rank, runs in self.wanted]
        return [(rank, gather(buffer, runs.offsets - begin, runs.lengths)) for rank, runs in cut]


class _Exchange:
    """One collective access under way on one rank."""

    __slots__ = (
        "_asked", "_buffer", "_domains", "_failure", "_own", "_part", "_reading", "_transfers",
        "_turns", "_writing",
    )  # fmt: skip

    def __init__(self, part: Part, table: Any, domains: list[_Domain], turns: int) -> None:
        self._part = part
        self._buffer = int(table[0, _BUFFER])
        self._domains = domains
        self._turns = turns
        self._own = next((d for d in self._domains if d.aggregator == part.channel.rank), None)
        self._failure: OSError | None = None
        self._transfers: list[Any] = []
        self._reading: _Fetch | None = None
        self._writing: Transfer | None = None
        self._asked = self._announce(table)

    def write(self) -> None:
        """Send the data to the aggregators, and write as one of them."""
        for turn in range(self._turns):
            parts = self._expect(turn)
            for aggregator, piece in self._pieces(turn):
                if aggregator == self._part.channel.rank:
                    parts[aggregator][1][:] = piece
                else:
                    self._send(aggregator, piece)
            self._settle()
            self._attempt(lambda parts=parts: self._flush(list(parts.values())))  # type: ignore[misc]
        self._attempt(self._written)
        self._conclude()

    def read(self) -> int:
        """Read as one of the aggregators, and get the data from them; return how many bytes."""
        found = 0
        me = self._part.channel.rank
        for turn in range(self._turns):
            pieces = self._pieces(turn)
            receives = [self._receive(peer, into) for peer, into in pieces if peer != me]
            for rank, data in self._fetched(turn):
                if rank == me:
                    dict(pieces)[me][: len(data)] = data
                    found += len(data)
                else:
                    self._send(rank, data)
            self._settle()
            found += sum(transfer.nbytes for transfer in receives)
        self._conclude()
        return found

    # -- messages ----------------------------------------------------------------------------------

    def _announce(self, table: Any) -> dict[int, Runs]:
        """Tell the aggregators what this rank accesses; return what ranks access in its domain."""
        channel, own = self._part.channel, self._own
        asked = {}
        for domain in self._domains:
            if _meets(table[channel.rank], domain):
                mine = self._part.runs.between(domain.begin, domain.end)[1]
                if domain is own:
                    asked[channel.rank] = mine
                else:
                    self._send(domain.aggregator, mine.packed())
        for rank in range(channel.size):
            if own is not None and rank != channel.rank and _meets(table[rank], own):
                asked[rank] = Runs.unpacked(channel.receive_any(rank))
        self._settle()
        return dict(sorted(asked.items()))

    def _send(self, peer: int, data: Any) -> None:
        self._transfers.append(self._part.channel.begin_send(peer, data))

    def _receive(self, peer: int, into: memoryview) -> Any:
        transfer = self._part.channel.begin_receive(peer, into)
        self._transfers.append(transfer)
        return transfer

    def _settle(self) -> None:
        """Wait for the messages under way."""
        for transfer in self._transfers:
            self._part.channel.finish(transfer)
        self._transfers.clear()

    # -- turns -------------------------------------------------------------------------------------

    def _pieces(self, turn: int) -> list[tuple[int, memoryview]]:
        """Return the data of this rank that are moved in a turn, by aggregator."""
        pieces = []
        for domain in self._domains:
            first, runs = self._part.runs.between(*domain.window(turn, self._buffer))
            if len(runs):
                pieces.append((domain.aggregator, self._part.data[first : first + runs.nbytes]))
        return pieces

    def _wanted(self, turn: int) -> list[tuple[int, Runs]]:
        """Return what the ranks access in a turn in the domain of this one."""
        if self._own is None:
            return []
        window = self._own.window(turn, self._buffer)
        cut = [(rank, runs.between(*window)[1]) for rank, runs in self._asked.items()]
        return [(rank, runs) for rank, runs in cut if len(runs)]

    def _expect(self, turn: int) -> dict[int, tuple[Runs, memoryview]]:
        """Make room for the data that ranks send to be written, and begin to receive them."""
        parts = {
            rank: (runs, memoryview(bytearray(runs.nbytes))) for rank, runs in self._wanted(turn)
        }
        for rank, (_, room) in parts.items():
            if rank != self._part.channel.rank:
                self._receive(rank, room)
        return parts

    # -- the file ----------------------------------------------------------------------------------

    def _flush(self, parts: list[tuple[Runs, memoryview]]) -> None:
        """Begin to write what ranks have sent, by one request if it fits."""
        self._written()
        if len(parts) == 1:
            self._writing = self._part.store.begin_write(*parts[0])
        elif parts:
            union = Runs.union([runs for runs, _ in parts])
            begin = union.begin
            buffer = memoryview(bytearray(union.end - begin))
            for runs, data in parts:
                scatter(data, buffer, runs.offsets - begin, runs.lengths)
            data = gather(buffer, union.offsets - begin, union.lengths)
            self._writing = self._part.store.begin_write(union, data)

    def _written(self) -> None:
        """Wait for what has been begun to be written."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.wait()

    def _begin_fetch(self, turn: int) -> _Fetch:
        """Begin to read what ranks want in a turn."""
        wanted = self._wanted(turn)
        union = Runs.union([runs for _, runs in wanted])
        fetch = _Fetch(wanted, union, memoryview(bytearray(union.nbytes)))

        def begin() -> None:
            part = self._part
            fetch.reading = part.store.begin_read(union, fetch.data, part.hints, True)

        if len(union):
            self._attempt(begin)
        return fetch

    def _fetched(self, turn: int) -> list[tuple[int, memoryview]]:
        """Return what ranks want in a turn, by rank; less than that where the file ends."""
        fetch = self._reading or self._begin_fetch(turn)
        self._attempt(fetch.finish)
        self._reading = None
        if self._part.store.layout is not None and turn + 1 < self._turns:
            self._reading = self._begin_fetch(turn + 1)
        return fetch.divided()

    def _attempt(self, act: Callable[[], None]) -> None:
        """Access the file, and go on after a failure: other ranks count on this one's messages."""
        try:
            act()
        except OSError as error:
            self._failure = self._failure or error

    def _conclude(self) -> None:
        """Tell all ranks how it ended.

        Raises:
            MPIError: it failed on some rank.
        """
        failure = self._failure
        (worst,) = largest(self._part.channel, 0 if failure is None else error_class(failure))
        if worst:
            raise MPIError(worst, "" if failure is None else failure.strerror or "")


def _meets(row: Any, domain: _Domain) -> bool:
    """Return whether what a rank accesses may reach into a domain."""
    return bool(row[_BEGIN] < row[_END] and row[_BEGIN] < domain.end and domain.begin < row[_END])
