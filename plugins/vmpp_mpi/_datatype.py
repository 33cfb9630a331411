"""Datatypes: what the elements of a message look like in memory.

A `Datatype` is a handle to a `Layout`. A layout says which bytes of an element are data (its
segments) and how far apart the elements of a buffer lie (its extent). On the wire a message is
packed: the segments of its elements follow one another without gaps. A contiguous layout has none,
so that packing and unpacking it is the identity and messages need no copy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Self

from vmpp_mpi._constants import (
    COMBINER_DUP,
    COMBINER_NAMED,
    MAX_OBJECT_NAME,
    TYPECLASS_COMPLEX,
    TYPECLASS_INTEGER,
    TYPECLASS_LOGICAL,
    TYPECLASS_REAL,
)
from vmpp_mpi._errors import ERR_ARG, ERR_TYPE
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._handle import Handle, forget, is_predefined, predefine
from vmpp_mpi._local import local

Segment = tuple[int, int]
"""Offset from an element's origin and length of a stretch of data, in bytes."""


@dataclass(slots=True, eq=False, kw_only=True)
class Layout:
    """How one element of a datatype lies in memory; sizes and offsets in bytes.

    Attributes:
        name: the datatype's name, as `Datatype.Get_name` gives it.
        segments: the data of an element, in the order of the wire, adjacent ones merged.
        size: bytes of data in an element, the sum of the segments.
        lb: the lower bound, where an element begins.
        extent: distance from one element to the next.
        true_lb: offset of the first byte of data.
        true_extent: distance from the first byte of data to past the last.
        code: the type code by which a program may name the datatype, None if there is none.
        align: alignment of an element in a C structure, None if it has no code.
        kind: NumPy's type string of an element, empty when it is not one number.
        pair: NumPy's type strings of value and index, for the pairs of `MAXLOC` and `MINLOC`.
        char: NumPy's type character of an element.
        combiner: how the datatype was made.
        base: the datatype from which it was made, None for a predefined one.
        contiguous: whether n elements in memory are n * size bytes of data and nothing else.
    """

    name: str
    segments: tuple[Segment, ...]
    size: int
    extent: int
    lb: int = 0
    true_lb: int = 0
    true_extent: int
    code: str | None = None
    align: int | None = None
    kind: str = ""
    pair: tuple[str, str] | None = None
    char: str = ""
    combiner: int = COMBINER_NAMED
    base: Datatype | None = None
    contiguous: bool = field(init=False)

    def __post_init__(self) -> None:
        self.contiguous = self.segments == ((0, self.size),) and self.extent == self.size

    def pack(self, memory: memoryview, count: int) -> memoryview:
        """Return the data of *count* elements whose origin is byte 0 of *memory*.

        Both are of format ``B``. The result shares the memory when the layout is contiguous.
        """
        if self.contiguous:
            return memory[: count * self.size]
        packed = memoryview(bytearray(count * self.size))
        for wire, origin, length in self._strides(count):
            packed[wire : wire + length] = memory[origin : origin + length]
        return packed

    def unpack(self, packed: memoryview, memory: memoryview) -> None:
        """Store *packed* data as elements whose origin is byte 0 of *memory*.

        Data that ends within an element fills that element in part.
        """
        nbytes = len(packed)
        if self.contiguous:
            memory[:nbytes] = packed
            return
        for wire, origin, length in self._strides(-(-nbytes // self.size) if self.size else 0):
            piece = min(length, nbytes - wire)
            if piece <= 0:
                return
            memory[origin : origin + piece] = packed[wire : wire + piece]

    def span(self, count: int) -> int:
        """Return how far *count* elements reach into a buffer from their origin, in bytes."""
        if count == 0:
            return 0
        return (count - 1) * self.extent + self.true_lb + self.true_extent

    def _strides(self, count: int) -> list[tuple[int, int, int]]:
        """Return (offset on the wire, offset in memory, length) of each stretch of data."""
        strides = []
        wire = 0
        for element in range(0, count * self.extent, self.extent or 1):
            for offset, length in self.segments:
                strides.append((wire, element + offset, length))
                wire += length
        return strides


class Datatype(Handle[Layout]):
    """The type of the elements of a message. Null when made of nothing."""

    __slots__ = ()

    _error = ERR_TYPE

    def __new__(cls, datatype: Datatype | None = None) -> Self:
        """Make a second handle to what *datatype* refers to."""
        return cls._copy(datatype)

    def _reduce(self) -> str | tuple[Any, ...]:
        return datatype_create, (*self.decode(), True)

    def Get_size(self) -> int:
        """Return the bytes of data in one element."""
        return self._get().size

    def Get_extent(self) -> tuple[int, int]:
        """Return the lower bound and the extent of an element, in bytes."""
        layout = self._get()
        return layout.lb, layout.extent

    def Get_true_extent(self) -> tuple[int, int]:
        """Return the lower bound and the extent of an element's data, in bytes."""
        layout = self._get()
        return layout.true_lb, layout.true_extent

    def Get_name(self) -> str:
        """Return the datatype's name: the rank's own if it has set one."""
        if self._ref is None:
            return "MPI_DATATYPE_NULL"
        return _names().get(self._ref, self._ref.name)

    def Set_name(self, name: str) -> None:
        """Name the datatype, for this rank."""
        _names()[self._get()] = name[:MAX_OBJECT_NAME]

    def Dup(self) -> Self:
        """Return a new datatype of the same layout, with a handle of its own."""
        return self._wrap(_duplicate(self))

    Create_dup = Dup

    def Commit(self) -> Self:
        """Make the datatype ready for messages. All are."""
        self._get()
        return self

    def Free(self) -> None:
        """Free the datatype and make the handle null.

        Raises:
            MPIError: of class `ERR_TYPE`: the datatype is predefined or null.
        """
        if is_predefined(self):
            raise MPIError(ERR_TYPE, f"cannot free {self.Get_name()}, which is predefined")
        _names().pop(self._get(), None)
        forget(self)

    def free(self) -> None:
        """Free the datatype if that can be, and make the handle null unless it is a constant."""
        if is_predefined(self):
            forget(self)
        else:
            self.Free()

    @classmethod
    def Match_size(cls, typeclass: int, size: int) -> Self:
        """Return the predefined datatype of a class (`TYPECLASS_REAL`, ...) and a size in bytes.

        Raises:
            MPIError: of class `ERR_ARG`: there is none.
        """
        prefix = _CLASS_PREFIX.get(typeclass)
        found = _BY_NAME.get(f"{prefix}{size}")
        if prefix is None or found is None:
            raise MPIError(ERR_ARG, f"no datatype of class {typeclass} has {size} bytes")
        return cls._wrap(found._ref)

    def Get_envelope(self) -> tuple[int, int, int, int, int]:
        """Return how many integers, addresses, counts and datatypes made it, and the combiner."""
        layout = self._get()
        return 0, 0, 0, int(layout.base is not None), layout.combiner

    def Get_contents(self) -> tuple[list[int], list[int], list[int], list[Datatype]]:
        """Return the integers, addresses, counts and datatypes that made the datatype.

        Raises:
            MPIError: of class `ERR_TYPE`: it is predefined.
        """
        layout = self._get()
        if layout.base is None:
            raise MPIError(ERR_TYPE, f"{layout.name} is predefined and made of nothing")
        return [], [], [], [layout.base]

    def decode(self) -> tuple[Datatype, str, dict[str, Any]]:
        """Return the datatype from which it was made, the combiner's name and its arguments."""
        layout = self._get()
        if layout.base is None:
            return self, "NAMED", {}
        return layout.base, "DUP", {}

    def tocode(self) -> str:
        """Return the type code of the datatype.

        Raises:
            ValueError: it has none.
        """
        if self._ref is None or self._ref.code is None:
            raise ValueError(f"{self.Get_name() or 'datatype'} has no type code")
        return self._ref.code

    @classmethod
    def fromcode(cls, code: str) -> Datatype:
        """Return the datatype that a type code (``"d"``, ``"i4"``, ...) stands for.

        Raises:
            ValueError: there is no such code.
        """
        try:
            return BY_CODE[code]
        except (KeyError, TypeError):
            raise ValueError(f"cannot map code {code!r} to MPI datatype") from None

    @property
    def size(self) -> int:
        """Bytes of data in one element."""
        return self._get().size

    @property
    def extent(self) -> int:
        """Distance from one element to the next, in bytes."""
        return self._get().extent

    @property
    def lb(self) -> int:
        """Lower bound of an element, in bytes."""
        return self._get().lb

    @property
    def ub(self) -> int:
        """Upper bound of an element, in bytes."""
        layout = self._get()
        return layout.lb + layout.extent

    @property
    def true_lb(self) -> int:
        """Lower bound of an element's data, in bytes."""
        return self._get().true_lb

    @property
    def true_extent(self) -> int:
        """Extent of an element's data, in bytes."""
        return self._get().true_extent

    @property
    def true_ub(self) -> int:
        """Upper bound of an element's data, in bytes."""
        layout = self._get()
        return layout.true_lb + layout.true_extent

    @property
    def envelope(self) -> tuple[int, int, int, int, int]:
        """As `Get_envelope` returns it."""
        return self.Get_envelope()

    @property
    def contents(self) -> tuple[list[int], list[int], list[int], list[Datatype]]:
        """As `Get_contents` returns it."""
        return self.Get_contents()

    @property
    def combiner(self) -> int:
        """How the datatype was made."""
        return self._get().combiner

    @property
    def is_named(self) -> bool:
        """Whether the datatype is not made from others."""
        return self._get().combiner == COMBINER_NAMED

    @property
    def is_predefined(self) -> bool:
        """Whether the datatype comes with MPI; null does."""
        return is_predefined(self)

    @property
    def name(self) -> str:
        """The datatype's name."""
        return self.Get_name()

    @name.setter
    def name(self, value: str) -> None:
        self.Set_name(value)

    @property
    def typestr(self) -> str:
        """NumPy's type string of an element, raw bytes (``V8``) when it is not one number."""
        if self._ref is None:
            return ""
        return self._ref.kind or f"V{self._ref.extent}"

    @property
    def typechar(self) -> str:
        """NumPy's type character of an element."""
        if self._ref is None:
            return ""
        return self._ref.char or "V"


Datatype._family = Datatype

DATATYPE_NULL: Final = predefine("DATATYPE_NULL", Datatype())


def _names() -> dict[Layout, str]:
    return local("mpi.datatype.names", dict)


def _duplicate(datatype: Datatype) -> Layout:
    layout = datatype._get()
    return Layout(
        name="",
        segments=layout.segments,
        size=layout.size,
        extent=layout.extent,
        lb=layout.lb,
        true_lb=layout.true_lb,
        true_extent=layout.true_extent,
        code=layout.code,
        align=layout.align,
        kind=layout.kind,
        pair=layout.pair,
        char=layout.char,
        combiner=COMBINER_DUP,
        base=Datatype(datatype),
    )


def datatype_create(
    datatype: Datatype, combiner: str, params: dict[str, Any], free: bool = False
) -> Datatype:
    """Make a datatype from what `Datatype.decode` returned; the way back from a pickle.

    Args:
        datatype: what it is made from.
        combiner: how, by name.
        params: the combiner's arguments.
        free: whether *datatype* is not needed afterwards.

    Raises:
        ValueError: there is no such combiner.
    """
    if combiner == "NAMED":
        return datatype
    if combiner != "DUP":
        raise ValueError(f"cannot make a datatype by {combiner}")
    made = datatype.Dup(**params)
    if free:
        datatype.free()
    return made


# The predefined datatypes that are one number: name of the constant, type code, NumPy's type
# string and character. The name of a datatype is that of its constant unless _OTHER_NAMES has it.
_NUMBERS: Final = """
    PACKED B u1 B               BYTE B u1 B
    AINT p i8 p                 OFFSET p i8 p               COUNT p i8 p
    CHAR c S1 c                 WCHAR U U1 U
    SIGNED_CHAR b i1 b          SHORT h i2 h                INT i i4 i
    LONG l i8 l                 LONG_LONG q i8 q
    UNSIGNED_CHAR B u1 B        UNSIGNED_SHORT H u2 H       UNSIGNED I u4 I
    UNSIGNED_LONG L u8 L        UNSIGNED_LONG_LONG Q u8 Q
    FLOAT f f4 f                DOUBLE d f8 d               LONG_DOUBLE g f16 g
    C_BOOL b1 b1 ?
    INT8_T i1 i1 b              INT16_T i2 i2 h             INT32_T i4 i4 i
    INT64_T i8 i8 l
    UINT8_T u1 u1 B             UINT16_T u2 u2 H            UINT32_T u4 u4 I
    UINT64_T u8 u8 L            FLOAT16_T e f2 e
    C_COMPLEX F c8 F            C_DOUBLE_COMPLEX D c16 D    C_LONG_DOUBLE_COMPLEX G c32 G
    CXX_BOOL ? b1 ?             CXX_FLOAT_COMPLEX F c8 F    CXX_DOUBLE_COMPLEX D c16 D
    CXX_LONG_DOUBLE_COMPLEX G c32 G
    CHARACTER c S1 c            LOGICAL i i4 i              INTEGER i i4 i
    REAL f f4 f                 DOUBLE_PRECISION d f8 d
    COMPLEX F c8 F              DOUBLE_COMPLEX D c16 D
    LOGICAL1 i1 i1 b            LOGICAL2 i2 i2 h            LOGICAL4 i4 i4 i
    LOGICAL8 i8 i8 l
    INTEGER1 i1 i1 b            INTEGER2 i2 i2 h            INTEGER4 i4 i4 i
    INTEGER8 i8 i8 l
    REAL2 f2 f2 e               REAL4 f4 f4 f               REAL8 f8 f8 d
    REAL16 f16 f16 g
    COMPLEX8 c8 c8 F            COMPLEX16 c16 c16 D         COMPLEX32 c32 c32 G
"""

# Pairs of a value and an int, laid out as a C structure: name, value's type string and alignment.
_PAIRS: Final = (
    ("SHORT_INT", "i2", 2),
    ("INT_INT", "i4", 4),
    ("LONG_INT", "i8", 8),
    ("FLOAT_INT", "f4", 4),
    ("DOUBLE_INT", "f8", 8),
    ("LONG_DOUBLE_INT", "f16", 16),
)

_OTHER_NAMES: Final = {"LONG_LONG": "MPI_LONG_LONG_INT", "INT_INT": "MPI_2INT"}


def _bytes_of(kind: str) -> int:
    return 4 if kind == "U1" else int(kind[1:])


def _number(name: str, code: str, kind: str, char: str) -> Datatype:
    size = _bytes_of(kind)
    layout = Layout(
        name=_OTHER_NAMES.get(name, f"MPI_{name}"),
        segments=((0, size),),
        size=size,
        extent=size,
        true_extent=size,
        code=code,
        align=size // 2 if kind[0] == "c" else size,
        kind=kind,
        char=char,
    )
    return predefine(name, Datatype._wrap(layout))


def _pair(name: str, kind: str, align: int) -> Datatype:
    value = _bytes_of(kind)
    index = max(value, 4)
    extent = -(-(index + 4) // max(align, 4)) * max(align, 4)
    layout = Layout(
        name=_OTHER_NAMES.get(name, f"MPI_{name}"),
        segments=((0, value + 4),) if value == index else ((0, value), (index, 4)),
        size=value + 4,
        extent=extent,
        true_extent=index + 4,
        align=max(align, 4),
        pair=(kind, "i4"),
    )
    return predefine(name, Datatype._wrap(layout))


def _make_predefined() -> dict[str, Datatype]:
    words = iter(_NUMBERS.split())
    made = {row[0]: _number(*row) for row in zip(words, words, words, words, strict=True)}
    made.update((name, _pair(name, kind, align)) for name, kind, align in _PAIRS)
    return made


_BY_NAME: Final = _make_predefined()

_CLASS_PREFIX: Final = {
    TYPECLASS_LOGICAL: "LOGICAL",
    TYPECLASS_INTEGER: "INTEGER",
    TYPECLASS_REAL: "REAL",
    TYPECLASS_COMPLEX: "COMPLEX",
}

PACKED: Final = _BY_NAME["PACKED"]
BYTE: Final = _BY_NAME["BYTE"]
AINT: Final = _BY_NAME["AINT"]
OFFSET: Final = _BY_NAME["OFFSET"]
COUNT: Final = _BY_NAME["COUNT"]
CHAR: Final = _BY_NAME["CHAR"]
WCHAR: Final = _BY_NAME["WCHAR"]
SIGNED_CHAR: Final = _BY_NAME["SIGNED_CHAR"]
SHORT: Final = _BY_NAME["SHORT"]
INT: Final = _BY_NAME["INT"]
LONG: Final = _BY_NAME["LONG"]
LONG_LONG: Final = _BY_NAME["LONG_LONG"]
UNSIGNED_CHAR: Final = _BY_NAME["UNSIGNED_CHAR"]
UNSIGNED_SHORT: Final = _BY_NAME["UNSIGNED_SHORT"]
UNSIGNED: Final = _BY_NAME["UNSIGNED"]
UNSIGNED_LONG: Final = _BY_NAME["UNSIGNED_LONG"]
UNSIGNED_LONG_LONG: Final = _BY_NAME["UNSIGNED_LONG_LONG"]
FLOAT: Final = _BY_NAME["FLOAT"]
DOUBLE: Final = _BY_NAME["DOUBLE"]
LONG_DOUBLE: Final = _BY_NAME["LONG_DOUBLE"]
C_BOOL: Final = _BY_NAME["C_BOOL"]
INT8_T: Final = _BY_NAME["INT8_T"]
INT16_T: Final = _BY_NAME["INT16_T"]
INT32_T: Final = _BY_NAME["INT32_T"]
INT64_T: Final = _BY_NAME["INT64_T"]
UINT8_T: Final = _BY_NAME["UINT8_T"]
UINT16_T: Final = _BY_NAME["UINT16_T"]
UINT32_T: Final = _BY_NAME["UINT32_T"]
UINT64_T: Final = _BY_NAME["UINT64_T"]
FLOAT16_T: Final = _BY_NAME["FLOAT16_T"]
C_COMPLEX: Final = _BY_NAME["C_COMPLEX"]
C_DOUBLE_COMPLEX: Final = _BY_NAME["C_DOUBLE_COMPLEX"]
C_LONG_DOUBLE_COMPLEX: Final = _BY_NAME["C_LONG_DOUBLE_COMPLEX"]
CXX_BOOL: Final = _BY_NAME["CXX_BOOL"]
CXX_FLOAT_COMPLEX: Final = _BY_NAME["CXX_FLOAT_COMPLEX"]
CXX_DOUBLE_COMPLEX: Final = _BY_NAME["CXX_DOUBLE_COMPLEX"]
CXX_LONG_DOUBLE_COMPLEX: Final = _BY_NAME["CXX_LONG_DOUBLE_COMPLEX"]
CHARACTER: Final = _BY_NAME["CHARACTER"]
LOGICAL: Final = _BY_NAME["LOGICAL"]
INTEGER: Final = _BY_NAME["INTEGER"]
REAL: Final = _BY_NAME["REAL"]
DOUBLE_PRECISION: Final = _BY_NAME["DOUBLE_PRECISION"]
COMPLEX: Final = _BY_NAME["COMPLEX"]
DOUBLE_COMPLEX: Final = _BY_NAME["DOUBLE_COMPLEX"]
LOGICAL1: Final = _BY_NAME["LOGICAL1"]
LOGICAL2: Final = _BY_NAME["LOGICAL2"]
LOGICAL4: Final = _BY_NAME["LOGICAL4"]
LOGICAL8: Final = _BY_NAME["LOGICAL8"]
INTEGER1: Final = _BY_NAME["INTEGER1"]
INTEGER2: Final = _BY_NAME["INTEGER2"]
INTEGER4: Final = _BY_NAME["INTEGER4"]
INTEGER8: Final = _BY_NAME["INTEGER8"]
REAL2: Final = _BY_NAME["REAL2"]
REAL4: Final = _BY_NAME["REAL4"]
REAL8: Final = _BY_NAME["REAL8"]
REAL16: Final = _BY_NAME["REAL16"]
COMPLEX8: Final = _BY_NAME["COMPLEX8"]
COMPLEX16: Final = _BY_NAME["COMPLEX16"]
COMPLEX32: Final = _BY_NAME["COMPLEX32"]
SHORT_INT: Final = _BY_NAME["SHORT_INT"]
INT_INT: Final = _BY_NAME["INT_INT"]
LONG_INT: Final = _BY_NAME["LONG_INT"]
FLOAT_INT: Final = _BY_NAME["FLOAT_INT"]
DOUBLE_INT: Final = _BY_NAME["DOUBLE_INT"]
LONG_DOUBLE_INT: Final = _BY_NAME["LONG_DOUBLE_INT"]
TWOINT: Final = INT_INT
FLOAT32_T: Final = FLOAT
FLOAT64_T: Final = DOUBLE
C_FLOAT_COMPLEX: Final = C_COMPLEX
UNSIGNED_INT: Final = UNSIGNED
SIGNED_SHORT: Final = SHORT
SIGNED_INT: Final = INT
SIGNED_LONG: Final = LONG
SIGNED_LONG_LONG: Final = LONG_LONG
BOOL: Final = C_BOOL
SINT8_T: Final = INT8_T
SINT16_T: Final = INT16_T
SINT32_T: Final = INT32_T
SINT64_T: Final = INT64_T
F_BOOL: Final = LOGICAL
F_INT: Final = INTEGER
F_FLOAT: Final = REAL
F_DOUBLE: Final = DOUBLE_PRECISION
F_COMPLEX: Final = COMPLEX
F_FLOAT_COMPLEX: Final = COMPLEX
F_DOUBLE_COMPLEX: Final = DOUBLE_COMPLEX
BFLOAT16_T: Final = DATATYPE_NULL
LOGICAL16: Final = DATATYPE_NULL
INTEGER16: Final = DATATYPE_NULL
COMPLEX4: Final = DATATYPE_NULL

_CODES_C: Final = """
    ? C_BOOL b SIGNED_CHAR h SHORT i INT l LONG q LONG_LONG
    B UNSIGNED_CHAR H UNSIGNED_SHORT I UNSIGNED L UNSIGNED_LONG Q UNSIGNED_LONG_LONG
    e FLOAT16_T f FLOAT d DOUBLE g LONG_DOUBLE
    F C_COMPLEX D C_DOUBLE_COMPLEX G C_LONG_DOUBLE_COMPLEX
    b1 C_BOOL i1 INT8_T i2 INT16_T i4 INT32_T i8 INT64_T
    u1 UINT8_T u2 UINT16_T u4 UINT32_T u8 UINT64_T
    f2 FLOAT16_T f4 FLOAT f8 DOUBLE f16 LONG_DOUBLE
    c8 C_COMPLEX c16 C_DOUBLE_COMPLEX c32 C_LONG_DOUBLE_COMPLEX
"""
_CODES_FORTRAN: Final = """
    l LOGICAL i INTEGER r REAL s REAL d DOUBLE_PRECISION c COMPLEX z DOUBLE_COMPLEX
    i1 INTEGER1 i2 INTEGER2 i4 INTEGER4 i8 INTEGER8
    r2 REAL2 r4 REAL4 r8 REAL8 r16 REAL16 c8 COMPLEX8 c16 COMPLEX16 c32 COMPLEX32
"""
_CODES_OF_BUFFERS: Final = """
    Zf C_COMPLEX Zd C_DOUBLE_COMPLEX Zg C_LONG_DOUBLE_COMPLEX
    n COUNT N UNSIGNED_LONG p AINT P UNSIGNED_LONG
    c CHAR a CHAR S CHAR S1 CHAR s CHAR 1s CHAR
    U WCHAR U1 WCHAR w WCHAR 1w WCHAR u UINT16_T 1u UINT16_T
    M INT64_T M8 INT64_T m INT64_T m8 INT64_T
"""


def _codes(table: str) -> dict[str, Datatype]:
    words = table.split()
    return {code: _BY_NAME[name] for code, name in zip(words[::2], words[1::2], strict=True)}


BY_CODE_C: Final = _codes(_CODES_C)
"""C's datatypes by type code."""

BY_CODE_FORTRAN: Final = _codes(_CODES_FORTRAN)
"""Fortran's datatypes by type code."""

BY_CODE: Final = BY_CODE_C | _codes(_CODES_OF_BUFFERS)
"""Datatypes by every code that stands for one: type codes and the formats of buffers."""


def typecode(datatype: Datatype) -> str | None:
    """Return the type code of *datatype*, None if it has none."""
    return None if datatype._ref is None else datatype._ref.code


def typealign(datatype: Datatype) -> int | None:
    """Return the alignment of *datatype* in a C structure in bytes, None if it has none."""
    return None if datatype._ref is None else datatype._ref.align
