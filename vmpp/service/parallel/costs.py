"""The constants of a parallel file server."""

from __future__ import annotations

from dataclasses import dataclass

from vmpp.hardware import DiskCache, DiskParameters


@dataclass(frozen=True, slots=True)
class IoCosts:
    """What a request takes a parallel file server, and what memory it has.

    Attributes:
        request: the least that a request takes, ps.
        buffers: memory for data that the server has asked for, in bytes, as the rest.
        cache: memory for blocks of the disk.
        write_behind: of that, what may be on its way to the disk yet.
        read_ahead: read beyond what a sequential reader asks for.
    """

    request: int
    buffers: int
    cache: int
    write_behind: int
    read_ahead: int

    def cached(self, disk: DiskParameters) -> DiskCache:
        """Return a disk with the server's memory before it."""
        return DiskCache(disk, self.cache, self.write_behind, self.read_ahead)
