"""The six modes in which the nodes of an application share a file.

Each says where an access is in the file: the pointer that it goes by, and what the other nodes have
to do with it. What is moved then, by whom and when it is there, is the same in all of them but
`Global`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vmpp_nx._errors import Refused
from vmpp_nx._together import broadcast_numbers, exchange_numbers

if TYPE_CHECKING:
    from vmpp_nx._files._open_files import NxFile

M_UNIX, M_LOG, M_SYNC, M_RECORD, M_GLOBAL, M_ASYNC = range(6)


class Mode:
    """One mode, `Unix` and `Async` among them: each node has a pointer of its own.

    Attributes:
        number: by which programs know it.
        common: whether all nodes have to agree on where the pointer is.
        atomic: whether nobody may see part of what an access writes.
        together: whether all nodes make each access together.
    """

    number = M_ASYNC
    common = False
    atomic = False
    together = False

    def reserve(self, file: NxFile, length: int, *, writing: bool) -> tuple[int, int]:
        """Return where an access of *length* bytes is and how long; move the pointer past it."""
        offset = file.tell()
        return offset, length

    def settle(self, file: NxFile, offset: int, length: int, moved: int) -> None:
        """Have the pointer where it belongs after an access that has moved so many bytes."""
        file.move(offset + moved)

    def settles_late(self, file: NxFile) -> bool:
        """Return whether `settle` is for the end of an access, as the pointer is moved already."""
        return False

    def tell(self, file: NxFile) -> int:
        """Return where the pointer is."""
        return file.tell()

    def seek(self, file: NxFile, position: int) -> None:
        """Set the pointer."""
        file.move(position)

    def adopt(self, file: NxFile, position: int) -> None:
        """Begin to go by the pointer of this mode, which is at *position*; all nodes call."""
        if file.position is not None or file.tell() != position:
            file.move(position)


class Unix(Mode):
    """``M_UNIX``: own pointers, and what one node writes no other sees a part of."""

    number = M_UNIX
    atomic = True


class Log(Mode):
    """``M_LOG``: one pointer, first come, first served; accesses are of any length."""

    number = M_LOG
    common = True

    def reserve(self, file: NxFile, length: int, *, writing: bool) -> tuple[int, int]:
        """Take room at the pointer, and move it for all, in one step."""
        if file.common is None:
            return super().reserve(file, length, writing=writing)
        return file.move_common(length), length

    def settle(self, file: NxFile, offset: int, length: int, moved: int) -> None:
        """Take the pointer back to the end of the file, if a read has found it."""
        if file.common is None:
            super().settle(file, offset, length, moved)
        elif moved < length:
            with file.locked():
                if file.move_common(0) > offset + moved:
                    file.set_common(offset + moved)

    def settles_late(self, file: NxFile) -> bool:
        """Return whether there is a pointer that all nodes have in common."""
        return file.common is not None

    def tell(self, file: NxFile) -> int:
        """Ask where the pointer is."""
        return file.tell() if file.common is None else file.move_common(0)

    def seek(self, file: NxFile, position: int) -> None:
        """Set the pointer for all nodes."""
        if file.common is None:
            file.move(position)
        else:
            file.set_common(position)

    def adopt(self, file: NxFile, position: int) -> None:
        """Have node 0 set the pointer before anybody else goes by it."""
        if file.common is None:
            super().adopt(file, position)
            return
        if file.state.node == 0:
            file.set_common(position)
        broadcast_numbers(file.state, position)


class Common(Mode):
    """A pointer that all nodes move alike, so that each knows where it is and need not ask."""

    common = True
    together = True

    def seek(self, file: NxFile, position: int) -> None:
        """Set the pointer, which all nodes do together.

        Raises:
            Refused: ECFPS: to different places.
        """
        if len(set(exchange_numbers(file.state, position))) > 1:
            raise Refused("ECFPS", f"node {file.state.node} seeks to {position}")
        file.move(position)


class Sync(Common):
    """``M_SYNC``: one pointer; nodes access together, their parts in the order of their numbers."""

    number = M_SYNC

    def reserve(self, file: NxFile, length: int, *, writing: bool) -> tuple[int, int]:
        """Find the own part behind those of lower nodes, before the end of the file if it reads."""
        state, base = file.state, file.tell()
        # Who reads needs to know the file's size; one of them asks, for all.
        limit = file.size() if state.node == 0 and not writing else -1
        told = exchange_numbers(state, length, limit)
        lengths, limit = told[::2], told[1]
        end = base + sum(lengths)
        offset = base + sum(lengths[: state.node])
        if limit >= 0:
            end = max(base, min(end, limit))
            offset = min(offset, end)
            length = min(length, end - offset)
        file.move(end)
        return offset, length

    def settle(self, file: NxFile, offset: int, length: int, moved: int) -> None:
        """Do nothing: the pointer is behind the parts of all."""


class Record(Common):
    """``M_RECORD``: nodes access when they like; record *k* of node *i* is number *k p + i*.

    The records of one round are of one length. A node's pointer is where its round begins.
    """

    number = M_RECORD
    together = False

    def reserve(self, file: NxFile, length: int, *, writing: bool) -> tuple[int, int]:
        """Find the own record of this round, and go on to the next round."""
        base = file.tell()
        file.move(base + file.state.size * length)
        return base + file.state.node * length, length

    def settle(self, file: NxFile, offset: int, length: int, moved: int) -> None:
        """Do nothing: the pointer is at the next round, however short this record was."""


class Global(Common):
    """``M_GLOBAL``: one pointer; all nodes make the same access, which one makes for all."""

    number = M_GLOBAL


MODES: Final[dict[int, Mode]] = {
    each.number: each for each in (Unix(), Log(), Sync(), Record(), Global(), Mode())
}
"""All modes, by number; the last, ``M_ASYNC``, is `Mode` itself."""


def mode_of(number: int) -> Mode:
    """Return the mode of a number. Raises Refused: EIMODE: there is none."""
    found = MODES.get(number) if hasattr(number, "__index__") else None
    if found is None:
        raise Refused("EIMODE", f"{number!r} is none of 0 to {max(MODES)}")
    return found
