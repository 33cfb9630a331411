"""Sockets as a process's descriptors stand for them: places, listeners and streams by one number.

An `Endpoint` is what a socket is to the operating system. The objects of the module ``socket``, and
``os.read`` and ``os.write``, act on it by its descriptor.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from typing import TYPE_CHECKING, Any, Final

from vmpp.portals import Address
from vmpp.process import calls, places
from vmpp.process.listeners import Listener
from vmpp.process.open_files import SocketFile
from vmpp.process.streams import Name, Stream, Streams

if TYPE_CHECKING:
    from vmpp.kernel import Process

_STREAMS: Final = "vmpp.streams"
"""Under what a process's streams are found in its address space."""

_OPENED: Final = calls.Opened(-1, stat.S_IFSOCK | 0o777, 4096, False, False)
"""What stands for a socket where its attributes as a file are asked for."""


def streams_of(process: Process) -> Streams:
    """Return the streams of a process, which has none before it is asked for any."""
    streams: Streams = process.space.attribute(_STREAMS, lambda _: Streams(process))
    return streams


class Endpoint(SocketFile):
    """A socket.

    Attributes:
        family: its address family.
        proto: its protocol.
        options: what has been set, by level and name.
        listener: what takes connections; None: it does not.
        stream: its end of a stream; None: it is not connected.
    """

    __slots__ = ("_host", "_port", "_process", "family", "listener", "options", "proto", "stream")

    def __init__(self, process: Process, family: int, proto: int = 0) -> None:
        super().__init__(_OPENED, False)
        self._process = process
        self._host = ""
        self._port = 0
        self.family = family
        self.proto = proto
        self.options: dict[tuple[int, int], Any] = {}
        self.listener: Listener | None = None
        self.stream: Stream | None = None

    # -- places --------------------------------------------------------------------------------

    def bind(self, name: Any) -> None:
        """Take a place of the own node.

        Raises:
            OSError: EADDRINUSE, EADDRNOTAVAIL for one of another node, EINVAL if it has one.
        """
        if self._host or self.stream is not None:
            raise _error(errno.EINVAL)
        host, port = self._place(name)
        if port != places.NO_PORT and places.node_at(self._process, host) != self._process.nid:
            raise _error(errno.EADDRNOTAVAIL)
        self._take(host, port)

    def _take(self, host: str, port: int) -> None:
        self._port = places.ask(self._process, places.Bind(host, port)).port
        self._host = host

    def _place(self, name: Any) -> tuple[str, int]:
        """Return the place that a program calls *name*. Raises TypeError, OverflowError, OSError"""
        if self.family == socket.AF_UNIX:
            host = os.fsdecode(name)
            if not host:
                raise _error(errno.EINVAL)
            return host, places.NO_PORT
        if not isinstance(name, tuple):
            raise TypeError(f"AF_INET address must be tuple, not {type(name).__name__}")
        host, port = name
        if not 0 <= port <= 65535:
            raise OverflowError("port must be 0-65535.")
        if isinstance(host, (bytes, bytearray)):
            host = host.decode()
        return (places.resolve(self._process, host) if host else places.ANY), port

    def _name(self, host: str, port: int) -> Name:
        if self.family == socket.AF_UNIX:
            return host.encode(errors="surrogateescape") if host.startswith("\0") else host
        return host or places.ANY, port

    @property
    def name(self) -> Name:
        """What it is known by."""
        return self._name(self._host, self._port) if self.stream is None else self.stream.names[0]

    @property
    def peer_name(self) -> Name:
        """What its other end is known by. Raises OSError(ENOTCONN)."""
        return self.connected.names[1]

    # -- connections ---------------------------------------------------------------------------

    def listen(self, backlog: int) -> None:
        """Take connections, *backlog* of them and one before they are accepted.

        Raises:
            OSError: EINVAL, it is connected, or has no name.
        """
        if self.stream is not None or (self.family == socket.AF_UNIX and not self._host):
            raise _error(errno.EINVAL)
        if not self._host:
            self._take(places.ANY, 0)
        if self.listener is not None:
            self.listener.backlog = max(0, backlog)
            return
        listener = Listener(streams_of(self._process), max(0, backlog))
        places.ask(self._process, places.Listen(self._host, self._port, listener.number))
        self.listener = listener

    def accept(self, end: int | None) -> Endpoint:
        """Return the oldest connection, as soon as there is one, at time *end* at the latest.

        Raises:
            TimeoutError: the time has come before.
            OSError: EINVAL, it does not listen.
        """
        if self.listener is None:
            raise _error(errno.EINVAL)
        return self.made_of(self.listener.accept(end))

    def made_of(self, stream: Stream) -> Endpoint:
        """Return a new socket of the same kind for an open *stream*."""
        made = Endpoint(self._process, self.family, self.proto)
        made.stream = stream
        return made

    def connect(self, name: Any, end: int | None) -> None:
        """Connect with whoever listens at the place called *name*.

        Raises:
            TimeoutError: time *end* has come before.
            OSError: ECONNREFUSED, nobody does; EHOSTUNREACH, there is no such node; EACCES, it is
                one of another job that may not send to this one; EISCONN, EALREADY.
        """
        stream = self.stream
        if self.listener is not None or (stream is not None and stream.opened):
            raise _error(errno.EISCONN)
        if stream is not None and not stream.error:
            raise _error(errno.EALREADY)
        self.stream = stream = self._knock(name)
        try:
            stream.await_opening(end)
        except TimeoutError:
            raise
        except OSError:
            stream.close()
            self.stream = None
            raise

    def _knock(self, name: Any) -> Stream:
        """Ask for a connection; the answer is still to come."""
        process = self._process
        host, port = self._place(name)
        if host == places.ANY and port != places.NO_PORT:
            host = places.LOOPBACK
        node = process.nid if port == places.NO_PORT else places.node_at(process, host)
        if node is None:
            raise OSError(errno.ENETUNREACH, f"a machine has no way to {host}")
        found = places.ask(process, places.Find(node, host, port))
        if found.job != process.job.id and found.job not in process.admitted:
            raise OSError(errno.EACCES, f"job {found.job}, which listens there, is not connected")
        if not self._host and port != places.NO_PORT:
            self._take(host if node == process.nid else places.address_of(process.nid), 0)
        streams = streams_of(process)
        stream = Stream(streams, (self._name(self._host, self._port), self._name(host, port)))
        stream.knock(Address(node, found.pid, found.rank, found.job), found.listener)
        return stream

    @property
    def connected(self) -> Stream:
        """The stream of a socket that has another end. Raises OSError(ENOTCONN)."""
        if self.stream is None or not self.stream.opened:
            raise _error(errno.ENOTCONN)
        return self.stream

    # -- bytes, and the end --------------------------------------------------------------------

    def read(self, size: int) -> bytes:
        """Return up to *size* bytes as soon as there are any; none at the end."""
        return self.connected.receive(size)

    def write(self, data: Any) -> int:
        """Send all of *data* and return how many bytes, as a socket that may block does."""
        with memoryview(data) as view, view.cast("B") as flat:
            done = 0
            while done < len(flat):
                done += self.connected.send(flat[done:])
        return done

    def shut_down(self, how: int) -> None:
        """End one direction or both. Raises OSError(ENOTCONN, EINVAL)."""
        stream = self.connected
        if how not in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
            raise _error(errno.EINVAL)
        if how != socket.SHUT_WR:
            stream.shut_ears()
        if how != socket.SHUT_RD:
            stream.finish()

    def close(self) -> None:
        """End it; no call blocks for that."""
        listener, self.listener = self.listener, None
        stream, self.stream = self.stream, None
        if listener is not None:
            listener.close()
        if stream is not None:
            stream.close()
        if self._host:
            self._process.post(places.SERVER, calls.encode(places.Leave(self._host, self._port)))
        self._host = ""


def stream_at(process: Process, fd: int) -> Stream:
    """Return the stream of the connected socket that a descriptor stands for.

    Raises:
        OSError: EBADF, it stands for nothing; ENOTSOCK, for a file; ENOTCONN, for another socket.
    """
    return endpoint_at(process, fd).connected


def endpoint_at(process: Process, fd: int) -> Endpoint:
    """Return the socket that a descriptor stands for. Raises OSError(EBADF, ENOTSOCK)."""
    found = process.files.lookup(fd)
    if not isinstance(found, Endpoint):
        raise _error(errno.ENOTSOCK)
    return found


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
