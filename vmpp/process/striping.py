"""Files that are striped over I/O nodes: where each byte is, and what travels between a process and
the parallel file servers.

A process moves data of a striped file without asking the metadata server, and keeps nothing about
single servers. It lays one descriptor over its own memory, behind the match entry of the transfer's
number at `DATA_PORTAL`, and sends the same request to every I/O node that has a part of what it
wants. Each works out from the layout what that part is, and moves it straight between its disk and
the descriptor, at offsets in it that the sender of the data, or who asks for them, names: the
example that portals were introduced with (Riesen, Brightwell, Maccabe, 'Differences Between
Distributed and Parallel Systems'). When it is done it says so at `MOVED_PORTAL`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct
from typing import Any, Final

import msgspec

DATA_PORTAL: Final = 4
"""The portal of a process that data of striped files go to, or are fetched from; the match bits are
the number of the transfer."""
MOVED_PORTAL: Final = 5
"""The portal of a process that servers report to when their part of a transfer is done; the match
bits are its number, the body is a `Moved`.

Every request names it as its return portal, with the number as return bits: servers report to
where that says, and to nowhere without. So the word that nobody is there comes here as well
(`AckOutcome.NO_PROCESS` in the user data, no body): from a server that has been stopped at once,
and from an I/O node that has crashed as soon as that is found out. What a server owes by then is
reported with EIO: by one that is stopped, or, in the place of a node that has crashed, by what
answers there from then on. So whoever waits hears once from each server that it has asked, whatever
happens to that; and there is nothing else that processes would have to be told."""

SYSTEM: Final = 0
"""The group of the system's own processes, in place of a job's number."""

READ: Final = 1
"""A capability lets its job read."""
WRITE: Final = 2
"""A capability lets its job write."""

CAPABILITY: Final = 16
"""Bytes of a capability."""

LEAST_UNIT: Final = 512
"""The least bytes of a stripe unit."""

RUN: Final = Struct("<qqq")
"""A stretch of a file: its offset there, its length, and its offset in the caller's buffer."""

MOST_RUNS: Final = 1 << 14
"""The most stretches in one request."""


def server_name(node: int) -> str:
    """Return what processes call the parallel file server of I/O node *node*, counted from 0."""
    return f"pfs{node}"


class Layout(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where the bytes of a file are.

    Stripe unit *k* of the file is on ``servers[k % factor]``, where it is unit ``k // factor`` of
    what that one has of the file.

    Attributes:
        file: number of the file, never used again on the machine.
        unit: bytes of a stripe unit.
        servers: numbers of the I/O nodes, counted from 0, in the order of the stripes.
    """

    file: int
    unit: int
    servers: tuple[int, ...]

    @property
    def factor(self) -> int:
        """How many I/O nodes have parts of the file."""
        return len(self.servers)

    def holders(self, offset: int, length: int) -> list[int]:
        """Return the places in `servers` of those who have a part of a stretch of the file."""
        if length <= 0:
            return []
        first, last = offset // self.unit, (offset + length - 1) // self.unit
        count = min(last - first + 1, self.factor)
        return sorted((first + step) % self.factor for step in range(count))

    def concerned(self, runs: Sequence[tuple[int, int, int]], turn: int = 0) -> list[int]:
        """Return the places of those who have parts of any of *runs*.

        Args:
            runs: each an offset in the file, a length, and whatever else.
            turn: how many places after the one with the first byte the list begins.
        """
        found: set[int] = set()
        for offset, length, _ in runs:
            found.update(self.holders(offset, length))
            if len(found) == self.factor:
                break
        first = runs[0][0] // self.unit + turn
        return sorted(found, key=lambda place: (place - first) % self.factor)

    def parts(self, place: int, offset: int, length: int) -> Iterator[tuple[int, int, int]]:
        """Yield what of a stretch is on the server at *place* of `servers`, in ascending order.

        Yields:
            The offset in what that server has, the offset in the file, and the length, in bytes.
        """
        if length <= 0:
            return
        unit, factor, end = self.unit, self.factor, offset + length
        number = offset // unit
        number += (place - number) % factor
        while number * unit < end:
            begin = max(number * unit, offset)
            stop = min((number + 1) * unit, end)
            yield number // factor * unit + begin - number * unit, begin, stop - begin
            number += factor

    def end(self, place: int, length: int) -> int:
        """Return how far the file reaches, as far as the *length* of one server's part tells."""
        if length <= 0:
            return 0
        row, rest = divmod(length - 1, self.unit)
        return (row * self.factor + place) * self.unit + rest + 1

    def part_length(self, place: int, size: int) -> int:
        """Return the most bytes that the server at *place* has of a file of *size* bytes."""
        rows, rest = divmod(size, self.unit * self.factor)
        return rows * self.unit + min(max(rest - place * self.unit, 0), self.unit)


class Seal:
    """Makes and checks capabilities: proofs that a job may read or write a file.

    The metadata server gives one to who opens a file, and parallel file servers, which know the
    same secret, check it and keep no list of who may do what.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def capability(self, file: int, job: int, access: int) -> bytes:
        """Return what lets *job* use *file*: `READ`, `WRITE` or both."""
        text = b"%d %d %d" % (file, job, access)
        return blake2b(text, key=self._secret, digest_size=CAPABILITY).digest()

    def permits(self, capability: bytes, file: int, job: int, wanted: int) -> bool:
        """Return whether *capability* lets *job* use *file* as *wanted* says."""
        return any(
            compare_digest(capability, self.capability(file, job, access))
            for access in (READ, WRITE, READ | WRITE)
            if access & wanted == wanted
        )


class Request(msgspec.Struct, frozen=True, array_like=True, tag=0, gc=False):
    """What a parallel file server is asked for.

    One that is garbage is answered with EBADMSG, one without the right to it with EACCES.
    """


class ReadStripes(Request, frozen=True, array_like=True, tag=1, gc=False):
    """Send what the server has of *runs* into the descriptor of transfer *transfer*.

    What would be beyond the end of what it has is neither sent nor counted: who has asked finds out
    how far the file reaches, and puts zeros where there is nothing up to there.

    Attributes:
        transfer: number of the transfer, the match bits of data and completion.
        layout: of the file.
        capability: that lets the caller's job read.
        runs: packed `RUN`s, `MOST_RUNS` at most.
    """

    transfer: int
    layout: Layout
    capability: bytes
    runs: bytes


class WriteStripes(Request, frozen=True, array_like=True, tag=2, gc=False):
    """Fetch what the server is to have of *runs* from the descriptor of *transfer*, and keep it.

    A process that gives the transfer up keeps a descriptor there, over a copy of the data, until
    all servers have reported; if it has ended, its kernel says so.
    """

    transfer: int
    layout: Layout
    capability: bytes
    runs: bytes


class Cut(Request, frozen=True, array_like=True, tag=3, gc=False):
    """A file has *size* bytes from now on; only the system may say so. Answered with a `Moved`."""

    layout: Layout
    size: int


class Remove(Request, frozen=True, array_like=True, tag=4, gc=False):
    """A file is no more; only the system may say so. Answered with a `Moved`."""

    file: int


class Sync(Request, frozen=True, array_like=True, tag=5, gc=False):
    """Answer when all that has been written to a file is on the disk."""

    transfer: int
    layout: Layout


AnyRequest = ReadStripes | WriteStripes | Cut | Remove | Sync
"""Every request that there is."""


class Moved(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A server's part of a transfer is done.

    Attributes:
        error: ``errno`` of what failed; 0: nothing did.
        count: bytes moved: at the most what the server was to move of all runs together.
        end: how far the file reaches, as far as this server can tell from what it has of it, which
            others may have written without having heard of it yet.
        pieces: messages in which the server has sent what was read. They come before the report; so
            who counts fewer by then knows that the network has lost some.
        grown: whether what the server has of the file has become longer since a write began.
    """

    error: int
    count: int = 0
    end: int = 0
    pieces: int = 0
    grown: bool = False


_encoder = msgspec.msgpack.Encoder()
_requests: msgspec.msgpack.Decoder[AnyRequest] = msgspec.msgpack.Decoder(AnyRequest)
_moved: msgspec.msgpack.Decoder[Moved] = msgspec.msgpack.Decoder(Moved)

decode_request = _requests.decode
"""Unmarshal a request. Raises `msgspec.DecodeError` for anything that is none."""

decode_moved = _moved.decode
"""Unmarshal a completion. Raises `msgspec.DecodeError` for anything that is none."""


def encode(message: Request | Moved) -> bytes:
    """Marshal a request or a completion."""
    return _encoder.encode(message)


def pack_runs(runs: Any) -> bytes:
    """Marshal stretches: triples of offset in the file, length, and offset in the buffer."""
    return b"".join(RUN.pack(*run) for run in runs)
