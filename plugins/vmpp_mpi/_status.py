"""What is known of a message that was received, probed for or completed."""

from __future__ import annotations

from array import array
from operator import index
from typing import Any, Final, Self

from vmpp_mpi._constants import (
    ANY_SOURCE,
    ANY_TAG,
    F_ERROR,
    F_SOURCE,
    F_STATUS_SIZE,
    F_TAG,
    UNDEFINED,
)
from vmpp_mpi._datatype import BYTE, Datatype
from vmpp_mpi._errors import ERR_COUNT, SUCCESS
from vmpp_mpi._errors import Exception as MPIError

_F_BYTES: Final = 3
_F_CANCELLED: Final = 5
_WORD: Final = 1 << 31


class Status:
    """Source, tag, error and size of a message, and whether the operation was cancelled."""

    __slots__ = ("__weakref__", "_cancelled", "_error", "_nbytes", "_source", "_tag", "_words")

    _source: int
    _tag: int
    _error: int
    _nbytes: int
    _cancelled: bool
    _words: array[int] | None
    """What `tomemory` has handed out: it shows the status, and writing to it changes that."""

    def __new__(cls, status: Status | None = None) -> Self:
        """Make a copy of *status*, or one that nothing is known of yet."""
        made = super().__new__(cls)
        made._words = None
        if status is None:
            made._source, made._tag, made._error = ANY_SOURCE, ANY_TAG, SUCCESS
            made._nbytes, made._cancelled = 0, False
        elif isinstance(status, Status):
            status._look()
            made._source, made._tag, made._error = status._source, status._tag, status._error
            made._nbytes, made._cancelled = status._nbytes, status._cancelled
        else:
            raise TypeError(f"expected Status, got {type(status).__name__}")
        return made

    def fill(
        self, source: int, tag: int, nbytes: int, error: int = SUCCESS, cancelled: bool = False
    ) -> None:
        """Store all there is to know; for the library's own use."""
        self._source = source
        self._tag = tag
        self._nbytes = nbytes
        self._error = error
        self._cancelled = cancelled
        if self._words is not None:
            self._show()

    def _show(self) -> None:
        """Have the memory that was handed out show the status."""
        if self._words is not None:
            self._words[:] = array("i", self._packed())

    def _look(self) -> None:
        """Take over what the program wrote into the memory that was handed out."""
        words = self._words
        if words is not None:
            self._source, self._tag, self._error = words[F_SOURCE], words[F_TAG], words[F_ERROR]
            self._nbytes = words[_F_BYTES + 1] * _WORD + words[_F_BYTES]
            self._cancelled = bool(words[_F_CANCELLED])

    def _packed(self) -> list[int]:
        words = [0] * F_STATUS_SIZE
        words[F_SOURCE], words[F_TAG], words[F_ERROR] = self._source, self._tag, self._error
        words[_F_BYTES + 1], words[_F_BYTES] = divmod(self._nbytes, _WORD)
        words[_F_CANCELLED] = int(self._cancelled)
        return words

    def __eq__(self, other: object, /) -> bool:
        if not isinstance(other, Status):
            return NotImplemented
        return self.__getstate__() == other.__getstate__()

    __hash__ = None  # type: ignore[assignment] # as in mpi4py: a status changes

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (), self.__getstate__()

    def __getstate__(self) -> dict[str, int]:
        self._look()
        return {
            "source": self._source,
            "tag": self._tag,
            "error": self._error,
            "count": self._nbytes,
            "cancelled": self._cancelled,
        }

    def __setstate__(self, state: dict[str, int]) -> None:
        self.fill(
            state["source"],
            state["tag"],
            state["count"],
            state["error"],
            bool(state["cancelled"]),
        )

    def Get_source(self) -> int:
        """Return the rank that sent the message."""
        if self._words is not None:
            self._look()
        return self._source

    def Set_source(self, source: int) -> None:
        """Say which rank sent the message."""
        self._look()
        self._source = index(source)
        self._show()

    def Get_tag(self) -> int:
        """Return the tag of the message."""
        if self._words is not None:
            self._look()
        return self._tag

    def Set_tag(self, tag: int) -> None:
        """Say what tag the message has."""
        self._look()
        self._tag = index(tag)
        self._show()

    def Get_error(self) -> int:
        """Return the error code of the operation."""
        if self._words is not None:
            self._look()
        return self._error

    def Set_error(self, error: int) -> None:
        """Say with what error code the operation ended."""
        self._look()
        self._error = index(error)
        self._show()

    def Get_count(self, datatype: Datatype = BYTE) -> int:
        """Return how many elements of *datatype* arrived, `UNDEFINED` if no whole number."""
        self._look()
        size = datatype._get().size
        if size == 0:
            return 0 if self._nbytes == 0 else UNDEFINED
        return UNDEFINED if self._nbytes % size else self._nbytes // size

    def Get_elements(self, datatype: Datatype) -> int:
        """Return how many numbers the message has, where *datatype* may be made of several."""
        self._look()
        count = datatype._get().elements(self._nbytes)
        return UNDEFINED if count is None else count

    def Set_elements(self, datatype: Datatype, count: int) -> None:
        """Say that the message has *count* numbers, of which elements of *datatype* are made.

        So `Get_elements` returns that count, and `Get_count` as many elements as they make.

        Raises:
            MPIError: of class `ERR_COUNT`: the count is negative.
        """
        if count < 0:
            raise MPIError(ERR_COUNT, f"negative count {count}")
        self._look()
        self._nbytes = datatype._get().bytes_of(count)
        self._show()

    def Is_cancelled(self) -> bool:
        """Return whether the operation was cancelled."""
        if self._words is not None:
            self._look()
        return self._cancelled

    def Set_cancelled(self, flag: bool) -> None:
        """Say whether the operation was cancelled."""
        self._look()
        self._cancelled = bool(flag)
        self._show()

    def tomemory(self) -> memoryview:
        """Return the status as Fortran's integers; writing to them changes it."""
        if self._words is None:
            self._words = array("i", self._packed())
        return memoryview(self._words)

    def py2f(self) -> list[int]:
        """Return the status as Fortran's integers; see `F_SOURCE`, `F_TAG` and `F_ERROR`."""
        self._look()
        return self._packed()

    @classmethod
    def f2py(cls, arg: list[int]) -> Self:
        """Return the status that Fortran's integers stand for."""
        status = cls()
        nbytes = arg[_F_BYTES + 1] * _WORD + arg[_F_BYTES]
        status.fill(arg[F_SOURCE], arg[F_TAG], nbytes, arg[F_ERROR], bool(arg[_F_CANCELLED]))
        return status

    @property
    def source(self) -> int:
        """The rank that sent the message."""
        return self.Get_source()

    @source.setter
    def source(self, value: int) -> None:
        self.Set_source(value)

    @property
    def tag(self) -> int:
        """The tag of the message."""
        return self.Get_tag()

    @tag.setter
    def tag(self, value: int) -> None:
        self.Set_tag(value)

    @property
    def error(self) -> int:
        """The error code of the operation."""
        return self.Get_error()

    @error.setter
    def error(self, value: int) -> None:
        self.Set_error(value)

    @property
    def count(self) -> int:
        """The size of the message in bytes."""
        return self.Get_count(BYTE)

    @count.setter
    def count(self, value: int) -> None:
        self.Set_elements(BYTE, index(value))

    @property
    def cancelled(self) -> bool:
        """Whether the operation was cancelled."""
        return self.Is_cancelled()

    @cancelled.setter
    def cancelled(self, value: bool) -> None:
        self.Set_cancelled(value)
