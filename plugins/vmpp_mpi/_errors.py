"""Error classes and codes, what they say, and the exception that carries them.

Error classes are numbered from 1 without gaps. A program may add classes and codes of its own,
which belong to its rank.
"""

from __future__ import annotations

from typing import Final

from vmpp_mpi._local import local

SUCCESS: Final = 0
ERR_BUFFER: Final = 1
ERR_COUNT: Final = 2
ERR_TYPE: Final = 3
ERR_TAG: Final = 4
ERR_COMM: Final = 5
ERR_RANK: Final = 6
ERR_REQUEST: Final = 7
ERR_ROOT: Final = 8
ERR_GROUP: Final = 9
ERR_OP: Final = 10
ERR_TOPOLOGY: Final = 11
ERR_DIMS: Final = 12
ERR_ARG: Final = 13
ERR_UNKNOWN: Final = 14
ERR_TRUNCATE: Final = 15
ERR_OTHER: Final = 16
ERR_INTERN: Final = 17
ERR_PENDING: Final = 18
ERR_IN_STATUS: Final = 19
ERR_ACCESS: Final = 20
ERR_AMODE: Final = 21
ERR_ASSERT: Final = 22
ERR_BAD_FILE: Final = 23
ERR_BASE: Final = 24
ERR_CONVERSION: Final = 25
ERR_DISP: Final = 26
ERR_DUP_DATAREP: Final = 27
ERR_FILE_EXISTS: Final = 28
ERR_FILE_IN_USE: Final = 29
ERR_FILE: Final = 30
ERR_INFO_KEY: Final = 31
ERR_INFO_NOKEY: Final = 32
ERR_INFO_VALUE: Final = 33
ERR_INFO: Final = 34
ERR_IO: Final = 35
ERR_KEYVAL: Final = 36
ERR_LOCKTYPE: Final = 37
ERR_NAME: Final = 38
ERR_NO_MEM: Final = 39
ERR_NOT_SAME: Final = 40
ERR_NO_SPACE: Final = 41
ERR_NO_SUCH_FILE: Final = 42
ERR_PORT: Final = 43
ERR_QUOTA: Final = 44
ERR_READ_ONLY: Final = 45
ERR_RMA_CONFLICT: Final = 46
ERR_RMA_SYNC: Final = 47
ERR_SERVICE: Final = 48
ERR_SIZE: Final = 49
ERR_SPAWN: Final = 50
ERR_UNSUPPORTED_DATAREP: Final = 51
ERR_UNSUPPORTED_OPERATION: Final = 52
ERR_WIN: Final = 53
ERR_RMA_RANGE: Final = 54
ERR_RMA_ATTACH: Final = 55
ERR_RMA_FLAVOR: Final = 56
ERR_RMA_SHARED: Final = 57
ERR_SESSION: Final = 58
ERR_VALUE_TOO_LARGE: Final = 59
ERR_PROC_ABORTED: Final = 60
ERR_ERRHANDLER: Final = 61
ERR_ABI: Final = 62
ERR_REVOKED: Final = 63
ERR_PROC_FAILED: Final = 64
ERR_PROC_FAILED_PENDING: Final = 65
ERR_LASTCODE: Final = 65
"""The largest predefined class; the classes and codes that a program adds lie above."""

_MEANINGS: Final = (
    "SUCCESS: no error",
    "ERR_BUFFER: invalid buffer",
    "ERR_COUNT: invalid count",
    "ERR_TYPE: invalid datatype",
    "ERR_TAG: invalid tag",
    "ERR_COMM: invalid communicator",
    "ERR_RANK: invalid rank",
    "ERR_REQUEST: invalid request",
    "ERR_ROOT: invalid root",
    "ERR_GROUP: invalid group",
    "ERR_OP: invalid reduction operation",
    "ERR_TOPOLOGY: invalid communicator topology",
    "ERR_DIMS: invalid topology dimension",
    "ERR_ARG: invalid argument",
    "ERR_UNKNOWN: unknown error",
    "ERR_TRUNCATE: message truncated, it is longer than the receive buffer",
    "ERR_OTHER: other error",
    "ERR_INTERN: internal error",
    "ERR_PENDING: pending request",
    "ERR_IN_STATUS: the error code is in the status",
    "ERR_ACCESS: permission denied",
    "ERR_AMODE: invalid access mode of a file",
    "ERR_ASSERT: invalid assertion",
    "ERR_BAD_FILE: invalid file name",
    "ERR_BASE: invalid base address",
    "ERR_CONVERSION: error in a data conversion function",
    "ERR_DISP: invalid displacement",
    "ERR_DUP_DATAREP: data representation already registered",
    "ERR_FILE_EXISTS: file exists",
    "ERR_FILE_IN_USE: file in use",
    "ERR_FILE: invalid file handle",
    "ERR_INFO_KEY: info key longer than MAX_INFO_KEY or empty",
    "ERR_INFO_NOKEY: no such info key",
    "ERR_INFO_VALUE: info value longer than MAX_INFO_VAL",
    "ERR_INFO: invalid info object",
    "ERR_IO: input/output error",
    "ERR_KEYVAL: invalid attribute key",
    "ERR_LOCKTYPE: invalid lock type",
    "ERR_NAME: service name not published",
    "ERR_NO_MEM: out of memory",
    "ERR_NOT_SAME: a collective argument is not the same on all ranks",
    "ERR_NO_SPACE: no space left",
    "ERR_NO_SUCH_FILE: no such file",
    "ERR_PORT: invalid port",
    "ERR_QUOTA: quota exceeded",
    "ERR_READ_ONLY: file or file system is read-only",
    "ERR_RMA_CONFLICT: conflicting accesses to a window",
    "ERR_RMA_SYNC: wrong synchronisation of one-sided calls",
    "ERR_SERVICE: invalid service name",
    "ERR_SIZE: invalid size",
    "ERR_SPAWN: error while spawning processes",
    "ERR_UNSUPPORTED_DATAREP: unsupported data representation",
    "ERR_UNSUPPORTED_OPERATION: unsupported operation",
    "ERR_WIN: invalid window",
    "ERR_RMA_RANGE: target memory is not within the window",
    "ERR_RMA_ATTACH: memory cannot be attached to the window",
    "ERR_RMA_FLAVOR: wrong kind of window",
    "ERR_RMA_SHARED: memory cannot be shared",
    "ERR_SESSION: invalid session",
    "ERR_VALUE_TOO_LARGE: value too large to be stored",
    "ERR_PROC_ABORTED: a peer has aborted",
    "ERR_ERRHANDLER: invalid error handler",
    "ERR_ABI: incompatible binary interface",
    "ERR_REVOKED: communicator revoked",
    "ERR_PROC_FAILED: a process has failed",
    "ERR_PROC_FAILED_PENDING: pending, a process has failed",
)


class _Added:
    """The error classes, codes and strings that one rank has added."""

    __slots__ = ("classes", "last", "strings")

    def __init__(self) -> None:
        self.classes: dict[int, int] = {}
        self.strings: dict[int, str] = {}
        self.last = ERR_LASTCODE

    def new(self, errorclass: int | None) -> int:
        self.last += 1
        self.classes[self.last] = self.last if errorclass is None else errorclass
        self.strings[self.last] = ""
        return self.last


def _added() -> _Added:
    return local("mpi.errors", _Added)


def last_used_code() -> int:
    """Return the largest error code in use, the value of the attribute `LASTUSEDCODE`."""
    return _added().last


def Get_error_class(errorcode: int) -> int:
    """Return the error class that *errorcode* belongs to.

    Raises:
        Exception: of class `ERR_ARG`: no such error code.
    """
    if 0 <= errorcode <= ERR_LASTCODE:
        return errorcode
    try:
        return _added().classes[errorcode]
    except KeyError:
        raise Exception(ERR_ARG, f"no error code {errorcode}") from None


def Get_error_string(errorcode: int) -> str:
    """Return what *errorcode* means, in words.

    Raises:
        Exception: of class `ERR_ARG`: no such error code.
    """
    if 0 <= errorcode <= ERR_LASTCODE:
        return "MPI_" + _MEANINGS[errorcode]
    try:
        return _added().strings[errorcode]
    except KeyError:
        raise Exception(ERR_ARG, f"no error code {errorcode}") from None


def Add_error_class() -> int:
    """Add an error class to this rank and return it."""
    return _added().new(None)


def Add_error_code(errorclass: int) -> int:
    """Add an error code of *errorclass* to this rank and return it."""
    Get_error_class(errorclass)
    return _added().new(errorclass)


def Add_error_string(errorcode: int, string: str) -> None:
    """Say what an added *errorcode* means.

    Raises:
        Exception: of class `ERR_ARG`: a predefined code or none, or the string is too long.
    """
    _check_added(errorcode)
    _added().strings[errorcode] = string


def Remove_error_class(errorclass: int) -> None:
    """Remove an error class that this rank added; its string and codes must be gone.

    Raises:
        Exception: of class `ERR_ARG`: it is predefined, or it has a string or codes left.
    """
    _check_added(errorclass)
    classes = _added().classes
    if list(classes.values()).count(errorclass) != 1:
        raise Exception(ERR_ARG, f"error class {errorclass} still has error codes")
    _forget(errorclass)


def Remove_error_code(errorcode: int) -> None:
    """Remove an error code that this rank added; its string must be gone.

    Raises:
        Exception: of class `ERR_ARG`: it is predefined or an error class, or it has a string left.
    """
    _check_added(errorcode)
    if _added().classes[errorcode] == errorcode:
        raise Exception(ERR_ARG, f"{errorcode} is an error class")
    _forget(errorcode)


def Remove_error_string(errorcode: int) -> None:
    """Take back the words of an error code that this rank added.

    Raises:
        Exception: of class `ERR_ARG`: it is predefined.
    """
    _check_added(errorcode)
    _added().strings[errorcode] = ""


def _check_added(errorcode: int) -> None:
    if errorcode not in _added().classes:
        raise Exception(ERR_ARG, f"{errorcode} is not an error code that this program added")


def _forget(errorcode: int) -> None:
    added = _added()
    if added.strings[errorcode]:
        raise Exception(ERR_ARG, f"error code {errorcode} still has a string")
    del added.classes[errorcode], added.strings[errorcode]
    added.last = max(added.classes, default=ERR_LASTCODE)


class Exception(RuntimeError):  # noqa: A001 - MPI's name for it
    """An error of MPI, with its error code. Compares as the number.

    Args:
        ierr: the error code; a negative one stands as `ERR_UNKNOWN`.
        detail: what was wrong in this case, added to the words of the code.

    Attributes:
        detail: as given, empty when nothing was.
        told: whether an error handler has been told of it.
    """

    told = False

    def __init__(self, ierr: int = SUCCESS, detail: str = "", /) -> None:
        code = int(ierr)
        if code < 0:
            code = ERR_UNKNOWN
        super().__init__(code)
        self.args = (code,)
        self.detail = detail

    def __str__(self) -> str:
        text = self.Get_error_string()
        return f"{text} ({self.detail})" if self.detail else text

    def __repr__(self) -> str:
        return f"MPI.Exception({self.args[0]})"

    def __int__(self) -> int:
        return self.Get_error_code()

    def __bool__(self) -> bool:
        return self.Get_error_code() != SUCCESS

    def __hash__(self) -> int:
        return hash(self.args[0])

    def __eq__(self, other: object, /) -> bool:
        if isinstance(other, Exception):
            return self.Get_error_code() == other.Get_error_code()
        return bool(self.Get_error_code() == other)

    def __ne__(self, other: object, /) -> bool:
        return not self == other

    def __lt__(self, other: int | Exception, /) -> bool:
        return self.Get_error_code() < _number(other)

    def __le__(self, other: int | Exception, /) -> bool:
        return self.Get_error_code() <= _number(other)

    def __gt__(self, other: int | Exception, /) -> bool:
        return self.Get_error_code() > _number(other)

    def __ge__(self, other: int | Exception, /) -> bool:
        return self.Get_error_code() >= _number(other)

    def Get_error_code(self) -> int:
        """Return the error code."""
        code: int = self.args[0]
        return code

    def Get_error_class(self) -> int:
        """Return the class of the error code, `ERR_UNKNOWN` if this rank knows no such code."""
        code = self.Get_error_code()
        if code <= ERR_LASTCODE:
            return code
        return _added().classes.get(code, ERR_UNKNOWN)

    def Get_error_string(self) -> str:
        """Return what the error code means, as far as this rank knows it."""
        code = self.Get_error_code()
        if code <= ERR_LASTCODE:
            return Get_error_string(code)
        return _added().strings.get(code, f"error code {code}")

    @property
    def error_code(self) -> int:
        """The error code."""
        return self.Get_error_code()

    @property
    def error_class(self) -> int:
        """The class of the error code."""
        return self.Get_error_class()

    @property
    def error_string(self) -> str:
        """What the error code means."""
        return self.Get_error_string()


def _number(other: int | Exception) -> int:
    return other.Get_error_code() if isinstance(other, Exception) else other


MPIError = Exception
"""The same class under a name that does not hide Python's own in the modules of this package."""
