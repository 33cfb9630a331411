"""Datatypes: what the elements of a message look like in memory.

A `Datatype` is a handle to a `Definition`: a `Layout` with a name and the recipe it was made by. On
the wire a message is packed: the data of its elements follow one another without gaps. A contiguous
layout has none, so that its messages need no copy.

What the rest of the library needs of a datatype is its layout, ``datatype._get()``. All sizes and
offsets are in bytes, all memory is a `memoryview` of format ``B``, and *origin* is where in it the
origin of the first element lies:

- ``size``, ``lb``, ``extent``, ``true_lb``, ``true_extent``, ``contiguous``, ``committed``;
- ``pack(memory, count, origin=0)`` returns the data of elements, as a view of the memory if they
  have no gaps; ``unpack(data, memory, origin=0)`` stores them, in part if less has arrived;
- ``span(count)`` says how far elements reach, ``bounds(count)`` from where to where: check them
  before you pack;
- ``runs(count=1)`` lists (offset, length) of every stretch of data in the order of the wire,
  stretches that touch as one; ``pieces`` has the same as a few regular sets of runs, see `_pieces`;
- ``dumps()`` is a layout as bytes, of which `Layout.loads` makes an equal one on another rank;
- ``basic`` is the one number or pair of which all data are, None if there are several;
  ``elements(nbytes)`` counts numbers; ``signature`` is their sequence, see `_signature`.
"""

from vmpp_mpi._datatype._datatype import Datatype, datatype_create, datatype_decode
from vmpp_mpi._datatype._definition import Definition
from vmpp_mpi._datatype._described import typealign, typecode
from vmpp_mpi._datatype._layout import Layout
from vmpp_mpi._datatype._predefined import (
    AINT,
    BY_CODE,
    BYTE,
    COUNT,
    DATATYPE_NULL,
    INT,
    OFFSET,
)
from vmpp_mpi._datatype._signature import Basic

__all__ = [
    "AINT",
    "BYTE",
    "BY_CODE",
    "COUNT",
    "DATATYPE_NULL",
    "INT",
    "OFFSET",
    "Basic",
    "Datatype",
    "Definition",
    "Layout",
    "datatype_create",
    "datatype_decode",
    "typealign",
    "typecode",
]
