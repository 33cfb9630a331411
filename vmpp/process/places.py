"""Places at which sockets are reached: names and addresses of nodes, and who keeps the places.

Node *n* has the name that programs see of it and the internet address 10.x.y.z, whose last three
bytes are *n* + 1. Requests to the server that keeps the places are marshalled as those of
`vmpp.process.calls`.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from vmpp.process.calls import Call, Done, Failed, Reply, encode

if TYPE_CHECKING:
    from vmpp.kernel import Process

SERVER: Final = "sockets"
"""The server that keeps the places, as processes call it."""

ANY: Final = "0.0.0.0"  # of a virtual machine: no interface of the host is meant
"""The address of whatever interface a node has."""
LOOPBACK: Final = "127.0.0.1"
"""The address by which a node reaches itself."""
NO_PORT: Final = -1
"""In place of a port's number: the place is known by its name alone."""

R = TypeVar("R", bound=Reply)


class Bound(Reply, frozen=True, array_like=True, tag=-31, gc=False):
    """A place is the caller's: the number of its port."""

    port: int


class Found(Reply, frozen=True, array_like=True, tag=-32, gc=False):
    """Somebody listens: job, rank and number of the process, and its number of the listener."""

    job: int
    rank: int
    pid: int
    listener: int


class Bind(Call[Bound], frozen=True, array_like=True, tag=1, gc=False):
    """Give the caller a place on its node; a *port* of 0 is any that is free."""

    host: str
    port: int


class Listen(Call[Done], frozen=True, array_like=True, tag=2, gc=False):
    """Say that the caller takes connections at a place of its own, by what *listener*."""

    host: str
    port: int
    listener: int


class Leave(Call[Done], frozen=True, array_like=True, tag=3, gc=False):
    """Give a place back."""

    host: str
    port: int


class Find(Call[Found], frozen=True, array_like=True, tag=4, gc=False):
    """Tell who listens at a place of *node*."""

    node: int
    host: str
    port: int


class Exists(Call[Done], frozen=True, array_like=True, tag=5, gc=False):
    """Say whether the machine has a compute node of that number."""

    node: int


class Forget(Call[Done], frozen=True, array_like=True, tag=6, gc=False):
    """The process *rank* of *job* is no more: its node has crashed. Only the system may say so."""

    job: int
    rank: int


AnyCall = Bind | Listen | Leave | Find | Exists | Forget
"""Every request to the server."""

_calls: Final[msgspec.msgpack.Decoder[AnyCall]] = msgspec.msgpack.Decoder(AnyCall)
_replies: Final[msgspec.msgpack.Decoder[Any]] = msgspec.msgpack.Decoder(
    Failed | Done | Bound | Found
)

decode_call = _calls.decode
"""Unmarshal a request. Raises one of `GARBAGE` for anything that is none."""


def ask(process: Process, request: Call[R]) -> R:
    """Ask the server, and return its answer; blocks.

    Raises:
        OSError: it refuses, and says why; EIO: it is not there.
    """
    reply: R | Failed = _replies.decode(process.rpc(SERVER, encode(request)))
    if isinstance(reply, Failed):
        raise OSError(reply.errno, reply.text or os.strerror(reply.errno))
    return reply


# -- names and addresses of nodes ------------------------------------------------------------------

_DOTTED: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})")


def address_of(node: int) -> str:
    """Return the internet address of *node*."""
    number = node + 1
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def name_of(process: Process, node: int) -> str:
    """Return the name of *node* as programs see it."""
    name: str = process.job.machine.name
    return f"{name}-n{node:05d}"


def node_at(process: Process, host: str) -> int | None:
    """Return the number of the node that has the address *host*; None if none can have it."""
    found = _DOTTED.fullmatch(host)
    first, *rest = map(int, found.groups()) if found else (0,)
    if host == ANY or first == 127:
        return process.nid
    if first != 10 or max(rest) > 255:
        return None
    return (rest[0] << 16 | rest[1] << 8 | rest[2]) - 1


def resolve(process: Process, host: str) -> str:
    """Return the address of the node that is called *host*, or *host* if it is an address.

    Raises:
        socket.gaierror: EAI_NONAME, no node of the machine is called so.
    """
    if _DOTTED.fullmatch(host):
        return host
    if host.lower() == "localhost":
        return LOOPBACK
    prefix, _, digits = host.rpartition("-n")
    if prefix == process.job.machine.name and digits.isdecimal():
        node = int(digits)
        if name_of(process, node) == host and _exists(process, node):
            return address_of(node)
    raise socket.gaierror(
        socket.EAI_NONAME, f"no node of the machine is called {host!r}, and it knows no others"
    )


def _exists(process: Process, node: int) -> bool:
    if node == process.nid:
        return True
    try:
        ask(process, Exists(node))
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
    return True
