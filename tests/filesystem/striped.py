"""I/O nodes that do at once what they are asked for, over a folder of the host."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vmpp.process import striping
from vmpp.process.striping import Seal
from vmpp.service.filesystem.work import Errand


class InstantNodes:
    """In the place of the machine's I/O nodes.

    Attributes:
        lost: numbers of those that do not answer.
        held: whether nothing is done until `release`.
        asked: what has been asked for: place of the server and request.
    """

    def __init__(self, folder: Path, nodes: int = 4) -> None:
        self.seal = Seal(b"secret")
        self.folder = folder
        self.nodes = nodes
        self.lost: set[int] = set()
        self.held = False
        self.asked: list[tuple[int, Any]] = []
        self._waiting: list[tuple[Errand, Callable[[int], object]]] = []

    def begin(self, errand: Errand, done: Callable[[int], object]) -> None:
        """Do an errand, or keep it until `release`."""
        if any(errand.layout.servers[place] >= self.nodes for place in errand.places):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if self.held:
            self._waiting.append((errand, done))
        else:
            done(self._do(errand))

    def release(self, count: int | None = None) -> None:
        """Do what has been kept, in order, the first *count* or all."""
        now, self._waiting = self._waiting[:count], self._waiting[len(self._waiting[:count]) :]
        for errand, done in now:
            done(self._do(errand))

    def _do(self, errand: Errand) -> int:
        request = errand.request(1, b"")
        for place in errand.places:
            node = errand.layout.servers[place]
            self.asked.append((node, request))
            if node in self.lost:
                return errno.EIO
            self._serve(node, place, request, errand)
        return 0

    def _serve(self, node: int, place: int, request: Any, errand: Errand) -> None:
        path = self.folder / f"io{node:04}" / str(errand.layout.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(request, striping.Remove):
            path.unlink(missing_ok=True)
        elif isinstance(request, striping.Cut):
            if path.exists():
                length = request.layout.part_length(place, request.size)
                os.truncate(path, min(length, path.stat().st_size))
        elif not isinstance(request, striping.Sync):
            self._move(path, place, request, errand.memory)

    def _move(self, path: Path, place: int, request: Any, memory: Any) -> None:
        fd = os.open(path, os.O_RDWR | os.O_CREAT)
        for start, length, at in striping.RUN.iter_unpack(request.runs):
            for inside, offset, count in request.layout.parts(place, start, length):
                part = memory[at + offset - start : at + offset - start + count]
                if isinstance(request, striping.WriteStripes):
                    os.pwrite(fd, part, inside)
                else:
                    data = os.pread(fd, count, inside)
                    part[: len(data)] = data
        os.close(fd)
