"""The constants that stand in the place of a buffer."""

from __future__ import annotations

from typing import ClassVar, Final, final

from vmpp_mpi._buffers._empty import exports_nothing


class Special:
    """Stands where a buffer might, and exports memory of no bytes.

    It compares as a number that is no address of a buffer.
    """

    __slots__ = ()

    _name: ClassVar[str]
    _number: ClassVar[int]

    def __hash__(self) -> int:
        return hash(self._number)

    def __eq__(self, other: object, /) -> bool:
        return self is other or type(self) is type(other) or other == self._number

    def __ne__(self, other: object, /) -> bool:
        return not self == other

    def __bool__(self) -> bool:
        return bool(self._number)

    def __int__(self) -> int:
        return self._number

    def __repr__(self) -> str:
        return self._name

    def __reduce__(self) -> str:
        return self._name


@final
class BottomType(Special):
    """Type of `BOTTOM`, the address from which absolute displacements count."""

    __slots__ = ()
    _name = "BOTTOM"
    _number = 0

    def __index__(self) -> int:
        return self._number


@final
class InPlaceType(Special):
    """Type of `IN_PLACE`, which says that a collective finds its input in the other buffer."""

    __slots__ = ()
    _name = "IN_PLACE"
    _number = -1


@final
class BufferAutomaticType(Special):
    """Type of `BUFFER_AUTOMATIC`, a buffer for buffered sends that grows by itself."""

    __slots__ = ()
    _name = "BUFFER_AUTOMATIC"
    _number = -2


for _kind in (BottomType, InPlaceType, BufferAutomaticType):
    exports_nothing(_kind)

BOTTOM: Final = BottomType()
IN_PLACE: Final = InPlaceType()
BUFFER_AUTOMATIC: Final = BufferAutomaticType()
