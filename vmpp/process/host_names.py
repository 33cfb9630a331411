"""Names and addresses of hosts as the module ``socket`` has them: those of the machine's nodes."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final

from vmpp.process import places
from vmpp.process.virtual import Functions

if TYPE_CHECKING:
    from vmpp.kernel.process import Process


def _gethostname(process: Process) -> str:
    name: str = process.job.node_name(process.rank)
    return name


def _gethostbyname(process: Process, hostname: str, /) -> str:
    return places.resolve(process, hostname) if hostname else places.ANY


def _gethostbyname_ex(process: Process, hostname: str, /) -> tuple[str, list[str], list[str]]:
    return hostname, [], [_gethostbyname(process, hostname)]


def _gethostbyaddr(process: Process, ip_address: str, /) -> tuple[str, list[str], list[str]]:
    address = places.resolve(process, ip_address)
    return _name_at(process, address), [], [address]


def _name_at(process: Process, address: str) -> str:
    if address == places.LOOPBACK:
        return "localhost"
    node = places.node_at(process, address)
    if node is None:
        raise socket.herror(1, f"no node of the machine has the address {address}")
    name = places.name_of(process, node)
    places.resolve(process, name)
    return name


def _getnameinfo(process: Process, sockaddr: Any, flags: int, /) -> tuple[str, str]:
    host, port = sockaddr[:2]
    if not flags & socket.NI_NUMERICHOST:
        host = _name_at(process, places.resolve(process, host))
    return host, str(port)


def _getaddrinfo(
    process: Process,
    host: Any,
    port: Any,
    family: int = 0,
    type: int = 0,  # noqa: A002 # the original calls it so
    proto: int = 0,
    flags: int = 0,
) -> list[tuple[Any, Any, int, str, Any]]:
    if family not in (socket.AF_UNSPEC, socket.AF_INET):
        raise socket.gaierror(
            socket.EAI_FAMILY, "the nodes of the machine have IPv4 addresses only"
        )
    if type not in (0, socket.SOCK_STREAM) or proto not in (0, socket.IPPROTO_TCP):
        raise socket.gaierror(socket.EAI_SOCKTYPE, "a compute node has stream sockets only")
    if isinstance(host, (bytes, bytearray)):
        host = host.decode()
    if not host:
        address = places.ANY if flags & socket.AI_PASSIVE else places.LOOPBACK
    else:
        address = places.resolve(process, host)
    name = _gethostbyaddr(process, address)[0] if flags & socket.AI_CANONNAME else ""
    end = address, _port(port)
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, name, end)]


def _port(port: Any) -> int:
    if port is None or port == "":
        return 0
    try:
        return int(port)
    except ValueError:
        raise socket.gaierror(
            socket.EAI_SERVICE, f"a machine has no list of services: give the number of {port!r}"
        ) from None


TABLE: Final[Functions] = {
    "socket": {
        "getaddrinfo": _getaddrinfo,
        "gethostbyaddr": _gethostbyaddr,
        "gethostbyname": _gethostbyname,
        "gethostbyname_ex": _gethostbyname_ex,
        "gethostname": _gethostname,
        "getnameinfo": _getnameinfo,
    },
}
"""Virtual functions by module and name."""
