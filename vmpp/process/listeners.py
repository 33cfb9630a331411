"""Listeners: what takes connections, and keeps them until the program accepts them."""

from __future__ import annotations

import errno
import os
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from vmpp.process import calls
from vmpp.process.streams import Change, Kind, Name, Stream, Streams

if TYPE_CHECKING:
    from vmpp.portals import Address, Header


class Listener:
    """What takes connections.

    Attributes:
        number: by which others ask it for connections.
        backlog: how many more than one may be open that the program has not accepted yet.
    """

    __slots__ = ("_change", "_closed", "_opened", "_streams", "_waiting", "backlog", "number")

    def __init__(self, streams: Streams, backlog: int) -> None:
        self._streams = streams
        self._closed = False
        self._opened: deque[Stream] = deque()
        self._waiting: deque[tuple[Address, int, tuple[Name, Name]]] = deque()
        self._change = Change()
        self.backlog = backlog
        self.number = streams.add(self)

    def accept(self, end: int | None) -> Stream:
        """Return the oldest connection, as soon as there is one.

        Raises:
            TimeoutError: time *end* has come before.
            OSError: EBADF, the listener has been closed.
        """
        process = self._streams.process
        while not self._opened:
            if self._closed:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            if not self._change.wait(process, end):
                raise TimeoutError("timed out")
        stream = self._opened.popleft()
        self._let_in()
        return stream

    def take(self, kind: int, header: Header, far: int) -> None:
        """Take a message: somebody asks for a connection."""
        if kind == Kind.OPEN:
            try:
                theirs, own = msgspec.msgpack.decode(header.body or b"", type=tuple[Any, Any])
            except calls.GARBAGE:
                return
            self._waiting.append((header.source, far, (_name(own), _name(theirs))))
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and len(self._opened) <= self.backlog:
            peer, far, names = self._waiting.popleft()
            stream = Stream(self._streams, names)
            stream.open(peer, far)
            stream.accept()
            self._opened.append(stream)
            self._change.tell(self._streams.process)

    def close(self) -> None:
        """Take no more connections, and end those that nobody has accepted."""
        self._closed = True
        self._streams.remove(self.number)
        for peer, far, _ in self._waiting:
            self._streams.send(peer, Kind.RESET, far, 0)
        for stream in self._opened:
            stream.reset()
        self._change.tell(self._streams.process)


def _name(found: Any) -> Name:
    return tuple(found) if isinstance(found, list) else found
