"""The way from a process to the servers of the service partition."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from vmpp.portals import (
    AckOutcome,
    Address,
    DynamicBlock,
    Header,
    Heap,
    MemoryOperation,
    PortalEntry,
    SendInfo,
)

if TYPE_CHECKING:
    from vmpp.kernel import Process

REQUEST_PORTAL: Final = 1
"""The portal that servers take requests at."""
REPLY_PORTAL: Final = 2
"""The portal of a process that replies come to."""

_HEAP_BYTES: Final = 8 << 20


def unlinked(server: str, request: bytes) -> bytes:
    """Take the place of a process's link once the process is at its end.

    Raises:
        OSError: always.
    """
    raise OSError(errno.EIO, os.strerror(errno.EIO))


class ServerLink:
    """Marshals requests to servers: each a message through portals, answered by another."""

    __slots__ = ("_heap", "_process", "_replies", "_sequence", "_servers")

    def __init__(self, process: Process, servers: Mapping[str, Address]) -> None:
        self._process = process
        self._servers = servers
        self._sequence = 0
        self._heap = Heap(_HEAP_BYTES)
        self._replies = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap)
        process.table.install(REPLY_PORTAL, PortalEntry(self._replies))
        process.rpc = self.call
        process.post = self.tell

    def call(self, server: str, request: bytes) -> Any:
        """Send *request* to a server and return its reply; blocks.

        Raises:
            OSError: EIO, the server is not there, or no longer.
        """
        process = self._process
        address = self._servers.get(server)
        if address is None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._sequence += 1
        process.calls += 1
        bits = self._sequence
        process.kernel.send(
            process,
            address,
            REQUEST_PORTAL,
            0,
            request,
            len(request),
            SendInfo(return_portal=REPLY_PORTAL, return_bits=bits),
        )
        header = self._taken(bits)
        while header is None:
            process.wait_alone(self._replies)
            header = self._taken(bits)
        info = header.info
        if info is None or info.user_data == AckOutcome.NO_PROCESS:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return header.body or b""

    def tell(self, server: str, request: bytes) -> None:
        """Send *request* to a server, if it is there, and wait for no answer."""
        address = self._servers.get(server)
        if address is not None:
            process = self._process
            process.calls += 1
            process.kernel.send(process, address, REQUEST_PORTAL, 0, request, len(request))

    def _taken(self, bits: int) -> Header | None:
        """Take the reply to request *bits* out of the heap; a call inside a call has its own."""
        for place, header in enumerate(self._heap.messages):
            if header.bits == bits:
                del self._heap.messages[place]
                self._heap.free(header)
                return header
        return None
