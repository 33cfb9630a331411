"""The numbers of MPI: ranks and tags with a meaning, orders, combiners, modes and limits.

The names are those of the MPI standard. Programs may rely on the names only: an implementation is
free to choose the values, and these are vmpp's own.
"""

from __future__ import annotations

from typing import Final

# Ranks, tags and results with a meaning of their own.
ANY_SOURCE: Final = -1
ANY_TAG: Final = -1
PROC_NULL: Final = -2
ROOT: Final = -3
UNDEFINED: Final = -32766
KEYVAL_INVALID: Final = -1

MAX_TAG: Final = 2**31 - 1
"""The largest tag, the value of the attribute `TAG_UB`."""

# Keys of the attributes that communicators and windows come with.
TAG_UB: Final = 1
IO: Final = 2
WTIME_IS_GLOBAL: Final = 3
UNIVERSE_SIZE: Final = 4
APPNUM: Final = 5
LASTUSEDCODE: Final = 6
WIN_BASE: Final = 7
WIN_SIZE: Final = 8
WIN_DISP_UNIT: Final = 9
WIN_CREATE_FLAVOR: Final = 10
WIN_FLAVOR: Final = WIN_CREATE_FLAVOR
WIN_MODEL: Final = 11

# Orders of arrays, classes of types, distributions of arrays.
ORDER_C: Final = 1
ORDER_FORTRAN: Final = 2
ORDER_F: Final = ORDER_FORTRAN
TYPECLASS_LOGICAL: Final = 1
TYPECLASS_INTEGER: Final = 2
TYPECLASS_REAL: Final = 3
TYPECLASS_COMPLEX: Final = 4
DISTRIBUTE_NONE: Final = 1
DISTRIBUTE_BLOCK: Final = 2
DISTRIBUTE_CYCLIC: Final = 3
DISTRIBUTE_DFLT_DARG: Final = -1

# How a datatype was made.
COMBINER_NAMED: Final = 1
COMBINER_DUP: Final = 2
COMBINER_CONTIGUOUS: Final = 3
COMBINER_VECTOR: Final = 4
COMBINER_HVECTOR: Final = 5
COMBINER_INDEXED: Final = 6
COMBINER_HINDEXED: Final = 7
COMBINER_INDEXED_BLOCK: Final = 8
COMBINER_HINDEXED_BLOCK: Final = 9
COMBINER_STRUCT: Final = 10
COMBINER_SUBARRAY: Final = 11
COMBINER_DARRAY: Final = 12
COMBINER_RESIZED: Final = 13
COMBINER_VALUE_INDEX: Final = 14
COMBINER_F90_INTEGER: Final = 15
COMBINER_F90_REAL: Final = 16
COMBINER_F90_COMPLEX: Final = 17

# The form a status takes in Fortran: indices of its fields, and their number.
F_SOURCE: Final = 0
F_TAG: Final = 1
F_ERROR: Final = 2
F_STATUS_SIZE: Final = 6

# Results of comparing communicators or groups; kinds of topology and of splitting.
IDENT: Final = 0
CONGRUENT: Final = 1
SIMILAR: Final = 2
UNEQUAL: Final = 3
CART: Final = 1
GRAPH: Final = 2
DIST_GRAPH: Final = 3
UNWEIGHTED: Final = -1001
WEIGHTS_EMPTY: Final = -1002
COMM_TYPE_SHARED: Final = 1
COMM_TYPE_HW_GUIDED: Final = 2
COMM_TYPE_HW_UNGUIDED: Final = 3
COMM_TYPE_RESOURCE_GUIDED: Final = 4

BSEND_OVERHEAD: Final = 64
"""Bytes that a buffered message takes in the attached buffer besides its contents."""

# One-sided communication.
WIN_FLAVOR_CREATE: Final = 1
WIN_FLAVOR_ALLOCATE: Final = 2
WIN_FLAVOR_DYNAMIC: Final = 3
WIN_FLAVOR_SHARED: Final = 4
WIN_SEPARATE: Final = 1
WIN_UNIFIED: Final = 2
MODE_NOCHECK: Final = 1024
MODE_NOSTORE: Final = 2048
MODE_NOPUT: Final = 4096
MODE_NOPRECEDE: Final = 8192
MODE_NOSUCCEED: Final = 16384
LOCK_EXCLUSIVE: Final = 1
LOCK_SHARED: Final = 2

# Files.
MODE_RDONLY: Final = 2
MODE_WRONLY: Final = 4
MODE_RDWR: Final = 8
MODE_CREATE: Final = 1
MODE_EXCL: Final = 64
MODE_DELETE_ON_CLOSE: Final = 16
MODE_UNIQUE_OPEN: Final = 32
MODE_SEQUENTIAL: Final = 256
MODE_APPEND: Final = 128
SEEK_SET: Final = 0
SEEK_CUR: Final = 1
SEEK_END: Final = 2
DISPLACEMENT_CURRENT: Final = -54278278
DISP_CUR: Final = DISPLACEMENT_CURRENT

# Levels of thread support, ascending.
THREAD_SINGLE: Final = 0
THREAD_FUNNELED: Final = 1
THREAD_SERIALIZED: Final = 2
THREAD_MULTIPLE: Final = 3

VERSION: Final = 4
SUBVERSION: Final = 1
"""Major and minor number of the MPI standard whose interface this is."""

# Lengths of strings, in characters.
MAX_PROCESSOR_NAME: Final = 255
MAX_ERROR_STRING: Final = 511
MAX_PORT_NAME: Final = 1023
MAX_INFO_KEY: Final = 255
MAX_INFO_VAL: Final = 1023
MAX_OBJECT_NAME: Final = 127
MAX_DATAREP_STRING: Final = 127
MAX_LIBRARY_VERSION_STRING: Final = 8191
MAX_PSET_NAME_LEN: Final = 1023
MAX_STRINGTAG_LEN: Final = 1023
