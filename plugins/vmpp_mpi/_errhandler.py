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
        freed: whether the program has freed it. What has it keeps it.
    """

    __slots__ = ("freed", "function")

    def __init__(self, function: Callable[[Any, int], object] | None = None) -> None:
        self.function = function
        self.freed = False


class Errhandler(Handle[Handler]):
    """An error handler. Null when made of nothing."""

    __slots__ = ()

    _error = ERR_ERRHANDLER

    def __new__(cls, errhandler: Errhandler | None = None) -> Self:
        """Make a second handle to what *errhandler* refers to."""
        return cls._copy(errhandler)

    @property
    def function(self) -> Callable[[Any, int], object] | None:
        """A program's own function, None for predefined handlers; for the library's own use."""
        return self._get().function

    def Free(self) -> None:
        """Free the handler and make the handle null; one of the constants stays what it is.

        What has the handler keeps it.

        Raises:
            MPIError: of class `ERR_ERRHANDLER`: the handle is null.
        """
        handler = self._get()
        if handler.function is not None:
            handler.freed = True
        forget(self)

    def free(self) -> None:
        """Free the handler, if there is one."""
        if self._ref is not None:
            self.Free()


Errhandler._family = (Errhandler,)

ERRHANDLER_NULL: Final = predefine("ERRHANDLER_NULL", Errhandler())
ERRORS_RETURN: Final = predefine("ERRORS_RETURN", Errhandler._wrap(Handler()))
ERRORS_ABORT: Final = predefine("ERRORS_ABORT", Errhandler._wrap(Handler()))
ERRORS_ARE_FATAL: Final = predefine("ERRORS_ARE_FATAL", Errhandler._wrap(Handler()))
