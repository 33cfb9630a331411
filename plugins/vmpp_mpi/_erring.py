"""What becomes of errors in calls on a communicator, window, file or session.

A kind of handle that has an error handler derives from `Erring`. What it refers to has it in two
attributes: `errhandler`, as the program set it, and `on_error`, which is called about an error
before it is raised. Both are None from the start: then ``mpi4py.rc.errors`` says what becomes of
errors, by default that they are exceptions.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ClassVar, Final, NoReturn, TypeVar

from mpi4py import rc

from vmpp_mpi._errhandler import (
    ERRORS_ABORT,
    ERRORS_ARE_FATAL,
    ERRORS_RETURN,
    Errhandler,
    Handler,
)
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._handle import AnyHandle, Family, Handle
from vmpp_mpi._local import local

T = TypeVar("T")

OnError = Callable[[Any, MPIError], object]
"""Called with what an error is about, and with the error."""

_AT_ONCE: Final = 32
"""How many handlers of a program's own there may be at once for a kind of handle, as in mpi4py."""


_BY_NAME: Final = {
    "abort": ERRORS_ABORT,
    "exception": ERRORS_RETURN,
    "fatal": ERRORS_ARE_FATAL,
}
"""The error handlers that ``mpi4py.rc.errors`` names."""


def _standing(default: Errhandler) -> Errhandler:
    """Return the error handler of what the program has set none for, *default* if MPI is to say.

    Raises:
        RuntimeError: ``mpi4py.rc.errors`` names none.
    """
    if rc.errors == "default":
        return default
    try:
        return _BY_NAME[rc.errors]
    except KeyError:
        names = ", ".join(sorted((*_BY_NAME, "default")))
        raise RuntimeError(f"mpi4py.rc.errors is {rc.errors!r}, not one of {names}") from None


def _made() -> dict[Family, list[Handler]]:
    """Return the handlers that the rank has made, by the kind of handle that they are for."""
    return local("mpi.errhandlers", dict)


class ErrorCalls(AnyHandle[T]):
    """The calls about error handlers; `Erring` is a handle that has them."""

    __slots__ = ()

    _default_errhandler: ClassVar[Errhandler] = ERRORS_ARE_FATAL
    """What MPI itself has errors treated by."""

    def _holder(self) -> Any:
        """Return the object that keeps the error handler."""
        return self._get()

    @classmethod
    def _handle_to(cls, holder: Any) -> Any:
        """Return a handle to what a holder is, for a program's own function."""
        return cls._wrap(holder)

    @classmethod
    def Create_errhandler(cls, errhandler_fn: Callable[[Any, int], object]) -> Errhandler:
        """Return an error handler that calls a function with the handle and the error code.

        Raises:
            RuntimeError: there are 32 of them that have not been freed.
            TypeError: it is no function.
        """
        if not callable(errhandler_fn):
            raise TypeError(f"expected a function, got {type(errhandler_fn).__name__}")
        made = _made().setdefault(cls._family, [])
        made[:] = [handler for handler in made if not handler.freed]
        if len(made) >= _AT_ONCE:
            raise RuntimeError(f"no more than {_AT_ONCE} error handlers of one's own at once")
        handler = Handler(errhandler_fn)
        made.append(handler)
        return Errhandler._wrap(handler)

    def Get_errhandler(self) -> Errhandler:
        """Return the error handler; `ERRORS_RETURN` raises exceptions, as does none other."""
        return Errhandler(self._holder().errhandler or _standing(self._default_errhandler))

    def Set_errhandler(self, errhandler: Errhandler) -> None:
        """Say what becomes of errors.

        Raises:
            MPIError: `ERR_ERRHANDLER`: the handler is null.
        """
        holder = self._holder()
        function = errhandler.function
        # A second handle, since the program's may become null.
        holder.errhandler = Errhandler(errhandler)
        if function is not None:
            holder.on_error = self._calling(function)
        elif errhandler in (ERRORS_ARE_FATAL, ERRORS_ABORT):
            holder.on_error = end_job
        else:
            holder.on_error = None

    def Call_errhandler(self, errorcode: int) -> None:
        """Call the error handler with an error code."""
        holder = self._holder()
        if holder.on_error is not None:
            holder.on_error(holder, MPIError(errorcode))

    @classmethod
    def _calling(cls, function: Callable[[Any, int], object]) -> OnError:
        def on_error(holder: Any, error: MPIError) -> None:
            function(cls._handle_to(holder), error.Get_error_code())

        return on_error


class Erring(ErrorCalls[T], Handle[T]):
    """A handle to something that has an error handler."""

    __slots__ = ()


def failure(holder: Any, code: int, detail: str = "") -> MPIError:
    """Treat an error as the error handler of a *holder* wants it.

    Returns:
        The exception to be raised, if the handler lets the program go on at all.
    """
    return told(holder, MPIError(code, detail))


def told(holder: Any, error: MPIError, default: Errhandler = ERRORS_ARE_FATAL) -> MPIError:
    """Tell the error handler of a *holder* of an *error*, and return the error.

    Args:
        holder: of the error handler.
        error: that has come up.
        default: the error handler that MPI has for such a holder, where the program wants that.
    """
    if holder.on_error is not None:
        holder.on_error(holder, error)
    elif holder.errhandler is None and _standing(default) != ERRORS_RETURN:
        end_job(holder, error)
    return error


def end_job(holder: Any, error: MPIError) -> NoReturn:
    """End the job because of an error: what the handlers do that are fatal."""
    from vmpp_mpi._state import mpi_state  # noqa: PLC0415 - which needs this module's handlers

    process = mpi_state().process
    name = getattr(holder, "name", "")
    where = f" in {name}" if name else ""
    print(f"Fatal error on rank {process.rank}{where}: {error}", file=sys.stderr)
    sys.stderr.flush()
    process.abort(error.Get_error_class())
