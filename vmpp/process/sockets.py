"""The module ``socket`` as a program on a compute node has it: stream sockets between processes.

`TABLE` replaces the methods of ``socket.socket`` and the functions of the module. A socket is of
the family AF_INET, where the nodes of the machine have the names and the addresses that
`vmpp.process.places` tells of, or AF_UNIX, whose names belong to one node and are no files. It
reaches processes of the own job and of those that are connected to it. What there is not raises
OSError: other families (EAFNOSUPPORT), datagrams (ESOCKTNOSUPPORT), and messages with ancillary
data (EOPNOTSUPP). Timeouts are in virtual time.
"""

from __future__ import annotations

import errno
import operator
import os
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn
from weakref import WeakKeyDictionary

from vmpp.engine import current_process
from vmpp.process.endpoints import Endpoint, endpoint_at, streams_of
from vmpp.process.locks import POLL, duration_of
from vmpp.process.streams import WINDOW, Name
from vmpp.process.virtual import Functions, Substitute, refused

if TYPE_CHECKING:
    from vmpp.kernel.process import Process

_DEFAULT_TIMEOUT: Final = "socket.defaulttimeout"
_FAMILIES: Final = (socket.AF_INET, socket.AF_UNIX)


class _Held:
    """What an object of the class ``socket.socket`` stands for in a process.

    Attributes:
        process: whose it is.
        fd: its descriptor; -1: it has been closed.
        family: its address family.
        proto: its protocol.
        timeout: for how many seconds its calls wait; None: for ever.
    """

    __slots__ = ("family", "fd", "process", "proto", "timeout")

    def __init__(self, process: Process, fd: int, endpoint: Endpoint) -> None:
        self.process = process
        self.fd = fd
        self.family = endpoint.family
        self.proto = endpoint.proto
        self.timeout: float | None = _getdefaulttimeout(process)

    @property
    def end(self) -> int | None:
        """Until when a call that begins now waits, in picoseconds; None: for ever."""
        return None if self.timeout is None else self.process.clock + duration_of(self.timeout)


_held: Final[WeakKeyDictionary[Any, _Held]] = WeakKeyDictionary()


def _of(process: Process, sock: Any) -> _Held:
    """Return what an object stands for in *process*. Raises OSError(EBADF)."""
    held = _held.get(sock)
    if held is None or held.process is not process or held.fd < 0:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return held


def _endpoint(process: Process, sock: Any) -> Endpoint:
    return endpoint_at(process, _of(process, sock).fd)


def _timed(process: Process, held: _Held, call: Callable[[], Any], number: int) -> Any:
    """Return what *call* returns, or raise as its timeout wants it.

    A socket that may not block raises OSError with the error *number*; a little time passes, so
    that a program which tries again and again gets somewhere.
    """
    try:
        return call()
    except TimeoutError:
        if held.timeout:
            raise
        process.charge(POLL)
        raise OSError(number, os.strerror(number)) from None


# -- objects ---------------------------------------------------------------------------------------


def _init(
    process: Process,
    self: Any,
    family: int = -1,
    type: int = -1,  # noqa: A002 # the original calls it so
    proto: int = -1,
    fileno: int | None = None,
) -> None:
    self._io_refs = 0
    self._closed = False
    if fileno is not None:
        fd = operator.index(fileno)
        endpoint = endpoint_at(process, fd)
    else:
        endpoint = _new(process, family, type, proto)
        fd = process.files.add(endpoint)
    held = _held[self] = _Held(process, fd, endpoint)
    if type > 0 and type & socket.SOCK_NONBLOCK:
        held.timeout = 0.0


def _new(process: Process, family: int, kind: int, proto: int) -> Endpoint:
    """Return a socket that is neither bound nor connected. Raises OSError."""
    family = socket.AF_INET if family == -1 else family
    if family not in _FAMILIES:
        text = f"a compute node has sockets of AF_INET and AF_UNIX, not of the family {family}"
        raise OSError(errno.EAFNOSUPPORT, text)
    kind = socket.SOCK_STREAM if kind == -1 else kind & ~_FLAGS
    if kind != socket.SOCK_STREAM:
        raise OSError(errno.ESOCKTNOSUPPORT, "a compute node has stream sockets, and no others")
    if proto not in (-1, 0, socket.IPPROTO_TCP):
        raise OSError(errno.EPROTONOSUPPORT, os.strerror(errno.EPROTONOSUPPORT))
    return Endpoint(process, family, max(0, proto))


_FLAGS: Final = socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC


def _socketpair(
    process: Process,
    family: int | None = None,
    type: int = socket.SOCK_STREAM,  # noqa: A002 # the original calls it so
    proto: int = 0,
) -> tuple[Any, Any]:
    ends = []
    for stream in streams_of(process).pair():
        endpoint = _new(process, socket.AF_UNIX if family is None else family, type, proto)
        endpoint.stream = stream
        fd = process.files.add(endpoint)
        ends.append(socket.socket(endpoint.family, type, proto, fileno=fd))
    return ends[0], ends[1]


def _fileno(process: Process, self: Any) -> int:
    held = _held.get(self)
    return -1 if held is None or held.process is not process else held.fd


def _detach(process: Process, self: Any) -> int:
    fd = _fileno(process, self)
    self._closed = True
    if fd >= 0:
        _of(process, self).fd = -1
    return fd


def _real_close(process: Process, self: Any, *_: Any) -> None:
    fd = _detach(process, self)
    if fd >= 0:
        process.files.close(fd)


def _del(process: Process, self: Any) -> None:
    """Close what the program has forgotten."""
    if not process.dying:
        _real_close(process, self)


def _close(process: Process, fd: int, /) -> None:
    endpoint_at(process, operator.index(fd))
    process.files.close(fd)


def _dup(process: Process, fd: int, /) -> int:
    endpoint_at(process, operator.index(fd))
    new: int = process.files.dup(fd)
    return new


def _attribute(name: str) -> Substitute:
    """Return an attribute of sockets that a process's have by what they are held as."""

    def make(real: Any) -> property:
        def get(sock: Any) -> Any:
            held = _held.get(sock) if current_process() is not None else None
            return real.__get__(sock, type(sock)) if held is None else convert(getattr(held, name))

        return property(get, doc=getattr(real, "__doc__", None))

    convert = socket.AddressFamily if name == "family" else lambda value: value
    return Substitute(make)


def _kind(real: Any) -> property:
    def get(sock: Any) -> Any:
        virtual = current_process() is not None and sock in _held
        return socket.SOCK_STREAM if virtual else real.__get__(sock, type(sock))

    return property(get, doc=getattr(real, "__doc__", None))


# -- timeouts and options --------------------------------------------------------------------------


def _getdefaulttimeout(process: Process) -> float | None:
    timeout: float | None = process.space.attribute(_DEFAULT_TIMEOUT, lambda _: None)
    return timeout


def _setdefaulttimeout(process: Process, timeout: float | None, /) -> None:
    process.space.set_attribute(_DEFAULT_TIMEOUT, _seconds(timeout))


def _seconds(timeout: float | None) -> float | None:
    if timeout is None:
        return None
    timeout = float(timeout)
    if timeout < 0:
        raise ValueError("Timeout value out of range")
    duration_of(timeout)
    return timeout


def _settimeout(process: Process, self: Any, timeout: float | None, /) -> None:
    _of(process, self).timeout = _seconds(timeout)


def _gettimeout(process: Process, self: Any) -> float | None:
    return _of(process, self).timeout


def _setblocking(process: Process, self: Any, flag: Any, /) -> None:
    _of(process, self).timeout = None if flag else 0.0


def _getblocking(process: Process, self: Any) -> bool:
    return _of(process, self).timeout != 0


def _setsockopt(
    process: Process, self: Any, level: int, option: int, value: Any, length: int = 0, /
) -> None:
    """Keep what is set; nothing of a virtual network is to be tuned by it."""
    del length
    endpoint = _endpoint(process, self)
    if level not in (socket.SOL_SOCKET, socket.IPPROTO_TCP, socket.IPPROTO_IP):
        raise OSError(errno.ENOPROTOOPT, os.strerror(errno.ENOPROTOOPT))
    endpoint.options[level, option] = value


def _getsockopt(
    process: Process, self: Any, level: int, option: int, size: int = 0, /
) -> int | bytes:
    endpoint = _endpoint(process, self)
    value = _known(endpoint, level, option)
    if size:
        data = value if isinstance(value, bytes) else struct.pack("i", value)
        return data[:size]
    return struct.unpack("i", value[:4])[0] if isinstance(value, bytes) else int(value)


def _known(endpoint: Endpoint, level: int, option: int) -> Any:
    """Return the value of an option: what the system has to say, or what has been set."""
    stream = endpoint.stream
    if level == socket.SOL_SOCKET and option == socket.SO_ERROR:
        error = 0 if stream is None else stream.error
        if stream is not None:
            stream.error = 0
        return error
    told = {
        socket.SO_TYPE: int(socket.SOCK_STREAM),
        socket.SO_DOMAIN: endpoint.family,
        socket.SO_PROTOCOL: endpoint.proto,
        socket.SO_ACCEPTCONN: int(endpoint.listener is not None),
        socket.SO_RCVBUF: WINDOW,
        socket.SO_SNDBUF: WINDOW,
    }
    if level == socket.SOL_SOCKET and option in told:
        return told[option]
    return endpoint.options.get((level, option), 0)


# -- places and connections ------------------------------------------------------------------------


def _bind(process: Process, self: Any, address: Any, /) -> None:
    _endpoint(process, self).bind(address)


def _listen(process: Process, self: Any, backlog: int = 128, /) -> None:
    _endpoint(process, self).listen(operator.index(backlog))


def _accept(process: Process, self: Any) -> tuple[int, Name]:
    held = _of(process, self)
    endpoint = endpoint_at(process, held.fd)
    made = _timed(process, held, lambda: endpoint.accept(held.end), errno.EAGAIN)
    return process.files.add(made), made.peer_name


def _connect(process: Process, self: Any, address: Any, /) -> None:
    held = _of(process, self)
    endpoint = endpoint_at(process, held.fd)
    _timed(process, held, lambda: endpoint.connect(address, held.end), errno.EINPROGRESS)


def _connect_ex(process: Process, self: Any, address: Any, /) -> int:
    try:
        _connect(process, self, address)
    except TimeoutError:
        return errno.EAGAIN
    except socket.gaierror:
        raise
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _getsockname(process: Process, self: Any) -> Name:
    return _endpoint(process, self).name


def _getpeername(process: Process, self: Any) -> Name:
    return _endpoint(process, self).peer_name


def _shutdown(process: Process, self: Any, how: int, /) -> None:
    _endpoint(process, self).shut_down(how)


# -- bytes -----------------------------------------------------------------------------------------


def _recv(process: Process, self: Any, bufsize: int, flags: int = 0, /) -> bytes:
    size = operator.index(bufsize)
    if size < 0:
        raise ValueError("negative buffersize in recv")
    held = _of(process, self)
    stream = endpoint_at(process, held.fd).connected
    if flags & ~(socket.MSG_PEEK | socket.MSG_DONTWAIT | socket.MSG_WAITALL):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    at_once = bool(flags & socket.MSG_DONTWAIT)
    end = process.clock if at_once else held.end
    peek = bool(flags & socket.MSG_PEEK)

    def receive() -> bytes:
        data = stream.receive(size, end, peek)
        while flags & socket.MSG_WAITALL and data and len(data) < size and not peek:
            more = stream.receive(size - len(data), end)
            if not more:
                break
            data += more
        return data

    data: bytes = _timed(process, held, receive, errno.EAGAIN)
    return data


def _recv_into(process: Process, self: Any, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
    with memoryview(buffer) as view, view.cast("B") as flat:
        if nbytes < 0:
            raise ValueError("negative buffersize in recv_into")
        if nbytes > len(flat):
            raise ValueError("buffer too small for requested bytes")
        data = _recv(process, self, nbytes or len(flat), flags)
        flat[: len(data)] = data
        return len(data)


def _recvfrom(process: Process, self: Any, bufsize: int, flags: int = 0, /) -> tuple[bytes, None]:
    return _recv(process, self, bufsize, flags), None


def _recvfrom_into(
    process: Process, self: Any, buffer: Any, nbytes: int = 0, flags: int = 0
) -> tuple[int, None]:
    return _recv_into(process, self, buffer, nbytes, flags), None


def _send(process: Process, self: Any, data: Any, flags: int = 0, /) -> int:
    held = _of(process, self)
    stream = _to_send(process, held, flags)
    with memoryview(data) as view, view.cast("B") as flat:
        end = process.clock if flags & socket.MSG_DONTWAIT else held.end
        sent: int = _timed(process, held, lambda: stream.send(flat, end), errno.EAGAIN)
        # A socket that blocks takes all, as long as there is no time by which it must have.
        while held.timeout is None and sent < len(flat) and end is None:
            sent += stream.send(flat[sent:])
    return sent


def _sendall(process: Process, self: Any, data: Any, flags: int = 0, /) -> None:
    held = _of(process, self)
    stream = _to_send(process, held, flags)
    end = held.end
    with memoryview(data) as view, view.cast("B") as flat:
        done = 0
        while done < len(flat):
            rest = flat[done:]
            done += _timed(process, held, lambda: stream.send(rest, end), errno.EAGAIN)  # noqa: B023


def _to_send(process: Process, held: _Held, flags: int) -> Any:
    """Return the stream to send to. Raises OSError(ENOTCONN, EOPNOTSUPP)."""
    if flags & ~(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    return endpoint_at(process, held.fd).connected


def _ancillary() -> Callable[..., NoReturn]:
    return refused(errno.EOPNOTSUPP, "sockets of a compute node carry bytes, and nothing beside")


_METHODS: Final[dict[str, Any]] = {
    "__del__": _del,
    "__init__": _init,
    "_accept": _accept,
    "_real_close": _real_close,
    "bind": _bind,
    "connect": _connect,
    "connect_ex": _connect_ex,
    "detach": _detach,
    "family": _attribute("family"),
    "fileno": _fileno,
    "getblocking": _getblocking,
    "getpeername": _getpeername,
    "getsockname": _getsockname,
    "getsockopt": _getsockopt,
    "gettimeout": _gettimeout,
    "listen": _listen,
    "proto": _attribute("proto"),
    "recv": _recv,
    "recv_into": _recv_into,
    "recvfrom": _recvfrom,
    "recvfrom_into": _recvfrom_into,
    "recvmsg": _ancillary(),
    "recvmsg_into": _ancillary(),
    "send": _send,
    "sendall": _sendall,
    "sendmsg": _ancillary(),
    "sendto": _ancillary(),
    "setblocking": _setblocking,
    "setsockopt": _setsockopt,
    "settimeout": _settimeout,
    "shutdown": _shutdown,
    "timeout": _attribute("timeout"),
    "type": Substitute(_kind),
}

TABLE: Final[Functions] = {
    "socket": {
        **{f"socket.{name}": virtual for name, virtual in _METHODS.items()},
        "close": _close,
        "dup": _dup,
        "getdefaulttimeout": _getdefaulttimeout,
        "setdefaulttimeout": _setdefaulttimeout,
        "socketpair": _socketpair,
    },
}
"""Virtual functions by module and name."""
