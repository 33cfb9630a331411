"""Error handlers: what becomes of an error in a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Self

from vmpp_mpi._errors import ERR_ERRHANDLER
from vmpp_mpi._handle import Handle, forget, predefine


class Handler:
    """What a handle `Errhandler` refers to.

    Attributes:
        function: a program's own, called with the object that the error is about and the error
            code; None for the predefined handlers.
    """

    __slots__ = ("function",)

    def __init__(self, function: Callable[[Any, int], object] | None = None) -> None:
        self.function = function


class Errhandler(Handle[Handler]):
    """An error handler. Null when made of nothing."""

    __slots__ = ()

    _error = ERR_ERRHANDLER

    def __new__(cls, errhandler: Errhandler | None = None) -> Self:
        """Make a second handle to what *errhandler* refers to."""
        return cls._copy(errhandler)

    @classmethod
    def of(cls, function: Callable[[Any, int], object]) -> Self:
        """Make a handler of a program's own function; for the library's own use."""
        return cls._wrap(Handler(function))

    @property
    def function(self) -> Callable[[Any, int], object] | None:
        """A program's own function, None for predefined handlers; for the library's own use."""
        return self._get().function

    def Free(self) -> None:
        """Make the handle null; one of the constants stays what it is.

        Raises:
            MPIError: of class `ERR_ERRHANDLER`: the handle is null.
        """
        self._get()
        forget(self)

    def free(self) -> None:
        """Make the handle null unless it is a constant."""
        forget(self)


Errhandler._family = Errhandler

ERRHANDLER_NULL: Final = predefine("ERRHANDLER_NULL", Errhandler())
ERRORS_RETURN: Final = predefine("ERRORS_RETURN", Errhandler._wrap(Handler()))
ERRORS_ABORT: Final = predefine("ERRORS_ABORT", Errhandler._wrap(Handler()))
ERRORS_ARE_FATAL: Final = predefine("ERRORS_ARE_FATAL", Errhandler._wrap(Handler()))
