"""Hints: what a program may say about its use of a file. A value without sense is ignored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from vmpp_mpi._info import Info

if TYPE_CHECKING:
    from vmpp.process.striping import Layout

ENABLE: Final = "enable"
DISABLE: Final = "disable"
AUTOMATIC: Final = "automatic"


@dataclass(frozen=True, slots=True)
class Hints:
    """The hints in use. The names are those of MPI and, from ``romio_`` on, of ROMIO.

    Attributes:
        cb_nodes: how many ranks access the file on behalf of all in a collective access.
        cb_buffer_size: bytes that one of these handles at a time.
        romio_cb_read: whether collective reads are done that way: if ranks' data are interleaved
            by default.
        romio_cb_write: the same for collective writes.
        romio_ds_read: whether a read of many stretches reads what lies between them as well: if
            that moves fewer bytes by default.
        ind_rd_buffer_size: bytes that such a read reads at a time.
        striping_factor: how many I/O nodes the file is striped over, counted when it is made.
        striping_unit: bytes on one I/O node before the next is used, likewise.
        start_iodevice: the I/O node that has the first of them, likewise; -1: none that is known.
        access_style: how the file will be accessed; taken note of.
        file_perm: permissions of a file that is made, in octal.
    """

    cb_nodes: int
    cb_buffer_size: int = 1 << 22
    romio_cb_read: str = AUTOMATIC
    romio_cb_write: str = AUTOMATIC
    romio_ds_read: str = AUTOMATIC
    ind_rd_buffer_size: int = 1 << 22
    striping_factor: int = 1
    striping_unit: int = 1 << 16
    start_iodevice: int = -1
    access_style: str = ""
    file_perm: str = ""

    def updated(self, info: Info | None) -> Hints:
        """Return these hints with those of *info* in their places."""
        changes: dict[str, Any] = {}
        for key, value in info.items() if info else ():
            parse = _PARSERS.get(key)
            parsed = None if parse is None else parse(value)
            if parsed is not None:
                changes[key] = parsed
        collective = changes.pop("collective_buffering", None)
        if collective is not None:
            changes = {"romio_cb_read": collective, "romio_cb_write": collective, **changes}
        return replace(self, **changes)

    def laid_out(self, layout: Layout) -> Hints:
        """Return these hints with what is true of a striped file, whatever a program has said."""
        return replace(
            self,
            striping_factor=layout.factor,
            striping_unit=layout.unit,
            start_iodevice=layout.servers[0],
        )

    def items(self) -> list[tuple[str, str]]:
        """Return the keys and values, in order; without those that say nothing."""
        values = [(each.name, str(getattr(self, each.name))) for each in fields(self)]
        return [(key, value) for key, value in values if value not in ("", "-1")]


def _positive(value: str) -> int | None:
    return int(value) if value.strip().isdecimal() and int(value) > 0 else None


def _natural(value: str) -> int | None:
    return int(value) if value.strip().isdecimal() else None


def _switch(value: str) -> str | None:
    return value if value in (ENABLE, DISABLE, AUTOMATIC) else None


def _truth(value: str) -> str | None:
    return {"true": ENABLE, "false": DISABLE}.get(value)


def _octal(value: str) -> str | None:
    return value if value and not value.strip("01234567") else None


_PARSERS: Final[dict[str, Callable[[str], Any]]] = {
    "cb_nodes": _positive,
    "cb_buffer_size": _positive,
    "collective_buffering": _truth,
    "romio_cb_read": _switch,
    "romio_cb_write": _switch,
    "romio_ds_read": _switch,
    "ind_rd_buffer_size": _positive,
    "striping_factor": _positive,
    "striping_unit": _positive,
    "start_iodevice": _natural,
    "access_style": str,
    "file_perm": _octal,
}
