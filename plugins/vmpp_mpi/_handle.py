"""What all handles have in common: a small object that refers to the thing, or to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Self, TypeAlias, TypeVar

from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._local import local

T = TypeVar("T")
H = TypeVar("H", bound="AnyHandle[Any]")

Family: TypeAlias = "tuple[type[AnyHandle[Any]]]"
"""A kind of handle. In a tuple, because a class is not to show itself among its own members."""

_FIRST_OWN: Final = 1 << 16
"""Handles of what a rank made count from here; predefined ones from 1."""


class AnyHandle(Generic[T]):
    """What handles do, without a place for what they refer to; `Handle` has one.

    Two handles are equal when they refer to the same thing. Predefined handles are shared by all
    ranks: what they refer to never changes. A kind of handle derives from this class once and names
    itself as `_family`; `_error` is the error class of using its null handle.
    """

    __slots__ = ()

    _family: ClassVar[Family]
    _error: ClassVar[int]

    if TYPE_CHECKING:

        @property
        def _ref(self) -> T | None: ...

        @_ref.setter
        def _ref(self, ref: T | None) -> None: ...

    @classmethod
    def _wrap(cls, ref: T | None) -> Self:
        """Make a handle that refers to *ref*."""
        handle = object.__new__(cls)
        handle._ref = ref
        return handle

    @classmethod
    def _copy(cls, other: AnyHandle[T] | None) -> Self:
        """Make a handle that refers to what *other* refers to; nothing if it is None."""
        if other is None:
            return cls._wrap(None)
        if not isinstance(other, cls._family):
            raise TypeError(f"expected {cls._family[0].__name__}, got {type(other).__name__}")
        return cls._wrap(other._ref)

    def _get(self) -> T:
        """Return what the handle refers to.

        Raises:
            MPIError: of the kind's own error class: the handle is null.
        """
        ref = self._ref
        if ref is None:
            raise MPIError(self._error, "null handle")
        return ref

    def __eq__(self, other: object, /) -> bool:
        if not isinstance(other, self._family):
            return NotImplemented
        return self._ref is other._ref

    __hash__ = None  # type: ignore[assignment] # as in mpi4py: a handle can become null

    def __bool__(self) -> bool:
        return self._ref is not None

    def __reduce__(self) -> str | tuple[Any, ...]:
        found = _predefined.get((self._family, self._ref))
        if found is None:
            return self._reduce()
        number, name = found
        constant = _by_number[number]
        return name if constant is self else (type(self), (constant,))

    def _reduce(self) -> str | tuple[Any, ...]:
        raise ValueError(f"cannot pickle a user-defined {self._family[0].__name__}")

    @property
    def handle(self) -> int:
        """A number that stands for what the handle refers to, the same as long as that lives."""
        found = _predefined.get((self._family, self._ref))
        if found is not None:
            return found[0]
        own = _own()
        for number, other in own.items():
            if type(other)._family is self._family and other._ref is self._ref:
                return number
        number = _FIRST_OWN + len(own)
        own[number] = type(self)._wrap(self._ref)
        return number

    @classmethod
    def fromhandle(cls, handle: int) -> Self:
        """Return a handle to what the number *handle* stands for.

        Raises:
            MPIError: it stands for nothing of this kind.
        """
        found = _by_number.get(handle, _own().get(handle))
        if found is None or found._family is not cls._family:
            raise MPIError(cls._error, f"no such handle: {handle}")
        return cls._wrap(found._ref)

    def toint(self) -> int:
        """Return the number of the handle."""
        return self.handle

    @classmethod
    def fromint(cls, arg: int, /) -> Self:
        """Return the handle of that number."""
        return cls.fromhandle(arg)

    def py2f(self) -> int:
        """Return the number of the handle, as Fortran would have it."""
        return self.handle

    @classmethod
    def f2py(cls, arg: int) -> Self:
        """Return the handle of that number, as Fortran would have it."""
        return cls.fromhandle(arg)


class Handle(AnyHandle[T]):
    """A reference to something of MPI's, null when it refers to nothing."""

    __slots__ = ("__weakref__", "_ref")

    _ref: T | None


_predefined: Final[dict[tuple[Family, object], tuple[int, str]]] = {}
_by_number: Final[dict[int, Any]] = {}


def _own() -> dict[int, AnyHandle[Any]]:
    """Return the handles of the running rank that were asked for their numbers."""
    return local("mpi.handles", dict)


def predefine(name: str, handle: H) -> H:
    """Give a predefined *handle* its number and the *name* under which it is pickled."""
    number = 1 + len(_by_number)
    _predefined[handle._family, handle._ref] = number, name
    _by_number[number] = handle
    return handle


def is_predefined(handle: AnyHandle[Any]) -> bool:
    """Return whether *handle* is one of those that MPI comes with, null included."""
    return (handle._family, handle._ref) in _predefined


def forget(handle: AnyHandle[Any]) -> None:
    """Make *handle* null, and its number stand for nothing in this rank; a constant stays."""
    found = _predefined.get((handle._family, handle._ref))
    if found is not None and _by_number[found[0]] is handle:
        return
    own = _own()
    for number, other in own.items():
        if other._family is handle._family and other._ref is handle._ref:
            own[number] = type(handle)._wrap(None)
            break
    handle._ref = None
