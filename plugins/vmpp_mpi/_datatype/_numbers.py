"""The numbers and pairs of the predefined datatypes, as they lie in memory.

They are those of C on a 64-bit machine, where a long has 8 bytes and a long double is Intel's of 80
bits in 16 bytes, and of a Fortran whose default integer has 4 bytes. The sizes in ``external32``
are those of the table in MPI's chapter on files.
"""

from __future__ import annotations

from typing import Final

from vmpp_mpi._constants import UNDEFINED
from vmpp_mpi._datatype._definition import Definition
from vmpp_mpi._datatype._layout import Layout
from vmpp_mpi._datatype._signature import BASICS, Basic
from vmpp_mpi._errors import ERR_ARG
from vmpp_mpi._errors import Exception as MPIError

# Name of the constant, type code, NumPy's type string and character. The name of a datatype is that
# of its constant unless _OTHER_NAMES has it.
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

# Pairs of a value and an int, laid out as a C structure.
_PAIRS: Final = ("SHORT", "INT", "LONG", "FLOAT", "DOUBLE", "LONG_DOUBLE")

_OTHER_NAMES: Final = {"LONG_LONG": "MPI_LONG_LONG_INT", "INT_INT": "MPI_2INT"}

_EXTERNAL: Final = {"LONG": 4, "UNSIGNED_LONG": 4, "WCHAR": 2}
"""Bytes in ``external32`` of those that differ from the machine's."""


def _name(constant: str) -> str:
    return _OTHER_NAMES.get(constant, f"MPI_{constant}")


def _number(constant: str, code: str, kind: str, char: str) -> Definition:
    size = 4 if kind == "U1" else int(kind[1:])
    basic = Basic(
        name=_name(constant),
        size=size,
        external=_EXTERNAL.get(constant, size),
        align=size // 2 if kind[0] == "c" else size,
        code=code,
        kind=kind,
        char=char,
    )
    BASICS[basic.name] = basic
    return Definition(Layout.of(basic), name=basic.name, number=basic)


def _pair(constant: str) -> Definition:
    value, index = BASICS[_name(constant)], BASICS["MPI_INT"]
    basic = Basic(
        name=_name(f"{constant}_INT"),
        size=value.size + index.size,
        external=value.external + index.external,
        align=max(value.align, index.align),
        parts=(value, index),
    )
    BASICS[basic.name] = basic
    gap = -value.size % index.align
    reach = basic.size + gap
    layout = Layout.of(basic, gap, reach + -reach % basic.align)
    return Definition(layout, name=basic.name, number=basic)


def _definitions() -> dict[str, Definition]:
    words = iter(_NUMBERS.split())
    made = {row[0]: _number(*row) for row in zip(words, words, words, words, strict=True)}
    made.update((f"{value}_INT", _pair(value)) for value in _PAIRS)
    return made


DEFINITIONS: Final = _definitions()
"""The predefined datatypes by the name of their constant."""

PAIRS: Final = {
    (DEFINITIONS[value], DEFINITIONS["INT"]): DEFINITIONS[f"{value}_INT"] for value in _PAIRS
}
"""The predefined pairs by the datatypes of value and index."""

_INTEGERS: Final = ((2, "INTEGER1"), (4, "INTEGER2"), (9, "INTEGER4"), (18, "INTEGER8"))
_REALS: Final = ((6, 37, "4"), (15, 307, "8"), (18, 4931, "16"))
"""Decimal digits, greatest decimal exponent, bytes."""


def f90_integer(digits: int) -> Definition:
    """Return the smallest integer that has all numbers of so many decimal *digits*.

    Raises:
        MPIError: `ERR_ARG`: there is none.
    """
    for most, name in _INTEGERS:
        if digits <= most:
            return DEFINITIONS[name]
    raise MPIError(ERR_ARG, f"no integer has {digits} decimal digits")


def f90_real(precision: int, exponent: int) -> Definition:
    """Return the smallest real number of a *precision* in digits and a decimal *exponent*.

    Raises:
        MPIError: `ERR_ARG`: there is none, or both are undefined.
    """
    return DEFINITIONS[f"REAL{_real(precision, exponent)}"]


def f90_complex(precision: int, exponent: int) -> Definition:
    """Return the complex number of two such as `f90_real` returns; raises likewise."""
    return DEFINITIONS[f"COMPLEX{2 * int(_real(precision, exponent))}"]


def _real(precision: int, exponent: int) -> str:
    if precision == exponent == UNDEFINED:
        raise MPIError(ERR_ARG, "neither precision nor range is given")
    for digits, most, size in _REALS:
        if precision <= digits and exponent <= most:
            return size
    raise MPIError(ERR_ARG, f"no real number has {precision} digits and an exponent of {exponent}")
